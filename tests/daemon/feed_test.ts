import assert from "node:assert/strict";
import type { ServerRecord } from "../../registry/mod.ts";
import { record } from "../db/_helpers.ts";
import { A, B, bench, CHALLENGE, LIFE, put, REMOVED, status } from "./_feed.ts";

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
  feed.note(status(A));
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
  feed.note({ type: "seen", ids: [A.id], at: 1, ...LIFE });
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
