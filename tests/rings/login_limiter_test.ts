import assert from "node:assert/strict";
import { LoginLimiter } from "../../rings/_login_limiter.ts";

const HOST = "192.0.2.1";
const MINUTE_MS = 60_000;

Deno.test("LoginLimiter: ten new names at once, then one a minute", () => {
  const limiter = new LoginLimiter();
  for (let i = 0; i < 10; i++) assert.equal(limiter.take(HOST, `name ${i}`, 0), undefined);
  const refused = limiter.take(HOST, "one more", 0);
  assert.equal(refused?.retry_after, 60);
  assert.match(refused?.message ?? "", /names/);
  assert.equal(limiter.take("192.0.2.2", "one more", 0), undefined, "of another host");
  assert.equal(limiter.take(HOST, "one more", MINUTE_MS), undefined);
  assert.equal(limiter.take(HOST, "and more", MINUTE_MS)?.retry_after, 60);
});

Deno.test("LoginLimiter: names that a host has logged in under are no new ones", () => {
  const limiter = new LoginLimiter();
  limiter.remember(HOST, "Ann");
  for (let i = 0; i < 10; i++) limiter.take(HOST, `name ${i}`, 0);
  for (let i = 0; i < 10; i++) assert.equal(limiter.take(HOST, "Ann", 0), undefined);
  const refused = limiter.take(HOST, "Ann", 0);
  assert.equal(refused?.retry_after, 10, "20 logins at once are enough");
  assert.match(refused?.message ?? "", /logins/);
});

Deno.test("LoginLimiter: remembers the last 32 names of a host", () => {
  const limiter = new LoginLimiter();
  for (let i = 0; i < 33; i++) limiter.remember(HOST, `name ${i}`);
  limiter.remember(HOST, "name 1");
  limiter.remember(HOST, "name 33");
  for (let i = 0; i < 10; i++) limiter.take(HOST, `new ${i}`, 0);
  const isKnown = (i: number) => limiter.take(HOST, `name ${i}`, MINUTE_MS / 2) === undefined;
  assert.deepEqual([0, 1, 2, 3, 32, 33].map(isKnown), [false, true, false, true, true, true]);
});

Deno.test("LoginLimiter: remembers a bounded number of hosts", () => {
  const limiter = new LoginLimiter();
  for (let i = 0; i < 17_000; i++) limiter.remember(`10.0.${i >> 8}.${i & 255}`, "Ann");
  assert.equal(limiter.size, 16_384);
});
