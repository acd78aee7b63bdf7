import assert from "node:assert/strict";
import fc from "fast-check";
import { Pushes } from "../../mesh/pushes.ts";

Deno.test("Pushes.reach: what came without a gap is known from where it was known before", () => {
  const pushes = new Pushes();
  assert.equal(pushes.reach(5), 5);
  pushes.take(10, 20);
  pushes.take(20, 30);
  assert.equal(pushes.reach(9), 9);
  assert.equal(pushes.reach(10), 30);
  assert.equal(pushes.reach(25), 30);
  assert.equal(pushes.reach(40), 40);
});

Deno.test("Pushes.take: after a gap only what follows it counts", () => {
  const pushes = new Pushes();
  pushes.take(10, 20);
  pushes.take(21, 30);
  assert.equal(pushes.reach(10), 10);
  assert.equal(pushes.reach(21), 30);
});

Deno.test("Pushes.take: an end before the beginning says nothing", () => {
  const pushes = new Pushes();
  pushes.take(10, 20);
  pushes.take(50, 40);
  pushes.take(20, 20);
  assert.equal(pushes.reach(10), 20);
});

Deno.test("Pushes.take: what comes twice or overlaps counts once", () => {
  const pushes = new Pushes();
  pushes.take(10, 20);
  pushes.take(15, 25);
  pushes.take(10, 20);
  assert.equal(pushes.reach(10), 25);
  pushes.take(5, 12);
  assert.equal(pushes.reach(5), 25);
});

Deno.test("Pushes: never claims more than spans that came and what was known cover", () => {
  const span = fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 30 }));
  fc.assert(fc.property(fc.array(span), fc.integer({ min: 0, max: 30 }), (spans, known) => {
    const pushes = new Pushes();
    for (const [after, upto] of spans) pushes.take(after, upto);
    for (let hlc = 1; hlc <= pushes.reach(known); hlc++) {
      const isCovered = hlc <= known || spans.some(([after, upto]) => after < hlc && hlc <= upto);
      assert.ok(isCovered, String(hlc));
    }
  }));
});
