import assert from "node:assert/strict";
import { StoreClient, storeThread } from "../../db/mod.ts";
import { hlcAt, type ServerRecord, type Stored, type Version } from "../../registry/mod.ts";
import type { FromThread, ThreadBody, ThreadSettings, ToThread } from "../../threads/mod.ts";
import { sleep, withTempDir } from "../_helpers.ts";
import { until } from "../e2e/_until.ts";
import { NOW, query, record } from "./_helpers.ts";

const VERSION: Version = { hlc: hlcAt(NOW), origin: "0123456789abcdef" };
const A = record("192.0.2.1", VERSION);
const B = record("192.0.2.2", VERSION);
const PUT_A = { type: "put", record: A } as const;

const NOTHING: Stored = { records: [], tombstones: [], horizon: [], names: [] };

/** The records of each part, their Numbers left out. */
async function gather(client: StoreClient, since = 0): Promise<ServerRecord[][]> {
  const batches: ServerRecord[][] = [];
  for await (const { records } of client.load(since)) {
    batches.push(records.map(({ number: _, ...record }) => record));
  }
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

/** The Numbers that were told, each time. */
function numbersIn(said: readonly FromThread[]): unknown[] {
  return said.flatMap((message) =>
    message.type === "store-event" && message.event.type === "numbered"
      ? [message.event.numbers]
      : []
  );
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
    await client.write([{ type: "gone", id: A.id, ...VERSION }]);
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
    await client.write([{ type: "gone", id: "no endpoint", ...VERSION }, PUT_A]);
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
    const ask = (change = {}) => client.ask({ type: "claim", claim: { ...claim, ...change } });
    assert.deepEqual(await ask(), { type: "claimed", outcome: { type: "welcome", number: 1 } });
    assert.equal(query(path, "SELECT User FROM Client_data")[0]?.["User"], "Bob");
    assert.deepEqual(await ask({ key: "other" }), {
      type: "claimed",
      outcome: { type: "name_taken" },
    });
    await assert.rejects(ask({ user: "" }), /1 to 255/);
  });
});

Deno.test("storeThread: a user is found by their name, without their key", async () => {
  await withThread(async (client) => {
    await gather(client);
    const claim = { user: "Bob", key: "k", ip: "::1", country: "FR", netName: "", at: 0 };
    await client.ask({ type: "claim", claim });
    assert.deepEqual(await client.ask({ type: "find-user", user: "Bob" }), {
      type: "user",
      user: { number: 1, user: "Bob", country: "FR" },
    });
    assert.deepEqual(await client.ask({ type: "find-user", user: "bob" }), {
      type: "user",
      user: undefined,
    });
  });
});

Deno.test("storeThread: a database that fails while it is asked is busy", async () => {
  await withThread(async (client, _, _said, path) => {
    await gather(client);
    query(path, "DROP TABLE Client_data");
    assert.deepEqual(await client.ask({ type: "find-user", user: "Bob" }), { type: "busy" });
  });
});

Deno.test("storeThread: names and servers that are gone are loaded too", async () => {
  await withThread(async (client) => {
    const claim = { name: "Bob's tanks", key: "key of Bob", ...VERSION };
    const [early, late] = [hlcAt(NOW - 2000), hlcAt(NOW)];
    await client.write([PUT_A, { type: "put", record: B }, { type: "name", ...claim }]);
    await client.write([
      { type: "gone", id: A.id, hlc: early, origin: VERSION.origin },
      { type: "gone", id: B.id, hlc: late, origin: VERSION.origin },
    ]);
    const parts = await Array.fromAsync(client.load(NOW - 1000));
    assert.deepEqual(parts.flatMap(({ records }) => records), []);
    assert.deepEqual(parts.flatMap(({ names }) => names), [claim]);
    assert.deepEqual(parts.flatMap(({ tombstones }) => tombstones), [
      { id: B.id, hlc: late, origin: VERSION.origin },
    ]);
    assert.deepEqual(parts.flatMap(({ horizon }) => horizon), [[VERSION.origin, early]]);
  });
});

Deno.test("storeThread: servers that have no Number yet are told theirs", async () => {
  await withThread(async (client, _, said) => {
    await client.write([PUT_A, { type: "put", record: B }]);
    await gather(client);
    assert.deepEqual(numbersIn(said), [[[A.id, 1], [B.id, 2]]]);
    await client.write([{ type: "put", record: { ...A, number: 1 } }]);
    await gather(client);
    assert.equal(numbersIn(said).length, 1, "it has its Number");
  });
});

Deno.test("storeThread: Numbers are told of what waited in the journal", async () => {
  await withTempDir(async (directory) => {
    const path = `${directory}/masterserver.db`;
    const { hlc: _hlc, origin: _origin, ...old } = A;
    const lines = [[{ type: "put", record: old }], [{ type: "put", record: B }]];
    Deno.writeTextFileSync(
      `${path}.journal`,
      lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
    );
    Deno.mkdirSync(path);
    const said: FromThread[] = [];
    const body = storeThread(settingsOf(path), { post: (message) => said.push(message), log() {} });
    await body.start();
    try {
      await until("the database's absence", () => JSON.stringify(said).includes('"down"'));
      assert.deepEqual(numbersIn(said), []);
      Deno.removeSync(path);
      await until("the Numbers", () => numbersIn(said).length === 2);
      assert.deepEqual(numbersIn(said), [[[A.id, 1]], [[B.id, 2]]]);
    } finally {
      await body.stop(1000);
    }
    assert.deepEqual(query(path, "SELECT Number, hlc, origin FROM server_data ORDER BY Number"), [
      { Number: 1, hlc: 0, origin: "" },
      { Number: 2, ...VERSION },
    ]);
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
    const claim = { user: "Bob", key: "k", ip: "::1", country: "", netName: "", at: 0 };
    body.receive({ type: "question", request: 2, question: { type: "claim", claim } });
    body.receive({ type: "question", request: 3, question: { type: "find-user", user: "Bob" } });
    await sleep(100);
    const text = JSON.stringify(said);
    assert.match(text, /"down","reason":"the database file .* cannot be used: .*\[database\] base/);
    assert.match(text, /"written","request":1/);
    assert.match(
      text,
      /"found","request":2,"finding":{"type":"claimed","outcome":{"type":"busy"}}/,
    );
    assert.match(text, /"found","request":3,"finding":{"type":"busy"}/);
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
