import type { Pool, PoolConnection } from "mysql2/promise";
import type { DatabaseHost, DatabaseSettings } from "../threads/mod.ts";
import {
  type Dialect,
  type FailureKind,
  type Row,
  type SqlEngine,
  SqlError,
  type SqlSession,
  type SqlValue,
} from "./_engine.ts";

/** Milliseconds for a connection to be made before the next node is tried. */
const CONNECT_TIMEOUT_MS = 5000;

/** Milliseconds for a statement; one that takes longer met a server that hangs. */
const STATEMENT_TIMEOUT_MS = 10_000;

/** Seconds to wait for another master that brings the schema up to date. */
const LOCK_SECONDS = 30;

/** Connections at a time: the writer, and a reader beside it. */
const POOL_SIZE = 4;

const MYSQL: Dialect = {
  numberColumn: "BIGINT PRIMARY KEY AUTO_INCREMENT",
  text: (characters) => `VARCHAR(${characters}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  longText: "MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
  tableOptions: " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
  onConflict: () => "ON DUPLICATE KEY UPDATE",
  newValue: (column) => `VALUES(${column})`,
  greatest: "greatest",
  floorDiv: (expression, step) => `(${expression} DIV ${step})`,
  countColumns: `SELECT COUNT(*) AS count FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = ? AND column_name = ?`,
  countIndexes: `SELECT COUNT(*) AS count FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = ? AND index_name = ?`,
  dropIndex: (table, index) => `DROP INDEX ${index} ON ${table}`,
  indexOnly: () => "",
};

/** Codes of a server that refuses these very values. */
const BAD_DATA = new Set([
  "ER_DATA_TOO_LONG",
  "ER_TRUNCATED_WRONG_VALUE_FOR_FIELD",
  "ER_WARN_DATA_OUT_OF_RANGE",
  "ER_BAD_NULL_ERROR",
  "ER_DUP_ENTRY",
  "ER_CHECK_CONSTRAINT_VIOLATED",
]);

/** How to reach the database. */
export type MysqlOptions = Omit<DatabaseSettings & { readonly type: "mysql" }, "type">;

function kindOf(code: string): FailureKind {
  if (code === "ER_NO_SUCH_TABLE") return "no-table";
  return BAD_DATA.has(code) ? "bad-data" : "unavailable";
}

function sqlError(error: unknown, where: string): SqlError {
  if (error instanceof SqlError) return error;
  const { code = "", message } = error as { code?: string; message: string };
  const advice = code === "ER_ACCESS_DENIED_ERROR"
    ? ": check [database] user and pass"
    : code === "ER_BAD_DB_ERROR" || code === "ER_DBACCESS_DENIED_ERROR"
    ? ": create the database and grant the user all rights on it, or check [database] base"
    : "";
  return new SqlError(kindOf(code), `${where}: ${message || code}${advice}`, { cause: error });
}

/** Whether an error means that the node itself is no use, and the next one should be tried. */
function isNodeFailure(error: unknown): boolean {
  const { code = "", fatal = false } = error as { code?: string; fatal?: boolean };
  // A Galera node that lost its cluster answers, but refuses work with this code.
  return fatal || code === "ER_UNKNOWN_COM_ERROR" || code === "PROTOCOL_CONNECTION_LOST";
}

class MysqlSession implements SqlSession {
  readonly #connection: PoolConnection;
  readonly #where: string;

  constructor(connection: PoolConnection, where: string) {
    this.#connection = connection;
    this.#where = where;
  }

  async query(sql: string, values: readonly SqlValue[] = []): Promise<Row[]> {
    return await this.#run(sql, values) as Row[];
  }

  async execute(sql: string, values: readonly SqlValue[] = []): Promise<number> {
    const result = await this.#run(sql, values) as { affectedRows?: number };
    return result.affectedRows ?? 0;
  }

  async #run(sql: string, values: readonly SqlValue[]): Promise<unknown> {
    try {
      const options = { sql, values: [...values], timeout: STATEMENT_TIMEOUT_MS };
      // Statements without values are those that a server need not prepare, or cannot.
      const [result] = values.length > 0
        ? await this.#connection.execute(options)
        : await this.#connection.query(options);
      return result;
    } catch (error) {
      throw sqlError(error, this.#where);
    }
  }
}

/** A MySQL or MariaDB server, or a cluster of them. */
export class MysqlEngine implements SqlEngine {
  readonly dialect: Dialect = MYSQL;
  readonly #options: MysqlOptions;
  readonly #createPool: (node: DatabaseHost) => Pool;
  #node = 0;
  #pool: Pool | undefined;

  private constructor(options: MysqlOptions, createPool: (node: DatabaseHost) => Pool) {
    this.#options = options;
    this.#createPool = createPool;
  }

  /** Loads the driver; connects when it is first needed. */
  static async open(options: MysqlOptions): Promise<MysqlEngine> {
    const { createPool } = await import("mysql2/promise");
    return new MysqlEngine(options, ({ host, port }) =>
      createPool({
        host,
        port,
        user: options.user,
        password: options.password,
        database: options.database,
        charset: "utf8mb4",
        connectionLimit: POOL_SIZE,
        connectTimeout: CONNECT_TIMEOUT_MS,
        enableKeepAlive: true,
        supportBigNumbers: true,
      }));
  }

  get where(): string {
    const { host, port } = this.#currentNode;
    return `${this.#options.database} at ${host}:${port}`;
  }

  query(sql: string, values?: readonly SqlValue[]): Promise<Row[]> {
    return this.#withSession((session) => session.query(sql, values));
  }

  execute(sql: string, values?: readonly SqlValue[]): Promise<number> {
    return this.#withSession((session) => session.execute(sql, values));
  }

  transaction<T>(work: (session: SqlSession) => Promise<T>): Promise<T> {
    return this.#withSession(async (session) => {
      await session.execute("START TRANSACTION");
      try {
        const result = await work(session);
        await session.execute("COMMIT");
        return result;
      } catch (error) {
        // On a lost connection the server has rolled back already.
        await session.execute("ROLLBACK").catch(() => 0);
        throw error;
      }
    });
  }

  exclusively<T>(name: string, work: (session: SqlSession) => Promise<T>): Promise<T> {
    return this.#withSession(async (session) => {
      const [row] = await session.query("SELECT GET_LOCK(?, ?) AS held", [name, LOCK_SECONDS]);
      if (row?.["held"] !== 1) {
        throw new SqlError(
          "unavailable",
          `${this.where}: another master has been changing the schema for ${LOCK_SECONDS} s`,
        );
      }
      try {
        return await work(session);
      } finally {
        await session.query("SELECT RELEASE_LOCK(?)", [name]).catch(() => []);
      }
    });
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.end().catch(() => {});
  }

  get #currentNode(): DatabaseHost {
    const { nodes } = this.#options;
    return nodes[this.#node % nodes.length] as DatabaseHost;
  }

  /** Takes a connection to the first node that gives one, beginning with the one used last. */
  async #withSession<T>(work: (session: SqlSession) => Promise<T>): Promise<T> {
    const connection = await this.#connect();
    let usable = true;
    try {
      return await work(new MysqlSession(connection, this.where));
    } catch (error) {
      if (error instanceof SqlError && error.kind === "unavailable") {
        // Whatever state the connection is in, it is not to be used again.
        usable = false;
        if (isNodeFailure(error.cause ?? {})) this.#leaveNode();
      }
      throw error;
    } finally {
      if (usable) connection.release();
      else connection.destroy();
    }
  }

  async #connect(): Promise<PoolConnection> {
    let failure: unknown;
    for (let tries = 0; tries < this.#options.nodes.length; tries++) {
      this.#pool ??= this.#createPool(this.#currentNode);
      try {
        return await this.#pool.getConnection();
      } catch (error) {
        failure = sqlError(error, this.where);
        this.#leaveNode();
      }
    }
    throw failure;
  }

  #leaveNode(): void {
    const pool = this.#pool;
    this.#pool = undefined;
    this.#node++;
    void pool?.end().catch(() => {});
  }
}
