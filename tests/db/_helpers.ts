import { DatabaseSync } from "node:sqlite";
import { SqliteStore } from "../../db/mod.ts";
import { formatEndpoint } from "../../protocol/mod.ts";
import type { ServerRecord, ServerStatus } from "../../registry/mod.ts";
import { withTempDir } from "../_helpers.ts";

export const NOW = Date.UTC(2026, 0, 1);

export const STATUS: ServerStatus = {
  hostname: "Bob's tanks",
  map: "Two clans",
  players: 1,
  maxPlayers: 8,
  gameVersion: "0.8.7",
  gameStyle: "Objective",
  needsPassword: true,
  roster: [{ name: "Ann", kills: 1, deaths: 2, points: -3 }],
};

export function record(ip: string, changes: Partial<ServerRecord> = {}): ServerRecord {
  const port = changes.port ?? 3030;
  return {
    id: formatEndpoint(ip, port),
    ip,
    port,
    gamename: "netpanzer",
    settings: { gamename: "netpanzer", port: String(port), protocol: "1122" },
    state: "listed",
    firstSeen: NOW - 1000,
    lastSeen: NOW,
    ...changes,
  };
}

/** A store's file, open, and rows looked at from outside. */
export interface Bench {
  readonly path: string;
  readonly store: SqliteStore;
  /** Closes the store and opens it again. */
  reopen(): SqliteStore;
  put(...records: ServerRecord[]): void;
  ids(since?: number): string[];
  rows(): Record<string, unknown>[];
}

export async function withStore(use: (bench: Bench) => void): Promise<void> {
  await withTempDir((directory) => {
    const path = `${directory}/state/masterserver.db`;
    let store = new SqliteStore(path);
    try {
      use({
        path,
        get store(): SqliteStore {
          return store;
        },
        reopen: () => {
          store.close();
          return store = new SqliteStore(path);
        },
        put: (...records) => store.write(records.map((record) => ({ type: "put", record }))),
        ids: (since = 0) => [...store.load(since)].map(({ id }) => id),
        rows: () => query(path, "SELECT * FROM server_data ORDER BY Number"),
      });
    } finally {
      store.close();
    }
  });
}

/** Runs SQL on a file from outside. */
export function query(path: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(path);
  try {
    return database.prepare(sql).all().map((row) => ({ ...row }));
  } finally {
    database.close();
  }
}
