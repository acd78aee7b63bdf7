import assert from "node:assert/strict";
import { StoreClient, storeThread } from "../../db/mod.ts";
import { hlcAt, type ServerRecord, type Version } from "../../registry/mod.ts";
import type { FromThread, ThreadBody, ThreadSettings } from "../../threads/mod.ts";
import { sleep, withTempDir } from "../_helpers.ts";
import { until } from "../e2e/_until.ts";
import { NOW, query, record } from "./_helpers.ts";

const VERSION: Version = { hlc: hlcAt(NOW), origin: "0123456789abcdef" };
const A = record("192.0.2.1", VERSION);
const B = record("192.0.2.2", VERSION);
/** Where a player came from, and when. */
const FROM = { ip: "::1", country: "", netName: "", at: 0 };
const PUT_A = { type: "put", record: A } as const;

/** The records of each part, their Numbers left out. */
async function gather(client: StoreClient, since = 0): Promise<ServerRecord[][]> {
  const batches: ServerRecord[][] = [];
  for await (const { records } of client.load(since)) {
    batches.push(records.map(({ number: _, ...record }) => record));
  }
  return batches;
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
    await client.write([{ type: "gone", id: A.id, ...VERSION, cause: "quit" }]);
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
    await client.write([{ type: "gone", id: "no endpoint", ...VERSION, cause: "quit" }, PUT_A]);
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
    const claim = { user: "Bob", key: "k", ...FROM, ...VERSION };
    const ask = (change = {}) => client.ask({ type: "claim", claim: { ...claim, ...change } });
    const welcome = { type: "welcome", number: 1 };
    assert.deepEqual(await ask(), { type: "claimed", outcome: { ...welcome, isNew: true } });
    assert.deepEqual(await ask(), { type: "claimed", outcome: { ...welcome, isNew: false } });
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
    const claim = { user: "Bob", key: "k", ...FROM, country: "FR", ...VERSION };
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
    assert.deepEqual(await client.ask({ type: "users", after: "" }), { type: "busy" });
  });
});

Deno.test("storeThread: all claims of users are asked for in parts", async () => {
  await withThread(async (client) => {
    const users = ["Ann", "Bob", "Eve"].map((user) => ({
      user,
      key: `key of ${user}`,
      country: "FR",
      ...VERSION,
    }));
    await client.write(users.map((each) => ({ type: "user", ...each })));
    await gather(client);
    assert.deepEqual(await client.ask({ type: "users", after: "" }), {
      type: "users",
      users,
      last: true,
    });
    assert.deepEqual(await client.ask({ type: "users", after: "Bob" }), {
      type: "users",
      users: users.slice(2),
      last: true,
    });
  });
});

Deno.test("storeThread: names and servers that are gone are loaded too", async () => {
  await withThread(async (client) => {
    const claim = { name: "Bob's tanks", key: "key of Bob", ...VERSION };
    const early = { hlc: hlcAt(NOW - 2000), origin: VERSION.origin };
    await client.write([PUT_A, { type: "put", record: B }, { type: "name", ...claim }]);
    await client.write([{ type: "gone", id: A.id, ...early, cause: "quit" }]);
    await gather(client);
    await sleep(5);
    const since = Date.now();
    await client.write([{ type: "gone", id: B.id, ...VERSION, cause: "expired" }]);
    const parts = await Array.fromAsync(client.load(since));
    assert.deepEqual(parts.flatMap(({ records }) => records), []);
    assert.deepEqual(parts.flatMap(({ names }) => names), [claim]);
    assert.deepEqual(parts.flatMap(({ tombstones }) => tombstones), [
      { id: B.id, ...VERSION, cause: "expired" },
    ]);
    assert.deepEqual(parts.flatMap(({ horizon }) => horizon), [[VERSION.origin, early.hlc]]);
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
    const claim = { user: "Bob", key: "k", ...FROM, ...VERSION };
    body.receive({ type: "question", request: 2, question: { type: "claim", claim } });
    body.receive({ type: "question", request: 3, question: { type: "find-user", user: "Bob" } });
    body.receive({ type: "question", request: 4, question: { type: "users", after: "" } });
    await sleep(100);
    const text = JSON.stringify(said);
    assert.match(text, /"down","reason":"the database file .* cannot be used: .*\[database\] base/);
    assert.match(text, /"written","request":1/);
    assert.match(
      text,
      /"found","request":2,"finding":{"type":"claimed","outcome":{"type":"busy"}}/,
    );
    assert.match(text, /"found","request":3,"finding":{"type":"busy"}/);
    assert.match(text, /"found","request":4,"finding":{"type":"busy"}/);
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
