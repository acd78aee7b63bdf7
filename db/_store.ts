import { parseEndpoint } from "../protocol/mod.ts";
import {
  MASTER_GAMENAME,
  type Sample,
  type ServerId,
  type ServerRecord,
  type Store,
  type StoreChange,
} from "../registry/mod.ts";
import type { Dialect, Row, SqlEngine, SqlSession, SqlValue } from "./_engine.ts";
import {
  columnText,
  MASTER_COLUMNS,
  masterValues,
  recordOf,
  SERVER_COLUMNS,
  serverValues,
} from "./_rows.ts";
import { migrate } from "./_schema.ts";
import { toSqlTime } from "./_time.ts";

/** Rows read at a time: so few that they are garbage again before a collector has moved them. */
const PAGE = 1000;

/**
 * Rows of one statement. Few sizes, so that few statements are prepared: each change is written in
 * statements of the first size that it fills, down to single rows.
 */
const CHUNKS = [100, 10, 1] as const;

/** Seconds of one sample of a server's history. */
export const SAMPLE_STEP = 300;

/** Cuts values into pieces of the sizes of {@link CHUNKS}. */
function* chunked<T>(values: readonly T[]): Generator<readonly T[]> {
  let start = 0;
  for (const size of CHUNKS) {
    for (; values.length - start >= size; start += size) yield values.slice(start, start + size);
  }
}

function placeholders(rows: number, columns: number): string {
  const row = `(${Array(columns).fill("?").join(", ")})`;
  return Array(rows).fill(row).join(", ");
}

/** Condition that picks so many servers by {@link keyOf}. */
function anyOf(count: number): string {
  return Array(count).fill("(IP = ? AND port = ?)").join(" OR ");
}

type Assignment = (dialect: Dialect) => string;

/** The column takes the new value. */
function takes(column: string): Assignment {
  return ({ newValue }) => `${column} = ${newValue(column)}`;
}

/** The column takes the new value unless that is empty. */
function takesKnown(column: string): Assignment {
  return ({ newValue }) =>
    `${column} = CASE WHEN ${newValue(column)} = '' THEN ${column} ELSE ${newValue(column)} END`;
}

const SERVER_UPDATES: readonly Assignment[] = [
  takesKnown("Name"),
  takesKnown("NetName"),
  takesKnown("Country"),
  takesKnown("Admin"),
  takes("config"),
  takes("first_seen"),
  takes("last_seen"),
  takes("state"),
  ({ greatest, newValue }) => `verified = ${greatest}(verified, ${newValue("verified")})`,
];

const MASTER_UPDATES: readonly Assignment[] = [
  takesKnown("Name"),
  takesKnown("NetName"),
  takes("last_seen"),
  takes("config"),
  takes("first_seen"),
  takes("state"),
];

type Gone = StoreChange & { readonly type: "gone" };

/** Later than any time that is stored. */
const END_OF_TIME = "9999-12-31 23:59:59.999";

const TABLES = ["server_data", "master_data"] as const;

/** Servers, masters and their history in a database. All failures are {@link SqlError}s. */
export class SqlStore implements Store {
  readonly #engine: SqlEngine;
  readonly #onUnreadable: (servers: number, first: string) => void;

  /**
   * Uses a database whose schema is up to date, see {@link SqlStore.prepare}.
   *
   * @param onUnreadable Told how many rows made no sense and were left out of what was loaded.
   */
  constructor(
    engine: SqlEngine,
    onUnreadable: (servers: number, first: string) => void = () => {},
  ) {
    this.#engine = engine;
    this.#onUnreadable = onUnreadable;
  }

  /** Where the database is, for people. */
  get where(): string {
    return this.#engine.where;
  }

  /** Brings the schema up to date; the version that was there before, 0 for none. */
  prepare(): Promise<number> {
    return migrate(this.#engine);
  }

  /** Reads the servers and masters heard of since a time, in order of registration. */
  async *load(since: number): AsyncGenerator<ServerRecord[]> {
    const unreadable: string[] = [];
    for (const table of TABLES) {
      const [kind, country] = table === "master_data"
        ? [MASTER_GAMENAME, "''"]
        : ["server", "Country"];
      let last: [string, number] = ["", 0];
      for (;;) {
        // A server that left and came back keeps its Number, but not its place.
        const rows = await this.#engine.query(
          `SELECT Number, IP, port, NetName, ${country} AS Country, config, state, first_seen,
                  last_seen, '${kind}' AS kind
           FROM ${table}
           WHERE first_seen >= ? AND (first_seen > ? OR Number > ?)
             AND state <> 'gone' AND last_seen > ?
           ORDER BY first_seen, Number LIMIT ${PAGE}`,
          [last[0], ...last, toSqlTime(since)],
        );
        if (rows.length === 0) break;
        const records = rows.map(recordOf);
        unreadable.push(...rows.filter((_row, i) => records[i] === undefined).map(endpointOf));
        yield records.filter((record) => record !== undefined);
        const end = rows.at(-1);
        last = [String(end?.["first_seen"]), Number(end?.["Number"])];
      }
    }
    const [first] = unreadable;
    if (first !== undefined) this.#onUnreadable(unreadable.length, first);
  }

  /** Writes changes in one transaction. */
  async write(changes: readonly StoreChange[]): Promise<void> {
    await this.#engine.transaction(async (session) => {
      const puts = changes.filter((change) => change.type === "put").map(({ record }) => record);
      const gone = changes.filter((change) => change.type === "gone");
      // A change of a server names it once, so the kinds of change need no order among them.
      await this.#retire(session, gone);
      await this.#put(session, puts);
      for (const change of changes) {
        if (change.type === "seen") await this.#see(session, change.ids, change.at);
        if (change.type === "samples") await this.#sample(session, change.samples, change.at);
      }
    });
  }

  async #put(session: SqlSession, records: readonly ServerRecord[]): Promise<void> {
    const masters = records.filter(({ gamename }) => gamename === MASTER_GAMENAME);
    const servers = records.filter(({ gamename }) => gamename !== MASTER_GAMENAME);
    const serverRows = servers.map(serverValues);
    await this.#upsert(session, "server_data", SERVER_COLUMNS, SERVER_UPDATES, serverRows);
    const masterRows = masters.map(masterValues);
    await this.#upsert(session, "master_data", MASTER_COLUMNS, MASTER_UPDATES, masterRows);
  }

  async #upsert(
    session: SqlSession,
    table: string,
    columns: readonly string[],
    updates: readonly Assignment[],
    rows: readonly SqlValue[][],
  ): Promise<void> {
    const { dialect } = this.#engine;
    const assignments = updates.map((assignment) => assignment(dialect)).join(", ");
    for (const chunk of chunked(rows)) {
      await session.execute(
        `INSERT INTO ${table} (${columns.join(", ")})
         VALUES ${placeholders(chunk.length, columns.length)}
         ${dialect.onConflict(["IP", "port"])} ${assignments}`,
        chunk.flat(),
      );
    }
  }

  async #see(session: SqlSession, ids: readonly ServerId[], at: number): Promise<void> {
    for (const chunk of chunked(ids)) {
      const values = [toSqlTime(at), ...chunk.flatMap(keyOf)];
      const which = anyOf(chunk.length);
      const seen = await session.execute(
        `UPDATE server_data SET last_seen = ? WHERE ${which}`,
        values,
      );
      // Nearly all are game servers; who is none is a master.
      if (seen === chunk.length) continue;
      await session.execute(`UPDATE master_data SET last_seen = ? WHERE ${which}`, values);
    }
  }

  async #retire(session: SqlSession, gone: readonly Gone[]): Promise<void> {
    for (const chunk of chunked(gone)) {
      const which = Array(chunk.length).fill("(IP = ? AND port = ? AND last_seen <= ?)").join(
        " OR ",
      );
      const keys = chunk.flatMap(({ id, silentSince }) => [
        ...keyOf(id),
        silentSince === undefined ? END_OF_TIME : toSqlTime(silentSince),
      ]);
      await session.execute(`DELETE FROM server_data WHERE verified = 0 AND (${which})`, keys);
      await session.execute(`UPDATE server_data SET state = 'gone' WHERE ${which}`, keys);
      await session.execute(`UPDATE master_data SET state = 'gone' WHERE ${which}`, keys);
    }
  }

  async #sample(session: SqlSession, samples: readonly Sample[], at: number): Promise<void> {
    const { onConflict, newValue, greatest } = this.#engine.dialect;
    const slot = Math.floor(at / 1000 / SAMPLE_STEP) * SAMPLE_STEP;
    for (const { id, players, maxPlayers, map } of samples) {
      // Masters that share a database sample the same servers; one sample a slot is enough.
      await session.execute(
        `INSERT INTO server_history (server, at, step, players, peak, max_players, map)
         SELECT Number, ?, ${SAMPLE_STEP}, ?, ?, ?, ? FROM server_data WHERE IP = ? AND port = ?
         ${onConflict(["at", "server"])} peak = ${greatest}(server_history.peak, ${
          newValue("peak")
        })`,
        [slot, players, players, maxPlayers, columnText(map), ...keyOf(id)],
      );
    }
  }
}

function keyOf(id: ServerId): [string, number] {
  const { ip, port } = parseEndpoint(id);
  return [ip, port];
}

function endpointOf(row: Row): string {
  return `${row["IP"]}:${row["port"]}`;
}
