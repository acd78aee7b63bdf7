import { DatabaseSync, type StatementSync } from "node:sqlite";
import {
  type Dialect,
  type FailureKind,
  type Row,
  type SqlEngine,
  SqlError,
  type SqlSession,
  type SqlValue,
} from "./_engine.ts";

/** Milliseconds to wait for another process that holds the file's lock. */
const BUSY_TIMEOUT_MS = 5000;

/** Only the user the daemon runs as may read or write the file: it holds players' accounts. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/** Statements kept prepared; the program has about half as many. */
const MAX_PREPARED = 128;

const SQLITE: Dialect = {
  numberColumn: "INTEGER PRIMARY KEY AUTOINCREMENT",
  text: () => "TEXT",
  longText: "TEXT",
  tableOptions: "",
  onConflict: (key) => `ON CONFLICT (${key.join(", ")}) DO UPDATE SET`,
  newValue: (column) => `excluded.${column}`,
  greatest: "max",
  floorDiv: (expression, step) => `(${expression} / ${step})`,
  countColumns: "SELECT COUNT(*) AS count FROM pragma_table_info(?) WHERE name = ?",
  countIndexes: "SELECT COUNT(*) AS count FROM pragma_index_list(?) WHERE name = ?",
  dropIndex: (_table, index) => `DROP INDEX ${index}`,
  indexOnly: (condition) => ` WHERE ${condition}`,
};

function createPrivately(path: string): void {
  const slash = path.lastIndexOf("/");
  if (slash > 0) Deno.mkdirSync(path.slice(0, slash), { recursive: true, mode: DIRECTORY_MODE });
  Deno.openSync(path, { create: true, write: true, mode: FILE_MODE }).close();
}

function kindOf(reason: string): FailureKind {
  if (/no such table/i.test(reason)) return "no-table";
  return /constraint|too big|datatype mismatch/i.test(reason) ? "bad-data" : "unavailable";
}

/** A SQLite file. Each statement runs to its end before anything else: give it a thread. */
export class SqliteEngine implements SqlEngine {
  readonly dialect: Dialect = SQLITE;
  readonly where: string;
  readonly #prepared = new Map<string, StatementSync>();
  #opened: DatabaseSync | undefined;
  #turn: Promise<void> = Promise.resolve();

  /**
   * The file is opened when it is first needed, and made (mode 0600) when there is none.
   *
   * @param path Path of the file.
   */
  constructor(path: string) {
    this.where = path;
  }

  query(sql: string, values: readonly SqlValue[] = []): Promise<Row[]> {
    return this.#inTurn(() => this.#query(sql, values));
  }

  execute(sql: string, values: readonly SqlValue[] = []): Promise<number> {
    return this.#inTurn(() => this.#execute(sql, values));
  }

  transaction<T>(work: (session: SqlSession) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      await this.#run(() => this.#database.exec("BEGIN IMMEDIATE"));
      try {
        const result = await work({
          query: (sql, values = []) => this.#query(sql, values),
          execute: (sql, values = []) => this.#execute(sql, values),
        });
        await this.#run(() => this.#database.exec("COMMIT"));
        return result;
      } catch (error) {
        if (this.#opened?.isTransaction) this.#opened.exec("ROLLBACK");
        throw error;
      }
    });
  }

  /** The file's own lock does it, which keeps out every other writer too. */
  exclusively<T>(_name: string, work: (session: SqlSession) => Promise<T>): Promise<T> {
    return this.transaction(work);
  }

  close(): Promise<void> {
    return this.#inTurn(() =>
      this.#run(() => {
        this.#prepared.clear();
        this.#opened?.close();
        this.#opened = undefined;
      })
    );
  }

  /** There is one connection: what runs between a transaction's statements would be part of it. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.then(() => {}, () => {});
    return result;
  }

  #query(sql: string, values: readonly SqlValue[]): Promise<Row[]> {
    return this.#run(() => this.#statement(sql).all(...values) as Row[]);
  }

  #execute(sql: string, values: readonly SqlValue[]): Promise<number> {
    return this.#run(() => Number(this.#statement(sql).run(...values).changes));
  }

  get #database(): DatabaseSync {
    if (this.#opened) return this.#opened;
    createPrivately(this.where);
    const database = new DatabaseSync(this.where, { timeout: BUSY_TIMEOUT_MS });
    try {
      // Readers never wait for the writer, and a killed process loses nothing that was committed.
      database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    } catch (error) {
      database.close();
      throw error;
    }
    return this.#opened = database;
  }

  #run<T>(work: () => T): Promise<T> {
    try {
      return Promise.resolve(work());
    } catch (error) {
      return Promise.reject(this.#failure(error));
    }
  }

  #failure(error: unknown): SqlError {
    const reason = error instanceof Error ? error.message : String(error);
    const kind = kindOf(reason);
    const advice = kind === "unavailable"
      ? ". Check its permissions and the disk, or set [database] base to another file"
      : "";
    return new SqlError(
      kind,
      `the database file ${this.where} cannot be used: ${reason}${advice}`,
      { cause: error },
    );
  }

  #statement(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      if (this.#prepared.size >= MAX_PREPARED) this.#prepared.clear();
      this.#prepared.set(sql, statement);
    }
    return statement;
  }
}
