import assert from "node:assert/strict";
import { LineLimiter } from "../../threads/mod.ts";

/** How many of so many lines at one moment get through. */
function burst(limiter: LineLimiter, now: number, lines = 1000): number {
  return Array.from({ length: lines }, () => limiter.admit(now))
    .filter((suppressed) => suppressed !== undefined).length;
}

Deno.test("LineLimiter: lets a burst through, then so many a second", () => {
  const limiter = new LineLimiter(5000);
  assert.equal(burst(limiter, 5000), 50);
  assert.equal(burst(limiter, 6000), 10);
  assert.equal(burst(limiter, 6000), 0);
  assert.equal(burst(limiter, 6100), 1);
});

Deno.test("LineLimiter: saves up no more than one burst", () => {
  const limiter = new LineLimiter(0);
  burst(limiter, 0);
  assert.equal(burst(limiter, 3_600_000), 50);
});

Deno.test("LineLimiter: every line is either let through or counted", () => {
  const limiter = new LineLimiter(0);
  let through = 0;
  let told = 0;
  for (let i = 0; i < 10_000; i++) {
    const suppressed = limiter.admit(i);
    if (suppressed === undefined) continue;
    through++;
    told += suppressed;
  }
  told += limiter.admit(1_000_000) ?? NaN;
  assert.equal(through + told, 10_000);
  assert.ok(through >= 140 && through <= 150, `${through}`);
});

Deno.test("LineLimiter: lines below the rate are never held back", () => {
  const limiter = new LineLimiter(0);
  for (let i = 0; i < 1000; i++) assert.equal(limiter.admit(i * 101), 0);
});
