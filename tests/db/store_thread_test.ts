import assert from "node:assert/strict";
import { StoreClient, storeThread } from "../../db/mod.ts";
import type { ServerRecord } from "../../registry/mod.ts";
import type { FromThread, ThreadBody, ThreadSettings, ToThread } from "../../threads/mod.ts";
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

function settingsOf(path: string): ThreadSettings {
  const database = { type: "sqlite", path } as const;
  return { kind: "store", store: { database, journalPath: `${path}.journal` } };
}

/** A client and the thread's body, messages copied as between threads. */
async function withThread(
  use: (client: StoreClient, body: ThreadBody, said: FromThread[], path: string) => Promise<void>,
): Promise<void> {
  await withTempDir(async (directory) => {
    const path = `${directory}/masterserver.db`;
    const said: FromThread[] = [];
    const body = storeThread(settingsOf(path), {
      post: (message) => {
        if (message.type === "store-event") said.push(message);
        queueMicrotask(() => client.receive(structuredClone(message)));
      },
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
    assert.deepEqual(body.counters(), {
      writes: 2,
      failures: 0,
      database_up: 1,
      journal_bytes: 0,
    });
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

Deno.test("storeThread: a change that makes no sense costs only itself", async () => {
  await withThread(async (client, body, said) => {
    await client.write([{ type: "gone", id: "no endpoint" }, PUT_A]);
    assert.deepEqual((await gather(client)).flat(), [A]);
    assert.match(JSON.stringify(said), /"rejected","id":"no endpoint"/);
    assert.equal(body.counters()["failures"], 0);
  });
});

Deno.test("storeThread: a dropped table is told and made again", async () => {
  await withThread(async (client, _, said, path) => {
    await client.write([PUT_A]);
    assert.deepEqual((await gather(client)).flat(), [A]);
    query(path, "DROP TABLE server_data");
    await client.write([{ type: "put", record: B }]);
    assert.deepEqual((await gather(client)).at(-2), [B], "the last batch but the empty end");
    assert.match(JSON.stringify(said), /"rebuilt"/);
  });
});

Deno.test("storeThread: rows that make no sense are left out and told once", async () => {
  await withThread(async (client, _, said, path) => {
    await client.write([PUT_A, { type: "put", record: B }]);
    await gather(client);
    query(path, "UPDATE server_data SET config = 'x' WHERE IP = '192.0.2.1'");
    assert.deepEqual((await gather(client)).flat(), [B]);
    const told = said.filter((message) => /unreadable/.test(JSON.stringify(message)));
    assert.equal(told.length, 1);
    assert.match(JSON.stringify(told), /192\.0\.2\.1:3030/);
  });
});

Deno.test("storeThread: a claim is answered after its row is stored", async () => {
  await withThread(async (client, _, _said, path) => {
    await gather(client);
    const claim = { user: "Bob", key: "k", ip: "::1", country: "", netName: "", at: 0 };
    assert.deepEqual(await client.claim(claim), { type: "welcome", number: 1 });
    assert.equal(query(path, "SELECT User FROM Client_data")[0]?.["User"], "Bob");
    assert.deepEqual(await client.claim({ ...claim, key: "other" }), { type: "name_taken" });
    await assert.rejects(client.claim({ ...claim, user: "" }), /1 to 255/);
  });
});

Deno.test("storeThread: a file that is no database is told, and changes are taken", async () => {
  await withTempDir(async (directory) => {
    const path = `${directory}/masterserver.db`;
    Deno.writeTextFileSync(path, "somebody's diary\n".repeat(1000));
    const said: FromThread[] = [];
    const body = storeThread(settingsOf(path), {
      post: (message) => said.push(message),
      log: () => {},
    });
    await body.start();
    body.receive({ type: "write", request: 1, changes: [PUT_A] });
    body.receive({
      type: "claim",
      request: 2,
      claim: { user: "Bob", key: "k", ip: "::1", country: "", netName: "", at: 0 },
    });
    await sleep(100);
    const text = JSON.stringify(said);
    assert.match(text, /"down","reason":"the database file .* cannot be used: .*\[database\] base/);
    assert.match(text, /"written","request":1/);
    assert.match(text, /"claimed","request":2,"outcome":{"type":"busy"}/);
    await body.stop(0);
    assert.ok(Deno.statSync(`${path}.journal`).size > 0);
    assert.match(Deno.readTextFileSync(path), /diary/);
  });
});

Deno.test("storeThread: a place for neither file nor journal fails its start", async () => {
  await withTempDir(async (directory) => {
    const context = { post: () => {}, log: () => {} };
    Deno.writeTextFileSync(`${directory}/file`, "");
    const body = storeThread(settingsOf(`${directory}/file/below.db`), context);
    await assert.rejects(async () => await body.start(), { name: "JournalError" });
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
