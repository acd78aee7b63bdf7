/**
 * The game servers of the benchmarks: where they are, what they say, what a list of them is.
 *
 * @module
 */

import { openEngine } from "../db/_open.ts";
import { SqlStore } from "../db/_store.ts";
import { FINAL_ANSWER, formatEndpoint, listEntry } from "../protocol/mod.ts";
import type { ServerRecord } from "../registry/mod.ts";

/** Port that every server is on; each has an address of its own. */
const PORT = 3030;

/** What netPanzer's clients ask. */
export const LIST_REQUEST = "\\list\\gamename\\netpanzer\\final\\";

/** What netPanzer's servers send. */
export const HEARTBEAT = `\\heartbeat\\gamename\\netpanzer\\port\\${PORT}\\protocol\\1122\\final\\`;

/** How long ago the first server registered: longer than all of them, a millisecond each, took. */
const REGISTERED_MS_AGO = 3_600_000;

/** Records of one transaction. */
const RECORDS_PER_WRITE = 10_000;

const encoder = new TextEncoder();

/** Address of a server, and of the client of that number: load.c computes the same. */
export function addressOf(index: number): string {
  const network = 16 + Math.floor(index / 64516);
  return `127.${network}.${1 + Math.floor(index / 254) % 254}.${1 + index % 254}`;
}

function recordOf(index: number, now: number): ServerRecord {
  const ip = addressOf(index);
  return {
    id: formatEndpoint(ip, PORT),
    ip,
    port: PORT,
    gamename: "netpanzer",
    settings: { gamename: "netpanzer", port: String(PORT), protocol: "1122" },
    state: "listed",
    // One after the other, as servers do register.
    firstSeen: now - REGISTERED_MS_AGO + index,
    hlc: 0,
    origin: "",
    lastSeen: now,
  };
}

/** The whole answer to {@link LIST_REQUEST} when so many servers are listed. */
export function listAnswer(servers: number): Uint8Array {
  const entries = Array.from({ length: servers }, (_, i) => listEntry(addressOf(i), PORT, "plain"));
  return encoder.encode(entries.join("") + new TextDecoder().decode(FINAL_ANSWER));
}

/** Writes a database that a daemon left behind a moment ago with so many servers in its list. */
export async function writeDatabase(path: string, servers: number): Promise<void> {
  const engine = await openEngine({ type: "sqlite", path });
  const store = new SqlStore(engine);
  await store.prepare();
  const now = Date.now();
  for (let first = 0; first < servers; first += RECORDS_PER_WRITE) {
    const length = Math.min(RECORDS_PER_WRITE, servers - first);
    await store.write(
      Array.from({ length }, (_, i) => ({ type: "put", record: recordOf(first + i, now) })),
    );
  }
  await engine.close();
}
