import type { Row, SqlEngine, SqlSession, SqlValue } from "./_engine.ts";

const HOUR = 3600;
const DAY = 86_400;

/** Coarser samples take the place of finer ones as they age: after so many seconds, which step. */
const THINNING: readonly { readonly age: number; readonly step: number }[] = [
  { age: 2 * DAY, step: HOUR },
  { age: 60 * DAY, step: DAY },
];

/** Seconds for which history is kept. */
const KEPT = 400 * DAY;

/** Seconds of history thinned in one transaction, so that no writer waits long. */
const THINNED_AT_ONCE = DAY;

/** A span of time, seconds since 1970: from `since` up to, not including, `until`. */
export interface Span {
  /** Where it begins. */
  readonly since: number;
  /** Where it ends. */
  readonly until: number;
}

/** Players at a time. */
export interface PlayersAt {
  /** Beginning of the step, seconds since 1970. */
  readonly at: number;
  /** Mean number of players over the step, of one server or of all together. */
  readonly players: number;
  /** Mean number of servers over the step. */
  readonly servers: number;
}

/** How busy an hour of the day is. */
export interface BusyHour {
  /** 0 to 23, UTC. */
  readonly hour: number;
  /** Mean number of players, of all servers together. */
  readonly players: number;
}

/** How much a map is played. */
export interface MapUse {
  /** Its name. */
  readonly map: string;
  /** Hours that players spent on it, all players together. */
  readonly playerHours: number;
}

/** Samples of servers in a database. */
export class History {
  readonly #engine: SqlEngine;

  /** Uses a database whose schema is up to date. */
  constructor(engine: SqlEngine) {
    this.#engine = engine;
  }

  /**
   * Players over time.
   *
   * @param step Seconds of one point; at least the age's own step is what there is.
   * @param server Number of one server; all of them when left out.
   */
  async playersOverTime(span: Span, step: number, server?: number): Promise<PlayersAt[]> {
    const { floorDiv } = this.#engine.dialect;
    const bucket = `${floorDiv("at", whole(step))} * ${whole(step)}`;
    const rows = await this.#engine.query(
      // A sample stands for its whole step: its weight in a point is the part that it covers.
      `SELECT ${bucket} AS bucket, SUM(players * step) AS players, SUM(step) AS seconds,
              MAX(step) AS longest
       FROM server_history WHERE at >= ? AND at < ?${server === undefined ? "" : " AND server = ?"}
       GROUP BY bucket ORDER BY bucket`,
      [span.since, span.until, ...(server === undefined ? [] : [server])],
    );
    return rows.map((row) => {
      const width = Math.max(step, Number(row["longest"]));
      return {
        at: Number(row["bucket"]),
        players: Number(row["players"]) / width,
        servers: Number(row["seconds"]) / width,
      };
    });
  }

  /** The hours of the day, busiest first. Days that are one sample by now do not count. */
  async busiestHours(span: Span): Promise<BusyHour[]> {
    const { floorDiv } = this.#engine.dialect;
    const hours = floorDiv("at", HOUR);
    const rows = await this.#engine.query(
      `SELECT hours, SUM(players * step) AS players FROM
        (SELECT ${hours} AS hours, players, step FROM server_history
         WHERE at >= ? AND at < ? AND step <= ${HOUR}) AS samples
       GROUP BY hours ORDER BY hours`,
      [span.since, span.until],
    );
    const sums = new Map<number, { players: number; days: number }>();
    for (const row of rows) {
      const hour = Number(row["hours"]) % 24;
      const sum = sums.get(hour) ?? { players: 0, days: 0 };
      sums.set(hour, {
        players: sum.players + Number(row["players"]) / HOUR,
        days: sum.days + 1,
      });
    }
    return [...sums].map(([hour, { players, days }]) => ({ hour, players: players / days }))
      .sort((a, b) => b.players - a.players || a.hour - b.hour);
  }

  /** The maps on which most time was played, most first. */
  async topMaps(span: Span, limit: number): Promise<MapUse[]> {
    const rows = await this.#engine.query(
      `SELECT map, SUM(players * step) AS seconds FROM server_history
       WHERE at >= ? AND at < ? AND map <> '' GROUP BY map
       HAVING SUM(players * step) > 0 ORDER BY seconds DESC, map LIMIT ${whole(limit)}`,
      [span.since, span.until],
    );
    return rows.map((row) => ({
      map: String(row["map"]),
      playerHours: Number(row["seconds"]) / HOUR,
    }));
  }

  /**
   * Makes coarser what has aged, and deletes what is too old. May be run as often as one likes, and
   * by several masters on one database.
   *
   * @param now Seconds since 1970.
   */
  async thin(now: number): Promise<void> {
    await this.#engine.execute("DELETE FROM server_history WHERE at < ?", [now - KEPT]);
    for (const { age, step } of THINNING) {
      const until = Math.floor((now - age) / step) * step;
      for (;;) {
        const [row] = await this.#engine.query(
          "SELECT MIN(at) AS oldest FROM server_history WHERE at < ? AND step < ?",
          [until, step],
        );
        const oldest = row?.["oldest"];
        if (oldest === null || oldest === undefined) break;
        const since = Math.floor(Number(oldest) / step) * step;
        const end = Math.min(until, since + Math.max(step, THINNED_AT_ONCE));
        await this.#engine.transaction((session) => this.#coarsen(session, since, end, step));
      }
    }
  }

  /** Puts one sample a step in the place of finer ones. */
  async #coarsen(session: SqlSession, since: number, until: number, step: number): Promise<void> {
    const rows = await session.query(
      `SELECT server, at, players, peak, max_players, map, step FROM server_history
       WHERE at >= ? AND at < ? AND step < ? ORDER BY server, at`,
      [since, until, step],
    );
    await session.execute(
      "DELETE FROM server_history WHERE at >= ? AND at < ? AND step < ?",
      [since, until, step],
    );
    const { onConflict, newValue, greatest } = this.#engine.dialect;
    for (const values of coarser(rows, step)) {
      await session.execute(
        `INSERT INTO server_history (server, at, step, players, peak, max_players, map)
         VALUES (?, ?, ?, ?, ?, ?, ?) ${onConflict(["at", "server"])}
         peak = ${greatest}(server_history.peak, ${newValue("peak")})`,
        values,
      );
    }
  }
}

function whole(value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${value} is no count`);
  return value;
}

/** One row for each server and step: mean players, their peak, the map played most. */
function coarser(rows: readonly Row[], step: number): SqlValue[][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row["server"]} ${Math.floor(Number(row["at"]) / step)}`;
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()].map((group) => {
    const [first] = group as [Row];
    const seconds = new Map<string, number>();
    let played = 0;
    for (const row of group) {
      const map = String(row["map"]);
      seconds.set(map, (seconds.get(map) ?? 0) + Number(row["step"]));
      played += Number(row["players"]) * Number(row["step"]);
    }
    const [map] = [...seconds].sort((a, b) => b[1] - a[1])[0] as [string, number];
    return [
      Number(first["server"]),
      Math.floor(Number(first["at"]) / step) * step,
      step,
      // A server that was away for part of the step had no players then.
      played / step,
      Math.max(...group.map((row) => Number(row["peak"]))),
      Math.max(...group.map((row) => Number(row["max_players"]))),
      map,
    ];
  });
}
