/**
 * Ring 0 at rest: what heartbeats and comparing cost one of many masters.
 *
 * @module
 */

import { BENCH, capture, DENO } from "./_environment.ts";
import type { OneMaster, Window } from "./_masters_one.ts";
import { measureBringUp, measurePropagation } from "./_masters_two.ts";
import type { Figure, Report } from "./_report.ts";
import type { Workplace } from "./_servers.ts";
import { spread } from "./_statistics.ts";

/** Networks: servers, each on so many masters. */
const SERVERS = [10_000, 100_000];
const MASTERS = [2, 5, 16, 100];

/** Some of the larger networks again with one server of so many changing each minute. */
const CHANGING = 10;
const CHANGING_MASTERS = [16, 100];

const KILOBYTE = 1000;

async function runOne(
  servers: number,
  masters: number,
  changing: number,
): Promise<OneMaster> {
  const numbers = [servers, masters, changing].map(String);
  const program = `${BENCH}_masters_one.ts`;
  const args = ["run", "--frozen", "--allow-all", program, ...numbers];
  const finished = await capture(DENO, args);
  if (!finished?.ok) throw new Error(`a master failed: ${finished?.stderr ?? "it is gone"}`);
  const result: OneMaster = JSON.parse(finished.stdout);
  if (result.listed !== servers) {
    throw new Error(`a master lists ${result.listed} servers of ${servers}`);
  }
  return result;
}

function figuresOf({ windows, crypto }: OneMaster): Figure[] {
  const figure = (name: string, unit: string, of: (window: Window) => number): Figure => {
    return { name, unit, value: spread(windows.map(of)) };
  };
  return [
    figure("sent", "KB", ({ sentBytes }) => sentBytes / KILOBYTE),
    figure("received", "KB", ({ receivedBytes }) => receivedBytes / KILOBYTE),
    figure("frames", "", ({ frames }) => frames),
    figure("cpu of registry and mesh", "ms", ({ cpu }) => cpu),
    ...(crypto === undefined
      ? []
      : [{ name: "of encryption", unit: "ms", value: spread([crypto]) }]),
  ];
}

async function measureRest(report: Report): Promise<void> {
  for (const servers of SERVERS) {
    const section = `ring 0, ${servers} servers, a heartbeat each 300 s: one master, a second`;
    for (const masters of MASTERS) {
      const figures = figuresOf(await runOne(servers, masters, 0));
      report({ type: "figures", section, subject: `one of ${masters}, others modelled`, figures });
    }
  }
  const servers = Math.max(...SERVERS);
  const section =
    `the same, ${servers} servers, every ${CHANGING}th with other players each minute`;
  for (const masters of CHANGING_MASTERS) {
    const figures = figuresOf(await runOne(servers, masters, CHANGING));
    const subject = `one of ${masters}, no comparing by others`;
    report({ type: "figures", section, subject, figures });
  }
}

/** Masters among each other: at rest, when one is new, and when a server is. */
export async function measureMasters(workplace: Workplace, report: Report): Promise<void> {
  await measureRest(report);
  await measureBringUp(workplace, report);
  await measurePropagation(workplace, report);
}
