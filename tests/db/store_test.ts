import assert from "node:assert/strict";
import type { SqlEngine } from "../../db/_engine.ts";
import { type Numbers, SqlStore } from "../../db/_store.ts";
import { hlcAt, type NameClaim, type ServerRecord, type Stored } from "../../registry/mod.ts";
import { testOnBoth } from "./_databases.ts";
import { gone, NOW, ORIGIN, server, version } from "./_records.ts";

/** All parts as one. */
async function loadWhole(store: SqlStore, since = 0): Promise<Stored> {
  const parts = await Array.fromAsync(store.load(since));
  return {
    records: parts.flatMap(({ records }) => records),
    tombstones: parts.flatMap(({ tombstones }) => tombstones),
    horizon: parts.flatMap(({ horizon }) => horizon),
    names: parts.flatMap(({ names }) => names),
  };
}

/** The records, their Numbers left out. */
async function loadAll(store: SqlStore): Promise<ServerRecord[]> {
  const { records } = await loadWhole(store);
  return records.map(({ number, ...record }) => {
    assert.ok(Number.isInteger(number), `${record.id} has the Number ${number}`);
    return record;
  });
}

async function prepared(engine: SqlEngine): Promise<SqlStore> {
  const store = new SqlStore(engine);
  await store.prepare();
  return store;
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
    const store = new SqlStore(engine);
    await store.prepare();
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
  "SqlStore: versions come back as they went, however high, and Numbers with them",
  async ({ engine }) => {
    const store = await prepared(engine);
    const highest = Number.MAX_SAFE_INTEGER;
    await store.write([
      { type: "put", record: server(1, { hlc: highest }) },
      { type: "put", record: server(2, { hlc: 0, origin: "" }) },
      { type: "put", record: server(3, { gamename: "master", port: 28900, hlc: highest - 2 }) },
      { type: "put", record: server(4) },
    ]);
    await store.write([gone(server(4).id, 0), gone(server(3, { port: 28900 }).id, 7)]);
    await store.write([{ type: "gone", id: server(4).id, hlc: highest - 1, origin: ORIGIN }]);
    const { records, tombstones } = await loadWhole(store);
    assert.deepEqual(records.map(({ hlc, origin, number }) => [hlc, origin, number]), [
      [highest, ORIGIN, 1],
      [0, "", 2],
    ]);
    assert.deepEqual(tombstones, [{ id: server(4).id, hlc: highest - 1, origin: ORIGIN }]);
    const [master] = await engine.query("SELECT state, hlc, origin FROM master_data");
    assert.deepEqual({ ...master }, { state: "gone", ...version(7) });
  },
);

testOnBoth(
  "SqlStore: each of many that go at once keeps its own version",
  async ({ engine }) => {
    const store = await prepared(engine);
    const many = [...Array(2345).keys()].map((n) => server(n + 1, { hlc: 1, origin: "" }));
    await store.write(many.map((record) => ({ type: "put", record })));
    const departures = many.map(({ id }, n) => ({
      type: "gone" as const,
      id,
      ...version(many.length - n, `origin ${n % 3}`),
    }));
    await store.write(departures);
    const { records, tombstones } = await loadWhole(store, NOW);
    assert.deepEqual(records, []);
    const expected = departures.map(({ type: _, ...tombstone }) => tombstone).reverse();
    assert.deepEqual(tombstones, expected);
  },
);

testOnBoth(
  "SqlStore: who was heard of since it fell silent is not gone, and keeps its version",
  async ({ engine }) => {
    const store = await prepared(engine);
    await store.write([1, 2].map((n) => ({ type: "put", record: server(n) })));
    await store.write([
      gone(server(1).id, 50, NOW - 1),
      gone(server(2).id, 51, NOW),
    ]);
    assert.deepEqual(await loadAll(store), [server(1)]);
    assert.deepEqual((await loadWhole(store)).tombstones, [
      { id: server(2).id, ...version(51) },
    ]);
  },
);

testOnBoth(
  "SqlStore: of those that are gone only the late ones are told, of the others how late",
  async ({ engine }) => {
    const store = await prepared(engine);
    const ids = [1, 2, 3, 4, 5, 6, 7].map((n) => server(n).id);
    await store.write(ids.map((_, n) => ({ type: "put", record: server(n + 1) })));
    const [a, b] = ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"];
    const departures = [[-3, a], [0, a], [-9, b], [1, a], [2, b], [1, b]] as const;
    await store.write(
      departures.map(([step, origin], n) => ({
        type: "gone",
        id: ids[n] ?? "",
        ...version(step, origin),
      })),
    );
    // As an earlier release left it.
    await engine.execute(
      "UPDATE server_data SET state = 'gone', hlc = 0, origin = ''" +
        " WHERE IP = '10.0.0.7'",
    );
    const { tombstones, horizon } = await loadWhole(store, NOW);
    assert.deepEqual(tombstones, [
      { id: ids[3], ...version(1, a) },
      { id: ids[5], ...version(1, b) },
      { id: ids[4], ...version(2, b) },
    ]);
    assert.deepEqual(horizon.toSorted(), [[a, hlcAt(NOW)], [b, hlcAt(NOW) - 9]]);
    // One that is back is no longer among them.
    await store.write([{ type: "put", record: server(2) }, { type: "put", record: server(4) }]);
    const later = await loadWhole(store, NOW);
    assert.deepEqual(later.tombstones.map(({ id }) => id), [ids[5], ids[4]]);
    assert.deepEqual(later.horizon.toSorted(), [[a, hlcAt(NOW) - 3], [b, hlcAt(NOW) - 9]]);
  },
);

testOnBoth(
  "SqlStore: a name stays with the earliest claim, whatever the order",
  async ({ engine }) => {
    const store = await prepared(engine);
    const claim = (name: string, key: string, step: number, origin = ORIGIN): NameClaim => ({
      name,
      key,
      ...version(step, origin),
    });
    const write = (...claims: NameClaim[]) =>
      store.write(claims.map((each) => ({ type: "name", ...each })));
    await write(claim("tanks", "second", 2), claim("Żółw 🛡", "only", 5, ""));
    await write(claim("tanks", "first", 1), claim("tanks", "third", 3));
    // Names are compared letter by letter.
    await write(claim("Tanks", "another", 9));
    await write(claim("same time", "b", 4, "b"));
    await write(claim("same time", "a", 4, "a"), claim("same time", "c", 4, "c"));
    assert.deepEqual((await loadWhole(store)).names, [
      claim("Tanks", "another", 9),
      claim("same time", "a", 4, "a"),
      claim("tanks", "first", 1),
      claim("Żółw 🛡", "only", 5, ""),
    ]);
  },
);

testOnBoth("SqlStore: more names than come at a time are all loaded", async ({ engine }) => {
  const store = await prepared(engine);
  const names = [...Array(2500).keys()].map((n) => ({
    name: `name ${String(n).padStart(4, "0")}`,
    key: `key ${n}`,
    ...version(n),
  }));
  await store.write(names.map((claim) => ({ type: "name", ...claim })));
  const parts = await Array.fromAsync(store.load(0));
  assert.ok(parts.length > 1);
  assert.deepEqual(parts.flatMap((part) => part.names), names);
});

testOnBoth(
  "SqlStore: Numbers are told of servers that do not have theirs",
  async ({ engine }) => {
    const told: Numbers[] = [];
    const store = new SqlStore(engine, { onNumbers: (numbers) => told.push(numbers) });
    await store.prepare();
    const many = [...Array(123).keys()].map((n) => server(n + 1));
    const master = server(500, { gamename: "master", port: 28900 });
    const v6 = server(501, { ip: "2001:db8::1" });
    const all = [...many, v6, master];
    await store.write(all.map((record) => ({ type: "put", record })));
    assert.equal(told.length, 1);
    const rows = await engine.query("SELECT IP, Number FROM server_data");
    const stored = new Map(rows.map((row) => [row["IP"], row["Number"]]));
    assert.deepEqual(
      new Map(told[0]),
      new Map([...many, v6].map(({ id, ip }) => [id, stored.get(ip)])),
    );
    const number = Number(stored.get("10.0.0.1"));
    await store.write([{ type: "put", record: server(1, { number }) }, gone(server(2).id)]);
    assert.equal(told.length, 1, "nothing is new");
    await store.write([{ type: "put", record: server(2, { state: "challenged" }) }]);
    assert.deepEqual(told.slice(1), [[[server(2).id, stored.get("10.0.0.2")]]]);
  },
);

testOnBoth(
  "SqlStore: Numbers are told anew when the table that gave them went missing",
  async ({ engine }) => {
    const told: Numbers[] = [];
    const store = new SqlStore(engine, { onNumbers: (numbers) => told.push(numbers) });
    await store.prepare();
    await engine.execute("DROP TABLE server_data");
    await store.prepare();
    await store.write([{ type: "put", record: server(1, { number: 71 }) }]);
    await store.write([{ type: "put", record: server(1, { number: 1 }) }]);
    assert.deepEqual(told, [[[server(1).id, 1]]]);
  },
);

testOnBoth("SqlStore: Numbers of what could not be written are not told", async ({ engine }) => {
  const told: Numbers[] = [];
  const store = new SqlStore(engine, { onNumbers: (numbers) => told.push(numbers) });
  await store.prepare();
  const bad = { type: "seen", ids: ["no endpoint"], at: NOW } as const;
  await assert.rejects(store.write([{ type: "put", record: server(1) }, bad]), TypeError);
  assert.deepEqual(told, []);
  assert.deepEqual(await loadAll(store), []);
});

testOnBoth(
  "SqlStore: prepare may be run by several masters at once, and again",
  async ({ engine }) => {
    const store = new SqlStore(engine);
    const before = await Promise.all([store.prepare(), store.prepare(), store.prepare()]);
    assert.equal(before[0], 0);
    assert.equal(await store.prepare(), 2);
  },
);

testOnBoth("SqlStore: a newer schema is refused, and says so", async ({ engine }) => {
  const store = new SqlStore(engine);
  await store.prepare();
  await engine.execute("UPDATE schema_version SET version = 99");
  await assert.rejects(store.prepare(), /schema version 99, this program knows 2 at most/);
});
