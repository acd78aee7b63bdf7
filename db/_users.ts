import type { UserClaim, Version } from "../registry/mod.ts";
import type { Claim, ClaimOutcome, KnownUser } from "../threads/mod.ts";
import { type ClientConfig, clientConfig, parseConfig } from "./_config_shapes.ts";
import { type Row, type SqlEngine, SqlError, type SqlSession } from "./_engine.ts";
import { NAME_LENGTH } from "./_migrations.ts";
import { columnText } from "./_rows.ts";

/** Rows of a page: some hundred kilobytes between threads. */
const PAGE = 2000;

/** A player's row of Client_data. */
export interface UserRecord extends KnownUser {
  /** Public key, base64. */
  readonly key: string;
}

/** Some of all claims of names. */
export interface UserPage {
  /** In order of their names; at least one unless it is the last page. */
  readonly users: readonly UserClaim[];
  /** Whether there are no more. */
  readonly last: boolean;
}

/** Columns that {@link parseUser} reads. */
export const USER_COLUMNS = "Number, User, Country, config, hlc, origin";

/** What a row of Client_data says. */
export interface ParsedUser extends UserRecord, Version {
  readonly config: ClientConfig;
}

/** What a row says; undefined when it makes no sense. */
export function parseUser(row: Row): ParsedUser | undefined {
  const config = parseConfig(clientConfig, String(row["config"]));
  if (!config) return undefined;
  return {
    number: Number(row["Number"]),
    user: String(row["User"]),
    country: String(row["Country"]),
    key: config.key,
    config,
    hlc: Number(row["hlc"]),
    origin: String(row["origin"]),
  };
}

/**
 * Refuses a name that no column takes as it is.
 *
 * @throws RangeError when it is empty or too long.
 */
export function checkUser(user: string): void {
  if (user === "" || user !== columnText(user)) {
    throw new RangeError(`a user's name has 1 to ${NAME_LENGTH} characters`);
  }
}

/** Someone else has changed a row since it was read: reading it again helps. */
export function changedMeanwhile(user: string): SqlError {
  return new SqlError("bad-data", `the row of the user "${user}" was changed by another master`);
}

/** Client_data in a database. */
export class Users {
  readonly #engine: SqlEngine;

  /** Uses a database whose schema is up to date. */
  constructor(engine: SqlEngine) {
    this.#engine = engine;
  }

  /** The player of this name, if there is one. */
  async find(user: string): Promise<UserRecord | undefined> {
    const found = await this.#find(this.#engine, user);
    if (!found) return undefined;
    const { number, country, key } = found;
    return { number, user: found.user, country, key };
  }

  /**
   * Claims of names, a page of them.
   *
   * @param after Name that comes before the page's first; empty for the first page.
   */
  async page(after: string): Promise<UserPage> {
    for (let start = after;;) {
      const rows = await this.#engine.query(
        `SELECT ${USER_COLUMNS} FROM Client_data WHERE User > ? ORDER BY User LIMIT ${PAGE}`,
        [start],
      );
      const users = rows.map(parseUser).filter((user) => user !== undefined);
      const last = rows.length < PAGE;
      // Without a name in it nobody could ask for the page after it.
      if (last || users.length > 0) return { users: users.map(claimOf), last };
      start = String(rows.at(-1)?.["User"]);
    }
  }

  /**
   * Gives a name to the key that claims it first; the row is committed when this returns.
   *
   * @throws RangeError when the name is empty or too long.
   */
  async claim(claim: Claim): Promise<ClaimOutcome> {
    checkUser(claim.user);
    try {
      return await this.#engine.transaction((session) => this.#claim(session, claim));
    } catch (error) {
      // Another master was first by a moment: now the name is there, and it has an owner.
      if (!(error instanceof SqlError) || error.kind !== "bad-data") throw error;
      return await this.#engine.transaction((session) => this.#claim(session, claim));
    }
  }

  async #find(session: SqlSession, user: string): Promise<ParsedUser | undefined> {
    const [row] = await session.query(
      `SELECT ${USER_COLUMNS} FROM Client_data WHERE User = ?`,
      [user],
    );
    return row && parseUser(row);
  }

  async #claim(session: SqlSession, claim: Claim): Promise<ClaimOutcome> {
    const known = await this.#find(session, claim.user);
    if (known && known.key !== claim.key) return { type: "name_taken" };
    if (known) {
      await this.#move(session, claim, known);
      return { type: "welcome", number: known.number, isNew: false };
    }
    const { user, key, ip, country, netName, hlc, origin } = claim;
    const now = new Date(claim.at).toISOString();
    await session.execute(
      `INSERT INTO Client_data (User, IP, NetName, Country, config, hlc, origin)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      [user, ip, netName, country, configOf(key, now, now), hlc, origin],
    );
    const added = await this.#find(session, user);
    return { type: "welcome", number: added?.number ?? 0, isNew: true };
  }

  /** The owner of a name has come from somewhere. */
  async #move(session: SqlSession, claim: Claim, { config, ...known }: ParsedUser): Promise<void> {
    const { user, key, ip, country, netName } = claim;
    const now = new Date(claim.at).toISOString();
    const moved = await session.execute(
      // The name first: MySQL assigns in order, and would compare with the new address.
      `UPDATE Client_data SET NetName = CASE WHEN ? = '' AND IP = ? THEN NetName ELSE ? END,
         IP = ?, Country = ?, config = ? WHERE User = ? AND hlc = ? AND origin = ?`,
      [
        netName,
        ip,
        netName,
        ip,
        country,
        configOf(key, config.first_seen, now),
        user,
        known.hlc,
        known.origin,
      ],
    );
    // An earlier claim of another key was told: the name is no longer this key's to move.
    if (moved === 0) throw changedMeanwhile(user);
  }
}

/** `config` of a row; times are ISO 8601. */
export function configOf(key: string, firstSeen: string, lastSeen: string): string {
  const config: ClientConfig = { key, first_seen: firstSeen, last_seen: lastSeen };
  return JSON.stringify(config);
}

function claimOf({ user, key, country, hlc, origin }: ParsedUser): UserClaim {
  return { user, key, country, hlc, origin };
}
