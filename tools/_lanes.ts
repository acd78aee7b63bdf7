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
  /** Paths of test files; all there are when there is none. */
  readonly paths: readonly string[];
  /** Paths that are left out. */
  readonly leftOut: readonly string[];
}

/** Tests that run beside each other once all others are done, by the beginning of their paths. */
const ASIDE: readonly (readonly [name: string, beginnings: readonly string[]])[] = [
  ["the simulator", ["tests/sim/"]],
  ["networks of masters", ["tests/e2e/network_"]],
  ["what waits for silence", ["tests/e2e/independent_client_test.ts"]],
];

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
  const aside: string[] = [];
  for (const [name, beginnings] of ASIDE) {
    const paths = files.filter((file) => beginnings.some((begin) => file.startsWith(begin)));
    if (paths.length > 0) together.push({ name, paths, leftOut: [] });
    aside.push(...paths);
  }
  return { alone: { name: "all others", paths: [], leftOut: aside }, together };
}
