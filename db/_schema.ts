import type { Dialect, SqlEngine } from "./_engine.ts";
import { SqlError } from "./_engine.ts";

/** Version of the schema that this program reads and writes. */
export const SCHEMA_VERSION = 1;

/** Lengths of columns in characters. */
export const NAME_LENGTH = 255;
const ADDRESS_LENGTH = 45;
const COUNTRY_LENGTH = 2;
const TIME_LENGTH = 23;

/**
 * Steps from each version to the next. Each statement may be run twice without harm, because a
 * database server commits every one by itself.
 *
 * The three tables and their first columns are spelt as the design of the network spells them.
 * What follows the first columns is what a key, an index or a restart needs. The second UNIQUE is
 * an index for reading in order of registration, spelt as both databases take it.
 */
const MIGRATIONS: readonly ((sql: Dialect) => string[])[] = [
  (sql) => [
    `CREATE TABLE IF NOT EXISTS master_data (
      Number     ${sql.numberColumn},
      Name       ${sql.text(NAME_LENGTH)} NOT NULL,
      IP         ${sql.text(ADDRESS_LENGTH)} NOT NULL,
      NetName    ${sql.text(NAME_LENGTH)} NOT NULL,
      last_seen  ${sql.text(TIME_LENGTH)} NOT NULL,
      config     ${sql.longText} NOT NULL,
      port       INTEGER NOT NULL,
      first_seen ${sql.text(TIME_LENGTH)} NOT NULL,
      state      ${sql.text(16)} NOT NULL,
      UNIQUE (IP, port),
      UNIQUE (first_seen, Number)
    )${sql.tableOptions}`,
    `CREATE TABLE IF NOT EXISTS server_data (
      Number     ${sql.numberColumn},
      Name       ${sql.text(NAME_LENGTH)} NOT NULL,
      IP         ${sql.text(ADDRESS_LENGTH)} NOT NULL,
      NetName    ${sql.text(NAME_LENGTH)} NOT NULL,
      Country    ${sql.text(COUNTRY_LENGTH)} NOT NULL,
      Admin      ${sql.text(NAME_LENGTH)} NOT NULL,
      config     ${sql.longText} NOT NULL,
      port       INTEGER NOT NULL,
      first_seen ${sql.text(TIME_LENGTH)} NOT NULL,
      last_seen  ${sql.text(TIME_LENGTH)} NOT NULL,
      state      ${sql.text(16)} NOT NULL,
      verified   INTEGER NOT NULL,
      UNIQUE (IP, port),
      UNIQUE (first_seen, Number)
    )${sql.tableOptions}`,
    `CREATE TABLE IF NOT EXISTS Client_data (
      Number     ${sql.numberColumn},
      User       ${sql.text(NAME_LENGTH)} NOT NULL,
      IP         ${sql.text(ADDRESS_LENGTH)} NOT NULL,
      NetName    ${sql.text(NAME_LENGTH)} NOT NULL,
      Country    ${sql.text(COUNTRY_LENGTH)} NOT NULL,
      config     ${sql.longText} NOT NULL,
      UNIQUE (User)
    )${sql.tableOptions}`,
    `CREATE TABLE IF NOT EXISTS server_history (
      server      BIGINT NOT NULL,
      at          BIGINT NOT NULL,
      step        INTEGER NOT NULL,
      players     DOUBLE PRECISION NOT NULL,
      peak        INTEGER NOT NULL,
      max_players INTEGER NOT NULL,
      map         ${sql.text(NAME_LENGTH)} NOT NULL,
      PRIMARY KEY (at, server)
    )${sql.tableOptions}`,
  ],
];

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
  ],
  Client_data: ["Number", "User", "IP", "NetName", "Country", "config"],
  server_history: ["server", "at", "step", "players", "peak", "max_players", "map"],
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
export async function schemaVersion(engine: SqlEngine): Promise<number> {
  try {
    const [row] = await engine.query("SELECT version FROM schema_version WHERE one = 1");
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
  return await engine.exclusively(LOCK, async () => {
    await engine.execute(VERSION_TABLE(engine.dialect));
    const version = await schemaVersion(engine);
    refuseNewer(version, engine.where);
    // Steps that were taken already are taken again where a table has gone missing since.
    for (const step of MIGRATIONS) {
      for (const statement of step(engine.dialect)) await engine.execute(statement);
    }
    const { onConflict, newValue } = engine.dialect;
    await engine.execute(
      `INSERT INTO schema_version (one, version) VALUES (1, ?) ` +
        `${onConflict(["one"])} version = ${newValue("version")}`,
      [SCHEMA_VERSION],
    );
    return found;
  });
}
