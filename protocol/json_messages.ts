/**
 * What the JSON messages of the rings have in common. Members are spelt as on the wire.
 *
 * @module
 */

/** What an {@link ErrorMessage} is about, for programs. */
export type ErrorCode =
  /** The request makes no sense; sending it again will not help. */
  | "bad_request"
  /** No request of this ring has this `type`. */
  | "unknown_type"
  /** What was asked is not for this key. */
  | "unauthorized"
  /** The name belongs to another key. */
  | "name_taken"
  /** The game server did not answer the UDP challenge. */
  | "unreachable"
  /** A limit of this master is reached. */
  | "too_many"
  /** This master has too much to do; try later. */
  | "busy"
  /** This master is going down; try another. */
  | "shutting_down";

/** Every {@link ErrorCode}. */
export const ERROR_CODES: readonly ErrorCode[] = [
  "bad_request",
  "unknown_type",
  "unauthorized",
  "name_taken",
  "unreachable",
  "too_many",
  "busy",
  "shutting_down",
];

/** Why a request was not done. */
export interface ErrorMessage {
  /** Which message this is. */
  readonly type: "error";
  /** For programs. */
  readonly code: ErrorCode;
  /** For people: what is wrong and what to do. May quote the request. */
  readonly message: string;
  /** Seconds to wait before trying again. */
  readonly retry_after?: number;
}

/** Asks for a {@link Pong}, at any time, from either side. */
export interface Ping {
  /** Which message this is. */
  readonly type: "ping";
}

/** The answer to {@link Ping}. */
export interface Pong {
  /** Which message this is. */
  readonly type: "pong";
}

/** A master of the network. */
export interface MasterEntry {
  /** What it calls itself. */
  readonly name: string;
  /** Its DNS name or IP address. */
  readonly host: string;
  /** TCP ports by ring, for example `{"ring1": 7070, "ring2": 3040}`. */
  readonly ports: Readonly<Record<string, number>>;
  /** Its public key, base64 of 32 bytes; empty when it is not known. */
  readonly key: string;
}

/** What bytes of the channel turned out to be. */
export type DecodedMessage<M> =
  | { readonly type: "message"; readonly message: M }
  /** JSON of this protocol, but not a request that makes sense: answer with this error and go on. */
  | { readonly type: "refused"; readonly error: ErrorMessage }
  /** No JSON object with a string `type`, or not UTF-8: the connection ends. */
  | { readonly type: "malformed"; readonly reason: string };
