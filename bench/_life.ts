/**
 * Starting, restarting and growing: times from exec to an answer, and memory.
 *
 * @module
 */

import { listAnswer } from "./_population.ts";
import type { Memory } from "./_proc.ts";
import { aim, type Report } from "./_report.ts";
import {
  prepareDatabase,
  type Server,
  startBareDeno,
  startMasterserver,
  type Workplace,
} from "./_servers.ts";
import { interleave, type Spread, spread } from "./_statistics.ts";

/** Servers of a restart, and of memory. */
const MANY_SERVERS = 100_000;

const START_RUNS = 9;
const RESTART_RUNS = 5;

/** Milliseconds after which memory is read: garbage of the start is collected by then. */
const MEMORY_SETTLE_MS = 8000;

/** Aims. */
const START_MS = 400;
const RESTART_MS = 2000;
const BYTES_PER_SERVER = 4096;

const MEGABYTE = 1024 * 1024;

function single(value: number): Spread {
  return spread([value]);
}

async function timeStart(starting: Promise<Server>): Promise<number> {
  const server = await starting;
  await server.stop();
  return server.startMs;
}

/** From exec to the first answer, with nothing to restore. */
export async function measureStart(workplace: Workplace, report: Report): Promise<void> {
  const section = "start with an empty database: exec to the first list answered";
  const database = await prepareDatabase(workplace, 0);
  const answerFile = `${workplace.directory}/hello`;
  await Deno.writeFile(answerFile, listAnswer(0));
  const starts = {
    "masterserver": () =>
      startMasterserver(workplace, { name: "masterserver", database, servers: 0 }),
    "bare Deno server": () => startBareDeno(workplace, answerFile),
  };
  const names = ["masterserver", "bare Deno server"] as const;
  const results = await interleave(names, START_RUNS, (name) => timeStart(starts[name]()));
  for (const [subject, times] of results) {
    const figures = [{ name: "time", unit: "ms", value: spread(times) }];
    report({ type: "figures", section, subject, figures });
  }
  const times = spread(results.get("masterserver") ?? []);
  report(aim(section, "masterserver", times, START_MS, "ms"));
}

/** From exec to a complete list, with many servers to restore. */
export async function measureRestart(workplace: Workplace, report: Report): Promise<void> {
  const section = `restart with ${MANY_SERVERS} servers: exec to the complete list answered`;
  const database = await prepareDatabase(workplace, MANY_SERVERS);
  const results = await interleave(
    ["masterserver"],
    RESTART_RUNS,
    (name) => timeStart(startMasterserver(workplace, { name, database, servers: MANY_SERVERS })),
  );
  const times = spread(results.get("masterserver") ?? []);
  report(aim(section, "masterserver", times, RESTART_MS, "ms"));
}

function memoryFigures({ rss, pss }: Memory) {
  const figure = (name: string, bytes: number) => ({
    name,
    unit: "MB",
    value: single(bytes / MEGABYTE),
  });
  return [figure("rss", rss), ...(pss === undefined ? [] : [figure("pss", pss)])];
}

/** Memory of all threads together, empty and with many servers; and what many cost when idle. */
export async function measureMemory(workplace: Workplace, report: Report): Promise<void> {
  const section = `memory of all threads, ${MEMORY_SETTLE_MS / 1000} s after the start`;
  const rss: number[] = [];
  for (const servers of [0, MANY_SERVERS]) {
    const subject = `masterserver, ${servers}`;
    const database = await prepareDatabase(workplace, servers);
    const server = await startMasterserver(workplace, { name: subject, database, servers });
    try {
      const before = server.cpuSeconds();
      await new Promise((resolve) => setTimeout(resolve, MEMORY_SETTLE_MS));
      const idle = (server.cpuSeconds() - before) / (MEMORY_SETTLE_MS / 1000) * 1000;
      const memory = server.memory();
      rss.push(memory.rss);
      report({
        type: "figures",
        section,
        subject,
        figures: [...memoryFigures(memory), {
          name: "cpu when idle, polls included",
          unit: "ms a second",
          value: single(idle),
        }],
      });
    } finally {
      await server.stop();
    }
  }
  const [empty = NaN, full = NaN] = rss;
  const perServer = single((full - empty) / MANY_SERVERS);
  report(aim(section, "a server", perServer, BYTES_PER_SERVER, "bytes"));
}
