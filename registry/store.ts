/**
 * What the registry needs of a database.
 *
 * @module
 */

import type { ServerId, ServerRecord } from "./types.ts";

/** One thing to be stored. Later changes of the same server come later. */
export type StoreChange =
  /** A server is new or has changed. */
  | { readonly type: "put"; readonly record: ServerRecord }
  /** Servers were last heard of at a time, milliseconds since 1970. */
  | { readonly type: "seen"; readonly ids: readonly ServerId[]; readonly at: number }
  /** A server is gone. Its row is kept when it was ever listed. */
  | { readonly type: "gone"; readonly id: ServerId };

/** A place where live servers outlast the process. Failures are exceptions. */
export interface Store {
  /**
   * Reads the servers heard of since a time, in order of registration.
   *
   * @param since Milliseconds since 1970.
   */
  load(since: number): AsyncIterable<readonly ServerRecord[]>;
  /** Writes changes, all or none, in order. */
  write(changes: readonly StoreChange[]): Promise<void>;
}
