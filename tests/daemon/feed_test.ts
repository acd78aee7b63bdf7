import assert from "node:assert/strict";
import { Feed } from "../../daemon/_feed.ts";
import type { RegistryEvent, ServerRecord } from "../../registry/mod.ts";
import type { RingName } from "../../threads/mod.ts";
import { record, STATUS } from "../db/_helpers.ts";

const A = record("192.0.2.1");
const B = record("192.0.2.2");
const CHALLENGE = { id: A.id, ip: A.ip, port: A.port, token: "t" };

const REMOVED: RegistryEvent = {
  type: "removed",
  id: A.id,
  cause: "quit",
  lastSeen: 0,
  wasListed: true,
  hlc: 3,
  origin: "o",
};

function put(record: ServerRecord): RegistryEvent {
  return { type: "put", record };
}

/** A feed, and what it posted in short: to whom, what, about how many. */
function bench(records: ServerRecord[] = []): { feed: Feed; take: () => string[] } {
  let posted: string[] = [];
  const feed = new Feed({
    post: (ring: RingName, message) => {
      if (message.type === "events") posted.push(`${ring} events ${message.events.length}`);
      else if (message.type === "replies") posted.push(`${ring} replies ${message.replies.length}`);
      else if (message.type === "snapshot") {
        const { first, last } = message;
        const part = (first ? "first " : "") + (last ? "last " : "");
        posted.push(`${ring} snapshot ${part}${message.records.length}`);
      } else posted.push(`${ring} ${message.type}`);
    },
    prober: "ring1bis",
    records: () => records,
    departures: () => ({
      tombstones: [],
      vector: [],
      horizon: [],
      gap: { origin: "o", after: 0, before: 0 },
    }),
  });
  return {
    feed,
    take: () => {
      const taken = posted;
      posted = [];
      return taken;
    },
  };
}

Deno.test("Feed: rings get a snapshot when it opens, later ones when they come up", () => {
  const { feed, take } = bench([A, B]);
  feed.add("ring1bis");
  assert.equal(feed.isOpen, false);
  assert.deepEqual(take(), []);
  feed.open();
  assert.equal(feed.isOpen, true);
  assert.deepEqual(take(), ["ring1bis snapshot first last 2"]);
  feed.add("ring2bis");
  assert.deepEqual(take(), ["ring2bis snapshot first last 2"]);
});

Deno.test("Feed: a snapshot is of the listed only, and complete even when there are none", () => {
  const { feed, take } = bench([{ ...A, state: "challenged" }, { ...B, state: "unverified" }]);
  feed.open();
  feed.add("ring1bis");
  assert.deepEqual(take(), ["ring1bis snapshot first last 0"]);
});

Deno.test("Feed: a large snapshot comes in parts, the first and the last marked", () => {
  const many = (count: number): ServerRecord[] =>
    Array.from({ length: count }, (_, i) => record(`10.0.${i >> 8}.${i & 255}`));
  for (
    const [count, expected] of [
      [12_000, ["first 5000", "5000", "last 2000"]],
      [10_000, ["first 5000", "5000", "last 0"]],
      [4999, ["first last 4999"]],
    ] as const
  ) {
    const { feed, take } = bench(many(count));
    feed.open();
    feed.add("ring2bis");
    assert.deepEqual(take(), expected.map((part) => `ring2bis snapshot ${part}`));
  }
});

Deno.test("Feed: events go to all rings in one batch", () => {
  const { feed, take } = bench();
  feed.open();
  feed.add("ring1bis");
  feed.add("ring2bis");
  take();
  feed.note(put(A));
  feed.note({ type: "status", id: A.id, status: STATUS, hlc: 2, origin: "o" });
  feed.note(REMOVED);
  assert.deepEqual(take(), []);
  feed.flush();
  assert.deepEqual(take(), ["ring1bis events 3", "ring2bis events 3"]);
  feed.flush();
  assert.deepEqual(take(), []);
});

Deno.test("Feed: what is no business of a list's is left out", () => {
  const { feed, take } = bench();
  feed.open();
  feed.add("ring1bis");
  take();
  feed.note({ type: "seen", ids: [A.id], at: 1 });
  feed.note(put({ ...A, state: "challenged" }));
  feed.note(put({ ...A, state: "unverified" }));
  feed.flush();
  assert.deepEqual(take(), []);
});

Deno.test("Feed: challenges go to the prober only", () => {
  const { feed, take } = bench();
  feed.open();
  feed.add("ring1bis");
  feed.add("ring2bis");
  take();
  feed.challenge(CHALLENGE);
  feed.challenge(CHALLENGE);
  feed.flush();
  assert.deepEqual(take(), ["ring1bis challenges"]);
});

Deno.test("Feed: a reply comes after the events that the request brought about", () => {
  const { feed, take } = bench();
  feed.open();
  feed.add("ring1bis");
  feed.add("ring2bis");
  take();
  feed.note(put(A));
  feed.challenge(CHALLENGE);
  feed.reply("ring2bis", [{ request: 1, outcome: { type: "accepted" } }]);
  assert.deepEqual(take(), [
    "ring1bis events 1",
    "ring2bis events 1",
    "ring1bis challenges",
    "ring2bis replies 1",
  ]);
  feed.reply("ring1bis", []);
  assert.deepEqual(take(), []);
});

Deno.test("Feed: a snapshot comes after the events before it, and never counts one twice", () => {
  const records = [A];
  const { feed, take } = bench(records);
  feed.open();
  feed.add("ring1bis");
  take();
  records.push(B);
  feed.note(put(B));
  feed.add("ring2bis");
  feed.flush();
  assert.deepEqual(take(), ["ring1bis events 1", "ring2bis snapshot first last 2"]);
});

Deno.test("Feed: a ring that is down gets nothing until it is back", () => {
  const { feed, take } = bench([A]);
  feed.open();
  feed.add("ring1bis");
  feed.add("ring2bis");
  take();
  feed.remove("ring2bis");
  feed.note(put(A));
  feed.flush();
  assert.deepEqual(take(), ["ring1bis events 1"]);
  feed.add("ring2bis");
  assert.deepEqual(take(), ["ring2bis snapshot first last 1"]);
});

Deno.test("Feed: opened again it sends everyone a new snapshot", () => {
  const records = [A];
  const { feed, take } = bench(records);
  feed.add("ring1bis");
  feed.open();
  records.push(B);
  take();
  feed.open();
  assert.deepEqual(take(), ["ring1bis snapshot first last 2"]);
});

Deno.test("Feed: ring 2 hears of what only it tells, ring 1 of servers that failed their proof", () => {
  const { feed, take } = bench();
  for (const ring of ["ring1", "ring1bis", "ring2"] as const) feed.add(ring);
  feed.open();
  take();
  feed.note({ type: "seen", ids: [A.id], at: 1 });
  feed.note({ type: "forgotten", id: B.id, hlc: 1, origin: "o" });
  feed.note({ type: "number", id: A.id, number: 1 });
  feed.flush();
  assert.deepEqual(take(), ["ring2 events 3"]);
  feed.note(put({ ...A, state: "unverified" }));
  feed.note(put({ ...A, state: "challenged" }));
  feed.note({ type: "name", name: "n", key: "k", hlc: 3, origin: "o" });
  feed.flush();
  assert.deepEqual(take(), ["ring1 events 1"]);
  feed.note(put(A));
  feed.note({ type: "seen", ids: [A.id], at: 2 });
  feed.flush();
  assert.deepEqual(take(), ["ring1 events 1", "ring1bis events 1", "ring2 events 2"]);
});
