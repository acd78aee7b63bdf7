/**
 * What the registry needs of a database.
 *
 * @module
 */

import type { ServerId, ServerRecord } from "./types.ts";

/** How full a server was at a moment. */
export interface Sample {
  /** Which server. */
  readonly id: ServerId;
  /** Players on it. */
  readonly players: number;
  /** Players it has room for. */
  readonly maxPlayers: number;
  /** Name of the map. */
  readonly map: string;
}

/** One thing to be stored. Later changes of the same server come later. */
export type StoreChange =
  /** A server or master is new or has changed. */
  | { readonly type: "put"; readonly record: ServerRecord }
  /** Servers or masters were last heard of at a time, milliseconds since 1970. */
  | { readonly type: "seen"; readonly ids: readonly ServerId[]; readonly at: number }
  /**
   * A server or master is gone. Its row is kept when it was ever listed. One that fell silent here,
   * at a time in milliseconds since 1970, is not gone if someone else has heard of it since.
   */
  | { readonly type: "gone"; readonly id: ServerId; readonly silentSince?: number }
  /** How full servers were at a time, milliseconds since 1970. */
  | { readonly type: "samples"; readonly samples: readonly Sample[]; readonly at: number };

/** A place where live servers outlast the process. Failures are exceptions. */
export interface Store {
  /**
   * Reads the servers and masters heard of since a time, in order of registration.
   *
   * @param since Milliseconds since 1970.
   */
  load(since: number): AsyncIterable<readonly ServerRecord[]>;
  /** Writes changes, all or none, in order. */
  write(changes: readonly StoreChange[]): Promise<void>;
}
