/**
 * Plays one simulated network of masters with everything that happens in it:
 * `deno task sim SEED`. Exits with 1 when something did not hold that has to.
 *
 * @module
 */

import { play } from "../tests/sim/_campaign.ts";
import { complain, say } from "./_process.ts";

function main([text = ""]: readonly string[]): number {
  const seed = Number(text);
  if (text === "" || !Number.isSafeInteger(seed) || seed < 0) {
    complain(`"${text}" is no seed: give the number of the run, for example "deno task sim 17"`);
    return 2;
  }
  const { violations, convergence, slowestChange, duration, steps } = play(seed, say);
  for (const { at, rule, text } of violations) say(`${(at / 1000).toFixed(3)} ${rule}: ${text}`);
  const agreed = convergence === undefined ? "never" : `${convergence} ms after all was whole`;
  say(
    `seed ${seed}: ${violations.length} violations, all masters knew the same ${agreed}, the ` +
      `slowest change took ${slowestChange} ms; ${duration / 1000} s, ${steps} steps`,
  );
  return violations.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(main(Deno.args));
