import { formatEndpoint, parseEndpoint } from "../protocol/mod.ts";
import {
  MASTER_GAMENAME,
  type NameClaim,
  type Sample,
  type ServerId,
  type ServerRecord,
  type Store,
  type StoreChange,
  type Stored,
} from "../registry/mod.ts";
import type { SqlEngine, SqlSession, SqlValue } from "./_engine.ts";
import { putMaster } from "./_masters.ts";
import { columnText, IS_RECORD, masterValues, serverValues } from "./_rows.ts";
import { migrate } from "./_schema.ts";
import { readStored } from "./_stored.ts";
import { toSqlTime } from "./_time.ts";
import { chunked, MASTERS, NAMES, SERVERS, upsert } from "./_upserts.ts";
import { mergeClaims } from "./_user_claims.ts";

/** Seconds of one sample of a server's history. */
export const SAMPLE_STEP = 300;

/** Condition that is one or another of so many. */
function anyOf(count: number, condition = "(IP = ? AND port = ?)"): string {
  return Array(count).fill(condition).join(" OR ");
}

type Gone = StoreChange & { readonly type: "gone" };

/** Later than any time that is stored. */
const END_OF_TIME = "9999-12-31 23:59:59.999";

/** Servers' Numbers. */
export type Numbers = readonly (readonly [ServerId, number])[];

/** Who is told what a database says beside what it was asked. */
export interface SqlStoreOptions {
  /** How many rows made no sense and were left out of what was loaded; where the first is. */
  readonly onUnreadable?: (servers: number, first: string) => void;
  /** Numbers of servers that were written and did not have theirs; nobody asks when left out. */
  readonly onNumbers?: (numbers: Numbers) => void;
  /** Milliseconds since 1970; this machine's clock when left out. */
  readonly now?: () => number;
}

/** Servers, masters, names and history in a database. All failures are `SqlError`s. */
export class SqlStore implements Store {
  readonly #engine: SqlEngine;
  readonly #options: SqlStoreOptions;
  readonly #now: () => number;
  /** Whether a Number that a record has is its row's. */
  #numbersHold = true;
  #prepared = false;

  /** Uses a database whose schema is up to date, see {@link SqlStore.prepare}. */
  constructor(engine: SqlEngine, options: SqlStoreOptions = {}) {
    this.#engine = engine;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Where the database is, for people. */
  get where(): string {
    return this.#engine.where;
  }

  /** Brings the schema up to date; the version that was there before, 0 for none. */
  async prepare(): Promise<number> {
    const found = await migrate(this.#engine);
    // Only a table that went missing takes a second time; a new one gives Numbers anew.
    if (this.#prepared) this.#numbersHold = false;
    this.#prepared = true;
    return found;
  }

  /** Reads what is stored, see {@link readStored}. */
  load(since: number): AsyncGenerator<Stored> {
    return readStored(this.#engine, since, this.#options.onUnreadable ?? (() => {}));
  }

  /** Writes changes in one transaction. */
  async write(changes: readonly StoreChange[]): Promise<void> {
    const puts = changes.filter((change) => change.type === "put").map(({ record }) => record);
    const servers = puts.filter(({ gamename }) => gamename !== MASTER_GAMENAME);
    const masters = puts.filter(({ gamename }) => gamename === MASTER_GAMENAME);
    const { dialect } = this.#engine;
    const numbers = await this.#engine.transaction(async (session) => {
      // A change of a server names it once, so the kinds of change need no order among them.
      await this.#retire(session, changes.filter((change) => change.type === "gone"));
      await upsert(session, dialect, SERVERS, servers.map(serverValues));
      await upsert(session, dialect, MASTERS, masters.map(masterValues));
      const claims = changes.filter((change) => change.type === "name");
      await upsert(session, dialect, NAMES, claims.map(nameValues));
      const users = changes.filter((change) => change.type === "user");
      await mergeClaims(session, users, this.#now());
      for (const change of changes) {
        if (change.type === "seen") await this.#see(session, change.ids, change.at);
        if (change.type === "samples") await this.#sample(session, change.samples, change.at);
        if (change.type === "master") await putMaster(session, change.master);
      }
      return await this.#newNumbers(session, servers);
    });
    if (numbers.length > 0) this.#options.onNumbers?.(numbers);
  }

  /** Numbers that are not the records' own. */
  async #newNumbers(session: SqlSession, servers: readonly ServerRecord[]): Promise<Numbers> {
    if (!this.#options.onNumbers) return [];
    const asked = servers.filter(({ number }) => number === undefined || !this.#numbersHold);
    const known = new Map(asked.map(({ id, number }) => [id, number]));
    const numbers: [ServerId, number][] = [];
    for (const chunk of chunked(asked)) {
      const rows = await session.query(
        `SELECT IP, port, Number FROM server_data WHERE ${anyOf(chunk.length)}`,
        chunk.flatMap(({ ip, port }) => [ip, port]),
      );
      for (const row of rows) {
        const id = formatEndpoint(String(row["IP"]), Number(row["port"]));
        const number = Number(row["Number"]);
        if (known.get(id) !== number) numbers.push([id, number]);
      }
    }
    return numbers;
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
      await session.execute(
        `UPDATE master_data SET last_seen = ? WHERE (${which}) AND ${IS_RECORD}`,
        values,
      );
    }
  }

  async #retire(session: SqlSession, gone: readonly Gone[]): Promise<void> {
    for (const chunk of chunked(gone)) {
      const keys = chunk.flatMap(({ id, silentSince }) => [
        ...keyOf(id),
        silentSince === undefined ? END_OF_TIME : toSqlTime(silentSince),
      ]);
      const which = anyOf(chunk.length, "(IP = ? AND port = ? AND last_seen <= ?)");
      await session.execute(`DELETE FROM server_data WHERE verified = 0 AND (${which})`, keys);
      const cases = `CASE ${"WHEN IP = ? AND port = ? THEN ? ".repeat(chunk.length)}END`;
      const versions = [
        ...chunk.flatMap(({ id, hlc }) => [...keyOf(id), hlc]),
        ...chunk.flatMap(({ id, origin }) => [...keyOf(id), origin]),
      ];
      const causes = chunk.flatMap(({ id, cause }) => [...keyOf(id), cause]);
      await session.execute(
        `UPDATE server_data SET state = 'gone', hlc = ${cases}, origin = ${cases},
           gone_cause = ${cases}, gone_at = ? WHERE ${which}`,
        // Not the version's time, which is that of another master's clock where that one wrote it.
        [...versions, ...causes, this.#now(), ...keys],
      );
      await session.execute(
        `UPDATE master_data SET state = 'gone', hlc = ${cases}, origin = ${cases}
         WHERE (${which}) AND ${IS_RECORD}`,
        [...versions, ...keys],
      );
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

/** Values of a row of server_names. */
function nameValues({ name, key, hlc, origin }: NameClaim): SqlValue[] {
  return [name, key, hlc, origin];
}

function keyOf(id: ServerId): [string, number] {
  const { ip, port } = parseEndpoint(id);
  return [ip, port];
}
