import assert from "node:assert/strict";
import { decodeCursor, encodeCursor } from "../../rings/_cursor.ts";
import { status } from "../registry/_helpers.ts";
import { A, B, crowded, id, ids, ip, settled } from "./_subscribers.ts";

Deno.test("Subscriptions: list gives all that match, and a cursor of the present", async () => {
  const { ring } = crowded(600);
  const client = ring.client();
  await ring.subscriptions.list(client.receiver, {}, undefined);
  const messages = [...client.receiver.messages];
  assert.equal(client.catchUp(), 1);
  assert.deepEqual(ids(client), Array.from({ length: 600 }, (_, i) => id(i)));
  assert.ok(messages.length > 1);
  assert.deepEqual(messages.slice(0, -1).map(({ cursor }) => cursor).filter(Boolean), []);
  assert.deepEqual(client.since?.known, ring.changes.vector);
  assert.ok(messages.every(({ full }) => full === undefined));
  assert.equal(ring.timing.waiting, 0, "nothing is done later for a list");
});

Deno.test("Subscriptions: a look at many servers gives everything else its turn in between", async () => {
  const { ring } = crowded(2000);
  for (const since of [undefined, { cursor: "1.", known: new Map() }]) {
    const client = ring.client();
    ring.timing.costPerLook = 1;
    const listed = ring.subscriptions.list(client.receiver, { text: "nobody has this" }, since);
    ring.timing.costPerLook = 0;
    assert.equal(ring.timing.waiting, 1);
    assert.deepEqual(client.receiver.messages, [], "it is not done yet");
    await ring.timing.pass(0);
    await listed;
    assert.equal(client.catchUp(), 1);
    assert.equal(ring.timing.waiting, 0);
  }
});

Deno.test("Subscriptions: who goes while a subscription waits for its turn is forgotten", async () => {
  const { ring } = crowded(2000);
  ring.timing.costPerLook = 1;
  const first = ring.subscriptions.list(ring.client().receiver, { guess: 1 }, undefined);
  const { receiver } = ring.client();
  const second = ring.subscriptions.subscribe(receiver, {}, undefined);
  await settled();
  receiver.isClosed = true;
  ring.subscriptions.forget(receiver);
  ring.timing.costPerLook = 0;
  await ring.timing.pass(0);
  await Promise.all([first, second]);
  assert.equal(ring.subscriptions.size, 0);
});

Deno.test("Subscriptions: list since a cursor gives what changed, what matches no more as removed", async () => {
  const { ring, source } = crowded(5);
  const client = ring.client();
  const full = { status: status("Two clans", 8) };
  ring.apply(source.put(5, full));
  await ring.subscriptions.list(client.receiver, { not_full: true }, undefined);
  client.catchUp();
  const before = client.since;
  ring.apply(source.put(6), source.remove(0), source.put(7, full), source.put(1, full));
  client.view.begin();
  await ring.subscriptions.list(client.receiver, { not_full: true }, before);
  const [message, ...more] = client.receiver.messages;
  assert.deepEqual(more, []);
  assert.deepEqual(message?.servers.map(({ ip }) => ip), []);
  assert.deepEqual(
    message?.removed.toSorted(),
    [id(0), id(1), id(6), id(7)].toSorted(),
    "none of them has room, as nobody told of any",
  );
  assert.equal(message?.full, undefined);
});

Deno.test("Subscriptions: list since the present is one empty message", async () => {
  const { ring } = crowded(5);
  const client = await ring.subscriber();
  await ring.subscriptions.list(client.receiver, {}, client.since);
  assert.deepEqual(client.receiver.take(), [{
    type: "servers",
    servers: [],
    removed: [],
    last: true,
    cursor: encodeCursor(ring.changes.vector),
  }]);
});

Deno.test("Subscriptions: a cursor from before the horizon gets everything, and is told so", async () => {
  const { ring, source } = crowded(400);
  const client = ring.client();
  await ring.subscriptions.list(client.receiver, {}, undefined);
  client.catchUp();
  ring.apply(source.remove(3), ...source.forget(3));
  const { since } = client;
  await ring.subscriptions.list(client.receiver, {}, since);
  const messages = [...client.receiver.messages];
  assert.ok(messages.length > 1);
  assert.ok(messages.every(({ full }) => full === true));
  assert.ok(messages.slice(0, -1).every(({ cursor }) => cursor === since?.cursor));
  assert.equal(client.catchUp(), 1);
  assert.equal(client.view.servers.size, 399);
  assert.equal(client.view.servers.has(id(3)), false);
});

Deno.test("Subscriptions: a cursor says what this master knows, not what another one did", async () => {
  const { ring, source } = crowded(1);
  const known = new Map([...ring.changes.vector, [B, 5_000]]);
  const client = await ring.subscriber({}, { cursor: encodeCursor(known), known });
  assert.deepEqual(client.since?.known, ring.changes.vector);
  ring.apply(source.put(1));
  await ring.timing.pass(500);
  client.catchUp();
  assert.deepEqual(client.since?.known, new Map([[A, source.hlc]]));
});

Deno.test("Subscriptions: a batch tells each server once, as it is now", async () => {
  const { ring, source } = crowded(3);
  const client = await ring.subscriber();
  ring.apply(source.put(3), source.put(4), source.status(0, status("Plain", 1)));
  ring.apply(source.status(0, status("Plain", 2)), source.remove(4), source.remove(1));
  await ring.timing.pass(100);
  const [batch, ...more] = client.receiver.messages;
  assert.deepEqual(more, []);
  assert.deepEqual(batch?.servers.map(({ ip, players }) => [ip, players]), [[ip(3), 0], [
    ip(0),
    2,
  ]]);
  assert.deepEqual(batch?.removed, [id(4), id(1)]);
  assert.equal(batch?.last, true);
  assert.deepEqual(decodeCursor(batch?.cursor ?? ""), ring.changes.vector);
});

Deno.test("Subscriptions: what is none of a filter's is not told, and costs no message", async () => {
  const { ring, source } = crowded(3);
  const client = await ring.subscriber({ not_empty: true });
  ring.apply(source.put(9), source.remove(9), source.remove(0), source.put(1));
  await ring.timing.pass(1000);
  assert.deepEqual(client.receiver.take(), []);
  ring.apply(source.status(1, status("Plain", 1)));
  await ring.timing.pass(1000);
  ring.apply(source.status(1, status("Plain", 0)));
  await ring.timing.pass(1000);
  const [came, left, ...more] = client.receiver.messages;
  assert.deepEqual([came?.servers.length, came?.removed], [1, []]);
  assert.deepEqual([left?.servers.length, left?.removed], [0, [id(1)]]);
  assert.deepEqual(more, []);
});

Deno.test("Subscriptions: masters are told to nobody", async () => {
  const { ring, source } = crowded(1);
  const client = await ring.subscriber();
  ring.apply(source.put(1, { gamename: "master" }), source.remove(1));
  ring.apply(source.put(2, { gamename: "master" }));
  await ring.timing.pass(1000);
  assert.deepEqual(client.receiver.take(), []);
  assert.deepEqual(ids(client), [id(0)]);
});

Deno.test("Subscriptions: a second one replaces the first", async () => {
  const { ring, source } = crowded(3);
  const client = await ring.subscriber({ ip: ip(0) });
  assert.deepEqual(ids(client), [id(0)]);
  client.view.cursor = undefined;
  client.view.begin();
  await ring.subscriptions.subscribe(client.receiver, { ip: ip(1) }, undefined);
  assert.equal(ring.subscriptions.size, 1);
  assert.equal(client.catchUp(), 1);
  ring.apply(source.put(0), source.put(1));
  await ring.timing.pass(200);
  assert.deepEqual(client.receiver.messages.flatMap(({ servers }) => servers.map(({ ip }) => ip)), [
    ip(1),
  ]);
});

Deno.test("Subscriptions: none is told anything after it has ended", async () => {
  const { ring, source } = crowded(3);
  const [ended, gone] = [await ring.subscriber(), await ring.subscriber()];
  ring.apply(source.put(5));
  await ring.subscriptions.unsubscribe(ended.receiver);
  ring.subscriptions.forget(gone.receiver);
  assert.equal(ring.subscriptions.size, 0);
  await ring.timing.pass(500);
  assert.deepEqual([ended.receiver.messages, gone.receiver.messages], [[], []]);
  await ring.subscriptions.unsubscribe(ended.receiver);
  assert.equal(ring.timing.waiting, 0);
});

Deno.test("Subscriptions: a closed session is sent nothing more of a long list", async () => {
  const { ring } = crowded(1000);
  const { receiver } = ring.client();
  receiver.hold();
  const listed = ring.subscriptions.list(receiver, {}, undefined);
  receiver.isClosed = true;
  receiver.release();
  await listed;
  assert.equal(receiver.messages.length, 1);
});

/** Calls back in the breaks of rounds; how many there were. */
