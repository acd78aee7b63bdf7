/**
 * Which tests run side by side: those that mostly wait, or mostly compute, would take too long one
 * after the other, and those that measure may have nobody beside them.
 *
 * @module
 */

/** Tests that run one after the other, in a namespace of their own. */
export interface Lane {
  /** What people call it. */
  readonly name: string;
  /** Paths of test files. */
  readonly paths: readonly string[];
}

/** Tests that run beside each other once the others are done, by the beginning of their paths. */
const TOGETHER: readonly (readonly [name: string, beginning: string])[] = [
  ["the simulator", "tests/sim/"],
  ["networks of masters", "tests/e2e/network_"],
  ["what waits for silence", "tests/e2e/independent_client_test.ts"],
];

/** Tests of the whole daemon, many of which measure: they run alone. */
const ALONE = "tests/e2e/";

/**
 * The lanes for all tests: first the one that runs alone, then those that run together.
 *
 * @param files Paths of all test files from the project's top.
 */
export function lanesOf(files: readonly string[]): {
  readonly alone: Lane;
  readonly together: readonly Lane[];
} {
  const together: Lane[] = [];
  const taken = new Set<string>();
  const take = (name: string, paths: readonly string[]): Lane => {
    for (const path of paths) taken.add(path);
    return { name, paths };
  };
  for (const [name, beginning] of TOGETHER) {
    together.push(take(name, files.filter((file) => file.startsWith(beginning))));
  }
  const left = files.filter((file) => !taken.has(file));
  const alone = take("the whole daemon", left.filter((file) => file.startsWith(ALONE)));
  together.push(take("its parts", left.filter((file) => !taken.has(file))));
  return { alone, together: together.filter(({ paths }) => paths.length > 0) };
}
