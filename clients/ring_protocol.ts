/**
 * What makes the rings that clients speak.
 *
 * @module
 */

import { PROLOGUES } from "../crypto/mod.ts";
import {
  type DecodedMessage,
  decodeRing1Answer,
  decodeRing2Answer,
  type Ring1Answer,
  type Ring1Request,
  type Ring2Answer,
  type Ring2Request,
} from "../protocol/mod.ts";

/** What a client of either ring sends. */
export type RingRequest = Ring1Request | Ring2Request;

/** What a master sends on either ring. */
export type RingAnswer = Ring1Answer | Ring2Answer;

/** What makes a ring: the prologue of its handshakes, and how its answers are read. */
export interface RingProtocol<Request extends RingRequest, Answer extends RingAnswer> {
  /** Prologue of the handshake. */
  readonly prologue: Uint8Array;
  /** Reads one message of the master. */
  readonly decode: (bytes: Uint8Array) => DecodedMessage<Answer>;
  /** Never there; it carries the type of what may be sent. */
  readonly request?: Request;
}

/** Game server to master. */
export const RING_1: RingProtocol<Ring1Request, Ring1Answer> = {
  prologue: PROLOGUES.ring1,
  decode: decodeRing1Answer,
};

/** Client to master. */
export const RING_2: RingProtocol<Ring2Request, Ring2Answer> = {
  prologue: PROLOGUES.ring2,
  decode: decodeRing2Answer,
};
