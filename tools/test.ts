/**
 * Runs the tests: `deno task test [--strict] [arguments of deno test]`.
 *
 * Sets up what they use, fetches what comes from the network, then runs them all where there is no
 * network but a loopback interface of their own, so that the fixed ports are free and nothing
 * leaves the machine. Without paths among the arguments the slow ones come last, side by side, and
 * what they print comes when they end. `--strict` makes a skipped test a failure. The last line it prints is
 * `N passed, N failed, N skipped`.
 *
 * @module
 */

import { capture, complain, DENO, PLAIN_OUTPUT, run, say } from "./_process.ts";
import { ROOT } from "./_project.ts";
import { countTests, type TestCounts } from "./_junit.ts";
import { type Lane, lanesOf } from "./_lanes.ts";
import { setUpTests } from "./setup_tests.ts";

/** Tests that need the fixed ports run where this variable is `1`. */
const NAMESPACE_VARIABLE = "MASTERSERVER_TEST_NAMESPACE";

/** What the tests may do; imports from the network are not among it. */
const PERMISSIONS = [
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-run",
  "--allow-env",
  "--allow-sys",
  // For libgcrypt.
  "--allow-ffi",
];

/** As root directly; else as the root of a user namespace, where the system allows those. */
const NAMESPACES: readonly (readonly string[])[] = [["unshare", "-n"], ["unshare", "-rn"]];

/** Brings up loopback, which a new namespace has down, and becomes the command that follows. */
const WITH_LOOPBACK = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"];

/** What tests compile is bundled, and the bundler is fetched at its first use. */
const EMPTY_MODULE = "export {};\n";

async function main(args: readonly string[]): Promise<number> {
  const strict = args.includes("--strict");
  const testArgs = args.filter((arg) => arg !== "--strict");
  await setUpTests();
  const directory = await Deno.makeTempDir({ prefix: "masterserver-test-" });
  try {
    if (!await fetchDependencies(directory)) return 1;
    const prefix = await namespacePrefix();
    const isolated = prefix.length > 0;
    say(isolated ? "Running the tests in a network namespace." : NO_NAMESPACE);
    const env: Record<string, string> = isolated ? { [NAMESPACE_VARIABLE]: "1" } : {};
    const start = (lane: Lane, report: string): [string, readonly string[]] => {
      const [program = DENO, ...rest] = [...prefix, DENO, ...testArguments(lane, report, testArgs)];
      return [program, rest];
    };
    const hasPaths = testArgs.some((arg) => !arg.startsWith("-"));
    const { alone, together } = hasPaths ? EVERYTHING : lanesOf(await testFiles(`${ROOT}/tests`));
    const report = (index: number): string => `${directory}/report_${index}.xml`;
    const statuses = [await run(...start(alone, report(0)), { cwd: ROOT, env })];
    const finished = together.map(async (lane, index) => {
      const done = await capture(...start(lane, report(index + 1)), { cwd: ROOT, env });
      say(`--- ${lane.name}\n${done.stdout}${done.stderr}`.trimEnd());
      return done.code;
    });
    statuses.push(...await Promise.all(finished));
    const counts = await Promise.all(statuses.map((_, index) => readCounts(report(index))));
    return conclude(statuses.find((status) => status !== 0) ?? 0, sum(counts), strict);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const EVERYTHING = {
  alone: { name: "what was asked for", paths: [] },
  together: [],
};

function testArguments(lane: Lane, report: string, args: readonly string[]): readonly string[] {
  return [
    "test",
    "--frozen",
    "--cached-only",
    // By its name alone this file would be taken for one with tests.
    "--ignore=tools",
    ...PERMISSIONS,
    `--junit-path=${report}`,
    ...args,
    ...lane.paths,
  ];
}

/** Paths of all test files from the project's top, in order. */
async function testFiles(directory: string): Promise<readonly string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    if (isDirectory) files.push(...await testFiles(path));
    else if (name.endsWith("_test.ts")) files.push(path.slice(ROOT.length + 1));
  }
  return files.sort();
}

function sum(counts: readonly TestCounts[]): TestCounts {
  return {
    passed: counts.reduce((total, { passed }) => total + passed, 0),
    failed: counts.reduce((total, { failed }) => total + failed, 0),
    skipped: counts.flatMap(({ skipped }) => skipped),
  };
}

const NO_NAMESPACE =
  "Running the tests without a network namespace, which takes root (or user namespaces), unshare " +
  "and ip; those on the fixed ports will be skipped.";

/** Fetches all that tests need from the network, for they have none. */
async function fetchDependencies(directory: string): Promise<boolean> {
  const module = `${directory}/empty.js`;
  await Deno.writeTextFile(module, EMPTY_MODULE);
  const steps = [
    ["install", "--quiet", "--frozen"],
    ["bundle", "--quiet", "--frozen", "--output", `${directory}/bundled.js`, module],
    // The first run with a new cache asks the registry once more.
    ["run", "--quiet", "--frozen", "--allow-env", "--allow-read", "mod.ts", "--version"],
  ];
  for (const step of steps) {
    const finished = await capture(DENO, step, { cwd: ROOT, env: PLAIN_OUTPUT });
    if (finished.code !== 0) {
      complain(`deno ${step.join(" ")} failed:\n${finished.stdout}${finished.stderr}`.trimEnd());
      return false;
    }
  }
  return true;
}

async function namespacePrefix(): Promise<readonly string[]> {
  for (const namespace of NAMESPACES) {
    const [program, ...rest] = [...namespace, ...WITH_LOOPBACK];
    if (program === undefined) continue;
    try {
      if ((await capture(program, [...rest, "true"])).code === 0) return [program, ...rest];
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return [];
}

async function readCounts(report: string): Promise<TestCounts> {
  try {
    return countTests(await Deno.readTextFile(report));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { passed: 0, failed: 0, skipped: [] };
  }
}

function conclude(status: number, counts: TestCounts, strict: boolean): number {
  const { passed, skipped } = counts;
  let failed = counts.failed;
  let code = status;
  if (status !== 0 && failed === 0) {
    complain(`deno test ended with status ${status} for a reason outside of any test; see above.`);
    failed = 1;
  }
  if (status === 0 && passed === 0) {
    complain("No test ran; check the file names and the --filter given.");
    code = 1;
  }
  for (const title of skipped) say(`skipped: ${title}`);
  if (strict && skipped.length > 0 && code === 0) {
    complain("Skipped tests count as failures here, because of --strict.");
    code = 1;
  }
  say(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
  return code;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
