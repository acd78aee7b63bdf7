import assert from "node:assert/strict";

/** Something that is tried beside other things, by its name. */
export type Scenarios = Readonly<Record<string, () => Promise<void>>>;

/**
 * Runs scenarios at the same time: each waits for most of its time. All come to their end, then it
 * fails with what went wrong in which of them.
 */
export async function sideBySide(scenarios: Scenarios): Promise<void> {
  const failures: string[] = [];
  await Promise.all(
    Object.entries(scenarios).map(async ([name, run]) => {
      try {
        await run();
      } catch (error) {
        failures.push(`${name}: ${error instanceof Error ? error.stack : String(error)}`);
      }
    }),
  );
  assert.ok(failures.length === 0, failures.join("\n\n"));
}
