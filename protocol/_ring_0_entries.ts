/**
 * Entries of ring 0's long lists, from what they are on the wire to what they mean.
 *
 * @module
 */

import { check, checkFlag, checkList, checkRow, checkWhole, listBy } from "./_checks.ts";
import {
  checkHlc,
  checkId,
  checkKey,
  checkLeft,
  checkName,
  checkOrigin,
  checkRecordKey,
  checkText,
  checkUser,
  checkWantedKey,
} from "./_ring_0_fields.ts";
import type { Shape } from "./_shapes.ts";
import { DIGEST_BUCKETS } from "./channel_limits.ts";
import type { Bucket, Reachability } from "./ring_0_messages.ts";
import type { KeyVersion, NameClaim, ServerLease, Tombstone, UserClaim } from "./ring_0_records.ts";

/** Servers that are gone. */
export const tombstones: Shape<Tombstone[]> = listBy(
  checkRow(
    "must be a list of id, hlc, origin and cause",
    checkId,
    checkHlc,
    checkOrigin,
    check('must be "quit" or "expired"', (value) => value === "quit" || value === "expired"),
  ),
  ([id, hlc, origin, cause]: [string, number, string, Tombstone["cause"]]) => ({
    id,
    hlc,
    origin,
    cause,
  }),
);

/** Servers' names. */
export const names: Shape<NameClaim[]> = listBy(
  checkRow(
    "must be a list of name, key, hlc and origin",
    checkName,
    checkKey,
    checkHlc,
    checkOrigin,
  ),
  ([name, key, hlc, origin]: [string, string, number, string]) => ({ name, key, hlc, origin }),
);

/** Players' names. */
export const users: Shape<UserClaim[]> = listBy(
  checkRow(
    "must be a list of user, key, country, hlc and origin",
    checkUser,
    checkKey,
    checkText,
    checkHlc,
    checkOrigin,
  ),
  ([user, key, country, hlc, origin]: [string, string, string, number, string]) => ({
    user,
    key,
    country,
    hlc,
    origin,
  }),
);

/** How long servers live. */
export const leases: Shape<ServerLease[]> = listBy(
  checkRow("must be a list of id and milliseconds", checkId, checkLeft),
  ([id, left]: [string, number]) => ({ id, left }),
);

/** Whether servers are reached. */
export const reached: Shape<Reachability[]> = listBy(
  checkRow("must be a list of id and true or false", checkId, checkFlag),
  ([id, reached]: [string, boolean]) => ({ id, reached }),
);

function makeKeyVersion([key, hlc, origin]: [string, number, string]): KeyVersion {
  return { key, hlc, origin };
}

/** What is in buckets. */
export const buckets: Shape<Bucket[]> = listBy(
  checkRow(
    "must be a list of a bucket and its entries",
    checkWhole(0, DIGEST_BUCKETS - 1),
    checkList(
      checkRow("must be a list of key, hlc and origin", checkRecordKey, checkHlc, checkOrigin),
    ),
  ),
  ([bucket, entries]: [number, [string, number, string][]]) => ({
    bucket,
    entries: entries.map(makeKeyVersion),
  }),
);

/** Keys of what is wanted. */
export const wantedKeys: Shape<string[]> = listBy(checkWantedKey, (key: string) => key);
