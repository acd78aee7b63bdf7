import assert from "node:assert/strict";
import { Turns } from "../../mesh/turns.ts";
import { FakeSource, SECOND } from "./_helpers.ts";

function world(size: number) {
  const source = new FakeSource();
  return { source, turns: new Turns(size, () => source.monotonic()) };
}

Deno.test("Turns.take: so many at once, the others wait until one leaves", () => {
  const { turns } = world(2);
  const [a, b, c] = [{}, {}, {}];
  assert.equal(turns.take(a), true);
  assert.equal(turns.isFull, false);
  assert.equal(turns.take(b), true);
  assert.equal(turns.isFull, true);
  assert.equal(turns.take(c), false);
  assert.equal(turns.take(a), true);
  turns.leave(b);
  assert.equal(turns.take(c), true);
  assert.equal(turns.take(b), false);
});

Deno.test("Turns.take: who is at it for too long keeps nobody waiting, and goes on", () => {
  const { turns, source } = world(1);
  const [a, b, c] = [{}, {}, {}];
  turns.take(a);
  source.pass(20 * SECOND - 1);
  assert.equal(turns.take(b), false);
  source.pass(1);
  assert.equal(turns.take(b), true);
  assert.equal(turns.take(a), true);
  assert.equal(turns.take(c), false);
});

Deno.test("Turns.leave: who was not there has no turn to give", () => {
  const { turns } = world(1);
  const [a, b] = [{}, {}];
  turns.take(a);
  turns.leave(b);
  assert.equal(turns.isFull, true);
});
