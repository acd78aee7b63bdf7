/** A value of a column. */
export type SqlValue = string | number | null;

/** A row as it comes: column name to value. */
export type Row = Readonly<Record<string, SqlValue>>;

/** Why a statement failed, as far as it matters for what to do next. */
export type FailureKind =
  /** The database is not there, or does not answer, or takes nothing now: later it may. */
  | "unavailable"
  /** A table is missing: the schema has to be made again. */
  | "no-table"
  /** The database refuses these very values, now and later. */
  | "bad-data";

/** A statement failed. */
export class SqlError extends Error {
  override readonly name = "SqlError";

  constructor(readonly kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Runs statements, inside or outside a transaction. All fail with {@link SqlError}. */
export interface SqlSession {
  /** Runs a statement and gives its rows. */
  query(sql: string, values?: readonly SqlValue[]): Promise<Row[]>;
  /** Runs a statement that gives no rows; how many it changed. */
  execute(sql: string, values?: readonly SqlValue[]): Promise<number>;
}

/** Words in which the two kinds of SQL differ. */
export interface Dialect {
  /** Type and constraint of a table's Number. */
  readonly numberColumn: string;
  /** Type of a text of at most so many characters, compared byte by byte. */
  text(characters: number): string;
  /** Type of a long text. */
  readonly longText: string;
  /** What follows a table's closing bracket. */
  readonly tableOptions: string;
  /** The clause of an INSERT that updates a row which is there already. */
  onConflict(key: readonly string[]): string;
  /** The new value of a column inside that clause. */
  newValue(column: string): string;
  /** The larger of two values. */
  readonly greatest: string;
  /** Seconds since 1970, in steps, of a column that holds milliseconds. */
  floorDiv(expression: string, step: number): string;
  /** Query for the `count` of columns of a table; takes the table's name and the column's. */
  readonly countColumns: string;
  /** Query that gives no `count` of 0 for an index; takes the table's name and the index's. */
  readonly countIndexes: string;
  /** Drops an index. */
  dropIndex(table: string, index: string): string;
  /** What makes an index one of these rows only; nothing where an index is always of all. */
  indexOnly(condition: string): string;
}

/** A database. */
export interface SqlEngine extends SqlSession {
  readonly dialect: Dialect;
  /** Where it is, for people; no password. */
  readonly where: string;
  /** Runs work in a transaction: all of it or nothing. */
  transaction<T>(work: (session: SqlSession) => Promise<T>): Promise<T>;
  /**
   * Runs work while no other process runs work under the same name on this database. The work must
   * use its own session only. Whether it is a transaction depends on the database.
   */
  exclusively<T>(name: string, work: (session: SqlSession) => Promise<T>): Promise<T>;
  /** Lets go of the database. */
  close(): Promise<void>;
}
