import assert from "node:assert/strict";
import { makeCourses } from "../../mesh/comparison.ts";
import type { KeyVersion } from "../../protocol/mod.ts";
import { FakeSource, idOf, SECOND, server } from "./_helpers.ts";
import { carry, pair, Side, stock } from "./_sides.ts";

const [A, B, C] = [idOf(1), idOf(2), idOf(3)];

Deno.test("Comparison.answer: a flood of digests is answered once a second", () => {
  const { source, a, b } = pair();
  stock(b, B, 0, 3000);
  for (const side of [a, b]) side.load();
  const hashes = a.ledger.digest();
  for (let round = 1; round <= 200; round++) {
    b.comparison.onDigest({ type: "digest", round, upto: 0, hashes });
    b.flush();
    source.pass(10);
  }
  const parts = Math.ceil(3000 / 1000);
  const answers = b.sent.filter((type) => type === "compare").length;
  assert.ok(answers >= parts && answers <= 3 * parts + 3, String(answers));
});

Deno.test("Comparison.onCompare: a round with more entries than anyone has is given up", () => {
  const { source, a } = pair();
  a.load();
  a.comparison.begin();
  const key = `s:${server(1, 0).id}`;
  const entries = new Array<KeyVersion>(100_001).fill({ key, hlc: 7, origin: B });
  const part = { type: "compare", round: 1, upto: 50, equal: false, more: true } as const;
  for (let i = 0; i < 20; i++) {
    assert.equal(a.comparison.isIdle, false);
    a.comparison.onCompare({ ...part, buckets: [{ bucket: 0, entries }] });
    source.pass(SECOND);
  }
  assert.equal(a.comparison.isIdle, true);
  assert.deepEqual(a.synced, []);
});

Deno.test("Comparison.begin: with many masters only few are asked at a time", () => {
  const source = new FakeSource();
  const courses = makeCourses(() => source.monotonic());
  const others = Array.from({ length: 6 }, () => new Side(B, source));
  const sides = others.map(() => new Side(A, source, { prevails: true, courses }));
  assert.deepEqual(sides.map(({ comparison }) => comparison.begin()), [
    true,
    true,
    true,
    true,
    false,
    false,
  ]);
  const [side, other] = [sides[0], others[0]];
  carry(side ?? assert.fail(), other ?? assert.fail());
  assert.equal(sides[4]?.comparison.begin(), true);
  sides[1]?.comparison.stop();
  assert.equal(sides[5]?.comparison.begin(), true);
});

Deno.test("Comparison: an empty side gets everything from two others at a time, not from all", () => {
  const source = new FakeSource();
  const courses = makeCourses(() => source.monotonic());
  const others = Array.from({ length: 4 }, () => new Side(C, source));
  for (const other of others) {
    stock(other, C, 0, 3000);
    other.load();
  }
  const sides = others.map(() => new Side(A, source, { prevails: true, courses }));
  for (const [place, side] of sides.entries()) {
    side.comparison.begin();
    side.flush();
    for (const message of side.way.splice(0)) others[place]?.receive(message);
    others[place]?.flush();
    for (const message of others[place]?.way.splice(0) ?? []) side.receive(message);
  }
  assert.deepEqual(sides.map(({ comparison }) => comparison.isIdle), [false, false, true, true]);
  const late = new Side(A, source, { prevails: true, courses });
  assert.equal(late.comparison.begin(), false);
  for (const [place, side] of sides.entries()) carry(side, others[place] ?? assert.fail());
  assert.deepEqual(sides.map(({ synced }) => synced.length), [1, 1, 0, 0]);
  assert.equal(late.comparison.begin(), true);
});
