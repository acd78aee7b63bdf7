/**
 * What makes the rings that clients speak.
 *
 * @module
 */

import { PROLOGUES } from "../crypto/mod.ts";
import {
  type Bye,
  type DecodedMessage,
  decodeRing0Message,
  decodeRing1Answer,
  decodeRing2Answer,
  type ErrorMessage,
  type Hello,
  type Peers,
  type Ring0Ping,
  type Ring0Pong,
  type Ring1Answer,
  type Ring1Request,
  type Ring2Answer,
  type Ring2Request,
} from "../protocol/mod.ts";

/** What somebody sends on ring 0 who is no master and only asks. */
export type ObserverRequest = Hello | Peers | Ring0Ping | Ring0Pong;

/** What a master has to say to somebody who only asks. */
export type ObserverAnswer = ObserverRequest | Bye | ErrorMessage;

/** What a client of any ring sends. */
export type RingRequest = ObserverRequest | Ring1Request | Ring2Request;

/** What a master sends on any ring. */
export type RingAnswer = ObserverAnswer | Ring1Answer | Ring2Answer;

/** What makes a ring: the prologue of its handshakes, and how its answers are read. */
export interface RingProtocol<Request extends RingRequest, Answer extends RingAnswer> {
  /** Prologue of the handshake. */
  readonly prologue: Uint8Array;
  /**
   * Key of 32 bytes that both sides need for an XXpsk3 handshake; without it the handshake is XX.
   * That the master has it shows with its first message, and not before.
   */
  readonly psk?: Uint8Array | undefined;
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

function decodeAsObserver(bytes: Uint8Array): DecodedMessage<ObserverAnswer> {
  const decoded = decodeRing0Message(bytes);
  if (decoded.type === "refused" && decoded.error.code !== "unknown_type") {
    // Masters tell each other what is wrong; whoever only asks can make nothing of a wrong answer.
    return { type: "malformed", reason: decoded.error.message };
  }
  if (decoded.type !== "message") return decoded;
  const { message } = decoded;
  switch (message.type) {
    case "hello":
    case "peers":
    case "ping":
    case "pong":
    case "bye":
    case "error":
      return { type: "message", message };
    default: {
      const text = `"${message.type}" is for masters`;
      return { type: "refused", error: { type: "error", code: "unknown_type", message: text } };
    }
  }
}

/**
 * Master to master, for somebody who only asks: what masters tell each other is passed over.
 *
 * @param psk What `networkKey` makes of the network's password.
 */
export function ring0(psk: Uint8Array): RingProtocol<ObserverRequest, ObserverAnswer> {
  return { prologue: PROLOGUES.ring0, psk, decode: decodeAsObserver };
}
