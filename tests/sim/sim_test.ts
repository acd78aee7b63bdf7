import assert from "node:assert/strict";
import { play } from "./_campaign.ts";
import { HEAL_TARGET_MS } from "./_simulation.ts";

/** A whole number that the environment may set. */
function setting(name: string, usual: number): number {
  const text = Deno.env.get(name) ?? `${usual}`;
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`${name} is "${text}": set it to a whole number, or not at all`);
}

/** The first seed, and how many. */
const FIRST = setting("SIM_SEED", 1);
const COUNT = setting("SIM_SEEDS", 2000);

/** Seeds of one test, so that a run shows how far it is. */
const AT_ONCE = 250;

/** Failures that are told in full; what fails often fails for one reason. */
const TOLD = 5;

function share(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
}

/** What went wrong in the run of a seed, and how to see it. */
function failureOf(seed: number, convergences: number[]): string | undefined {
  const { violations, convergence } = play(seed);
  const never = { at: 0, rule: "all know the same", text: "in time, and not only in the end" };
  const first = violations[0] ?? (convergence === undefined ? never : undefined);
  if (convergence !== undefined) convergences.push(convergence);
  if (!first) return undefined;
  const { at, rule, text } = first;
  return `seed ${seed}, after ${(at / 1000).toFixed(1)} s: "${rule}": ${text.slice(0, 400)}\n` +
    `  replay: deno task sim ${seed}`;
}

for (let from = FIRST; from < FIRST + COUNT; from += AT_ONCE) {
  const end = Math.min(from + AT_ONCE, FIRST + COUNT);
  Deno.test(`masters: whatever happens, seeds ${from} to ${end - 1}`, () => {
    const convergences: number[] = [];
    const failures: string[] = [];
    for (let seed = from; seed < end; seed++) {
      failures.push(...[failureOf(seed, convergences)].filter((text) => text !== undefined));
    }
    const more = failures.length > TOLD ? `\nand ${failures.length - TOLD} more` : "";
    assert.equal(failures.length, 0, `\n${failures.slice(0, TOLD).join("\n")}${more}`);
    convergences.sort((a, b) => a - b);
    assert.ok(share(convergences, 1) <= HEAL_TARGET_MS);
    // Nearly always it takes no longer than until the next attempt to connect.
    assert.ok(share(convergences, 0.9) <= HEAL_TARGET_MS / 3, `${share(convergences, 0.9)}`);
  });
}

Deno.test("masters: the same seed is the same run, event by event", async () => {
  const fingerprint = async (seed: number): Promise<string> => {
    const lines: string[] = [];
    play(seed, (line) => lines.push(line));
    assert.ok(lines.length > 100);
    const bytes = new TextEncoder().encode(lines.join("\n"));
    return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  };
  for (const seed of [1, 5, 23]) assert.equal(await fingerprint(seed), await fingerprint(seed));
  assert.notEqual(await fingerprint(1), await fingerprint(2));
});
