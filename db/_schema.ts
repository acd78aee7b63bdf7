import { type Dialect, type SqlEngine, SqlError, type SqlSession } from "./_engine.ts";
import { type Alteration, type Change, MIGRATIONS } from "./_migrations.ts";

/** Version of the schema that this program reads and writes. */
export const SCHEMA_VERSION = 3;

/** Columns of each table, in order, the key first. */
export const TABLE_COLUMNS = {
  master_data: [
    "Number",
    "Name",
    "IP",
    "NetName",
    "last_seen",
    "config",
    "port",
    "first_seen",
    "state",
    "hlc",
    "origin",
  ],
  server_data: [
    "Number",
    "Name",
    "IP",
    "NetName",
    "Country",
    "Admin",
    "config",
    "port",
    "first_seen",
    "last_seen",
    "state",
    "verified",
    "hlc",
    "origin",
    "gone_at",
    "gone_cause",
  ],
  Client_data: ["Number", "User", "IP", "NetName", "Country", "config", "hlc", "origin"],
  server_history: ["server", "at", "step", "players", "peak", "max_players", "map"],
  server_names: ["name", "owner", "hlc", "origin"],
} as const;

/** Name of a table that holds data. */
export type TableName = keyof typeof TABLE_COLUMNS;

const VERSION_TABLE = (sql: Dialect) =>
  `CREATE TABLE IF NOT EXISTS schema_version (
    one     INTEGER PRIMARY KEY,
    version INTEGER NOT NULL
  )${sql.tableOptions}`;

/** The lock under which one of several masters changes the schema. */
const LOCK = "netpanzer-masterserver-schema";

/** Version of the schema in the database; 0 when there is none yet. */
export async function schemaVersion(session: SqlSession): Promise<number> {
  try {
    const [row] = await session.query("SELECT version FROM schema_version WHERE one = 1");
    return Number(row?.["version"] ?? 0);
  } catch (error) {
    if (error instanceof SqlError && error.kind === "no-table") return 0;
    throw error;
  }
}

/** A schema that this program cannot use. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";
}

function refuseNewer(version: number, where: string): void {
  if (version <= SCHEMA_VERSION) return;
  throw new SchemaError(
    `${where} has schema version ${version}, this program knows ${SCHEMA_VERSION} at most: ` +
      "run the newer program, or set [database] base to another database",
  );
}

/**
 * Brings the schema up to date; several programs may do so at once.
 *
 * @returns The version that was there before.
 * @throws SchemaError when the schema is newer than this program.
 */
export async function migrate(engine: SqlEngine): Promise<number> {
  const found = await schemaVersion(engine);
  refuseNewer(found, engine.where);
  return await engine.exclusively(LOCK, async (session) => {
    await session.execute(VERSION_TABLE(engine.dialect));
    const version = await schemaVersion(session);
    refuseNewer(version, engine.where);
    // Steps that were taken already are taken again where a table has gone missing since.
    for (const step of MIGRATIONS) {
      for (const change of step(engine.dialect)) await make(session, change);
    }
    const { onConflict, newValue } = engine.dialect;
    await session.execute(
      `INSERT INTO schema_version (one, version) VALUES (1, ?) ` +
        `${onConflict(["one"])} version = ${newValue("version")}`,
      [SCHEMA_VERSION],
    );
    return found;
  });
}

async function make(session: SqlSession, change: Change): Promise<void> {
  if (typeof change === "string") await session.execute(change);
  else if (!await isMade(session, change)) await alter(session, change);
}

async function isMade(
  session: SqlSession,
  { query, values, isThere }: Alteration,
): Promise<boolean> {
  const [row] = await session.query(query, values);
  return (Number(row?.["count"]) > 0) === isThere;
}

async function alter(session: SqlSession, alteration: Alteration): Promise<void> {
  try {
    await session.execute(alteration.statement);
  } catch (error) {
    // The lock of a cluster's node says nothing to another node, whose master may have been first.
    if (!await isMade(session, alteration).catch(() => false)) throw error;
  }
}
