/**
 * Runs the tests: `deno task test [--strict] [arguments of deno test]`.
 *
 * Sets up what they use, fetches what comes from the network, then runs them all where there is no
 * network but a loopback interface of their own, so that the fixed ports are free and nothing
 * leaves the machine. `--strict` makes a skipped test a failure. The last line it prints is
 * `N passed, N failed, N skipped`.
 *
 * @module
 */

import { capture, complain, DENO, PLAIN_OUTPUT, run, say } from "./_process.ts";
import { ROOT } from "./_project.ts";
import { countTests, type TestCounts } from "./_junit.ts";
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
    const report = `${directory}/report.xml`;
    const [program, ...rest] = [
      ...prefix,
      DENO,
      "test",
      "--frozen",
      "--cached-only",
      // By its name alone this file would be taken for one with tests.
      "--ignore=tools",
      ...PERMISSIONS,
      `--junit-path=${report}`,
      ...testArgs,
    ];
    const isolated = prefix.length > 0;
    say(isolated ? "Running the tests in a network namespace." : NO_NAMESPACE);
    const env: Record<string, string> = isolated ? { [NAMESPACE_VARIABLE]: "1" } : {};
    const status = await run(program ?? DENO, rest, { cwd: ROOT, env });
    return conclude(status, await readCounts(report), strict);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
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
