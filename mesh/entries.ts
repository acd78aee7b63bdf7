/**
 * What masters replicate, by key.
 *
 * @module
 */

import type {
  NameClaim,
  ServerId,
  ServerRecord,
  Tombstone,
  UserClaim,
  Version,
} from "../registry/mod.ts";

/** A listed server. */
export interface HeldServer {
  /** Tells it from other entries. */
  readonly type: "server";
  /** What it is. */
  readonly record: ServerRecord;
  /** What another master believes, while the server is listed all the same. */
  readonly dispute: Tombstone | undefined;
  /** Until when it lives, monotonic milliseconds. */
  due: number;
  /** Until when this master's own hearing of it counts, monotonic milliseconds. */
  heardUntil: number;
}

/** What a key stands for. */
export type Entry =
  | HeldServer
  | { readonly type: "tombstone"; readonly tombstone: Tombstone }
  | { readonly type: "name"; readonly claim: NameClaim }
  | { readonly type: "user"; readonly claim: UserClaim };

/** Key of a server. */
export function serverKey(id: ServerId): string {
  return `s:${id}`;
}

/** The latest change of an entry. */
export function versionOf(entry: Entry): Version {
  switch (entry.type) {
    case "server":
      return entry.dispute ?? entry.record;
    case "tombstone":
      return entry.tombstone;
    default:
      return entry.claim;
  }
}
