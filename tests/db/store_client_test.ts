import assert from "node:assert/strict";
import { StoreClient } from "../../db/mod.ts";
import { hlcAt, type ServerRecord, type Stored, type Version } from "../../registry/mod.ts";
import type { ToThread } from "../../threads/mod.ts";
import { sleep } from "../_helpers.ts";
import { NOW, record } from "./_helpers.ts";

const VERSION: Version = { hlc: hlcAt(NOW), origin: "0123456789abcdef" };
const A = record("192.0.2.1", VERSION);
const B = record("192.0.2.2", VERSION);
const PUT_A = { type: "put", record: A } as const;

const NOTHING: Stored = { records: [], tombstones: [], horizon: [], names: [] };

/** The records of each part. */
async function gather(client: StoreClient): Promise<(readonly ServerRecord[])[]> {
  const parts = await Array.fromAsync(client.load(0));
  return parts.map(({ records }) => records);
}

/** A client whose messages are kept. */
function recorded(): { client: StoreClient; sent: ToThread[] } {
  const sent: ToThread[] = [];
  const client = new StoreClient((message) => sent.push(message));
  client.up();
  return { client, sent };
}

Deno.test("StoreClient: nothing is asked of a thread that is not up", async () => {
  const sent: ToThread[] = [];
  const client = new StoreClient((message) => sent.push(message));
  await assert.rejects(client.write([PUT_A]), /down/);
  await assert.rejects(gather(client), /down/);
  assert.deepEqual(await client.ask({ type: "find-user", user: "Bob" }), { type: "busy" });
  assert.deepEqual(sent, []);
});

Deno.test("StoreClient.ask: a thread that goes down meanwhile is busy", async () => {
  const { client, sent } = recorded();
  const asked = client.ask({ type: "find-user", user: "Bob" });
  assert.deepEqual(sent, [
    { type: "question", request: 1, question: { type: "find-user", user: "Bob" } },
  ]);
  client.down();
  assert.deepEqual(await asked, { type: "busy" });
});

Deno.test("StoreClient: when the thread goes down all that was asked fails", async () => {
  const { client, sent } = recorded();
  const outcomes = [client.write([PUT_A]), client.write([PUT_A]), gather(client)].map((asked) =>
    assert.rejects(asked, /down/)
  );
  client.down();
  await Promise.all(outcomes);
  client.up();
  const again = client.write([PUT_A]);
  const last = sent.at(-1);
  assert.ok(last?.type === "write");
  client.receive({ type: "written", request: last.request });
  await again;
});

Deno.test("StoreClient: each answer is for its request, whatever the order", async () => {
  const { client, sent } = recorded();
  const first = client.write([PUT_A]);
  const second = client.write([PUT_A]);
  const [a, b] = sent.map((message) => message.type === "write" ? message.request : NaN);
  client.receive({ type: "store-error", request: b ?? 0, message: "disk full" });
  await assert.rejects(second, /disk full/);
  client.receive({ type: "written", request: b ?? 0 });
  client.receive({ type: "written", request: 999 });
  client.receive({ type: "loaded" });
  let settled = false;
  void first.then(() => settled = true);
  await sleep(1);
  assert.equal(settled, false);
  client.receive({ type: "written", request: a ?? 0 });
  await first;
});

Deno.test("StoreClient.load: yields rows as they come, and fails where they stop", async () => {
  const { client, sent } = recorded();
  const rows = client.load(5)[Symbol.asyncIterator]();
  const first = rows.next();
  const [asked] = sent;
  assert.ok(asked?.type === "load" && asked.since === 5);
  const { request } = asked;
  const [partA, partB] = [{ ...NOTHING, records: [A] }, { ...NOTHING, records: [B] }];
  client.receive({ type: "rows", request, stored: partA, last: false });
  assert.deepEqual(await first, { value: partA, done: false });
  client.receive({ type: "rows", request, stored: partB, last: false });
  client.receive({ type: "store-error", request, message: "damaged" });
  assert.deepEqual(await rows.next(), { value: partB, done: false });
  await assert.rejects(rows.next(), /damaged/);
});

Deno.test("StoreClient.load: rows that come all at once lose nothing", async () => {
  const { client, sent } = recorded();
  const loaded = gather(client);
  await sleep(1);
  const request = sent[0]?.type === "load" ? sent[0].request : NaN;
  for (const last of [false, false, true]) {
    const stored = { ...NOTHING, records: [last ? B : A] };
    client.receive({ type: "rows", request, stored, last });
  }
  assert.deepEqual(await loaded, [[A], [A], [B]]);
});
