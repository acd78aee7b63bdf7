import assert from "node:assert/strict";
import { status } from "../registry/_helpers.ts";
import {
  crowded,
  id,
  ids,
  ip,
  LONG,
  settled,
  type TestClient,
  type TestRing,
} from "./_subscribers.ts";

Deno.test("Subscriptions: a change comes within 50 ms after a quiet time, then every 100 ms", async () => {
  const { ring, source } = crowded(3);
  await ring.timing.pass(1000);
  const client = await ring.subscriber();
  const start = ring.timing.now();
  client.receiver.times.length = 0;
  for (let i = 0; i < 100; i++) {
    ring.apply(source.status(0, status("Two clans", i)));
    await ring.timing.pass(10);
  }
  const { times } = client.receiver;
  assert.ok((times[0] as number) - start <= 50, `${(times[0] as number) - start} ms`);
  assert.equal(times.length, 10);
  for (const [i, time] of times.entries()) {
    if (i > 0) assert.ok(time - (times[i - 1] as number) >= 100);
  }
  assert.equal(ring.subscriptions.sent, 10);
  await ring.timing.pass(1000);
  client.catchUp();
  assert.equal(client.view.servers.get(id(0))?.players, 99);
  assert.equal(ring.timing.waiting, 0, "all is quiet again");
});

Deno.test("Subscriptions: subscribers with the same filter get the same bytes", async () => {
  const { ring, source } = crowded(3);
  const sent = new Set<Uint8Array>();
  for (let i = 0; i < 50; i++) {
    const receiver = ring.client().receiver;
    const filter = i % 2 ? { port: 3030, players: 1 } : { players: "1", port: "3030" };
    await ring.subscriptions.subscribe(receiver, filter, undefined);
    receiver.sendBytes = (bytes) => {
      sent.add(bytes);
      return Promise.resolve();
    };
  }
  const encoded = ring.entries.encodedCount;
  ring.apply(source.status(1, status("Plain", 1)));
  await ring.timing.pass(100);
  assert.equal(ring.subscriptions.sent, 50);
  assert.equal(sent.size, 1);
  assert.equal(ring.entries.encodedCount, encoded + 1);
});

Deno.test("Subscriptions: who does not read is skipped, then told the latest once", async () => {
  const { ring, source } = crowded(3);
  const slow = await ring.subscriber();
  const quick = await ring.subscriber();
  slow.receiver.hold();
  for (let i = 1; i <= 20; i++) {
    ring.apply(source.status(0, status("Plain", i)), source.put(100 + i));
    if (i > 1) ring.apply(source.remove(99 + i));
    await ring.timing.pass(100);
    quick.catchUp();
    assert.equal(quick.view.servers.get(id(0))?.players, i);
  }
  assert.equal(slow.receiver.messages.length, 1, "the one that it does not read");
  assert.ok(ring.subscriptions.skipped >= 15);
  slow.receiver.release();
  await ring.timing.pass(200);
  const [, next, ...more] = slow.receiver.messages;
  assert.deepEqual(more, []);
  assert.deepEqual(next?.servers.map(({ players }) => players), [20, 0]);
  assert.equal(next?.full, undefined);
  slow.catchUp();
  assert.deepEqual(ids(slow).toSorted(), ids(quick).toSorted());
});

Deno.test("Subscriptions: who was away for longer than the log reaches back gets what it missed", async () => {
  const { ring, source } = crowded(3);
  const slow = await ring.subscriber();
  slow.receiver.hold();
  ring.apply(source.put(3));
  await ring.timing.pass(100);
  for (let i = 0; i < 70_000; i++) ring.apply(source.status(0, status("Plain", i)));
  ring.apply(source.remove(1));
  await ring.timing.pass(100);
  slow.receiver.release();
  await ring.timing.pass(200);
  assert.equal(slow.catchUp(), 2);
  assert.deepEqual(ids(slow), [id(0), id(2), id(3)]);
  assert.equal(slow.view.servers.get(id(0))?.players, 69_999);
});

Deno.test("Subscriptions: a new snapshot brings what it changed, and everything where it must", async () => {
  const { ring, source } = crowded(3);
  const client = await ring.subscriber();
  source.put(3);
  source.remove(0);
  ring.load(source.records.values(), source.departures());
  await ring.timing.pass(200);
  const [changes, ...none] = client.receiver.messages;
  assert.deepEqual(none, []);
  assert.deepEqual([changes?.servers.map(({ ip }) => ip), changes?.removed], [[ip(3)], [id(0)]]);
  client.catchUp();

  source.remove(1);
  source.forget(1);
  source.put(4);
  ring.load(source.records.values(), source.departures());
  await ring.timing.pass(200);
  assert.deepEqual(client.receiver.messages.map(({ full }) => full), [true]);
  client.catchUp();
  assert.deepEqual(ids(client), [id(2), id(3), id(4)]);

  ring.load(source.records.values(), source.departures());
  await ring.timing.pass(200);
  assert.deepEqual(client.receiver.take(), [], "nothing new, nothing told");
});

Deno.test("Subscriptions: answers and batches of several messages never mix", async () => {
  const { ring, source } = crowded(0);
  for (let i = 0; i < 20; i++) ring.apply(source.put(i, { settings: LONG }));
  const client = await ring.subscriber();
  client.receiver.hold();
  for (let i = 0; i < 20; i++) ring.apply(source.put(i, { settings: { ...LONG, again: "1" } }));
  await ring.timing.pass(100);
  const listed = ring.subscriptions.list(client.receiver, { ip: ip(0) }, undefined);
  for (let i = 0; i < 20; i++) ring.apply(source.put(i, { settings: { ...LONG, again: "2" } }));
  await ring.timing.pass(200);
  assert.equal(client.receiver.messages.length, 1, "one message waits, and no other");
  client.receiver.release();
  await ring.timing.pass(1000);
  await listed;
  const answers: string[][] = [[]];
  let parts = 0;
  for (const { servers, last } of client.receiver.take()) {
    parts++;
    answers.at(-1)?.push(...servers.map(({ ip }) => ip));
    if (last) answers.push([]);
  }
  const everyone = Array.from({ length: 20 }, (_, i) => ip(i));
  assert.deepEqual(answers, [everyone, [ip(0)], everyone, []]);
  assert.ok(parts > 10, `${parts} messages`);
});

Deno.test("Subscriptions: an end waits for the batch that is on its way", async () => {
  const { ring, source } = crowded(0);
  const client = await ring.subscriber();
  for (let i = 0; i < 20; i++) ring.apply(source.put(i, { settings: LONG }));
  client.receiver.hold();
  await ring.timing.pass(100);
  let over = false;
  const ending = ring.subscriptions.unsubscribe(client.receiver).then(() => over = true);
  await settled();
  assert.equal(over, false);
  client.receiver.release();
  await ring.timing.pass(0);
  await ending;
  assert.equal(client.catchUp(), 1);
  assert.equal(client.view.servers.size, 20);
});

Deno.test("Subscriptions: what changes while a long list is sent is told after it", async () => {
  const { ring, source } = crowded(1000);
  const client = ring.client();
  client.receiver.hold();
  const subscribed = ring.subscriptions.subscribe(client.receiver, {}, undefined);
  await settled();
  for (let i = 0; i < 500; i++) ring.apply(source.remove(i));
  ring.apply(source.put(2000));
  await ring.timing.pass(500);
  client.receiver.release();
  await ring.timing.pass(0);
  await subscribed;
  assert.equal(client.catchUp(), 1);
  await ring.timing.pass(500);
  client.catchUp();
  assert.deepEqual(ids(client).toSorted(), [...source.records.keys()].toSorted());
});

function watchBreaks(ring: TestRing, inBreak: () => void = () => {}): () => number {
  let breaks = 0;
  const { timing } = ring;
  const { after } = timing;
  timing.after = (ms, action) => {
    if (ms > 0) return after.call(timing, ms, action);
    breaks++;
    after.call(timing, ms, inBreak);
    return after.call(timing, ms, action);
  };
  return () => breaks;
}

async function crowd(ring: TestRing, count: number): Promise<TestClient[]> {
  const clients: TestClient[] = [];
  for (let i = 0; i < count; i++) clients.push(await ring.subscriber());
  return clients;
}

Deno.test("Subscriptions: others get a turn between a few hundred subscribers", async () => {
  const { ring, source } = crowded(1);
  await crowd(ring, 1000);
  const breaks = watchBreaks(ring);
  ring.apply(source.put(1));
  await ring.timing.pass(100);
  assert.equal(ring.subscriptions.sent, 1000);
  assert.equal(breaks(), 5);
});

Deno.test("Subscriptions: others get a turn after ten milliseconds", async () => {
  const { ring, source } = crowded(1);
  const clients = await crowd(ring, 100);
  ring.timing.costPerLook = 1;
  const breaks = watchBreaks(ring);
  ring.apply(source.put(1));
  await ring.timing.pass(3000);
  assert.ok(breaks() >= 8, `${breaks()} breaks`);
  assert.ok(clients.every(({ receiver }) => receiver.messages.length === 1));
});

Deno.test("Subscriptions: what changes in the middle of a round is told in the next one", async () => {
  const { ring, source } = crowded(1);
  const clients = await crowd(ring, 300);
  const changes = [source.put(2), source.remove(0)];
  watchBreaks(ring, () => ring.apply(...changes.splice(0)));
  ring.apply(source.put(1));
  await ring.timing.pass(500);
  for (const client of clients) {
    client.catchUp();
    assert.deepEqual(ids(client), [id(1), id(2)]);
  }
});

Deno.test("Subscriptions: a new snapshot in the middle of a round reaches everyone", async () => {
  const { ring, source } = crowded(1);
  const clients = await crowd(ring, 300);
  let loads = 0;
  watchBreaks(ring, () => {
    if (loads++ > 0) return;
    source.put(2);
    source.remove(0);
    ring.load(source.records.values(), source.departures());
  });
  ring.apply(source.put(1));
  await ring.timing.pass(500);
  for (const [i, client] of clients.entries()) {
    assert.equal(client.catchUp(), i < 200 ? 2 : 1);
    assert.deepEqual(ids(client), [id(1), id(2)]);
  }
});

Deno.test("Subscriptions: a batch waits until another answer has been read", async () => {
  const { ring, source } = crowded(1);
  const client = await ring.subscriber();
  const other = new TextEncoder().encode(
    '{"type":"servers","servers":[],"removed":[],"last":true,"cursor":"1."}',
  );
  client.receiver.hold();
  const reading = client.receiver.sendBytes(other);
  ring.apply(source.put(1));
  await ring.timing.pass(500);
  assert.equal(client.receiver.messages.length, 1);
  assert.ok(ring.subscriptions.skipped >= 4);
  client.receiver.release();
  await reading;
  await ring.timing.pass(100);
  assert.equal(client.receiver.messages.length, 2);
});

Deno.test("Subscriptions: nothing is left to do after a stop", async () => {
  const { ring, source } = crowded(3);
  const client = await ring.subscriber();
  ring.apply(source.put(5));
  assert.equal(ring.timing.waiting, 1);
  ring.subscriptions.stop();
  assert.equal(ring.timing.waiting, 0);
  ring.apply(source.put(6));
  await ring.timing.pass(500);
  assert.deepEqual(client.receiver.take(), []);
});
