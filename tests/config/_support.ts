import assert from "node:assert/strict";
import { type Config, formatProblem, loadConfig, type LoadedConfig } from "../../config/mod.ts";

export const ENVIRONMENT = { home: "/home/tanker", hostname: "tank-host" };

export function load(text: string, overrides: readonly string[] = []): LoadedConfig {
  return loadConfig({ text, fileName: "master.ini", overrides, environment: ENVIRONMENT });
}

/** Loads a text that must be good. */
export function config(text: string, overrides: readonly string[] = []): Config {
  const loaded = load(text, overrides);
  assert.deepEqual(loaded.ok ? [] : loaded.problems.map(formatProblem), []);
  assert.ok(loaded.ok);
  return loaded.config;
}

/** The formatted problems of a text that must be bad. */
export function problems(text: string, overrides: readonly string[] = []): readonly string[] {
  const loaded = load(text, overrides);
  assert.ok(!loaded.ok, "expected problems");
  return loaded.problems.map(formatProblem);
}

/** The only problem of a text that must be bad. */
export function problem(text: string, overrides: readonly string[] = []): string {
  const all = problems(text, overrides);
  assert.equal(all.length, 1, all.join("\n"));
  return all[0] ?? "";
}

/** The formatted warnings of a text that must be good. */
export function warnings(text: string, overrides: readonly string[] = []): readonly string[] {
  const loaded = load(text, overrides);
  assert.ok(loaded.ok, loaded.ok ? "" : loaded.problems.map(formatProblem).join("\n"));
  return loaded.warnings.map(formatProblem);
}

export function fixture(name: string): string {
  return Deno.readTextFileSync(new URL(name, import.meta.url));
}
