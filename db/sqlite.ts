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
  SEE_SERVER,
} from "./_schema.ts";

/** Milliseconds to wait for another process that holds the file's lock. */
const BUSY_TIMEOUT_MS = 5000;

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
  readonly IP: string;
  readonly port: number;
  readonly config: string;
  readonly state: string;
  readonly first_seen: number;
  readonly last_seen: number;
}

function recordOf(row: ServerRow): ServerRecord {
  const { gamename, settings, status } = JSON.parse(row.config) as ServerConfig;
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

function createPrivately(path: string): void {
  const slash = path.lastIndexOf("/");
  if (slash > 0) Deno.mkdirSync(path.slice(0, slash), { recursive: true, mode: DIRECTORY_MODE });
  Deno.openSync(path, { create: true, write: true, mode: FILE_MODE }).close();
}

/** Servers in a SQLite file. Every call is synchronous: give it a thread of its own. */
export class SqliteStore {
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
    try {
      createPrivately(path);
      this.#database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
      // Readers never wait for the writer, and a killed process loses nothing that was committed.
      this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
      this.#migrate(path);
    } catch (error) {
      if (error instanceof StoreError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new StoreError(
        `the database file ${path} cannot be used: ${reason}. ` +
          "Check its permissions and the disk, or set [database] base to another file",
        { cause: error },
      );
    }
    this.#put = this.#database.prepare(PUT_SERVER);
    this.#see = this.#database.prepare(SEE_SERVER);
    this.#retire = this.#database.prepare(RETIRE_SERVER);
    this.#forget = this.#database.prepare(FORGET_SERVER);
  }

  /**
   * Reads the servers heard of since a time, in order of registration.
   *
   * @param since Milliseconds since 1970.
   * @throws Error of the database.
   */
  *load(since: number): Generator<ServerRecord> {
    for (const row of this.#database.prepare(LOAD_SERVERS).iterate(since)) {
      yield recordOf(row as unknown as ServerRow);
    }
  }

  /**
   * Writes changes in one transaction, in order.
   *
   * @throws Error of the database; then nothing of it was written.
   */
  write(changes: readonly StoreChange[]): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      for (const change of changes) this.#writeOne(change);
      this.#database.exec("COMMIT");
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  /** Lets go of the file. */
  close(): void {
    this.#database.close();
  }

  #writeOne(change: StoreChange): void {
    if (change.type === "put") this.#putRecord(change.record);
    else if (change.type === "seen") {
      for (const id of change.ids) {
        const { ip, port } = parseEndpoint(id);
        this.#see.run(change.at, ip, port);
      }
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
