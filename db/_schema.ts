import { type Dialect, type SqlEngine, SqlError, type SqlSession } from "./_engine.ts";

/** Version of the schema that this program reads and writes. */
export const SCHEMA_VERSION = 2;

/** Lengths of columns in characters. */
export const NAME_LENGTH = 255;
const ADDRESS_LENGTH = 45;
const COUNTRY_LENGTH = 2;
const TIME_LENGTH = 23;
const ORIGIN_LENGTH = 16;
/** 32 bytes in base64. */
const KEY_LENGTH = 44;

/** A statement that may be run once only, and how to see that it was. */
interface Addition {
  readonly statement: string;
  /** Gives a `count` of 0 while it was not. */
  readonly query: string;
  /** Names of the table and of what is added to it. */
  readonly values: readonly [table: string, name: string];
}

/** One change of the schema; a plain statement may be run as often as one likes. */
type Change = string | Addition;

function addColumn(sql: Dialect, table: string, column: string, definition: string): Addition {
  return {
    statement: `ALTER TABLE ${table} ADD COLUMN ${column} ${definition}`,
    query: sql.countColumns,
    values: [table, column],
  };
}

/** Columns of a version, see `Version` of the registry. Rows from before have the earliest one. */
function addVersion(sql: Dialect, table: string): Addition[] {
  return [
    addColumn(sql, table, "hlc", "BIGINT NOT NULL DEFAULT 0"),
    addColumn(sql, table, "origin", `${sql.text(ORIGIN_LENGTH)} NOT NULL DEFAULT ''`),
  ];
}

/**
 * Steps from each version to the next. Each change may be made twice without harm, because a
 * database server commits every one by itself.
 *
 * The three tables and their first columns are spelt as the design of the network spells them.
 * What follows the first columns is what a key, an index or a restart needs. The second UNIQUE is
 * an index for reading in order of registration, spelt as both databases take it.
 */
const MIGRATIONS: readonly ((sql: Dialect) => Change[])[] = [
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
  (sql) => [
    ...addVersion(sql, "master_data"),
    ...addVersion(sql, "server_data"),
    {
      // Whoever was ever listed has a row: those that went a moment ago are few among many.
      statement: `CREATE INDEX server_data_gone ON server_data (state, hlc, origin)${
        sql.indexOnly("state = 'gone'")
      }`,
      query: sql.countIndexes,
      values: ["server_data", "server_data_gone"],
    },
    `CREATE TABLE IF NOT EXISTS server_names (
      name   ${sql.text(NAME_LENGTH)} PRIMARY KEY,
      owner  ${sql.text(KEY_LENGTH)} NOT NULL,
      hlc    BIGINT NOT NULL,
      origin ${sql.text(ORIGIN_LENGTH)} NOT NULL
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
  ],
  Client_data: ["Number", "User", "IP", "NetName", "Country", "config"],
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
  else if (!await isMade(session, change)) await add(session, change);
}

async function isMade(session: SqlSession, { query, values }: Addition): Promise<boolean> {
  const [row] = await session.query(query, values);
  return Number(row?.["count"]) > 0;
}

async function add(session: SqlSession, addition: Addition): Promise<void> {
  try {
    await session.execute(addition.statement);
  } catch (error) {
    // The lock of a cluster's node says nothing to another node, whose master may have been first.
    if (!await isMade(session, addition).catch(() => false)) throw error;
  }
}
