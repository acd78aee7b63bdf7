/**
 * What the registry knows, is told and tells. Plain data: every shape here crosses threads by
 * structured clone.
 *
 * @module
 */

/** `ip:port` (`[ip]:port` for IPv6) of a server, in canonical spelling. */
export type ServerId = string;

/** Why a server is or is not shown to players. */
export type ServerState =
  /** Shown in lists. */
  | "listed"
  /** Registered; its answer to the UDP challenge is awaited. */
  | "challenged"
  /** Registered, but it did not answer the challenge; challenged again at its next heartbeat. */
  | "unverified";

/** What a server sent about itself, secrets left out. Keys and values are a peer's own text. */
export type Settings = Readonly<Record<string, string>>;

/** One player of a server. */
export interface Player {
  /** The player's name as the game shows it. */
  readonly name: string;
  /** Units destroyed. */
  readonly kills: number;
  /** Units lost. */
  readonly deaths: number;
  /** Objective points. */
  readonly points: number;
}

/** What a game server answered to its last status poll. */
export interface ServerStatus {
  /** The server's display name. */
  readonly hostname: string;
  /** Name of the map being played. */
  readonly map: string;
  /** Players on the server. */
  readonly players: number;
  /** Players it has room for. */
  readonly maxPlayers: number;
  /** Version of the game; empty when not told. */
  readonly gameVersion: string;
  /** Style of play; empty when not told. */
  readonly gameStyle: string;
  /** Whether joining takes a password. */
  readonly needsPassword: boolean;
  /** The players. */
  readonly roster: readonly Player[];
}

/** A registered game server, or a master that announced itself (gamename `master`). */
export interface ServerRecord {
  /** Its key. */
  readonly id: ServerId;
  /** Canonical address. */
  readonly ip: string;
  /** Port players connect to, 1 to 65535. */
  readonly port: number;
  /** Which game; `master` for a master server. */
  readonly gamename: string;
  /** All keys of its heartbeat, gamename and port included. */
  readonly settings: Settings;
  /** Whether it is shown. */
  readonly state: ServerState;
  /** When it first registered, milliseconds since 1970. */
  readonly firstSeen: number;
  /** When it was last heard of, milliseconds since 1970. */
  readonly lastSeen: number;
  /** Answer to the last status poll, once there was one. */
  readonly status?: ServerStatus;
  /** ISO 3166 code of the country its address is in, once it is known. */
  readonly country?: string;
  /** DNS name of its host, once it is known. */
  readonly netName?: string;
}

/** Gamename under which master servers register. */
export const MASTER_GAMENAME = "master";

/** What a ring asks of the registry. */
export type Command =
  /** A server registers, or says again that it lives. */
  | {
    readonly type: "register";
    readonly ip: string;
    readonly port: number;
    readonly settings: Settings;
  }
  /** Heartbeats of servers that are listed with the same settings already. */
  | { readonly type: "refresh"; readonly ids: readonly ServerId[] }
  /** A server leaves. */
  | { readonly type: "quit"; readonly ip: string; readonly port: number }
  /** A server sent a challenge's token back. */
  | { readonly type: "answer"; readonly id: ServerId; readonly token: string }
  /** A server answered a status poll. */
  | { readonly type: "status"; readonly id: ServerId; readonly status: ServerStatus }
  /** Where a server is was found out. */
  | {
    readonly type: "locate";
    readonly id: ServerId;
    readonly country: string;
    readonly netName: string;
  }
  /** A ring itself turned a registration away; kept for the server's trace. */
  | {
    readonly type: "refuse";
    readonly ip: string;
    readonly port: number;
    readonly reason: string;
  };

/** What became of a command. */
export type Outcome =
  | { readonly type: "accepted" }
  | { readonly type: "refused"; readonly reason: string };

/** Why a server is gone. */
export type RemovalCause = "quit" | "expired" | "replaced";

/** What the registry tells everyone who keeps a copy. */
export type RegistryEvent =
  /** A server is new or has changed; the whole record. */
  | { readonly type: "put"; readonly record: ServerRecord }
  /** Servers were heard of, nothing else changed. */
  | { readonly type: "seen"; readonly ids: readonly ServerId[]; readonly at: number }
  /** A listed server answered a status poll. */
  | { readonly type: "status"; readonly id: ServerId; readonly status: ServerStatus }
  /** A server is gone. */
  | {
    readonly type: "removed";
    readonly id: ServerId;
    readonly cause: RemovalCause;
    /** When it was last heard of here, milliseconds since 1970. */
    readonly lastSeen: number;
  };

/** A UDP challenge to be sent to a server. */
export interface Challenge {
  /** Whom it is for. */
  readonly id: ServerId;
  /** Canonical address. */
  readonly ip: string;
  /** UDP port. */
  readonly port: number;
  /** What must come back: 32 hexadecimal digits, 128 bits. */
  readonly token: string;
}

/** A step in a server's life, as its trace keeps it. */
export type TraceStep =
  | "registered"
  | "challenged"
  | "answered"
  | "listed"
  | "status"
  | "unverified"
  | "refused"
  | "changed"
  | "quit"
  | "expired";

/** One line of a server's trace. */
export interface TraceEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** What happened. */
  readonly step: TraceStep;
  /** Particulars for a person: a reason, an attempt, map and players. May hold a peer's text. */
  readonly detail: string;
}
