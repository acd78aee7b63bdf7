/**
 * Benchmarks of the whole daemon: `deno task bench [--json] [--save] [PART…]`.
 *
 * Parts are list, heartbeat, start, restart, memory, handshake, seal, browse, subscribe, ring0 and
 * network; all of them unless some are named. Each line goes to standard output, with `--json` as a JSON
 * object. `--save` writes the report to bench/results/latest.md too. docs/benchmarks.md tells how to
 * read it.
 *
 * @module
 */

import { measureHandshakes, measureMessages } from "./_channel.ts";
import { NO_COMPILER } from "./_compile.ts";
import {
  BENCH,
  describeMachine,
  isIsolated,
  onInterrupt,
  print,
  runIsolated,
  tell,
} from "./_environment.ts";
import { measureFanOut } from "./_fan_out.ts";
import { measureMemory, measureRestart, measureStart } from "./_life.ts";
import { compilePrograms, type CPrograms } from "./_load.ts";
import { measureNetwork } from "./_network.ts";
import { measureMasters } from "./_masters.ts";
import { type Line, makeReport, type Report } from "./_report.ts";
import { measureSecureLists } from "./_secure_lists.ts";
import { killServers, makeWorkplace, type Workplace } from "./_servers.ts";
import { measureHeartbeats, measureLists } from "./_traffic.ts";

const EXIT_OK = 0;
const EXIT_USAGE = 64;
const EXIT_UNAVAILABLE = 69;
const EXIT_INTERRUPTED = 130;

type Part = (
  workplace: Workplace,
  programs: CPrograms | undefined,
  report: Report,
) => Promise<void>;

function withPrograms(
  section: string,
  measure: (workplace: Workplace, programs: CPrograms, report: Report) => Promise<void>,
): Part {
  return async (workplace, programs, report) => {
    if (programs) await measure(workplace, programs, report);
    else report({ type: "skipped", section, reason: NO_COMPILER });
  };
}

const PARTS: Readonly<Record<string, Part>> = {
  list: withPrograms("lists", measureLists),
  heartbeat: withPrograms("heartbeats", measureHeartbeats),
  start: (workplace, _, report) => measureStart(workplace, report),
  restart: (workplace, _, report) => measureRestart(workplace, report),
  memory: (workplace, _, report) => measureMemory(workplace, report),
  handshake: (workplace, _, report) => measureHandshakes(workplace, report),
  seal: (workplace, _, report) => measureMessages(workplace, report),
  browse: (workplace, _, report) => measureSecureLists(workplace, report),
  subscribe: (workplace, _, report) => measureFanOut(workplace, report),
  ring0: (workplace, _, report) => measureMasters(workplace, report),
  network: withPrograms("ring 0", measureNetwork),
};

async function measure(names: readonly string[], report: Report): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "masterserver-bench-" });
  onInterrupt(() => {
    killServers();
    Deno.removeSync(directory, { recursive: true });
    Deno.exit(EXIT_INTERRUPTED);
  });
  try {
    const workplace = makeWorkplace(directory);
    const programs = await compilePrograms(workplace);
    for (const name of names) {
      tell(`measuring: ${name}`);
      await PARTS[name]?.(workplace, programs, report);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function save(machine: readonly string[], lines: readonly Line[]): Promise<void> {
  const text: string[] = [];
  const report = makeReport((line) => text.push(line), false);
  for (const line of lines) report(line);
  await Deno.mkdir(`${BENCH}results`, { recursive: true });
  await Deno.writeTextFile(
    `${BENCH}results/latest.md`,
    `# Results of a run

Written by \`deno task bench --save\`; how to read it is told in docs/benchmarks.md.

${machine.map((line) => `- ${line}`).join("\n")}

\`\`\`
${text.join("\n")}
\`\`\`
`,
  );
}

async function main(args: readonly string[]): Promise<number> {
  const flags = args.filter((arg) => arg.startsWith("-"));
  const named = args.filter((arg) => !arg.startsWith("-"));
  const unknown = [
    ...flags.filter((flag) => flag !== "--json" && flag !== "--save"),
    ...named.filter((name) => !Object.hasOwn(PARTS, name)),
  ];
  if (unknown.length > 0) {
    const parts = Object.keys(PARTS).join(", ");
    tell(`unknown: ${unknown.join(" ")}. Give --json, --save, or parts out of ${parts}.`);
    return EXIT_USAGE;
  }
  if (!isIsolated()) {
    const status = await runIsolated(import.meta.url, args);
    if (status !== undefined) return status;
    tell(
      "The benchmarks run in a network namespace of their own, which cannot be had here: " +
        "run them as root, or allow user namespaces, with unshare (util-linux) and ip (iproute2).",
    );
    return EXIT_UNAVAILABLE;
  }
  const json = flags.includes("--json");
  const machine = await describeMachine();
  if (json) print(JSON.stringify({ type: "machine", machine }));
  else print(`${machine.join("\n")}\n`);
  const lines: Line[] = [];
  const show = makeReport(print, json);
  await measure(named.length > 0 ? named : Object.keys(PARTS), (line) => {
    lines.push(line);
    show(line);
  });
  if (flags.includes("--save")) await save(machine, lines);
  return EXIT_OK;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
