import assert from "node:assert/strict";
import { SCHEMA_VERSION } from "../../db/_schema.ts";
import { SqlStore } from "../../db/_store.ts";
import { testOnBoth } from "./_databases.ts";
import { gone, NOW, server, version } from "./_records.ts";
import { loadAll, loadWhole, prepared } from "./_stores.ts";

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
    const store = await prepared(engine);
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
  const store = await prepared(engine);
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
    const store = await prepared(engine);
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

testOnBoth("SqlStore: load gives also who was silent for long", async ({ engine }) => {
  const store = await prepared(engine);
  const records = [
    server(1, { lastSeen: NOW - 400 * 86_400_000 }),
    server(2, { lastSeen: NOW - 719_999 }),
  ];
  await store.write(records.map((record) => ({ type: "put", record })));
  assert.deepEqual((await loadWhole(store, NOW)).records.map(({ id }) => id), [
    "10.0.0.1:3030",
    "10.0.0.2:3030",
  ]);
});

testOnBoth(
  "SqlStore: gone keeps the row of a listed server and none of another",
  async ({ engine }) => {
    const store = await prepared(engine);
    await store.write([
      { type: "put", record: server(1) },
      { type: "put", record: server(2, { state: "challenged" }) },
    ]);
    const [before] = await engine.query("SELECT Number FROM server_data WHERE IP = '10.0.0.1'");
    await store.write([gone(server(1).id), gone(server(2).id)]);
    assert.deepEqual(await loadAll(store), []);
    const rows = await engine.query("SELECT Number, IP, state FROM server_data");
    assert.equal(rows.length, 1);
    assert.deepEqual({ ...rows[0] }, { Number: before?.["Number"], IP: "10.0.0.1", state: "gone" });
    // It was verified once: its row outlives a return that is never verified.
    await store.write([{ type: "put", record: server(1, { state: "challenged" }) }]);
    await store.write([gone(server(1).id)]);
    assert.equal((await engine.query("SELECT Number FROM server_data")).length, 1);
  },
);

testOnBoth(
  "SqlStore: masters are in master_data, without their password's key",
  async ({ engine }) => {
    const store = await prepared(engine);
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
  const store = await prepared(engine);
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
  const store = await prepared(engine);
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
  const store = new SqlStore(engine, {
    onUnreadable: (servers, first) => told.push([servers, first]),
  });
  await store.prepare();
  await store.write([1, 2, 3].map((n) => ({ type: "put", record: server(n) })));
  await engine.execute("UPDATE server_data SET config = '{\"gamename\":3}' WHERE IP = '10.0.0.1'");
  await engine.execute("UPDATE server_data SET last_seen = '9999' WHERE IP = '10.0.0.3'");
  assert.deepEqual((await loadAll(store)).map(({ ip }) => ip), ["10.0.0.2"]);
  assert.deepEqual(told, [[2, "10.0.0.1:3030"]]);
});

testOnBoth(
  "SqlStore: what a key registered is loaded with its name, key and administrator",
  async ({ engine }) => {
    const store = await prepared(engine);
    const settings = { gamename: "netpanzer", port: "3030" };
    const owned = { name: "Bob's tanks", key: "key of Bob", settings };
    const records = [
      server(1, { ...owned, admin: "bob@example.org", status: STATUS }),
      server(2, { ...owned, admin: "" }),
      // An old-style server's stays among its settings.
      server(3, { settings: { ...settings, admin: "eve@example.org" } }),
    ];
    await store.write(records.map((record) => ({ type: "put", record })));
    assert.deepEqual(await loadAll(store), records);
    const rows = await engine.query("SELECT Name, Admin, config FROM server_data ORDER BY IP");
    assert.deepEqual(rows.map((row) => [row["Name"], row["Admin"]]), [
      ["Bob's tanks", "bob@example.org"],
      ["Bob's tanks", ""],
      ["", "eve@example.org"],
    ]);
    assert.equal(JSON.parse(String(rows[0]?.["config"])).key, "key of Bob");
  },
);

testOnBoth(
  "SqlStore: who told of a server is kept until the server itself is heard of",
  async ({ engine }) => {
    const store = await prepared(engine);
    const told = server(1, { via: "old.example.org:28900" });
    await store.write([{ type: "put", record: told }, { type: "put", record: server(2) }]);
    assert.deepEqual(await loadAll(store), [told, server(2)]);
    const [row] = await engine.query("SELECT config FROM server_data ORDER BY Number");
    assert.equal(JSON.parse(String(row?.["config"])).via, "old.example.org:28900");
    await store.write([{ type: "put", record: server(1) }]);
    assert.deepEqual(await loadAll(store), [server(1), server(2)]);
  },
);

testOnBoth(
  "SqlStore: a server that another master has told of is stored as any other",
  async ({ engine }) => {
    const store = await prepared(engine);
    const foreign = server(1, {
      ...version(5, "fedcba9876543210"),
      name: "Bob's tanks",
      key: "key of Bob",
      admin: "",
      country: "FR",
      status: STATUS,
    });
    await store.write([{ type: "put", record: foreign }]);
    assert.deepEqual(await loadAll(store), [foreign]);
  },
);

testOnBoth(
  "SqlStore: an administrator is not kept for another owner, nor against the owner's will",
  async ({ engine }) => {
    const store = await prepared(engine);
    const owned = { name: "Bob's tanks", key: "key of Bob" };
    await store.write([
      { type: "put", record: server(1, { ...owned, admin: "bob@example.org" }) },
    ]);
    const silent = server(1, { ...owned, key: "key of Eve", admin: "" });
    await store.write([{ type: "put", record: silent }]);
    assert.deepEqual(await loadAll(store), [silent]);
  },
);

testOnBoth(
  "SqlStore: prepare may be run by several masters at once, and again",
  async ({ engine }) => {
    const store = new SqlStore(engine);
    const before = await Promise.all([store.prepare(), store.prepare(), store.prepare()]);
    assert.equal(before[0], 0);
    assert.equal(await store.prepare(), SCHEMA_VERSION);
  },
);

testOnBoth("SqlStore: a newer schema is refused, and says so", async ({ engine }) => {
  const store = await prepared(engine);
  await engine.execute("UPDATE schema_version SET version = 99");
  await assert.rejects(store.prepare(), /schema version 99, this program knows 3 at most/);
});
