import assert from "node:assert/strict";
import fc from "fast-check";
import { bucketOf } from "../../mesh/digest.ts";
import type { Compare, KeyVersion } from "../../protocol/mod.ts";
import { idOf, keyOf, SECOND, server, userClaim } from "./_helpers.ts";
import { carry, pair, type Side, stock } from "./_sides.ts";

const [A, B, C] = [idOf(1), idOf(2), idOf(3)];

function assertEqualSides(a: Side, b: Side): void {
  assert.deepEqual(a.ledger.digest(), b.ledger.digest());
  assert.deepEqual(a.holdings.content(), b.holdings.content());
}

/** What one side may hold of an entry. */
const entry = fc.record({
  kind: fc.constantFrom("server", "tombstone", "name", "user"),
  number: fc.nat({ max: 12 }),
  hlc: fc.integer({ min: 1, max: 9 }),
  origin: fc.constantFrom(A, B, C),
});
type Held = typeof entry extends fc.Arbitrary<infer T> ? T : never;

function hold({ holdings, ledger }: Side, list: readonly Held[]): void {
  for (const { kind, number, hlc, origin } of list) {
    const record = server(number, hlc, origin);
    // What two masters hold of one version is the same.
    const isGone = (hlc + number) % 3 === 0;
    const version = { hlc, origin };
    if (kind === "name") {
      holdings.merge({ names: [{ name: `n${number}`, key: keyOf(number), ...version }] });
    } else if (kind === "user") ledger.learnUser(userClaim(`u${number}`, hlc, origin));
    else if (isGone) {
      holdings.merge({ tombstones: [{ id: record.id, cause: "quit", ...version }] });
    } else holdings.merge({ puts: [{ record, left: 5 }] });
    holdings.vector.set(origin, Math.max(holdings.vector.get(origin) ?? 0, hlc));
  }
}

Deno.test("Comparison: after one round both sides are equal, and know that", () => {
  fc.assert(fc.property(
    fc.array(entry, { maxLength: 40 }),
    fc.array(entry, { maxLength: 40 }),
    fc.array(entry, { maxLength: 40 }),
    (both, onlyA, onlyB) => {
      const { a, b } = pair();
      hold(a, [...both, ...onlyA]);
      hold(b, [...both, ...onlyB]);
      a.load();
      b.load();
      const [ownA, ownB] = [a.ledger.own, b.ledger.own];
      a.comparison.begin();
      carry(a, b);
      assertEqualSides(a, b);
      assert.deepEqual([a.synced, b.synced], [[ownB], [ownA]]);
      assert.ok(a.comparison.isIdle && b.comparison.isIdle);
    },
  ));
});

Deno.test("Comparison: equal sides say so in two messages", () => {
  const { a, b } = pair();
  for (const side of [a, b]) {
    stock(side, A, 0, 100);
    stock(side, B, 1000, 100);
    side.load();
  }
  a.comparison.begin();
  carry(a, b);
  assert.deepEqual([a.sent, b.sent], [["digest"], ["compare"]]);
  assert.deepEqual([a.synced, b.synced], [[2099], [1099]]);
  assert.deepEqual([a.comparison.unequal, b.comparison.unequal], [0, 0]);
  assert.equal(a.comparison.begun, 1);
});

for (const isEmptyFirst of [true, false]) {
  const who = isEmptyFirst ? "begins" : "is asked";
  Deno.test(`Comparison: an empty side that ${who} gets 10,000 servers, a slice at a time`, () => {
    const { a, b } = pair();
    const [empty, full] = isEmptyFirst ? [a, b] : [b, a];
    stock(full, C, 0, 10_000);
    full.load();
    empty.load();
    a.comparison.begin();
    carry(a, b);
    assertEqualSides(a, b);
    assert.equal(empty.ledger.servers, 10_000);
    // 4096 at a time: three slices, each in several messages of at most 64 KiB.
    const wanted = empty.sent.filter((type) => type === "want").length;
    assert.ok(wanted >= 3 && wanted <= 6, String(wanted));
    assert.ok(full.sent.filter((type) => type === "compare").length > 5);
    assert.deepEqual([a.comparison.unequal, b.comparison.unequal], [1, 1]);
  });
}

Deno.test("Comparison: a side that lacks little asks for that and no more", () => {
  const { a, b } = pair();
  for (const side of [a, b]) stock(side, C, 0, 5000);
  stock(b, B, 6000, 3);
  for (const side of [a, b]) side.load();
  a.comparison.begin();
  carry(a, b);
  assertEqualSides(a, b);
  assert.deepEqual(a.sent, ["digest", "compare", "want"]);
  assert.deepEqual(b.sent, ["compare", "changes"]);
  // Three buckets of 256.
  assert.ok(a.bytes + b.bytes < 15_000, String(a.bytes + b.bytes));
});

Deno.test("Comparison: of two rounds that begin at once one goes on", () => {
  for (const rounds of [0, 1, 3]) {
    const { source, a, b } = pair();
    stock(a, A, 0, 20);
    stock(b, B, 100, 20);
    for (const side of [a, b]) side.load();
    for (let i = 0; i < rounds; i++) {
      b.comparison.begin();
      carry(a, b);
      source.pass(30 * SECOND);
    }
    a.holdings.put(server(300, 5000, A));
    a.load();
    b.sent.length = 0;
    b.comparison.begin();
    a.comparison.begin();
    carry(a, b);
    assertEqualSides(a, b);
    assert.ok(a.comparison.isIdle && b.comparison.isIdle);
    assert.deepEqual(a.synced.at(-1), b.ledger.own);
    assert.deepEqual(b.synced.at(-1), a.ledger.own);
    // Only the one that prevails was answered.
    assert.deepEqual(b.sent.filter((type) => type !== "changes"), ["digest", "compare", "want"]);
  }
});

Deno.test("Comparison: a round of the other side takes the place of one that is being answered", () => {
  const { a, b } = pair();
  stock(b, B, 0, 5000);
  for (const side of [a, b]) side.load();
  a.comparison.begin();
  a.flush();
  for (const message of a.way.splice(0)) b.receive(message);
  b.flush();
  for (const message of b.way.splice(0)) a.receive(message);
  // It is asking for what it lacks; the other one begins anew.
  assert.equal(a.synced.length, 0);
  b.comparison.begin();
  carry(a, b);
  assertEqualSides(a, b);
  assert.deepEqual([a.synced, b.synced], [[b.ledger.own], [a.ledger.own]]);
});

Deno.test("Comparison: a round that gets no answer is given up after twenty seconds", () => {
  const { source, a } = pair();
  stock(a, A, 0, 20);
  a.load();
  a.comparison.begin();
  source.pass(20 * SECOND);
  a.comparison.tick();
  assert.equal(a.comparison.isIdle, false);
  source.pass(1);
  a.comparison.tick();
  assert.equal(a.comparison.isIdle, true);
  assert.deepEqual(a.synced, []);
  const late: Compare = { type: "compare", round: 1, upto: 5, equal: true, buckets: [] };
  a.comparison.onCompare(late);
  assert.deepEqual(a.synced, []);
});

Deno.test("Comparison: a round that does not go on is given up after a minute", () => {
  const { source, a, b } = pair();
  stock(b, B, 0, 5000);
  for (const side of [a, b]) side.load();
  a.comparison.begin();
  a.flush();
  for (const message of a.way.splice(0)) b.receive(message);
  b.flush();
  for (const message of b.way.splice(0)) a.receive(message);
  // The first slice never comes.
  for (const side of [a, b]) {
    source.pass(60 * SECOND);
    side.comparison.tick();
    assert.equal(side.comparison.isIdle, side === b);
  }
  a.comparison.tick();
  assert.equal(a.comparison.isIdle, true);
  assert.deepEqual([a.synced, b.synced], [[], []]);
});

Deno.test("Comparison: an answer in parts counts once all have come", () => {
  const { a } = pair();
  a.load();
  a.comparison.begin();
  const entries = (number: number): KeyVersion[] => [
    { key: `s:${server(number, 0).id}`, hlc: 7, origin: B },
  ];
  const bucket = (number: number) => bucketOf(`s:${server(number, 0).id}`);
  const part = { type: "compare", round: 1, upto: 50, equal: false } as const;
  const buckets = (number: number) => [{ bucket: bucket(number), entries: entries(number) }];
  a.comparison.onCompare({ ...part, buckets: buckets(1), more: true });
  a.flush();
  assert.deepEqual(a.sent, ["digest"]);
  // Another round's is not taken for a part of this one.
  a.comparison.onCompare({ ...part, round: 2, buckets: buckets(3) });
  a.comparison.onCompare({ ...part, buckets: buckets(2) });
  a.flush();
  assert.deepEqual(a.sent, ["digest", "compare", "want"]);
  a.comparison.onAnswer(3);
  assert.deepEqual(a.synced, []);
  a.comparison.onAnswer(1);
  assert.deepEqual(a.synced, [50]);
});

Deno.test("Comparison: what came from elsewhere meanwhile is not asked for", () => {
  const { a, b } = pair();
  stock(b, B, 0, 6000);
  for (const side of [a, b]) side.load();
  a.comparison.begin();
  a.flush();
  for (const message of a.way.splice(0)) b.receive(message);
  b.flush();
  for (const message of b.way.splice(0)) a.receive(message);
  a.flush();
  // The first slice is asked for. A third master tells all of it.
  for (const { record } of b.holdings.records.values()) {
    for (const event of a.holdings.merge({ puts: [{ record, left: 5 }] })) a.ledger.apply(event);
  }
  const asked = a.sent.filter((type) => type === "want").length;
  carry(a, b);
  assert.equal(a.sent.filter((type) => type === "want").length, asked);
  assert.deepEqual(a.synced, [b.ledger.own]);
});

Deno.test("Comparison: entries in a bucket that is not theirs are left alone", () => {
  const { a } = pair();
  a.load();
  a.comparison.begin();
  a.flush();
  const { id } = server(1, 0);
  const bucket = (bucketOf(`s:${id}`) + 1) % 256;
  const entries = [{ key: `s:${id}`, hlc: 7, origin: B }];
  const compare = { type: "compare", round: 1, upto: 50, equal: false } as const;
  a.comparison.onCompare({ ...compare, buckets: [{ bucket, entries }] });
  a.flush();
  assert.deepEqual(a.sent, ["digest", "compare"]);
});
