import assert from "node:assert/strict";
import { StoreClient, storeThread } from "../../db/mod.ts";
import type { ServerRecord } from "../../registry/mod.ts";
import type { FromThread, ThreadBody, ToThread } from "../../threads/mod.ts";
import { sleep, withTempDir } from "../_helpers.ts";
import { query, record } from "./_helpers.ts";

const A = record("192.0.2.1");
const B = record("192.0.2.2");
const PUT_A = { type: "put", record: A } as const;

async function gather(client: StoreClient, since = 0): Promise<ServerRecord[][]> {
  const batches: ServerRecord[][] = [];
  for await (const batch of client.load(since)) batches.push([...batch]);
  return batches;
}

/** A client whose messages are kept. */
function recorded(): { client: StoreClient; sent: ToThread[] } {
  const sent: ToThread[] = [];
  const client = new StoreClient((message) => sent.push(message));
  client.up();
  return { client, sent };
}

/** A client and the thread's body, messages copied as between threads. */
async function withThread(
  use: (client: StoreClient, body: ThreadBody, said: FromThread[], path: string) => Promise<void>,
): Promise<void> {
  await withTempDir(async (directory) => {
    const path = `${directory}/masterserver.db`;
    const said: FromThread[] = [];
    const body = storeThread({ kind: "store", store: { path } }, {
      post: (message) => queueMicrotask(() => client.receive(structuredClone(message))),
      log: (level, message, fields) =>
        said.push({ type: "log", level, message, fields: fields ?? {} }),
    });
    const client = new StoreClient((message) => body.receive(structuredClone(message)));
    await body.start();
    client.up();
    try {
      await use(client, body, said, path);
    } finally {
      await body.stop(0);
    }
  });
}

Deno.test("storeThread: writes and loads what its client asks for", async () => {
  await withThread(async (client, body) => {
    assert.deepEqual((await gather(client)).flat(), []);
    await client.write([PUT_A, { type: "put", record: B }]);
    await client.write([{ type: "gone", id: A.id }]);
    assert.deepEqual((await gather(client)).flat(), [B]);
    assert.deepEqual(body.counters(), { writes: 2, failures: 0 });
  });
});

Deno.test("storeThread: a large load comes in several messages, in order", async () => {
  await withThread(async (client) => {
    const records = Array.from({ length: 12_345 }, (_, i) => record(`10.0.${i >> 8}.${i & 255}`));
    await client.write(records.map((record) => ({ type: "put", record })));
    const batches = await gather(client);
    assert.ok(batches.length > 1);
    assert.deepEqual(batches.flat().map(({ id }) => id), records.map(({ id }) => id));
  });
});

Deno.test("storeThread: a failed write is told with its reason, and later ones work", async () => {
  await withThread(async (client, body, _, path) => {
    await assert.rejects(client.write([{ type: "gone", id: "no endpoint" }]), /no endpoint/);
    query(path, "DROP TABLE server_data");
    await assert.rejects(client.write([PUT_A]), /server_data/);
    await assert.rejects(gather(client), /server_data/);
    assert.deepEqual(body.counters(), { writes: 0, failures: 3 });
  });
});

Deno.test("storeThread: rows that make no sense are left out and logged once", async () => {
  await withThread(async (client, _, said, path) => {
    await client.write([PUT_A, { type: "put", record: B }]);
    query(path, "UPDATE server_data SET config = 'x' WHERE IP = '192.0.2.1'");
    assert.deepEqual((await gather(client)).flat(), [B]);
    assert.equal(said.length, 1);
    assert.match(JSON.stringify(said[0]), /192\.0\.2\.1:3030/);
  });
});

Deno.test("storeThread: a file it cannot use fails its start, settings of a ring even before", async () => {
  await withTempDir(async (directory) => {
    const context = { post: () => {}, log: () => {} };
    const body = storeThread({ kind: "store", store: { path: directory } }, context);
    await assert.rejects(async () => await body.start(), { name: "StoreError" });
    assert.throws(() => {
      storeThread({ kind: "ring" } as Parameters<typeof storeThread>[0], context);
    }, TypeError);
  });
});

Deno.test("StoreClient: nothing is asked of a thread that is not up", async () => {
  const sent: ToThread[] = [];
  const client = new StoreClient((message) => sent.push(message));
  await assert.rejects(client.write([PUT_A]), /down/);
  await assert.rejects(gather(client), /down/);
  assert.deepEqual(sent, []);
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
  client.receive({ type: "rows", request, records: [A], last: false });
  assert.deepEqual(await first, { value: [A], done: false });
  client.receive({ type: "rows", request, records: [B], last: false });
  client.receive({ type: "store-error", request, message: "damaged" });
  assert.deepEqual(await rows.next(), { value: [B], done: false });
  await assert.rejects(rows.next(), /damaged/);
});

Deno.test("StoreClient.load: rows that come all at once lose nothing", async () => {
  const { client, sent } = recorded();
  const loaded = gather(client);
  await sleep(1);
  const request = sent[0]?.type === "load" ? sent[0].request : NaN;
  for (const last of [false, false, true]) {
    client.receive({ type: "rows", request, records: [last ? B : A], last });
  }
  assert.deepEqual(await loaded, [[A], [A], [B]]);
});
