/**
 * Counts the tests in the JUnit report that `deno test --junit-path` writes.
 *
 * @module
 */

/** What became of the tests of one run, steps counted like tests. */
export interface TestCounts {
  /** How many passed. */
  readonly passed: number;
  /** How many failed. */
  readonly failed: number;
  /** Titles of those that were to run but were ignored. */
  readonly skipped: readonly string[];
}

const TEST_CASE = /<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g;

/**
 * Reads the counts from the text of a report. Tests that a filter left out are in the report too,
 * marked as skipped, but without a time; they are not counted.
 */
export function countTests(report: string): TestCounts {
  let passed = 0;
  let failed = 0;
  const skipped: string[] = [];
  // Text and attributes are escaped in the report, so these marks can only be its own.
  for (const [, attributes = "", content = ""] of report.matchAll(TEST_CASE)) {
    if (/<(?:failure|error)\b/.test(content)) failed += 1;
    else if (!content.includes("<skipped")) passed += 1;
    else if (/\btime="/.test(attributes)) skipped.push(nameOf(attributes));
  }
  return { passed, failed, skipped };
}

function nameOf(attributes: string): string {
  return decodeEntities(/\bname="([^"]*)"/.exec(attributes)?.[1] ?? "");
}

function decodeEntities(text: string): string {
  const entities: Record<string, string> = {
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&apos;": "'",
    "&amp;": "&",
  };
  return text.replace(/&(?:lt|gt|quot|apos|amp);/g, (entity) => entities[entity] ?? entity);
}
