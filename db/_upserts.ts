import type { Dialect, SqlSession, SqlValue } from "./_engine.ts";
import { IS_RECORD, MASTER_COLUMNS, SERVER_COLUMNS } from "./_rows.ts";
import { TABLE_COLUMNS } from "./_schema.ts";

/**
 * Rows of one statement. Few sizes, so that few statements are prepared: each change is written in
 * statements of the first size that it fills, down to single rows.
 */
const CHUNKS = [100, 10, 1] as const;

/** Cuts values into pieces of the sizes of {@link CHUNKS}. */
export function* chunked<T>(values: readonly T[]): Generator<readonly T[]> {
  let start = 0;
  for (const size of CHUNKS) {
    for (; values.length - start >= size; start += size) yield values.slice(start, start + size);
  }
}

type Assignment = (dialect: Dialect) => string;

/** The column takes the new value. */
function takes(column: string): Assignment {
  return ({ newValue }) => `${column} = ${newValue(column)}`;
}

/**
 * The column takes the new value unless that is empty.
 *
 * @param condition What else has to hold for the old one to stay.
 */
function takesKnown(column: string, condition = "1 = 1"): Assignment {
  return ({ newValue }) =>
    `${column} = CASE WHEN ${newValue(column)} = '' AND ${condition} THEN ${column}
     ELSE ${newValue(column)} END`;
}

/** The column takes the new value when the new row's version is the lower one. */
function takesEarlier(column: string): Assignment {
  return ({ newValue }) =>
    `${column} = CASE WHEN ${newValue("hlc")} < hlc
       OR (${newValue("hlc")} = hlc AND ${newValue("origin")} < origin)
     THEN ${newValue(column)} ELSE ${column} END`;
}

/** Rows that are put: new ones are inserted, those that are there take what is new. */
interface Target {
  readonly table: string;
  readonly columns: readonly string[];
  /** What tells whether a row is there. */
  readonly key: readonly string[];
  readonly updates: readonly Assignment[];
}

/** Game servers; rows by `serverValues`. */
export const SERVERS: Target = {
  table: "server_data",
  columns: SERVER_COLUMNS,
  key: ["IP", "port"],
  updates: [
    takesKnown("Name"),
    takesKnown("NetName"),
    takesKnown("Country"),
    // Not the one before: it may be another owner's, or withdrawn.
    takes("Admin"),
    takes("config"),
    takes("first_seen"),
    takes("last_seen"),
    takes("state"),
    ({ greatest, newValue }) => `verified = ${greatest}(verified, ${newValue("verified")})`,
    takes("hlc"),
    takes("origin"),
    takes("gone_at"),
    takes("gone_cause"),
  ],
};

/** Masters; rows by `masterValues`. */
export const MASTERS: Target = {
  table: "master_data",
  columns: MASTER_COLUMNS,
  key: ["IP", "port"],
  updates: [
    // What another master calls itself is not known of this one. The state is assigned last.
    takesKnown("Name", IS_RECORD),
    takesKnown("NetName", IS_RECORD),
    takes("last_seen"),
    takes("config"),
    takes("first_seen"),
    takes("hlc"),
    takes("origin"),
    takes("state"),
  ],
};

/** Names; of two claims the earlier one stays, in whatever order they come. */
export const NAMES: Target = {
  table: "server_names",
  columns: TABLE_COLUMNS.server_names,
  key: ["name"],
  // One kind of database assigns in this order, and sees what it has assigned: the time goes last.
  updates: [takesEarlier("owner"), takesEarlier("origin"), takesEarlier("hlc")],
};

/** Inserts rows that are not there, each with a value for every column. */
export async function insert(
  session: SqlSession,
  table: string,
  columns: readonly string[],
  rows: readonly SqlValue[][],
): Promise<void> {
  for (const chunk of chunked(rows)) {
    await session.execute(
      `INSERT INTO ${table} (${columns.join(", ")})
       VALUES ${placeholders(chunk.length, columns.length)}`,
      chunk.flat(),
    );
  }
}

/** Puts rows, each with a value for every column of the target. */
export async function upsert(
  session: SqlSession,
  dialect: Dialect,
  { table, columns, key, updates }: Target,
  rows: readonly SqlValue[][],
): Promise<void> {
  const assignments = updates.map((assignment) => assignment(dialect)).join(", ");
  for (const chunk of chunked(rows)) {
    await session.execute(
      `INSERT INTO ${table} (${columns.join(", ")})
       VALUES ${placeholders(chunk.length, columns.length)}
       ${dialect.onConflict(key)} ${assignments}`,
      chunk.flat(),
    );
  }
}

function placeholders(rows: number, columns: number): string {
  const row = `(${Array(columns).fill("?").join(", ")})`;
  return Array(rows).fill(row).join(", ");
}
