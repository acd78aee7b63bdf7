/**
 * What a connection to a master takes.
 *
 * @module
 */

import type { KeyPair, NoisePrimitives } from "../crypto/mod.ts";
import type { AddressFamily, Resolve } from "./resolve.ts";
import type { RingAnswer, RingProtocol, RingRequest } from "./ring_protocol.ts";
import type { Timing } from "./timing.ts";

/** Milliseconds for connecting and the handshake: a master across the world takes one second. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** How to connect. */
export interface ConnectOptions<Request extends RingRequest, Answer extends RingAnswer> {
  /** The primitives: what `openCrypto` gives. */
  readonly crypto: NoisePrimitives;
  /** `RING_1`, `RING_2`, or what `ring0` gives. */
  readonly ring: RingProtocol<Request, Answer>;
  /** Who we are: the master knows us by the public key. */
  readonly keyPair: KeyPair;
  /** Milliseconds for connecting and the handshake; {@link CONNECT_TIMEOUT_MS} when not given. */
  readonly timeoutMs?: number | undefined;
  /**
   * Which addresses of the master to prefer, for whom it matters from where the master sees it
   * come. A master that has none of that family is connected to by what it has.
   */
  readonly family?: AddressFamily | undefined;
  /** Finds the addresses of that family; asks the system when not given. */
  readonly resolve?: Resolve | undefined;
  /** Ends the connection, or the attempt at it. */
  readonly signal?: AbortSignal | undefined;
  /** Clock and timers; the system's when not given. */
  readonly timing?: Timing | undefined;
}
