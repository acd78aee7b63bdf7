import assert from "node:assert/strict";
import type { SqlEngine } from "../../db/_engine.ts";
import type { ServerRecord, StoreChange, StoredMaster } from "../../registry/mod.ts";
import { testOnBoth } from "./_databases.ts";
import { gone, NOW, ORIGIN, server, version } from "./_records.ts";
import { loadAll, loadWhole, prepared } from "./_stores.ts";

const OTHER = "fedcba9876543210";

function master(change: Partial<StoredMaster> = {}): StoredMaster {
  return {
    id: ORIGIN,
    name: "Bob's master 🛡",
    ip: "10.0.0.9",
    port: 6060,
    netName: "master.example.org",
    key: "key of Bob's master",
    ports: { ring0: 6060, ring1: 7070 },
    lastSeen: NOW,
    ...change,
  };
}

function told(change: Partial<StoredMaster> = {}): StoreChange {
  return { type: "master", master: master(change) };
}

/** An old-style master at the address of ring 0 of the other, as badly as can be. */
const OLD: ServerRecord = server(9, {
  gamename: "master",
  port: 6060,
  settings: { gamename: "master", port: "6060" },
});

async function rows(engine: SqlEngine, columns: string): Promise<Record<string, unknown>[]> {
  const found = await engine.query(`SELECT ${columns} FROM master_data ORDER BY Number`);
  return found.map((row) => ({ ...row }));
}

testOnBoth("SqlStore: a master of the network has a row, and is no record", async ({ engine }) => {
  const unreadable: number[] = [];
  const store = await prepared(engine, { onUnreadable: (count) => unreadable.push(count) });
  await store.write([told(), told({ id: OTHER, ip: "2001:db8::1", name: "", netName: "::1" })]);
  const [row, other] = await rows(engine, "*");
  const { config, ...columns } = row ?? {};
  const seen = "2026-11-22 12:00:00.123";
  assert.deepEqual(columns, {
    Number: 1,
    Name: "Bob's master 🛡",
    IP: "10.0.0.9",
    NetName: "master.example.org",
    last_seen: seen,
    port: 6060,
    first_seen: seen,
    state: "network",
    hlc: 0,
    origin: ORIGIN,
  });
  assert.deepEqual(JSON.parse(String(config)), {
    id: ORIGIN,
    key: "key of Bob's master",
    ports: { ring0: 6060, ring1: 7070 },
  });
  assert.deepEqual([other?.["IP"], other?.["origin"]], ["2001:db8::1", OTHER]);
  assert.deepEqual(await loadWhole(store), {
    records: [],
    tombstones: [],
    horizon: [],
    names: [],
  });
  assert.deepEqual(unreadable, []);
});

testOnBoth(
  "SqlStore: a master that is told again keeps its row and first time",
  async ({ engine }) => {
    const store = await prepared(engine);
    await store.write([told()]);
    const later = { name: "x".repeat(300), ports: { ring0: 6060 }, lastSeen: NOW + 1000 };
    await store.write([told(later), told({ ...later, key: "another key" })]);
    const [row, ...others] = await rows(engine, "*");
    assert.deepEqual(others, []);
    assert.equal(row?.["Number"], 1);
    assert.equal(row?.["Name"], "x".repeat(255));
    assert.equal(row?.["first_seen"], "2026-11-22 12:00:00.123");
    assert.equal(row?.["last_seen"], "2026-11-22 12:00:01.123");
    assert.deepEqual(JSON.parse(String(row?.["config"])), {
      id: ORIGIN,
      key: "another key",
      ports: { ring0: 6060 },
    });
  },
);

testOnBoth("SqlStore: a master that moves takes its row along", async ({ engine }) => {
  const store = await prepared(engine);
  await store.write([told(), told({ id: OTHER, ip: "10.0.0.8" })]);
  await store.write([told({ ip: "10.0.0.7", port: 6061, lastSeen: NOW + 1 })]);
  const columns = "Number, IP, port, origin, first_seen";
  const first_seen = "2026-11-22 12:00:00.123";
  const there = { Number: 2, IP: "10.0.0.8", port: 6060, origin: OTHER, first_seen };
  assert.deepEqual(await rows(engine, columns), [
    { Number: 1, IP: "10.0.0.7", port: 6061, origin: ORIGIN, first_seen },
    there,
  ]);
  // To where another was before.
  await store.write([told({ ip: "10.0.0.8" })]);
  assert.deepEqual(await rows(engine, columns), [{ ...there, Number: 1, origin: ORIGIN }]);
  // Its key is a new one, and with it its id.
  await store.write([told({ id: OTHER, ip: "10.0.0.8" })]);
  assert.deepEqual(await rows(engine, columns), [{ ...there, Number: 1 }]);
});

testOnBoth(
  "SqlStore: a master of the network leaves an old-style master its row while that is there",
  async ({ engine }) => {
    const store = await prepared(engine);
    await store.write([{ type: "put", record: OLD }]);
    await store.write([told({ lastSeen: NOW + 1 })]);
    assert.deepEqual(await loadAll(store), [OLD]);
    await store.write([gone(OLD.id, 5)]);
    await store.write([told({ lastSeen: NOW + 2 })]);
    assert.deepEqual(await loadAll(store), []);
    assert.deepEqual(await rows(engine, "Number, state, first_seen, origin"), [
      { Number: 1, state: "network", first_seen: "2026-11-22 12:00:00.125", origin: ORIGIN },
    ]);
  },
);

testOnBoth(
  "SqlStore: an old-style master takes the row of one of the network, to be found again",
  async ({ engine }) => {
    const store = await prepared(engine);
    await store.write([told()]);
    await store.write([{ type: "put", record: OLD }]);
    assert.deepEqual(await loadAll(store), [OLD]);
  },
);

testOnBoth(
  "SqlStore: what is heard of, or gone from, an address is no master of the network there",
  async ({ engine }) => {
    const store = await prepared(engine);
    const game = server(9, { port: 6060 });
    await store.write([told(), { type: "put", record: game }]);
    const before = await rows(engine, "*");
    await store.write([{ type: "seen", ids: [OLD.id, server(3).id], at: NOW + 5000 }]);
    await store.write([gone(game.id, 7)]);
    assert.deepEqual(await rows(engine, "*"), before);
    assert.deepEqual((await loadWhole(store)).tombstones, [
      { id: game.id, ...version(7), cause: "quit" },
    ]);
  },
);
