import { hlcAt, isEarlier, type UserClaim } from "../registry/mod.ts";
import type { Row, SqlSession, SqlValue } from "./_engine.ts";
import { chunked, insert } from "./_upserts.ts";
import { changedMeanwhile, checkUser, configOf, parseUser, USER_COLUMNS } from "./_users.ts";

/** Columns of a row that another master's claim makes. */
const CLAIM_COLUMNS = ["User", "IP", "NetName", "Country", "config", "hlc", "origin"] as const;

/**
 * Takes over claims of players' names that other masters have told: a name belongs to the key of its
 * earliest claim, and the row of one that loses it goes over to that key with its Number.
 *
 * @param now Milliseconds since 1970, for claims that do not tell when they were made.
 * @throws RangeError when a name is empty or too long.
 */
export async function mergeClaims(
  session: SqlSession,
  claims: readonly UserClaim[],
  now: number,
): Promise<void> {
  for (const chunk of chunked(earliest(claims))) {
    const rows = await session.query(
      `SELECT ${USER_COLUMNS} FROM Client_data WHERE User IN (${chunk.map(() => "?").join(", ")})`,
      chunk.map(({ user }) => user),
    );
    const known = new Map(rows.map((row) => [String(row["User"]), row]));
    const added = chunk.filter(({ user }) => !known.has(user));
    await insert(
      session,
      "Client_data",
      CLAIM_COLUMNS,
      added.map((claim) => valuesOf(claim, now)),
    );
    for (const claim of chunk) {
      const row = known.get(claim.user);
      if (row) await takeEarlier(session, claim, row, now);
    }
  }
}

/** The earliest claim of each name. */
function earliest(claims: readonly UserClaim[]): UserClaim[] {
  const byUser = new Map<string, UserClaim>();
  for (const claim of claims) {
    checkUser(claim.user);
    const other = byUser.get(claim.user);
    if (!other || isEarlier(claim, other)) byUser.set(claim.user, claim);
  }
  return [...byUser.values()];
}

/** Values of {@link CLAIM_COLUMNS}; nobody knows here where the owner came from. */
function valuesOf({ user, key, country, hlc, origin }: UserClaim, now: number): SqlValue[] {
  const claimed = timeOf(hlc) ?? new Date(now).toISOString();
  return [user, "", "", country, configOf(key, claimed, claimed), hlc, origin];
}

async function takeEarlier(
  session: SqlSession,
  claim: UserClaim,
  row: Row,
  now: number,
): Promise<void> {
  const [hlc, origin] = [Number(row["hlc"]), String(row["origin"])];
  if (!isEarlier(claim, { hlc, origin })) return;
  const known = parseUser(row);
  const unchanged = [claim.user, hlc, origin] as const;
  const taken = known?.key === claim.key
    // The owner has merely been known for longer.
    ? await session.execute(
      `UPDATE Client_data SET config = ?, hlc = ?, origin = ?
       WHERE User = ? AND hlc = ? AND origin = ?`,
      [
        configOf(claim.key, timeOf(claim.hlc) ?? known.config.first_seen, known.config.last_seen),
        claim.hlc,
        claim.origin,
        ...unchanged,
      ],
    )
    : await session.execute(
      `UPDATE Client_data SET ${CLAIM_COLUMNS.map((column) => `${column} = ?`).join(", ")}
       WHERE User = ? AND hlc = ? AND origin = ?`,
      [...valuesOf(claim, now), ...unchanged],
    );
  if (taken === 0) throw changedMeanwhile(claim.user);
}

/** When a claim was made, ISO 8601; undefined for one from before claims had a time. */
function timeOf(hlc: number): string | undefined {
  return hlc > 0 ? new Date(hlc / hlcAt(1)).toISOString() : undefined;
}
