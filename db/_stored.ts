import type { NameClaim, ServerRecord, Stored, Tombstone } from "../registry/mod.ts";
import { formatEndpoint } from "../protocol/mod.ts";
import type { Row, SqlEngine } from "./_engine.ts";
import { masterConfig, serverConfig } from "./_config_shapes.ts";
import { IS_RECORD, recordOf } from "./_rows.ts";

/** Rows read at a time: so few that they are garbage again before a collector has moved them. */
const PAGE = 1000;

/** A part with nothing in it. */
const NOTHING: Stored = { records: [], tombstones: [], horizon: [], names: [] };

const TABLES = ["server_data", "master_data"] as const;

type Table = (typeof TABLES)[number];

const RECORD_OF: Readonly<Record<Table, (row: Row) => ServerRecord | undefined>> = {
  server_data: (row) => recordOf(row, serverConfig),
  master_data: (row) => recordOf(row, masterConfig),
};

/**
 * Reads what is stored, in parts: names, so that they are known before who bears them; servers and
 * masters in order of registration; servers that are gone.
 *
 * @param since See `Store.load`.
 * @param onUnreadable Told how many rows made no sense and were left out, and where the first is.
 */
export async function* readStored(
  engine: SqlEngine,
  since: number,
  onUnreadable: (servers: number, first: string) => void,
): AsyncGenerator<Stored> {
  for await (const names of readNames(engine)) yield { ...NOTHING, names };
  const unreadable: string[] = [];
  for (const table of TABLES) {
    for await (const rows of readRows(engine, table)) {
      const records = rows.map(RECORD_OF[table]);
      unreadable.push(...rows.filter((_row, i) => records[i] === undefined).map(endpointOf));
      yield { ...NOTHING, records: records.filter((record) => record !== undefined) };
    }
  }
  const [first] = unreadable;
  if (first !== undefined) onUnreadable(unreadable.length, first);
  for await (const tombstones of readTombstones(engine, since)) yield { ...NOTHING, tombstones };
  const horizon = await readHorizon(engine, since);
  if (horizon.length > 0) yield { ...NOTHING, horizon };
}

/** Rows of those that are not gone, however long they have been silent. */
async function* readRows(
  engine: SqlEngine,
  table: Table,
): AsyncGenerator<Row[]> {
  const more = table === "server_data" ? "Country, Admin, " : "";
  let last: [string, number] = ["", 0];
  for (;;) {
    // A server that left and came back keeps its Number, but not its place.
    const rows = await engine.query(
      `SELECT Number, IP, port, NetName, ${more}config, state, first_seen, last_seen, hlc, origin
       FROM ${table}
       WHERE first_seen >= ? AND (first_seen > ? OR Number > ?)
         AND state <> 'gone' AND ${IS_RECORD}
       ORDER BY first_seen, Number LIMIT ${PAGE}`,
      [last[0], ...last],
    );
    const end = rows.at(-1);
    if (!end) return;
    yield rows;
    last = [String(end["first_seen"]), Number(end["Number"])];
  }
}

/**
 * Departures that were written down since a time, in that order. When a server went as its version
 * tells is of no use here: that is the time of the clock of whichever master has seen it go.
 */
async function* readTombstones(engine: SqlEngine, since: number): AsyncGenerator<Tombstone[]> {
  let [at, origin, hlc, number] = [since, "", 0, 0];
  for (;;) {
    // In the order of the index; what has no version cannot be told.
    const rows = await engine.query(
      `SELECT Number, IP, port, hlc, origin, gone_at, gone_cause FROM server_data
       WHERE state = 'gone' AND gone_at >= ? AND hlc > 0
         AND (gone_at > ? OR origin > ?
           OR (origin = ? AND (hlc > ? OR (hlc = ? AND Number > ?))))
       ORDER BY gone_at, origin, hlc, Number LIMIT ${PAGE}`,
      [at, at, origin, origin, hlc, hlc, number],
    );
    const end = rows.at(-1);
    if (!end) return;
    yield rows.map(tombstoneOf);
    [at, origin] = [Number(end["gone_at"]), String(end["origin"])];
    [hlc, number] = [Number(end["hlc"]), Number(end["Number"])];
  }
}

function tombstoneOf(row: Row): Tombstone {
  return {
    id: endpointOf(row),
    hlc: Number(row["hlc"]),
    origin: String(row["origin"]),
    // Before there were causes, nobody wrote down who had said so.
    cause: row["gone_cause"] === "quit" ? "quit" : "expired",
  };
}

/** The latest of the departures that are no longer told, by origin. */
async function readHorizon(engine: SqlEngine, since: number): Promise<Stored["horizon"]> {
  const rows = await engine.query(
    `SELECT origin, MAX(hlc) AS hlc FROM server_data
     WHERE state = 'gone' AND gone_at < ? AND origin <> '' GROUP BY origin`,
    [since],
  );
  return rows.map((row) => [String(row["origin"]), Number(row["hlc"])]);
}

async function* readNames(engine: SqlEngine): AsyncGenerator<NameClaim[]> {
  let last = "";
  for (;;) {
    const rows = await engine.query(
      `SELECT name, owner, hlc, origin FROM server_names WHERE name > ? ORDER BY name LIMIT ${PAGE}`,
      [last],
    );
    const end = rows.at(-1);
    if (!end) return;
    yield rows.map((row) => ({
      name: String(row["name"]),
      key: String(row["owner"]),
      hlc: Number(row["hlc"]),
      origin: String(row["origin"]),
    }));
    last = String(end["name"]);
  }
}

function endpointOf(row: Row): string {
  return formatEndpoint(String(row["IP"]), Number(row["port"]));
}
