import assert from "node:assert/strict";
import type { RegistryEvent } from "../../registry/mod.ts";
import { record } from "../db/_helpers.ts";
import { A, B, bench, K, LIFE, NAME, put, REMOVED, status } from "./_feed.ts";

Deno.test("Feed: ring 2 hears of what only it tells, ring 1 of servers that failed their proof", () => {
  const { feed, take } = bench();
  for (const ring of ["ring1", "ring1bis", "ring2"] as const) feed.add(ring);
  feed.open();
  take();
  feed.note({ type: "seen", ids: [A.id], at: 1, ...LIFE });
  feed.note({ type: "forgotten", id: B.id, hlc: 1, origin: "o" });
  feed.note({ type: "number", id: A.id, number: 1 });
  feed.note({ type: "synced", hlc: 1, origin: "other" });
  feed.note({ type: "disputed", id: B.id, cause: "quit", hlc: 2, origin: "other" });
  feed.note({ type: "reach", servers: [{ id: A.id, reached: 1, probed: 2 }], found: [] });
  feed.flush();
  assert.deepEqual(take(), ["ring2 events 6"]);
  feed.note(put({ ...K, state: "unverified" }));
  feed.note(put({ ...K, state: "challenged" }));
  feed.note({ type: "name", ...NAME });
  feed.flush();
  assert.deepEqual(take(), ["ring1 events 1"]);
  feed.note(put(K));
  feed.note({ type: "seen", ids: [K.id], at: 2, ...LIFE });
  feed.flush();
  assert.deepEqual(take(), ["ring1 events 1", "ring1bis events 1", "ring2 events 2"]);
});

Deno.test("Feed: ring 0 hears of what other masters are to know, and of no Numbers", () => {
  const { feed, take, messages } = bench();
  feed.open();
  feed.add("ring0");
  take();
  const events: RegistryEvent[] = [
    put(A),
    status(A),
    { type: "seen", ids: [A.id], at: 1, ...LIFE },
    { type: "disputed", id: A.id, cause: "expired", hlc: 3, origin: "other" },
    REMOVED,
    { type: "forgotten", id: A.id, hlc: 3, origin: "o" },
    { type: "name", ...NAME },
    { type: "reach", servers: [], found: [{ id: A.id, reached: true }] },
  ];
  for (const event of events) feed.note(event);
  feed.note({ type: "number", id: A.id, number: 1 });
  feed.note({ type: "synced", hlc: 1, origin: "other" });
  feed.note(put({ ...B, state: "challenged" }));
  feed.note(put({ ...B, state: "unverified" }));
  feed.flush();
  assert.deepEqual(take(), ["ring0 events 8"]);
  assert.deepEqual(messages.at(-1), { type: "events", events });
});

Deno.test("Feed: ring 0 is told how long servers live, and at last names and what is gone", () => {
  const { feed, messages } = bench([A, { ...B, state: "challenged" }, K]);
  feed.add("ring0");
  feed.open();
  const gap = { origin: "o", after: 0, before: 0 };
  assert.deepEqual(messages, [{
    type: "snapshot",
    records: [A, K],
    lives: [{ left: 0, heard: true }, { left: 1, heard: true }],
    first: true,
    last: true,
    names: [NAME],
    departures: { origin: "o", tombstones: [], vector: [], horizon: [], gap },
  }]);
});

Deno.test("Feed: a large snapshot for ring 0 comes in parts, names with the last one only", () => {
  const many = Array.from({ length: 5001 }, (_, i) => record(`10.0.${i >> 8}.${i & 255}`));
  const { feed, messages } = bench(many);
  feed.add("ring0");
  feed.open();
  const parts = messages.map((message) => {
    assert.equal(message.type, "snapshot");
    if (message.type !== "snapshot") return undefined;
    assert.equal(message.lives?.length, message.records.length);
    assert.equal(message.lives[0]?.left, message.first ? 0 : 5000);
    return [message.records.length, message.first, message.last, "names" in message];
  });
  assert.deepEqual(parts, [[5000, true, false, false], [1, false, true, true]]);
});

Deno.test("Feed: ring 1 gets servers with keys only", () => {
  const { feed, take, messages } = bench([A, K]);
  feed.open();
  feed.add("ring1");
  const [snapshot] = messages;
  assert.deepEqual(snapshot?.type === "snapshot" && snapshot.records, [K]);
  take();
  for (const event of [put(A), status(A), put({ ...B, state: "unverified" }), REMOVED]) {
    feed.note(event);
  }
  feed.flush();
  assert.deepEqual(take(), []);
  feed.note(status(K));
  feed.note(put({ ...B, key: "b" }));
  feed.note(status(B));
  feed.flush();
  assert.deepEqual(take(), ["ring1 events 3"]);
});

Deno.test("Feed: ring 1 hears that a server has lost its key, is not listed any more, or is gone", () => {
  const { key: _key, ...disowned } = K;
  const endings: Record<string, RegistryEvent> = {
    "lost its key": put(disowned),
    "not listed any more": put({ ...K, state: "challenged" }),
    "gone": { ...REMOVED, id: K.id } as RegistryEvent,
  };
  for (const [what, ending] of Object.entries(endings)) {
    const { feed, take, messages } = bench([K]);
    feed.open();
    feed.add("ring1");
    take();
    feed.note(ending);
    feed.flush();
    assert.deepEqual(messages.at(-1), { type: "events", events: [ending] }, what);
    assert.deepEqual(take(), ["ring1 events 1"], what);
    feed.note(status(K));
    feed.flush();
    assert.deepEqual(take(), [], `${what}: it is none of ring 1's copy any more`);
  }
});

Deno.test("Feed: ring 1 gets all servers where it asks them over UDP", () => {
  const { feed, take, messages } = bench([A, K], "ring1");
  feed.open();
  feed.add("ring1");
  const [snapshot] = messages;
  assert.deepEqual(snapshot?.type === "snapshot" && snapshot.records, [A, K]);
  take();
  feed.note(put(A));
  feed.note(status(A));
  feed.note(put({ ...B, state: "unverified" }));
  feed.note(REMOVED);
  feed.note(put({ ...B, state: "challenged" }));
  feed.flush();
  assert.deepEqual(take(), ["ring1 events 4"]);
});
