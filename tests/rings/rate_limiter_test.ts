import assert from "node:assert/strict";
import { RateLimiter } from "../../rings/_rate_limiter.ts";

Deno.test("RateLimiter: gives a burst, then so many a second, to each host by itself", () => {
  const limiter = new RateLimiter({ burst: 3, perSecond: 2 });
  const taken = (host: string, now: number) => {
    let count = 0;
    while (limiter.take(host, now)) count++;
    return count;
  };
  assert.equal(taken("a", 0), 3);
  assert.equal(taken("b", 0), 3);
  assert.equal(taken("a", 400), 0);
  assert.equal(taken("a", 500), 1);
  assert.equal(taken("a", 1500), 2);
  assert.equal(taken("a", 60_000), 3, "never more than a burst");
});

Deno.test("RateLimiter.wait: tells the seconds until there is one again", () => {
  const limiter = new RateLimiter({ burst: 1, perSecond: 0.1 });
  assert.equal(limiter.wait("a", 0), 0);
  limiter.take("a", 0);
  assert.equal(limiter.wait("a", 0), 10);
  assert.equal(limiter.wait("a", 9500), 1);
  assert.equal(limiter.wait("a", 20_000), 0);
});

Deno.test("RateLimiter: a refused try costs nothing", () => {
  const limiter = new RateLimiter({ burst: 1, perSecond: 1 });
  for (let now = 0; now < 1000; now += 100) limiter.take("a", now);
  assert.equal(limiter.take("a", 1001), true);
});

Deno.test("RateLimiter: remembers no more hosts than it may, the rested ones least", () => {
  const limiter = new RateLimiter({ burst: 2, perSecond: 1 });
  for (let i = 0; i < 200_000; i++) limiter.take(`host ${i}`, i);
  assert.ok(limiter.size <= 65_536);
  for (let i = 0; i < 200_000; i++) limiter.take(`flood ${i}`, 300_000);
  assert.ok(limiter.size <= 65_536);
});
