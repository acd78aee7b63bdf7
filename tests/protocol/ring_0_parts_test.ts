import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Bucket,
  type Changes,
  decodeRing0Message,
  encodeChanges,
  encodeCompare,
  encodeMembers,
  encodePeers,
  encodeReach,
  encodeRefresh,
  encodeWant,
  MAX_CHANNEL_MESSAGE_BYTES,
  MAX_MEMBERS,
  type Ring0Message,
} from "../../protocol/mod.ts";
import { text } from "../_helpers.ts";
import { KEY } from "./_json_samples.ts";
import { CHANGES, FULL_PUT, HLC, MEMBER, ORIGIN, PEER, PUT } from "./_ring_0_samples.ts";

type Typed<T extends Ring0Message["type"]> = Extract<Ring0Message, { readonly type: T }>;

/** What messages of one type hold, each of which must fit and be understood. */
function decoded<T extends Ring0Message["type"]>(
  type: T,
  parts: readonly Uint8Array[],
): Typed<T>[] {
  return parts.map((part) => {
    assert.ok(part.length <= MAX_CHANNEL_MESSAGE_BYTES, `${part.length} bytes`);
    const decoded = decodeRing0Message(part);
    assert.ok(decoded.type === "message", JSON.stringify(decoded));
    assert.equal(decoded.message.type, type);
    return decoded.message as Typed<T>;
  });
}

/** That every part but the last is so full that an entry of so many bytes has no room. */
function assertFull(parts: readonly Uint8Array[], entryBytes: number): void {
  for (const part of parts.slice(0, -1)) {
    const room = MAX_CHANNEL_MESSAGE_BYTES - part.length;
    // What closes a message that says more than this one does has room as well.
    assert.ok(room < entryBytes + 64, `${room} bytes of room for ${entryBytes}`);
  }
}

function idOf(i: number): string {
  return `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:3030`;
}

function many<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

Deno.test("encodeChanges: what fits goes in one message, in the shortest form", () => {
  assert.deepEqual(encodeChanges({}), []);
  assert.deepEqual(encodeChanges({ puts: [], names: [] }), []);
  assert.deepEqual(encodeChanges({ upto: 5 }).map(text), ['{"type":"changes","upto":5}']);
  const [tombstone] = CHANGES.tombstones;
  assert.ok(tombstone !== undefined);
  assert.deepEqual(encodeChanges({ tombstones: [tombstone], upto: 0 }).map(text), [
    `{"type":"changes","tombstones":[["192.0.2.9:3030",${HLC + 2},"${ORIGIN}","quit"]],"upto":0}`,
  ]);
  assert.deepEqual(decoded("changes", encodeChanges(CHANGES)), [CHANGES]);
});

Deno.test("encodeChanges: what does not fit goes in several, upto in the last", () => {
  const puts = many(1000, (i) => ({ ...PUT, ip: `10.0.${i >> 8}.${i & 255}` }));
  const tombstones = many(3000, (i) => ({
    id: idOf(i),
    hlc: HLC + i,
    origin: ORIGIN,
    cause: i % 2 === 0 ? "quit" as const : "expired" as const,
  }));
  const names = many(2000, (i) => ({ name: `木${i}`, key: KEY, hlc: i, origin: ORIGIN }));
  const users = many(
    2000,
    (i) => ({ user: `u${i}`, key: KEY, country: "FR", hlc: i, origin: ORIGIN }),
  );
  const parts = encodeChanges({ puts, tombstones, names, users, upto: HLC });
  const messages = decoded("changes", parts);
  assert.ok(messages.length > 5);
  assert.deepEqual(messages.flatMap(({ puts }) => puts), puts);
  assert.deepEqual(messages.flatMap(({ tombstones }) => tombstones), tombstones);
  assert.deepEqual(messages.flatMap(({ names }) => names), names);
  assert.deepEqual(messages.flatMap(({ users }) => users), users);
  const uptos = messages.map(({ upto }) => upto);
  assert.deepEqual(uptos, [...Array(messages.length - 1).fill(undefined), HLC]);
  assertFull(parts, 250);
});

Deno.test("encodeChanges: any servers read back, however they fall into messages", () => {
  const anyText = fc.string({ unit: "binary", maxLength: 120 });
  const anyPut = fc.record({
    gamename: anyText,
    settings: fc.dictionary(fc.stringMatching(/^[a-z_]{1,9}$/), anyText, { maxKeys: 30 }),
    copies: fc.integer({ min: 1, max: 60 }),
  });
  fc.assert(
    fc.property(fc.array(anyPut, { maxLength: 20 }), fc.boolean(), (made, isFull) => {
      const puts = made.flatMap(({ copies, gamename, settings: { password: _, ...settings } }) =>
        Array(copies).fill({ ...(isFull ? FULL_PUT : PUT), gamename, settings })
      );
      const messages = decoded("changes", encodeChanges({ puts }));
      assert.deepEqual(messages.flatMap((message: Changes) => message.puts), puts);
    }),
    { numRuns: 60, seed: 5 },
  );
});

Deno.test("encodeChanges: a server beyond all limits is told of in the error", () => {
  const settings = { note: "x".repeat(70_000) };
  assert.throws(() => encodeChanges({ puts: [{ ...PUT, settings }] }), {
    name: "RangeError",
    message: /^An entry is too long for a message, .*: "\{\\"v\\":\[\d+,\\"0123456789abcdef\\"\],/,
  });
  const { status } = FULL_PUT;
  assert.ok(status !== undefined);
  assert.throws(() => encodeChanges({ puts: [{ ...PUT, settings, status }] }), RangeError);
});

Deno.test("encodeRefresh, encodeReach, encodeWant: lists go in as few messages as they fit into", () => {
  for (const encode of [encodeRefresh, encodeReach, encodeWant]) assert.deepEqual(encode([]), []);
  const servers = many(5000, (i) => ({ id: idOf(i), left: i }));
  const refresh = encodeRefresh(servers);
  assert.deepEqual(decoded("refresh", refresh).flatMap(({ servers }) => servers), servers);
  assertFull(refresh, 25);
  assert.equal(refresh.length, 2);

  const found = many(5000, (i) => ({ id: idOf(i), reached: i % 3 > 0 }));
  const reach = encodeReach(found);
  assert.deepEqual(decoded("reach", reach).flatMap(({ servers }) => servers), found);
  assertFull(reach, 30);

  const keys = many(9000, (i) => i % 2 === 0 ? `s:${idOf(i)}` : `n:木${i}`);
  const want = encodeWant(keys);
  assert.deepEqual(decoded("want", want).flatMap(({ keys }) => keys), keys);
  assertFull(want, 25);
});

function bucketOf(bucket: number, count: number): Bucket {
  const entries = many(count, (i) => ({ key: `s:${idOf(i)}`, hlc: HLC + i, origin: ORIGIN }));
  return { bucket, entries };
}

/** Buckets as whoever gets all the parts puts them together. */
function gathered(buckets: readonly Bucket[]): Bucket[] {
  const whole = new Map<number, Bucket>();
  for (const { bucket, entries } of buckets) {
    whole.set(bucket, { bucket, entries: [...(whole.get(bucket)?.entries ?? []), ...entries] });
  }
  return [...whole.values()];
}

Deno.test("encodeCompare: all parts but the last say that more follow", () => {
  const facts = { round: 3, upto: HLC, equal: false };
  const buckets = [
    bucketOf(0, 0),
    bucketOf(1, 3000),
    bucketOf(2, 1),
    bucketOf(7, 0),
    ...many(200, (i) => bucketOf(8 + i, 30)),
    bucketOf(255, 0),
  ];
  const parts = encodeCompare({ ...facts, buckets });
  const messages = decoded("compare", parts);
  assert.ok(messages.length > 5);
  for (const [index, { buckets: _, ...rest }] of messages.entries()) {
    assert.deepEqual(rest, {
      type: "compare",
      ...facts,
      ...(index < messages.length - 1 ? { more: true } : {}),
    });
  }
  assert.deepEqual(gathered(messages.flatMap(({ buckets }) => buckets)), buckets);
  assert.equal(messages[0]?.buckets.length, 2);
  assert.deepEqual(messages[1]?.buckets.map(({ bucket }) => bucket), [1]);
  assertFull(parts, 70);
  assert.deepEqual(encodeCompare({ ...facts, equal: true, buckets: [] }).map(text), [
    `{"type":"compare","round":3,"upto":${HLC},"equal":true,"buckets":[]}`,
  ]);
});

Deno.test("encodeMembers: a message has at most as many masters as its reader takes", () => {
  assert.deepEqual(encodeMembers([]), []);
  const masters = many(2 * MAX_MEMBERS + 1, (i) => ({ ...MEMBER, name: `m${i}` }));
  const messages = decoded("members", encodeMembers(masters));
  assert.deepEqual(messages.map(({ masters }) => masters.length), [MAX_MEMBERS, MAX_MEMBERS, 1]);
  assert.deepEqual(messages.flatMap(({ masters }) => masters), masters);
  const host = `${"a".repeat(60)}.`.repeat(4).slice(0, -1);
  const long = masters.map((master) => ({ ...master, host, name: host }));
  assert.deepEqual(decoded("members", encodeMembers(long)).flatMap(({ masters }) => masters), long);
});

Deno.test("encodePeers: there is always an answer, in parts if need be", () => {
  assert.deepEqual(encodePeers([]).map(text), ['{"type":"peers","peers":[]}']);
  const peers = many(300, (i) => ({ ...PEER, name: `m${i}`, reason: "x".repeat(i) }));
  const messages = decoded("peers", encodePeers(peers));
  assert.ok(messages.length > 1);
  assert.deepEqual(messages.flatMap(({ peers }) => peers ?? []), peers);
  const mores = messages.map(({ more }) => more);
  assert.deepEqual(mores, [...Array(messages.length - 1).fill(true), undefined]);
});
