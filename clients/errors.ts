/**
 * How the encrypted clients fail.
 *
 * @module
 */

import type { ErrorCode } from "../protocol/mod.ts";

/** What kind of failure a {@link ClientError} is. */
export type ClientFailure =
  /** The host name is unknown. */
  | "no-host"
  /** Nobody answers there, not in time, or the connection was lost. */
  | "unavailable"
  /** What answers there does not speak this protocol, or breaks it. */
  | "protocol"
  /** The master answered with an error; its code says why. */
  | "refused"
  /** The master shows another key than the one pinned for it. */
  | "wrong-key"
  /** The master does not know the network's password that it was to show it knows. */
  | "wrong-password";

/** The key that a master shows in place of the one that is pinned for it. */
export interface ShownKey {
  /** Host of the master. */
  readonly host: string;
  /** Port of the master. */
  readonly port: number;
  /** The key, 32 bytes. */
  readonly key: Uint8Array;
}

/** What a {@link ClientError} holds beside its message. */
export interface ClientErrorDetails {
  /** Code of the master's error; for `refused` only. */
  readonly code?: ErrorCode;
  /** Seconds after which the master wants to be asked again, when it said so. */
  readonly retryAfter?: number;
  /** What the master shows; for `wrong-key` only. */
  readonly shown?: ShownKey;
  /** The error behind this one. */
  readonly cause?: unknown;
}

/**
 * An encrypted client did not get what it asked for. The message is for people: it names
 * the master, says what to do where something can be done, and holds no control characters.
 *
 * @example
 * ```ts
 * try {
 *   console.log(await browser.list());
 * } catch (error) {
 *   if (!(error instanceof ClientError)) throw error;
 *   console.error(error.message);
 *   if (error.retryAfter !== undefined) console.error(`again in ${error.retryAfter} s`);
 * }
 * ```
 */
export class ClientError extends Error {
  /** Name of this class. */
  override readonly name = "ClientError";
  /** Code of the master's error, when there was one. */
  readonly code?: ErrorCode;
  /** Seconds after which the master wants to be asked again, when it said so. */
  readonly retryAfter?: number;
  /** What the master shows, when it is another key than the pinned one. */
  readonly shown?: ShownKey;

  /**
   * An error for people to read.
   *
   * @param failure What kind of failure it is.
   * @param message Says what is wrong and, where that is known, what to do.
   */
  constructor(readonly failure: ClientFailure, message: string, details: ClientErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    if (details.code !== undefined) this.code = details.code;
    if (details.retryAfter !== undefined) this.retryAfter = details.retryAfter;
    if (details.shown !== undefined) this.shown = details.shown;
  }
}
