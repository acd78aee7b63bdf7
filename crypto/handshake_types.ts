import type { CipherState } from "./cipher_state.ts";
import type { HandshakePattern } from "./patterns.ts";
import type { KeyPair, NoisePrimitives } from "./primitives.ts";

/** Which side of a handshake: the initiator connects and writes first. */
export type Role = "initiator" | "responder";

/** What a handshake starts from. */
export interface HandshakeOptions {
  /** What does the cryptography. */
  readonly primitives: NoisePrimitives;
  /** Which messages go to and fro. */
  readonly pattern: HandshakePattern;
  /** Which side this is. */
  readonly role: Role;
  /** What both sides have to agree on beforehand. */
  readonly prologue: Uint8Array;
  /** One's own identity; needed for all but the initiator of NX. */
  readonly staticKey?: KeyPair;
  /** 32 bytes; needed for the initiator of IK and only there. */
  readonly remoteStaticKey?: Uint8Array;
  /** 32 bytes; needed for XXpsk3 and only there. */
  readonly psk?: Uint8Array;
  /** In place of a new one, for published vectors and worked examples only. */
  readonly ephemeralKey?: KeyPair;
}

/** A peer's doing that ends a handshake. */
export interface HandshakeFailure {
  /** Tells it from success. */
  readonly type: "failed";
  /** What is wrong, for a log. */
  readonly reason: string;
}

/** What writing a message of a handshake gives. */
export type HandshakeWrite =
  | { readonly type: "message"; readonly message: Uint8Array }
  | HandshakeFailure;

/** What reading a message of a handshake gives. */
export type HandshakeRead =
  | { readonly type: "payload"; readonly payload: Uint8Array }
  | HandshakeFailure;

/** The keys for what comes after a handshake, seen from one side. */
export interface TransportCiphers {
  /** For what this side writes. */
  readonly sending: CipherState;
  /** For what the other side writes. */
  readonly receiving: CipherState;
}
