import { DatabaseSync } from "node:sqlite";
import { formatEndpoint } from "../../protocol/mod.ts";
import type { ServerRecord, ServerStatus } from "../../registry/mod.ts";

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
    hlc: 0,
    origin: "",
    lastSeen: NOW,
    ...changes,
  };
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
