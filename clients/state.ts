/**
 * What a client that keeps itself connected tells about it.
 *
 * @module
 */

import type { ClientError } from "./errors.ts";
import type { MasterAddress } from "./master_address.ts";

/** Where a client stands with its masters. */
export type ClientState =
  /** It dials a master. */
  | { readonly type: "connecting"; readonly master: MasterAddress }
  /** The encrypted connection is there. */
  | {
    readonly type: "connected";
    readonly master: MasterAddress;
    /** The master's key, 32 bytes, to be pinned. */
    readonly key: Uint8Array;
    /** IP address of the master that the connection goes to. */
    readonly ip: string;
  }
  /** It failed with a master and will try one in `seconds`, which is 0 when it does so at once. */
  | {
    readonly type: "waiting";
    readonly seconds: number;
    /** The error's message. */
    readonly reason: string;
    /** What went wrong. */
    readonly error: ClientError;
    /** With which master, unless it was with all of them. */
    readonly master?: MasterAddress;
  }
  /** It was told to stop. */
  | { readonly type: "closed" };
