import type { StoredMaster } from "../registry/mod.ts";
import type { Row, SqlSession, SqlValue } from "./_engine.ts";
import { columnText, MASTER_COLUMNS, NETWORK_STATE } from "./_rows.ts";
import { toSqlTime } from "./_time.ts";
import { insert } from "./_upserts.ts";

/**
 * Writes down a master of the network. It has one row wherever it moves, and whoever was at its
 * address before has none; but an old-style master that is there now keeps its own.
 */
export async function putMaster(session: SqlSession, master: StoredMaster): Promise<void> {
  const { id, ip, port } = master;
  const rows = await session.query(
    `SELECT Number, IP, port, first_seen, state FROM master_data
     WHERE (IP = ? AND port = ?) OR (state = '${NETWORK_STATE}' AND origin = ?)`,
    [ip, port, id],
  );
  const there = rows.find((row) => row["IP"] === ip && row["port"] === port);
  // It is read back at the next start, and this is not: what is told of a network is told again.
  if (there && !isNetwork(there) && there["state"] !== "gone") return;
  const own = rows.find((row) => row !== there);
  if (own && there) {
    await session.execute("DELETE FROM master_data WHERE Number = ?", [Number(there["Number"])]);
  }
  const row = own ?? there;
  const lastSeen = toSqlTime(master.lastSeen);
  const firstSeen = row && isNetwork(row) ? String(row["first_seen"]) : lastSeen;
  const values = valuesOf(master, firstSeen, lastSeen);
  if (!row) return await insert(session, "master_data", MASTER_COLUMNS, [values]);
  const assignments = MASTER_COLUMNS.map((column) => `${column} = ?`).join(", ");
  await session.execute(
    `UPDATE master_data SET ${assignments} WHERE Number = ?`,
    [...values, Number(row["Number"])],
  );
}

function isNetwork(row: Row): boolean {
  return row["state"] === NETWORK_STATE;
}

/** Values of its row; the origin is the master itself, and there is no change to have a time. */
function valuesOf(master: StoredMaster, firstSeen: string, lastSeen: string): SqlValue[] {
  const { id, name, ip, port, netName, key, ports } = master;
  const config = JSON.stringify({ id, key, ports }).toWellFormed();
  return [
    columnText(name),
    ip,
    columnText(netName),
    lastSeen,
    config,
    port,
    firstSeen,
    NETWORK_STATE,
    0,
    id,
  ];
}
