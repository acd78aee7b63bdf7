/**
 * What an operator does with a database: look, migrate, carry to another one.
 *
 * @module
 */

import type { DatabaseSettings } from "../threads/mod.ts";
import { type Row, type SqlEngine, SqlError, type SqlSession, type SqlValue } from "./_engine.ts";
import { openEngine } from "./_open.ts";
import {
  migrate,
  SCHEMA_VERSION,
  SchemaError,
  schemaVersion,
  TABLE_COLUMNS,
  type TableName,
} from "./_schema.ts";

/** What a database holds. */
export interface DatabaseStatus {
  /** Where it is; no password. */
  readonly where: string;
  /** Version of its schema; 0 when it has none. */
  readonly schema: number;
  /** Version that this program reads and writes. */
  readonly wanted: number;
  /** Rows of each table that is there. */
  readonly rows: Readonly<Record<string, number>>;
}

/** An export cannot be read, or not into this database. */
export class ImportError extends Error {
  /** Name of this class. */
  override readonly name = "ImportError";
}

/** First line of an export. */
const HEADER = { format: "netpanzer-masterserver-export", version: SCHEMA_VERSION };

/** What columns hold that an export of an earlier version does not have. */
const LATER_COLUMNS: readonly {
  readonly table: TableName;
  readonly since: number;
  readonly values: Readonly<Record<string, SqlValue>>;
}[] = [
  { table: "master_data", since: 2, values: { hlc: 0, origin: "" } },
  { table: "server_data", since: 2, values: { hlc: 0, origin: "" } },
  { table: "server_data", since: 3, values: { gone_at: 0, gone_cause: "" } },
  { table: "Client_data", since: 3, values: { hlc: 0, origin: "" } },
];

/** Rows read or written at a time. */
const PAGE = 1000;

const TABLES = Object.keys(TABLE_COLUMNS) as TableName[];

/** A database in an operator's hands. All failures are exceptions with a message for people. */
export class DatabaseAdmin {
  readonly #engine: SqlEngine;

  private constructor(engine: SqlEngine) {
    this.#engine = engine;
  }

  /** Opens a database. */
  static async open(settings: DatabaseSettings): Promise<DatabaseAdmin> {
    return new DatabaseAdmin(await openEngine(settings));
  }

  /** Tells what it holds. */
  async status(): Promise<DatabaseStatus> {
    const schema = await schemaVersion(this.#engine);
    const rows: Record<string, number> = {};
    for (const table of TABLES) {
      const count = await this.#count(table);
      if (count !== undefined) rows[table] = count;
    }
    return { where: this.#engine.where, schema, wanted: SCHEMA_VERSION, rows };
  }

  /** Brings the schema up to date; the version that was there before, 0 for none. */
  migrate(): Promise<number> {
    return migrate(this.#engine);
  }

  /**
   * All rows as JSON lines, the first one a header.
   *
   * @throws SchemaError when the schema is not this program's.
   */
  async *export(): AsyncGenerator<string> {
    const schema = await schemaVersion(this.#engine);
    if (schema !== SCHEMA_VERSION) {
      throw new SchemaError(
        `${this.#engine.where} has schema version ${schema}, this program exports ` +
          `${SCHEMA_VERSION}: run masterserver db migrate, or the program of that version`,
      );
    }
    yield JSON.stringify(HEADER);
    for (const table of TABLES) {
      const columns = TABLE_COLUMNS[table];
      for (let offset = 0;; offset += PAGE) {
        const rows = await this.#engine.query(
          `SELECT ${columns.join(", ")} FROM ${table}
           ORDER BY ${orderOf(table)} LIMIT ${PAGE} OFFSET ${offset}`,
        );
        for (const row of rows) yield JSON.stringify({ table, row });
        if (rows.length < PAGE) break;
      }
    }
  }

  /**
   * Reads an export, this version's or an earlier one's, into this database, whose tables must be
   * empty: all of it or nothing.
   *
   * @returns Rows read into each table.
   * @throws ImportError that names the line, or says that the database is not empty.
   */
  async import(lines: AsyncIterable<string>): Promise<Readonly<Record<string, number>>> {
    await this.migrate();
    for (const table of TABLES) {
      if (await this.#count(table) === 0) continue;
      throw new ImportError(
        `${this.#engine.where} has rows in ${table} already: import into an empty database`,
      );
    }
    return await this.#engine.transaction((session) => readAll(session, lines));
  }

  /** Lets go of the database. */
  close(): Promise<void> {
    return this.#engine.close();
  }

  /** Rows of a table; undefined when it is missing. */
  async #count(table: TableName): Promise<number | undefined> {
    try {
      const [row] = await this.#engine.query(`SELECT COUNT(*) AS count FROM ${table}`);
      return Number(row?.["count"]);
    } catch (error) {
      if (error instanceof SqlError && error.kind === "no-table") return undefined;
      throw error;
    }
  }
}

function orderOf(table: TableName): string {
  if (table === "server_history") return "at, server";
  return table === "server_names" ? "name" : "Number";
}

async function readAll(
  session: SqlSession,
  lines: AsyncIterable<string>,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = Object.fromEntries(TABLES.map((table) => [table, 0]));
  let number = 0;
  let version = 0;
  for await (const line of lines) {
    number++;
    if (number === 1) version = parseHeader(line);
    else if (line !== "") {
      const { table, values } = parseRow(line, number, version);
      const columns = TABLE_COLUMNS[table];
      await session.execute(
        `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${
          columns.map(() => "?").join(", ")
        })`,
        values,
      );
      counts[table] = (counts[table] ?? 0) + 1;
    }
  }
  if (number === 0) throw new ImportError("the export is empty");
  return counts;
}

function parseLine(line: string, number: number): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === "object" && parsed !== null) return { ...parsed };
  } catch {
    // Told below.
  }
  throw new ImportError(`line ${number} is no JSON object: is this an export, and complete?`);
}

/** The version of an export. */
function parseHeader(line: string): number {
  const { format, version } = parseLine(line, 1);
  const known = format === HEADER.format && Number.isInteger(version) ? Number(version) : 0;
  if (known >= 1 && known <= HEADER.version) return known;
  throw new ImportError(
    `line 1 is not ${JSON.stringify(HEADER)}, or an earlier version: the file is no export of ` +
      "this program, or a newer one's",
  );
}

function parseRow(
  line: string,
  number: number,
  version: number,
): { table: TableName; values: SqlValue[] } {
  const { table, row } = parseLine(line, number);
  const known = TABLES.find((name) => name === table);
  if (!known || typeof row !== "object" || row === null) {
    throw new ImportError(`line ${number}: the table must be one of ${TABLES.join(", ")}`);
  }
  const later = LATER_COLUMNS.filter((each) => each.table === known && version < each.since);
  const whole: Row = Object.assign({}, row, ...later.map((each) => each.values));
  const values = TABLE_COLUMNS[known].map((column) => {
    const value = whole[column];
    if (typeof value === "string" || typeof value === "number" || value === null) return value;
    throw new ImportError(`line ${number}: the column ${column} of ${known} is missing`);
  });
  return { table: known, values };
}
