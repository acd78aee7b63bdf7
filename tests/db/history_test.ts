import assert from "node:assert/strict";
import type { SqlEngine } from "../../db/_engine.ts";
import { History } from "../../db/_history.ts";
import { SAMPLE_STEP, SqlStore } from "../../db/_store.ts";
import type { Sample } from "../../registry/mod.ts";
import { testOnBoth } from "./_databases.ts";
import { server } from "./_records.ts";

const HOUR = 3600;
const DAY = 86_400;
/** 2026-11-20T00:00:00Z, in seconds. */
const MIDNIGHT = Date.UTC(2026, 10, 20) / 1000;

async function prepared(engine: SqlEngine, servers: number): Promise<SqlStore> {
  const store = new SqlStore(engine);
  await store.prepare();
  await store.write(
    [...Array(servers).keys()].map((n) => ({ type: "put", record: server(n + 1) })),
  );
  return store;
}

function sample(n: number, players: number, map = "Two clans"): Sample {
  return { id: server(n).id, players, maxPlayers: 8, map };
}

/** Writes the same samples in every slot of a span. */
async function fill(
  store: SqlStore,
  since: number,
  until: number,
  samples: (at: number) => Sample[],
): Promise<void> {
  for (let at = since; at < until; at += SAMPLE_STEP) {
    await store.write([{ type: "samples", samples: samples(at), at: at * 1000 }]);
  }
}

testOnBoth("History: players over time, of all servers and of one", async ({ engine }) => {
  const store = await prepared(engine, 2);
  const history = new History(engine);
  await fill(store, MIDNIGHT, MIDNIGHT + 2 * HOUR, (at) => [
    sample(1, at < MIDNIGHT + HOUR ? 2 : 4),
    sample(2, 1),
  ]);
  const span = { since: MIDNIGHT, until: MIDNIGHT + 2 * HOUR };
  assert.deepEqual(await history.playersOverTime(span, HOUR), [
    { at: MIDNIGHT, players: 3, servers: 2 },
    { at: MIDNIGHT + HOUR, players: 5, servers: 2 },
  ]);
  const [row] = await engine.query("SELECT Number FROM server_data WHERE IP = '10.0.0.1'");
  assert.deepEqual(await history.playersOverTime(span, 2 * HOUR, Number(row?.["Number"])), [
    { at: MIDNIGHT, players: 3, servers: 1 },
  ]);
});

testOnBoth("History: two masters that sample one slot make one sample", async ({ engine }) => {
  const store = await prepared(engine, 1);
  await store.write([{ type: "samples", samples: [sample(1, 2)], at: MIDNIGHT * 1000 }]);
  await store.write([{ type: "samples", samples: [sample(1, 5)], at: (MIDNIGHT + 299) * 1000 }]);
  const rows = await engine.query("SELECT at, players, peak FROM server_history");
  assert.deepEqual(rows.map((row) => ({ ...row })), [{ at: MIDNIGHT, players: 2, peak: 5 }]);
});

testOnBoth("History: samples of an unknown server are left out", async ({ engine }) => {
  const store = await prepared(engine, 1);
  await store.write([{ type: "samples", samples: [sample(77, 2)], at: MIDNIGHT * 1000 }]);
  assert.equal((await engine.query("SELECT at FROM server_history")).length, 0);
});

testOnBoth("History: busiest hours and top maps", async ({ engine }) => {
  const store = await prepared(engine, 2);
  const history = new History(engine);
  // Two days; twice as many players at 20 h on the second.
  for (const [day, players] of [[0, 4], [1, 8]] as const) {
    const evening = MIDNIGHT + day * DAY + 20 * HOUR;
    await fill(store, evening, evening + HOUR, () => [sample(1, players, "Bullet Hole")]);
    await fill(store, evening + HOUR, evening + 2 * HOUR, () => [sample(2, 1)]);
  }
  const span = { since: MIDNIGHT, until: MIDNIGHT + 2 * DAY };
  assert.deepEqual(await history.busiestHours(span), [
    { hour: 20, players: 6 },
    { hour: 21, players: 1 },
  ]);
  assert.deepEqual(await history.topMaps(span, 5), [
    { map: "Bullet Hole", playerHours: 12 },
    { map: "Two clans", playerHours: 2 },
  ]);
  assert.equal((await history.topMaps(span, 1)).length, 1);
});

testOnBoth("History: ageing makes samples coarser and loses no player hour", async ({ engine }) => {
  const store = await prepared(engine, 2);
  const history = new History(engine);
  await fill(store, MIDNIGHT, MIDNIGHT + DAY, (at) => [
    sample(1, at % HOUR === 0 ? 8 : 2, at % HOUR < 600 ? "Bullet Hole" : "Two clans"),
    ...(at < MIDNIGHT + HOUR ? [sample(2, 6)] : []),
  ]);
  const span = { since: MIDNIGHT, until: MIDNIGHT + DAY };
  const [before] = await history.playersOverTime(span, DAY);
  assert.equal((await engine.query("SELECT at FROM server_history")).length, 288 + 12);

  await history.thin(MIDNIGHT + 2 * DAY);
  assert.equal((await engine.query("SELECT at FROM server_history")).length, 300, "not old yet");

  await history.thin(MIDNIGHT + 3 * DAY);
  const hourly = await engine.query("SELECT step, peak, map FROM server_history WHERE server = 1");
  assert.deepEqual(
    hourly.map((row) => ({ ...row })),
    Array(24).fill({
      step: HOUR,
      peak: 8,
      map: "Two clans",
    }),
  );
  assert.deepEqual((await history.playersOverTime(span, DAY))[0], before);

  await history.thin(MIDNIGHT + 62 * DAY);
  const daily = await engine.query("SELECT server, step, peak FROM server_history ORDER BY server");
  assert.deepEqual(daily.map((row) => ({ ...row })), [
    { server: 1, step: DAY, peak: 8 },
    { server: 2, step: DAY, peak: 6 },
  ]);
  const [after] = await history.playersOverTime(span, DAY);
  assert.ok(Math.abs((after?.players ?? 0) - (before?.players ?? 1)) < 1e-9);
  assert.deepEqual(await history.thin(MIDNIGHT + 62 * DAY), undefined, "again, with no effect");
  assert.equal((await engine.query("SELECT at FROM server_history")).length, 2);

  await history.thin(MIDNIGHT + 402 * DAY);
  assert.equal(
    (await engine.query("SELECT at FROM server_history")).length,
    0,
    "400 days are kept",
  );
});

testOnBoth("History: a count that is none is refused", async ({ engine }) => {
  const history = new History(engine);
  const span = { since: 0, until: 1 };
  for (const wrong of [0, -1, 1.5, NaN]) {
    await assert.rejects(history.playersOverTime(span, wrong), RangeError);
    await assert.rejects(history.topMaps(span, wrong), RangeError);
  }
});
