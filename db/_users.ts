import type { Claim, ClaimOutcome, KnownUser } from "../threads/mod.ts";
import { clientConfig, parseConfig } from "./_config_shapes.ts";
import { type SqlEngine, SqlError, type SqlSession } from "./_engine.ts";
import { columnText } from "./_rows.ts";
import { NAME_LENGTH } from "./_schema.ts";

/** A player's row of Client_data. */
export interface UserRecord extends KnownUser {
  /** Public key, base64. */
  readonly key: string;
}

/** Client_data in a database. */
export class Users {
  readonly #engine: SqlEngine;

  /** Uses a database whose schema is up to date. */
  constructor(engine: SqlEngine) {
    this.#engine = engine;
  }

  /** The player of this name, if there is one. */
  find(user: string): Promise<UserRecord | undefined> {
    return this.#find(this.#engine, user);
  }

  /**
   * Gives a name to the key that claims it first; the row is committed when this returns.
   *
   * @throws RangeError when the name is empty or too long.
   */
  async claim(claim: Claim): Promise<ClaimOutcome> {
    if (claim.user === "" || claim.user !== columnText(claim.user)) {
      throw new RangeError(`a user's name has 1 to ${NAME_LENGTH} characters`);
    }
    try {
      return await this.#engine.transaction((session) => this.#claim(session, claim));
    } catch (error) {
      // Another master was first by a moment: now the name is there, and it has an owner.
      if (!(error instanceof SqlError) || error.kind !== "bad-data") throw error;
      return await this.#engine.transaction((session) => this.#claim(session, claim));
    }
  }

  async #find(session: SqlSession, user: string): Promise<UserRecord | undefined> {
    const [row] = await session.query(
      "SELECT Number, User, Country, config FROM Client_data WHERE User = ?",
      [user],
    );
    const config = row && parseConfig(clientConfig, String(row["config"]));
    if (!row || !config) return undefined;
    return {
      number: Number(row["Number"]),
      user: String(row["User"]),
      country: String(row["Country"]),
      key: config.key,
    };
  }

  async #claim(session: SqlSession, claim: Claim): Promise<ClaimOutcome> {
    const { user, key, ip, country, netName } = claim;
    const now = new Date(claim.at).toISOString();
    const known = await this.#find(session, user);
    if (known && known.key !== key) return { type: "name_taken" };
    if (known) {
      const [row] = await session.query("SELECT config FROM Client_data WHERE User = ?", [user]);
      const config = parseConfig(clientConfig, String(row?.["config"]));
      await session.execute(
        // The name first: MySQL assigns in order, and would compare with the new address.
        `UPDATE Client_data SET NetName = CASE WHEN ? = '' AND IP = ? THEN NetName ELSE ? END,
           IP = ?, Country = ?, config = ? WHERE User = ?`,
        [
          netName,
          ip,
          netName,
          ip,
          country,
          JSON.stringify({ key, first_seen: config?.first_seen ?? now, last_seen: now }),
          user,
        ],
      );
      return { type: "welcome", number: known.number };
    }
    await session.execute(
      "INSERT INTO Client_data (User, IP, NetName, Country, config) VALUES (?, ?, ?, ?, ?)",
      [
        user,
        ip,
        netName,
        country,
        JSON.stringify({ key, first_seen: now, last_seen: now }),
      ],
    );
    const added = await this.#find(session, user);
    return { type: "welcome", number: added?.number ?? 0 };
  }
}
