import assert from "node:assert/strict";
import { SqlStore } from "../../db/_store.ts";
import type { ServerRecord } from "../../registry/mod.ts";
import { testOnBoth } from "./_databases.ts";
import { NOW, server } from "./_records.ts";

async function loadAll(store: SqlStore, since = 0): Promise<ServerRecord[]> {
  const records: ServerRecord[] = [];
  for await (const batch of store.load(since)) records.push(...batch);
  return records;
}

const STATUS = {
  hostname: "Bob's 🛡 tanks",
  map: "Two clans",
  players: 2,
  maxPlayers: 8,
  gameVersion: "0.8.7",
  gameStyle: "Objective",
  needsPassword: false,
  roster: [{ name: "Żółw", kills: 3, deaths: -1, points: 7 }],
};

testOnBoth(
  "SqlStore: what was put is loaded as it was, in order of registration",
  async ({ engine }) => {
    const store = new SqlStore(engine);
    await store.prepare();
    const records = [
      server(3, { status: STATUS, country: "FR", netName: "play.example.org" }),
      server(1, { state: "challenged" }),
      server(2, {
        ip: "2001:db8::1",
        settings: { gamename: "netpanzer", __proto__x: "\\'\"; --" },
      }),
      server(4, { state: "unverified" }),
    ];
    await store.write(records.map((record) => ({ type: "put", record })));
    assert.deepEqual(await loadAll(store), records);
  },
);

testOnBoth("SqlStore: a server that changes keeps its Number and its place", async ({ engine }) => {
  const store = new SqlStore(engine);
  await store.prepare();
  await store.write([1, 2, 3].map((n) => ({ type: "put", record: server(n) })));
  const changed = server(2, {
    lastSeen: NOW + 5000,
    settings: { gamename: "netpanzer", port: "1" },
  });
  await store.write([{ type: "put", record: changed }]);
  assert.deepEqual(await loadAll(store), [server(1), changed, server(3)]);
  const rows = await engine.query("SELECT Number, IP FROM server_data ORDER BY IP");
  assert.deepEqual(rows.map((row) => row["IP"]), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
  assert.equal(new Set(rows.map((row) => row["Number"])).size, 3);
});

testOnBoth(
  "SqlStore: seen moves the time of these servers and masters only",
  async ({ engine }) => {
    const store = new SqlStore(engine);
    await store.prepare();
    const master = server(9, { gamename: "master", port: 28900, settings: { gamename: "master" } });
    await store.write([...Array(150).keys()].map((n) => ({ type: "put", record: server(n + 1) })));
    await store.write([{ type: "put", record: master }]);
    const ids = [...Array(120).keys()].map((n) => server(n + 1).id);
    await store.write([{ type: "seen", ids: [...ids, master.id], at: NOW + 777 }]);
    const loaded = await loadAll(store);
    assert.equal(loaded.length, 151);
    for (const record of loaded) {
      const expected = record.id === master.id || ids.includes(record.id) ? NOW + 777 : NOW;
      assert.equal(record.lastSeen, expected, record.id);
    }
  },
);

testOnBoth("SqlStore: load leaves out who was silent for longer than asked", async ({ engine }) => {
  const store = new SqlStore(engine);
  await store.prepare();
  await store.write([
    { type: "put", record: server(1, { lastSeen: NOW - 720_001 }) },
    { type: "put", record: server(2, { lastSeen: NOW - 719_999 }) },
  ]);
  assert.deepEqual((await loadAll(store, NOW - 720_000)).map(({ id }) => id), ["10.0.0.2:3030"]);
});

testOnBoth(
  "SqlStore: gone keeps the row of a listed server and none of another",
  async ({ engine }) => {
    const store = new SqlStore(engine);
    await store.prepare();
    await store.write([
      { type: "put", record: server(1) },
      { type: "put", record: server(2, { state: "challenged" }) },
    ]);
    const [before] = await engine.query("SELECT Number FROM server_data WHERE IP = '10.0.0.1'");
    await store.write([{ type: "gone", id: server(1).id }, { type: "gone", id: server(2).id }]);
    assert.deepEqual(await loadAll(store), []);
    const rows = await engine.query("SELECT Number, IP, state FROM server_data");
    assert.equal(rows.length, 1);
    assert.deepEqual({ ...rows[0] }, { Number: before?.["Number"], IP: "10.0.0.1", state: "gone" });
    // It was verified once: its row outlives a return that is never verified.
    await store.write([{ type: "put", record: server(1, { state: "challenged" }) }]);
    await store.write([{ type: "gone", id: server(1).id }]);
    assert.equal((await engine.query("SELECT Number FROM server_data")).length, 1);
  },
);

testOnBoth(
  "SqlStore: masters are in master_data, without their password's key",
  async ({ engine }) => {
    const store = new SqlStore(engine);
    await store.prepare();
    const master = server(7, {
      gamename: "master",
      port: 28900,
      settings: { gamename: "master", port: "28900" },
      netName: "master.example.org",
    });
    await store.write([{ type: "put", record: master }]);
    assert.deepEqual(await loadAll(store), [master]);
    assert.equal((await engine.query("SELECT Number FROM server_data")).length, 0);
    const [row] = await engine.query("SELECT * FROM master_data");
    assert.equal(row?.["NetName"], "master.example.org");
    assert.equal(row?.["last_seen"], "2026-11-22 12:00:00.123");
  },
);

testOnBoth("SqlStore: columns hold what the seed names", async ({ engine }) => {
  const store = new SqlStore(engine);
  await store.prepare();
  const settings = { gamename: "netpanzer", port: "3030", admin: "bob@example.org" };
  await store.write([{
    type: "put",
    record: server(1, { status: STATUS, settings, country: "FR", netName: "play.example.org" }),
  }]);
  const [row] = await engine.query(
    "SELECT Name, IP, NetName, Country, Admin, config FROM server_data",
  );
  const { config, ...columns } = { ...row };
  assert.deepEqual(columns, {
    Name: STATUS.hostname,
    IP: "10.0.0.1",
    NetName: "play.example.org",
    Country: "FR",
    Admin: "bob@example.org",
  });
  assert.deepEqual(JSON.parse(String(config)), { gamename: "netpanzer", settings, status: STATUS });
});

testOnBoth("SqlStore: text that no column takes is made to fit", async ({ engine }) => {
  const store = new SqlStore(engine);
  await store.prepare();
  const hostname = "🛡".repeat(300) + "\0\ud800";
  await store.write([{
    type: "put",
    record: server(1, { status: { ...STATUS, hostname, map: "\udfff" } }),
  }]);
  const [row] = await engine.query("SELECT Name FROM server_data");
  const name = String(row?.["Name"]);
  assert.equal(name, "🛡".repeat(255));
  assert.equal((await loadAll(store)).length, 1);
});

testOnBoth("SqlStore: a row that makes no sense is left out", async ({ engine }) => {
  const told: [number, string][] = [];
  const store = new SqlStore(engine, (servers, first) => told.push([servers, first]));
  await store.prepare();
  await store.write([1, 2, 3].map((n) => ({ type: "put", record: server(n) })));
  await engine.execute("UPDATE server_data SET config = '{\"gamename\":3}' WHERE IP = '10.0.0.1'");
  await engine.execute("UPDATE server_data SET last_seen = '9999' WHERE IP = '10.0.0.3'");
  assert.deepEqual((await loadAll(store)).map(({ ip }) => ip), ["10.0.0.2"]);
  assert.deepEqual(told, [[2, "10.0.0.1:3030"]]);
});

testOnBoth(
  "SqlStore: prepare may be run by several masters at once, and again",
  async ({ engine }) => {
    const store = new SqlStore(engine);
    const before = await Promise.all([store.prepare(), store.prepare(), store.prepare()]);
    assert.equal(before[0], 0);
    assert.equal(await store.prepare(), 1);
  },
);

testOnBoth("SqlStore: a newer schema is refused, and says so", async ({ engine }) => {
  const store = new SqlStore(engine);
  await store.prepare();
  await engine.execute("UPDATE schema_version SET version = 99");
  await assert.rejects(store.prepare(), /schema version 99, this program knows 1 at most/);
});
