/**
 * What the registry needs of a database.
 *
 * @module
 */

import type {
  NameClaim,
  ServerId,
  ServerRecord,
  Tombstone,
  TombstoneCause,
  UserClaim,
  Version,
} from "./types.ts";

/** How full a server was at a moment. */
export interface Sample {
  /** Which server. */
  readonly id: ServerId;
  /** Players on it. */
  readonly players: number;
  /** Players it has room for. */
  readonly maxPlayers: number;
  /** Name of the map. */
  readonly map: string;
}

/** One thing to be stored. Later changes of the same server come later. */
export type StoreChange =
  /** A server or master is new or has changed. */
  | { readonly type: "put"; readonly record: ServerRecord }
  /** Servers or masters were last heard of at a time, milliseconds since 1970. */
  | { readonly type: "seen"; readonly ids: readonly ServerId[]; readonly at: number }
  /**
   * A server or master is gone. Its row is kept when it was ever listed. One that fell silent here,
   * at a time in milliseconds since 1970, is not gone if someone else has heard of it since.
   */
  | ({
    readonly type: "gone";
    readonly id: ServerId;
    readonly cause: TombstoneCause;
    readonly silentSince?: number;
  } & Version)
  /** A name belongs to a key. */
  | ({ readonly type: "name" } & NameClaim)
  /** A player's name belongs to a key, unless somebody claimed it earlier. */
  | ({ readonly type: "user" } & UserClaim)
  /** Another master of the network is there. */
  | { readonly type: "master"; readonly master: StoredMaster }
  /** How full servers were at a time, milliseconds since 1970. */
  | { readonly type: "samples"; readonly samples: readonly Sample[]; readonly at: number };

/** A master of the network as the database keeps it. */
export interface StoredMaster {
  /** Its id. */
  readonly id: string;
  /** What it calls itself. */
  readonly name: string;
  /** Canonical address. */
  readonly ip: string;
  /** Port of its ring 0. */
  readonly port: number;
  /** DNS name or address under which it is reached. */
  readonly netName: string;
  /** Its public key, base64. */
  readonly key: string;
  /** Its TCP ports by ring. */
  readonly ports: Readonly<Record<string, number>>;
  /** When it was last heard of, milliseconds since 1970. */
  readonly lastSeen: number;
}

/** A part of what was stored. */
export interface Stored {
  /** Servers and masters that were not known to be gone, in order of registration. */
  readonly records: readonly ServerRecord[];
  /** Servers that are gone. */
  readonly tombstones: readonly Tombstone[];
  /** Tombstones up to here are not among them, by origin. */
  readonly horizon: readonly (readonly [origin: string, hlc: number])[];
  /** Whose the names are. */
  readonly names: readonly NameClaim[];
}

/** A place where live servers outlast the process. Failures are exceptions. */
export interface Store {
  /**
   * Reads what was stored: servers and masters in order of registration, in parts.
   *
   * @param since Tombstones since this time, milliseconds since 1970, are wanted; of earlier ones
   * only the horizon.
   */
  load(since: number): AsyncIterable<Stored>;
  /** Writes changes, all or none, in order. */
  write(changes: readonly StoreChange[]): Promise<void>;
}
