/**
 * JSON messages of ring 0, master to master. Long lists are arrays on the wire and objects with
 * names here; the members of everything else are spelt as on the wire.
 *
 * @module
 */

import { decodeRing0 } from "./_ring_0_shapes.ts";
import type { DecodedMessage, ErrorMessage } from "./json_messages.ts";
import type {
  KeyVersion,
  NameClaim,
  Put,
  ServerLease,
  Tombstone,
  UserClaim,
} from "./ring_0_records.ts";
import type { Bye } from "./ring_1_messages.ts";

/** The first message of each side, sent as soon as the handshake is over. */
export interface Hello {
  /** Which message this is. */
  readonly type: "hello";
  /** Version of this protocol, 1. */
  readonly version: number;
  /** Id of the sender, the first 16 hexadecimal digits of its public key. */
  readonly id: string;
  /** What it calls itself. */
  readonly name: string;
  /** DNS name or IP address under which others reach it, when it knows. */
  readonly host?: string;
  /** Its TCP ports by ring, for example `{"ring0": 6060}`. */
  readonly ports: Readonly<Record<string, number>>;
  /** Its clock, milliseconds since 1970. */
  readonly time: number;
  /** Version of its program. */
  readonly program: string;
  /** A number taken at random when its ring 0 started: another one, and it has started anew. */
  readonly instance?: number;
  /** Milliseconds of silence after which it takes a server for dead. */
  readonly alive?: number;
  /**
   * Hybrid logical time of the receiver's latest change that the sender has, whichever way it came:
   * the receiver may have lost it.
   */
  readonly known?: number;
  /** It is no master: it only asks, see {@link Peers}. */
  readonly observer?: true;
}

/** A master that the sender knows. */
export interface KnownMaster {
  /** Its id. */
  readonly id: string;
  /** What it calls itself. */
  readonly name: string;
  /** DNS name or IP address under which it is reached. */
  readonly host: string;
  /** Its TCP ports by ring. */
  readonly ports: Readonly<Record<string, number>>;
  /** Its public key, base64 of 32 bytes. */
  readonly key: string;
  /** Whole seconds since the sender was connected to it. */
  readonly seen: number;
}

/** Masters that the sender knows, never the receiver itself. See {@link encodeMembers}. */
export interface Members {
  /** Which message this is. */
  readonly type: "members";
  /** At most {@link MAX_MEMBERS}. */
  readonly masters: readonly KnownMaster[];
}

/** What is new. See {@link encodeChanges}. */
export interface Changes {
  /** Which message this is. */
  readonly type: "changes";
  /** With `upto`: changes of the sender later than this hybrid logical time have been sent here. */
  readonly after?: number;
  /**
   * All changes that the sender itself made later than `after` and up to this hybrid logical time
   * have been sent over this connection.
   */
  readonly upto?: number;
  /** All that {@link Want} of this round asked for has been sent. */
  readonly round?: number;
  /** Servers that are new or have changed. */
  readonly puts: readonly Put[];
  /** Servers that are gone. */
  readonly tombstones: readonly Tombstone[];
  /** Whose servers' names are whose. */
  readonly names: readonly NameClaim[];
  /** Whose players' names are whose. */
  readonly users: readonly UserClaim[];
}

/** Servers that the sender has heard of. See {@link encodeRefresh}. */
export interface Refresh {
  /** Which message this is. */
  readonly type: "refresh";
  /** Which, and how long they live. */
  readonly servers: readonly ServerLease[];
}

/** What the sender has, in short. Answered by {@link Compare}, and that by another. */
export interface Digest {
  /** Which message this is. */
  readonly type: "digest";
  /** What the answer will name. */
  readonly round: number;
  /** Hybrid logical time up to which the sender has sent its own changes. */
  readonly upto: number;
  /** One hash of 13 hexadecimal digits (52 bits) for each of {@link DIGEST_BUCKETS} buckets. */
  readonly hashes: readonly string[];
}

/** All that the sender has in a bucket, or a part of it. */
export interface Bucket {
  /** Which, 0 to {@link DIGEST_BUCKETS} - 1. */
  readonly bucket: number;
  /** What is in it. */
  readonly entries: readonly KeyVersion[];
}

/**
 * The answer to {@link Digest}, all that there is in the buckets that differ; and the answer to that,
 * what of it the other side does not have or has in an earlier version. Or a part of either. See
 * {@link encodeCompare}.
 */
export interface Compare {
  /** Which message this is. */
  readonly type: "compare";
  /** That of the digest. */
  readonly round: number;
  /** Hybrid logical time up to which the sender has sent its own changes. */
  readonly upto: number;
  /** Whether no bucket differs. */
  readonly equal: boolean;
  /** What the sender has in those that differ; a long one goes on in the next part. */
  readonly buckets: readonly Bucket[];
  /** More parts follow. */
  readonly more?: true;
}

/** Asks for what belongs to keys, to be answered by {@link Changes}. See {@link encodeWant}. */
export interface Want {
  /** Which message this is. */
  readonly type: "want";
  /** What the end of the answer will name; an answer that nobody waits for needs none. */
  readonly round?: number;
  /** Keys as in {@link KeyVersion}; `l:ip:port` asks for no more than the server's lease. */
  readonly keys: readonly string[];
}

/** Whether the sender reaches a server over UDP. */
export interface Reachability {
  /** Its canonical `ip:port`. */
  readonly id: string;
  /** Whether it answered. */
  readonly reached: boolean;
}

/** What the sender found out about servers that other masters verified. See {@link encodeReach}. */
export interface Reach {
  /** Which message this is. */
  readonly type: "reach";
  /** What it found. */
  readonly servers: readonly Reachability[];
}

/** Asks for a {@link Ring0Pong} that says the same. */
export interface Ring0Ping {
  /** Which message this is. */
  readonly type: "ping";
  /** A number by which the asker knows its answer. */
  readonly n?: number;
  /** Clock of the sender, milliseconds since 1970. */
  readonly time?: number;
}

/** The answer to {@link Ring0Ping}. */
export interface Ring0Pong {
  /** Which message this is. */
  readonly type: "pong";
  /** That of the ping. */
  readonly n?: number;
  /** Clock of the sender, milliseconds since 1970. */
  readonly time?: number;
}

/** How a master stands to another. */
export interface Peer {
  /** Id of the other; empty while it is unknown. */
  readonly id: string;
  /** What the other calls itself; empty while it is unknown. */
  readonly name: string;
  /** Where it is. */
  readonly host: string;
  /** Port of its ring 0. */
  readonly port: number;
  /** How far a connection is; `waiting` is for the next attempt. */
  readonly state: "connected" | "connecting" | "waiting";
  /** When it came to that, milliseconds since 1970. */
  readonly since?: number;
  /** Whole seconds until the next attempt. */
  readonly next?: number;
  /** Why there is no connection. */
  readonly reason?: string;
  /** Whole milliseconds that a message takes to it and back. */
  readonly lag_ms?: number;
  /** Whole milliseconds that its clock is ahead. */
  readonly clock_ms?: number;
  /** Changes that it has not been sent yet. */
  readonly behind?: number;
  /** Bytes sent to it. */
  readonly sent_bytes: number;
  /** Bytes received from it. */
  readonly received_bytes: number;
  /** Servers that came from it. */
  readonly records?: number;
}

/** Asks a master how it stands to the others, or the answer. See {@link encodePeers}. */
export interface Peers {
  /** Which message this is. */
  readonly type: "peers";
  /** At most {@link MAX_MEMBERS}; left out by whoever asks. */
  readonly peers?: readonly Peer[];
  /** More parts of the answer follow. */
  readonly more?: true;
}

/** What masters send each other. */
export type Ring0Message =
  | Hello
  | Members
  | Changes
  | Refresh
  | Digest
  | Compare
  | Want
  | Reach
  | Ring0Ping
  | Ring0Pong
  | Bye
  | Peers
  | ErrorMessage;

/**
 * Reads what another master sent. Members that no message has, and what follows the last entry of
 * an array that stands for an object, are ignored: that master is of a later version. One wrong
 * entry of a list has the whole message `refused`. Texts of {@link Put} may hold anything but its
 * name and admin: escape them before they reach a terminal. Never throws.
 *
 * @param bytes One message of the channel, read before this returns, not kept.
 */
export function decodeRing0Message(bytes: Uint8Array): DecodedMessage<Ring0Message> {
  return decodeRing0(bytes);
}
