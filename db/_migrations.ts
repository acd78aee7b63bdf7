import { hlcAt } from "../registry/mod.ts";
import type { Dialect } from "./_engine.ts";

/** Lengths of columns in characters. */
export const NAME_LENGTH = 255;
const ADDRESS_LENGTH = 45;
const COUNTRY_LENGTH = 2;
const TIME_LENGTH = 23;
const ORIGIN_LENGTH = 16;
const STATE_LENGTH = 16;
/** 32 bytes in base64. */
const KEY_LENGTH = 44;

/** A statement that may be run once only, and how to see that it was. */
export interface Alteration {
  readonly statement: string;
  /** Gives how many there are of what is added or dropped, as `count`. */
  readonly query: string;
  /** Names of the table and of what is added to it or dropped from it. */
  readonly values: readonly [table: string, name: string];
  /** Whether it is there once the statement was run. */
  readonly isThere: boolean;
}

/** One change of the schema; a plain statement may be run as often as one likes. */
export type Change = string | Alteration;

function addColumn(sql: Dialect, table: string, column: string, definition: string): Alteration {
  return {
    statement: `ALTER TABLE ${table} ADD COLUMN ${column} ${definition}`,
    query: sql.countColumns,
    values: [table, column],
    isThere: true,
  };
}

/** Columns of a version, see `Version` of the registry. Rows from before have the earliest one. */
function addVersion(sql: Dialect, table: string): Alteration[] {
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
export const MIGRATIONS: readonly ((sql: Dialect) => Change[])[] = [
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
      state      ${sql.text(STATE_LENGTH)} NOT NULL,
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
      state      ${sql.text(STATE_LENGTH)} NOT NULL,
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
    `CREATE TABLE IF NOT EXISTS server_names (
      name   ${sql.text(NAME_LENGTH)} PRIMARY KEY,
      owner  ${sql.text(KEY_LENGTH)} NOT NULL,
      hlc    BIGINT NOT NULL,
      origin ${sql.text(ORIGIN_LENGTH)} NOT NULL
    )${sql.tableOptions}`,
  ],
  (sql) => [
    ...addVersion(sql, "Client_data"),
    addColumn(sql, "server_data", "gone_at", "BIGINT NOT NULL DEFAULT 0"),
    addColumn(sql, "server_data", "gone_cause", `${sql.text(STATE_LENGTH)} NOT NULL DEFAULT ''`),
    {
      // Whoever was ever listed has a row: those that went a moment ago are few among many. The last
      // two columns spare a look at the rows of the many.
      statement: `CREATE INDEX server_data_gone_at ON server_data (state, gone_at, origin, hlc)${
        sql.indexOnly("state = 'gone'")
      }`,
      query: sql.countIndexes,
      values: ["server_data", "server_data_gone_at"],
      isThere: true,
    },
    {
      // Version 2 looked by the time of the change.
      statement: sql.dropIndex("server_data", "server_data_gone"),
      query: sql.countIndexes,
      values: ["server_data", "server_data_gone"],
      isThere: false,
    },
    // Until then all were this machine's own changes, so their times are those of its clock.
    `UPDATE server_data SET gone_at = ${sql.floorDiv("hlc", hlcAt(1))}
     WHERE state = 'gone' AND gone_at = 0 AND hlc > 0`,
  ],
];
