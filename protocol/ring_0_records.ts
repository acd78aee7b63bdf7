/**
 * What masters replicate, as ring 0 tells of it.
 *
 * @module
 */

import type { GameStatus } from "./status.ts";

/** When a change was made, and at which master. The higher one wins, ties by origin. */
export interface ChangeVersion {
  /** Hybrid logical time, a whole number from 0 to 2^53 - 1. */
  readonly hlc: number;
  /** Id of the master that made it: 16 hexadecimal digits in lower case. */
  readonly origin: string;
}

/** A listed server. */
export interface Put extends ChangeVersion {
  /** Whole milliseconds that it has left to live, at most {@link MAX_LEASE_MS}. */
  readonly left: number;
  /** Whether the sender has heard of it from itself. */
  readonly heard: boolean;
  /** Canonical address. */
  readonly ip: string;
  /** Port that players connect to, 1 to 65535. */
  readonly port: number;
  /** Which game. */
  readonly gamename: string;
  /** What it said of itself, gamename and port included, secrets left out. */
  readonly settings: Readonly<Record<string, string>>;
  /** When it first registered, milliseconds since 1970. */
  readonly firstSeen: number;
  /** Name that belongs to its key. */
  readonly name?: string;
  /** Public key of its owner, base64 of 32 bytes. */
  readonly key?: string;
  /** How to reach its operator. */
  readonly admin?: string;
  /** ISO 3166 code of its country; may be empty. */
  readonly country?: string;
  /** DNS name of its host; may be empty. */
  readonly netName?: string;
  /** The game being played. */
  readonly status?: GameStatus;
  /** Name of the old-style master that told of it. */
  readonly via?: string;
}

/** A listed server that is gone. */
export interface Tombstone extends ChangeVersion {
  /** Its canonical `ip:port`. */
  readonly id: string;
  /** Whether it said so, or was not heard of for too long. */
  readonly cause: "quit" | "expired";
}

/** A server's name, and the key that it belongs to. */
export interface NameClaim extends ChangeVersion {
  /** The name. */
  readonly name: string;
  /** Public key of its owner, base64 of 32 bytes. */
  readonly key: string;
}

/** A player's name, and the key that it belongs to. */
export interface UserClaim extends ChangeVersion {
  /** The name. */
  readonly user: string;
  /** Public key of its owner, base64 of 32 bytes. */
  readonly key: string;
  /** ISO 3166 code of where the owner came from; may be empty. */
  readonly country: string;
}

/** How long a server lives unless it is heard of again. */
export interface ServerLease {
  /** Its canonical `ip:port`. */
  readonly id: string;
  /** Whole milliseconds that it has left to live, at most {@link MAX_LEASE_MS}. */
  readonly left: number;
}

/** The latest change of something, by its key: `s:ip:port`, `n:name` or `u:user`. */
export interface KeyVersion extends ChangeVersion {
  /** What changed. */
  readonly key: string;
}
