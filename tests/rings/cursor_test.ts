import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_CURSOR_CHARACTERS } from "../../protocol/mod.ts";
import { decodeCursor, encodeCursor, Places, withFewUnknown } from "../../rings/_cursor.ts";
import { World } from "../registry/_helpers.ts";

const A = "00000000000000a1";
const B = "00000000000000b2";

/** Id of master number i. */
function origin(i: number): string {
  return i.toString(16).padStart(16, "0");
}

const hlc = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const vectors = fc.dictionary(fc.nat(0xffff).map(origin), hlc, { maxKeys: 256, size: "max" })
  .map((pairs) => new Map(Object.entries(pairs)));

Deno.test("encodeCursor: what it makes is read back as it was, and is spelt in one way", () => {
  fc.assert(fc.property(vectors, (vector) => {
    const text = encodeCursor(vector);
    assert.deepEqual(decodeCursor(text), new Map([...vector].sort()));
    assert.equal(encodeCursor(new Map([...vector].reverse())), text);
    assert.match(text, /^1\.[0-9a-z~]*$/);
  }));
});

Deno.test("encodeCursor: spells origin and time in base 36, separated by a tilde", () => {
  assert.equal(encodeCursor(new Map()), "1.");
  assert.equal(encodeCursor(new Map([[B, 36], [A, 35]])), `1.${A}z~${B}10`);
});

Deno.test("encodeCursor: leaves out masters that are no master's id, and times before any", () => {
  const vector = new Map([["", 5], ["x", 5], [A.toUpperCase(), 5], [B, 0], [A, 7]]);
  assert.equal(encodeCursor(vector), `1.${A}7`);
});

Deno.test("encodeCursor: of too many masters the 256 with the latest changes, within the limit", () => {
  const latest = Number.MAX_SAFE_INTEGER;
  const vector = new Map(Array.from({ length: 300 }, (_, i) => [origin(i), latest - i]));
  const text = encodeCursor(vector);
  assert.ok(text.length <= MAX_CURSOR_CHARACTERS, `${text.length} characters`);
  const kept = decodeCursor(text);
  assert.equal(kept?.size, 256);
  assert.equal(kept?.get(origin(255)), latest - 255);
  assert.equal(kept?.has(origin(256)), false);
});

Deno.test("decodeCursor: refuses what no master made", () => {
  const wrong = {
    empty: "",
    "no kind": `${A}7`,
    "another kind": `2.${A}7`,
    "a kind that begins alike": `1${A}7`,
    "no time": `1.${A}`,
    "time zero": `1.${A}0`,
    "a leading zero": `1.${A}07`,
    "capital letters": `1.${A}Z`,
    "capital letters in an origin": `1.${A.toUpperCase()}7`,
    "a short origin": `1.${A.slice(1)}~`,
    "a sign": `1.${A}-7`,
    "a fraction": `1.${A}7.5`,
    "a space": `1.${A}7 `,
    "a line end": `1.${A}7\n`,
    "a time that is not exact": `1.${A}${(2 ** 53).toString(36)}`,
    "a time with too many digits": `1.${A}${"1".repeat(12)}`,
    "the same master twice": `1.${A}7~${A}8`,
    "masters out of order": `1.${B}7~${A}8`,
    "an empty entry": `1.${A}7~`,
    "an empty entry first": `1.~${A}7`,
    "another separator": `1.${A}7,${B}8`,
  };
  for (const [what, text] of Object.entries(wrong)) {
    assert.equal(decodeCursor(text), undefined, what);
  }
});

Deno.test("decodeCursor: takes 256 masters and no more, and no text over the limit", () => {
  const of = (count: number) =>
    `1.${Array.from({ length: count }, (_, i) => `${origin(i)}1`).join("~")}`;
  assert.equal(decodeCursor(of(256))?.size, 256);
  assert.equal(decodeCursor(of(257)), undefined);
  assert.equal(decodeCursor(`1.${A}7${" ".repeat(MAX_CURSOR_CHARACTERS)}`), undefined);
});

Deno.test("decodeCursor: what is changed anywhere is refused or means something else", () => {
  const vector = new Map([[A, 123_456], [B, 98_765]]);
  const text = encodeCursor(vector);
  const place = fc.nat(text.length - 1);
  fc.assert(fc.property(place, fc.string({ maxLength: 2 }), (at, instead) => {
    const changed = text.slice(0, at) + instead + text.slice(at + 1);
    fc.pre(changed !== text);
    const decoded = decodeCursor(changed);
    if (decoded) assert.equal(encodeCursor(decoded), changed);
  }));
});

Deno.test("withFewUnknown: what a master knows stays, and the latest 32 of what it does not", () => {
  const vector = new Map(Array.from({ length: 256 }, (_, i) => [origin(i), 1000 + i]));
  const isKnown = (one: string) => parseInt(one, 16) < 100;
  const kept = withFewUnknown(vector, isKnown);
  assert.deepEqual(
    [...kept.keys()],
    [...vector.keys()].filter((one, i) => isKnown(one) || i >= 256 - 32),
  );
  assert.ok([...kept].every(([one, hlc]) => vector.get(one) === hlc));
  assert.equal(vector.size, 256, "the vector itself stays as it was");
  assert.equal(withFewUnknown(vector, () => true), vector);
  const few = new Map([...vector].slice(0, 32));
  assert.equal(withFewUnknown(few, () => false), few);
});

Deno.test("Places: the present place is one object until something changes", () => {
  const world = new World({ verify: false });
  world.changes.load(world.registry.departures());
  const places = new Places(world.changes);
  const before = places.now();
  assert.equal(places.now(), before);
  world.list("10.0.0.1");
  const after = places.now();
  assert.notEqual(after, before);
  assert.equal(after.log, world.changes.end);
  assert.deepEqual(decodeCursor(after.cursor), after.known);
  assert.deepEqual(after.known, world.changes.vector);
  world.list("10.0.0.2");
  assert.notDeepEqual(after.known, world.changes.vector, "a place stays what it was");
});

Deno.test("Places: a change that no log holds makes another place", () => {
  const world = new World({ verify: false });
  const places = new Places(world.changes);
  const before = places.now();
  const version = { hlc: 2 ** 52, origin: B };
  world.changes.apply({ type: "synced", ...version });
  const after = places.now();
  assert.equal(after.log, before.log);
  assert.equal(after.known.get(B), 2 ** 52);
});
