import assert from "node:assert/strict";
import { hlcAt, type StoreChange, type Tombstone, type Version } from "../../registry/mod.ts";
import { testOnBoth } from "./_databases.ts";
import { gone, NOW, ORIGIN, server, version } from "./_records.ts";
import { loadAll, loadWhole, prepared } from "./_stores.ts";

const HOUR_MS = 3_600_000;
const [A, B] = ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"] as const;

/** A version of an origin whose clock is so many milliseconds ahead of this machine's. */
function skewed(milliseconds: number, origin: string): Version {
  return { hlc: hlcAt(NOW + milliseconds), origin };
}

function put(n: number): StoreChange {
  return { type: "put", record: server(n) };
}

/** The server of this number has quit. */
function quit(n: number, at: Version): StoreChange {
  return { type: "gone", id: server(n).id, cause: "quit", ...at };
}

testOnBoth(
  "SqlStore: versions come back as they went, however high, and Numbers with them",
  async ({ engine }) => {
    const store = await prepared(engine);
    const highest = Number.MAX_SAFE_INTEGER;
    await store.write([
      { type: "put", record: server(1, { hlc: highest }) },
      { type: "put", record: server(2, { hlc: 0, origin: "" }) },
      { type: "put", record: server(3, { gamename: "master", port: 28900, hlc: highest - 2 }) },
      put(4),
    ]);
    await store.write([gone(server(4).id, 0), gone(server(3, { port: 28900 }).id, 7)]);
    const last: Tombstone = {
      id: server(4).id,
      hlc: highest - 1,
      origin: ORIGIN,
      cause: "expired",
    };
    await store.write([{ type: "gone", ...last }]);
    const { records, tombstones } = await loadWhole(store);
    assert.deepEqual(records.map(({ hlc, origin, number }) => [hlc, origin, number]), [
      [highest, ORIGIN, 1],
      [0, "", 2],
    ]);
    assert.deepEqual(tombstones, [last]);
    const [master] = await engine.query("SELECT state, hlc, origin FROM master_data");
    assert.deepEqual({ ...master }, { state: "gone", ...version(7) });
  },
);

testOnBoth(
  "SqlStore: each of many that go at once keeps its own version and cause",
  async ({ engine }) => {
    const store = await prepared(engine, { now: () => NOW });
    const many = [...Array(2345).keys()].map((n) => server(n + 1, { hlc: 1, origin: "" }));
    await store.write(many.map((record) => ({ type: "put", record })));
    // Few versions, so that a page ends between two of the same.
    const departures = many.map(({ id }, n): Tombstone => ({
      id,
      ...version(Math.floor(n / 300), `origin ${9 - Math.floor(n / 900)}`),
      cause: n % 2 === 0 ? "quit" : "expired",
    }));
    await store.write(departures.map((each) => ({ type: "gone", ...each })));
    const { records, tombstones } = await loadWhole(store, NOW);
    assert.deepEqual(records, []);
    assert.deepEqual(
      tombstones,
      departures.toSorted((a, b) => a.origin.localeCompare(b.origin) || a.hlc - b.hlc),
    );
  },
);

testOnBoth(
  "SqlStore: who was heard of since it fell silent is not gone, and keeps its version",
  async ({ engine }) => {
    const store = await prepared(engine);
    await store.write([put(1), put(2)]);
    await store.write([
      gone(server(1).id, 50, NOW - 1),
      gone(server(2).id, 51, NOW),
    ]);
    assert.deepEqual(await loadAll(store), [server(1)]);
    assert.deepEqual((await loadWhole(store)).tombstones, [
      { id: server(2).id, ...version(51), cause: "expired" },
    ]);
  },
);

testOnBoth(
  "SqlStore: of those that are gone only the late ones are told, of the others how late",
  async ({ engine }) => {
    let now = 0;
    const store = await prepared(engine, { now: () => now });
    await store.write([1, 2, 3, 4, 5, 6, 7].map(put));
    const write = async (at: number, ...changes: StoreChange[]) => {
      now = at;
      await store.write(changes);
    };
    await write(NOW - 9, quit(3, version(-9, B)));
    await write(NOW - 2, quit(1, version(-3, A)), quit(2, version(0, A)));
    await write(NOW, quit(4, version(1, A)), quit(6, version(1, B)));
    await write(NOW + 5, quit(5, version(2, B)));
    // As the first release left it.
    await engine.execute(
      "UPDATE server_data SET state = 'gone', hlc = 0, origin = '' WHERE IP = '10.0.0.7'",
    );
    const told = [
      { id: server(4).id, ...version(1, A), cause: "quit" },
      { id: server(6).id, ...version(1, B), cause: "quit" },
      { id: server(5).id, ...version(2, B), cause: "quit" },
    ];
    const { tombstones, horizon } = await loadWhole(store, NOW);
    assert.deepEqual(tombstones, told);
    assert.deepEqual(horizon.toSorted(), [[A, hlcAt(NOW)], [B, hlcAt(NOW) - 9]]);
    // One that is back is no longer among them.
    await store.write([put(2), put(4)]);
    const later = await loadWhole(store, NOW);
    assert.deepEqual(later.tombstones, told.slice(1));
    assert.deepEqual(later.horizon.toSorted(), [[A, hlcAt(NOW) - 3], [B, hlcAt(NOW) - 9]]);
    const everything = await loadWhole(store, 0);
    assert.equal(everything.tombstones.length, 4, "but the one that has no version");
    assert.deepEqual(everything.horizon, []);
  },
);

testOnBoth(
  "SqlStore: who is gone is told by this machine's clock, whatever another master's said",
  async ({ engine }) => {
    let now = NOW - HOUR_MS;
    const store = await prepared(engine, { now: () => now });
    await store.write([1, 2, 3].map(put));
    // A master an hour ahead wrote that an hour ago, one an hour behind writes this now.
    await store.write([quit(1, skewed(0, A)), quit(2, skewed(HOUR_MS, B))]);
    now = NOW;
    await store.write([quit(3, skewed(-HOUR_MS, A))]);
    const { tombstones, horizon } = await loadWhole(store, NOW - 1000);
    assert.deepEqual(tombstones, [
      { id: server(3).id, ...skewed(-HOUR_MS, A), cause: "quit" },
    ]);
    assert.deepEqual(
      horizon.toSorted(),
      [[A, hlcAt(NOW)], [B, hlcAt(NOW + HOUR_MS)]],
      "what is not told is covered",
    );
  },
);

testOnBoth(
  "SqlStore: a later departure takes the place of an earlier one, with its cause and its time",
  async ({ engine }) => {
    let now = NOW - HOUR_MS;
    const store = await prepared(engine, { now: () => now });
    await store.write([put(1)]);
    await store.write([gone(server(1).id, 1, NOW)]);
    assert.deepEqual((await loadWhole(store, NOW)).tombstones, []);
    now = NOW;
    await store.write([quit(1, version(2, B))]);
    const { tombstones, horizon } = await loadWhole(store, NOW);
    assert.deepEqual(tombstones, [{ id: server(1).id, ...version(2, B), cause: "quit" }]);
    assert.deepEqual(horizon, []);
  },
);

testOnBoth(
  "SqlStore: the row says when and why a server has gone, and nothing once it is back",
  async ({ engine }) => {
    const store = await prepared(engine, { now: () => NOW });
    const columns = async () => {
      const [row] = await engine.query(
        "SELECT state, last_seen, gone_at, gone_cause FROM server_data",
      );
      return { ...row };
    };
    const last_seen = "2026-11-22 12:00:00.123";
    await store.write([put(1)]);
    const there = { state: "listed", last_seen, gone_at: 0, gone_cause: "" };
    assert.deepEqual(await columns(), there);
    await store.write([gone(server(1).id, 1, NOW)]);
    const left = { state: "gone", last_seen, gone_at: NOW, gone_cause: "expired" };
    assert.deepEqual(await columns(), left);
    await store.write([gone(server(1).id, 2)]);
    assert.deepEqual(await columns(), { ...left, gone_cause: "quit" });
    await store.write([put(1)]);
    assert.deepEqual(await columns(), there);
  },
);

testOnBoth("SqlStore: one that went for an unknown cause has expired", async ({ engine }) => {
  const store = await prepared(engine);
  await store.write([put(1), put(2)]);
  await store.write([gone(server(1).id, 1), gone(server(2).id, 2)]);
  await engine.execute("UPDATE server_data SET gone_cause = '' WHERE IP = '10.0.0.1'");
  await engine.execute("UPDATE server_data SET gone_cause = 'bored' WHERE IP = '10.0.0.2'");
  const { tombstones } = await loadWhole(store);
  assert.deepEqual(tombstones.map(({ cause }) => cause), ["expired", "expired"]);
});
