/**
 * The embedded store: one SQLite file.
 *
 * @module
 */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import { formatEndpoint, parseEndpoint } from "../protocol/mod.ts";
import type { ServerRecord, ServerState, ServerStatus, Settings } from "../registry/mod.ts";
import type { StoreChange } from "../registry/mod.ts";
import {
  FORGET_SERVER,
  LOAD_SERVERS,
  MIGRATIONS,
  PUT_SERVER,
  RETIRE_SERVER,
  SCHEMA_VERSION,
  SEE_SERVERS,
} from "./_schema.ts";

/** Milliseconds to wait for another process that holds the file's lock. */
const BUSY_TIMEOUT_MS = 5000;

/** Rows read at a time. */
const ROWS_PER_PAGE = 5000;

/** Only the user the daemon runs as may read or write the file: it will hold players' accounts. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/** The store's file cannot be used as it is. */
export class StoreError extends Error {
  /** Name of this class. */
  override readonly name = "StoreError";
}

interface ServerConfig {
  readonly gamename: string;
  readonly settings: Settings;
  readonly status?: ServerStatus;
}

interface ServerRow {
  readonly Number: number;
  readonly IP: string;
  readonly port: number;
  readonly config: string;
  readonly state: string;
  readonly first_seen: number;
  readonly last_seen: number;
}

/** The row after which a page begins. */
type PageStart = Pick<ServerRow, "first_seen" | "Number">;

const BEFORE_ALL: PageStart = { first_seen: -1, Number: 0 };

function recordOf(row: ServerRow): ServerRecord {
  const { gamename, settings, status } = JSON.parse(row.config) as ServerConfig;
  if (typeof gamename !== "string" || typeof settings !== "object" || settings === null) {
    throw new TypeError("its config has no gamename or no settings");
  }
  return {
    id: formatEndpoint(row.IP, row.port),
    ip: row.IP,
    port: row.port,
    gamename,
    settings,
    state: row.state as ServerState,
    firstSeen: row.first_seen,
    lastSeen: row.last_seen,
    ...(status ? { status } : {}),
  };
}

function readRow(
  row: ServerRow,
  onUnreadable: (server: string, reason: string) => void,
): ServerRecord | undefined {
  try {
    return recordOf(row);
  } catch (error) {
    onUnreadable(formatEndpoint(row.IP, row.port), error instanceof Error ? error.message : "");
    return undefined;
  }
}

function createPrivately(path: string): void {
  const slash = path.lastIndexOf("/");
  if (slash > 0) Deno.mkdirSync(path.slice(0, slash), { recursive: true, mode: DIRECTORY_MODE });
  Deno.openSync(path, { create: true, write: true, mode: FILE_MODE }).close();
}

/** Servers in a SQLite file. Every call is synchronous: give it a thread of its own. */
export class SqliteStore {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #see: StatementSync;
  readonly #retire: StatementSync;
  readonly #forget: StatementSync;

  /**
   * Opens the file, makes it (mode 0600) when there is none, and brings its schema up to date.
   *
   * @param path Path of the file.
   * @throws StoreError when the file cannot be opened, is damaged or was made by a newer program.
   */
  constructor(path: string) {
    this.#path = path;
    try {
      createPrivately(path);
      this.#database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
      // Readers never wait for the writer, and a killed process loses nothing that was committed.
      this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
      this.#migrate(path);
    } catch (error) {
      throw this.#failure("used", error);
    }
    this.#put = this.#database.prepare(PUT_SERVER);
    this.#see = this.#database.prepare(SEE_SERVERS);
    this.#retire = this.#database.prepare(RETIRE_SERVER);
    this.#forget = this.#database.prepare(FORGET_SERVER);
  }

  /**
   * Reads the servers heard of since a time, in order of registration. A row that makes no sense is
   * left out: it must not cost the others.
   *
   * @param since Milliseconds since 1970.
   * @param onUnreadable Called for each row that is left out, with what is wrong with it.
   * @throws StoreError when the file cannot be read.
   */
  *load(
    since: number,
    onUnreadable: (server: string, reason: string) => void = () => {},
  ): Generator<ServerRecord> {
    const page = this.#database.prepare(LOAD_SERVERS);
    for (let last: PageStart = BEFORE_ALL;;) {
      const rows = this.#page(page, since, last);
      for (const row of rows) {
        last = row;
        const record = readRow(row, onUnreadable);
        if (record) yield record;
      }
      if (rows.length < ROWS_PER_PAGE) return;
    }
  }

  /**
   * Writes changes in one transaction, in order.
   *
   * @throws StoreError when the file cannot be written; then nothing of it was.
   */
  write(changes: readonly StoreChange[]): void {
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      for (const change of changes) this.#writeOne(change);
      this.#database.exec("COMMIT");
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw this.#failure("written", error);
    }
  }

  /** Lets go of the file. */
  close(): void {
    this.#database.close();
  }

  /** One page of rows. `iterate` would end without an error where the file is damaged. */
  #page(statement: StatementSync, since: number, last: PageStart): ServerRow[] {
    const { first_seen, Number } = last;
    try {
      return statement.all(since, first_seen, Number, ROWS_PER_PAGE) as unknown as ServerRow[];
    } catch (error) {
      throw this.#failure("read", error);
    }
  }

  #failure(verb: "used" | "read" | "written", error: unknown): StoreError {
    if (error instanceof StoreError) return error;
    const reason = error instanceof Error ? error.message : String(error);
    return new StoreError(
      `the database file ${this.#path} cannot be ${verb}: ${reason}. ` +
        "Check its permissions and the disk, or set [database] base to another file",
      { cause: error },
    );
  }

  #writeOne(change: StoreChange): void {
    if (change.type === "put") this.#putRecord(change.record);
    else if (change.type === "seen") {
      const endpoints = change.ids.map(parseEndpoint).map(({ ip, port }) => [ip, port]);
      this.#see.run(change.at, JSON.stringify(endpoints));
    } else {
      const { ip, port } = parseEndpoint(change.id);
      this.#retire.run(ip, port);
      this.#forget.run(ip, port);
    }
  }

  #putRecord(record: ServerRecord): void {
    const { gamename, settings, status } = record;
    this.#put.run(
      status?.hostname ?? "",
      record.ip,
      record.port,
      JSON.stringify({ gamename, settings, status }),
      record.state,
      record.state === "listed" ? 1 : 0,
      record.firstSeen,
      record.lastSeen,
    );
  }

  #migrate(path: string): void {
    const [row] = this.#database.prepare("PRAGMA user_version").all();
    const version = Number(row?.["user_version"]);
    if (version > SCHEMA_VERSION) {
      throw new StoreError(
        `the database file ${path} has schema version ${version}, this program knows ` +
          `${SCHEMA_VERSION} at most: run the newer program, or set [database] base to another file`,
      );
    }
    for (let next = version; next < SCHEMA_VERSION; next++) {
      this.#database.exec(
        `BEGIN IMMEDIATE; ${MIGRATIONS[next]}; PRAGMA user_version = ${next + 1}; COMMIT`,
      );
    }
  }
}
