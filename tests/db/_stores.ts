import assert from "node:assert/strict";
import type { SqlEngine } from "../../db/_engine.ts";
import { SqlStore, type SqlStoreOptions } from "../../db/_store.ts";
import type { ServerRecord, Stored } from "../../registry/mod.ts";

/** A store on an empty database. */
export async function prepared(
  engine: SqlEngine,
  options: SqlStoreOptions = {},
): Promise<SqlStore> {
  const store = new SqlStore(engine, options);
  await store.prepare();
  return store;
}

/** All parts as one. */
export async function loadWhole(store: SqlStore, since = 0): Promise<Stored> {
  const parts = await Array.fromAsync(store.load(since));
  return {
    records: parts.flatMap(({ records }) => records),
    tombstones: parts.flatMap(({ tombstones }) => tombstones),
    horizon: parts.flatMap(({ horizon }) => horizon),
    names: parts.flatMap(({ names }) => names),
  };
}

/** The records, their Numbers left out. */
export async function loadAll(store: SqlStore): Promise<ServerRecord[]> {
  const { records } = await loadWhole(store);
  return records.map(({ number, ...record }) => {
    assert.ok(Number.isInteger(number), `${record.id} has the Number ${number}`);
    return record;
  });
}
