/**
 * What the registry knows, is told and tells. Plain data: every shape here crosses threads by
 * structured clone.
 *
 * @module
 */

/** `ip:port` (`[ip]:port` for IPv6) of a server, in canonical spelling. */
export type ServerId = string;

/** When a change was made, and at which master. The higher one wins, ties by origin. */
export interface Version {
  /**
   * Hybrid logical time: 1024 times milliseconds since 1970, and a count of changes within the
   * millisecond. A whole number below 2^53, higher for each change of one master; 0 before any.
   */
  readonly hlc: number;
  /** Id of the master that made it, see {@link RegistryOptions.origin}; empty when unknown. */
  readonly origin: string;
}

/** Highest hybrid logical time of each origin. */
export type Vector = ReadonlyMap<string, number>;

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
export interface ServerRecord extends Version {
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
  /** Its row's Number in the database, once it has one. */
  readonly number?: number;
  /** Public key of its owner, base64, when it registered by ring 1; it alone may change it. */
  readonly key?: string;
  /** Name that belongs to its key, when it registered by ring 1. */
  readonly name?: string;
  /** Mail address of its administrator, when it told one by ring 1. */
  readonly admin?: string;
  /** Why it is unverified, for people. */
  readonly reason?: string;
  /** `host:port` of the old-style master that told of it, when nobody else has heard of it. */
  readonly via?: string;
  /** How many masters reach it, beside the one that verified it; each master's own knowledge. */
  readonly reach?: Omit<Reach, "id">;
}

/** How sure it is that a listed server is gone. */
export type TombstoneCause =
  /** It said so, or lost its place: that counts whoever has heard of it before. */
  | "quit"
  /** Nobody was known to have heard of it for too long: not so if somebody has. */
  | "expired";

/** A listed server that is gone: what keeps it gone wherever its record is still known. */
export interface Tombstone extends Version {
  /** Which server. */
  readonly id: ServerId;
  /** How sure that is. */
  readonly cause: TombstoneCause;
}

/** A listed server, as another master tells of it. */
export interface RemotePut {
  /** What it is, with the version of the master that changed it last. */
  readonly record: Omit<ServerRecord, "state" | "lastSeen" | "number" | "reason" | "reach">;
  /** Milliseconds that it has left to live unless it is heard of again. */
  readonly left: number;
  /** Whether that master has heard of it from itself. */
  readonly heard: boolean;
}

/** How long a server lives on, as another master tells that has heard of it. */
export interface Lease {
  /** Which server. */
  readonly id: ServerId;
  /** Milliseconds that it has left to live unless it is heard of again. */
  readonly left: number;
}

/** A player's name, and the key that it belongs to. */
export interface UserClaim extends Version {
  /** The name. */
  readonly user: string;
  /** Public key of its owner, base64. */
  readonly key: string;
  /** ISO 3166 code of where its owner came from, or empty. */
  readonly country: string;
}

/** Whether a master reaches a server over UDP. */
export interface Reachability {
  /** Which server. */
  readonly id: ServerId;
  /** Whether it answered. */
  readonly reached: boolean;
}

/** How many masters reach a server, beside the one that verified it. */
export interface Reach {
  /** Which server. */
  readonly id: ServerId;
  /** Masters that got an answer. */
  readonly reached: number;
  /** Masters that have tried. */
  readonly probed: number;
}

/** What another master has told. */
export interface RemoteChanges {
  /** Listed servers. */
  readonly puts?: readonly RemotePut[];
  /** Servers that are gone. */
  readonly tombstones?: readonly Tombstone[];
  /** Names of servers. */
  readonly names?: readonly NameClaim[];
  /** Servers that were heard of. */
  readonly leases?: readonly Lease[];
}

/** A server's name, and the key that it belongs to. */
export interface NameClaim extends Version {
  /** The name. */
  readonly name: string;
  /** Public key of its owner, base64. */
  readonly key: string;
}

/** What is known of changes that are over: enough to tell a copy what it has missed. */
export interface Departures {
  /** This master's own id. */
  readonly origin: string;
  /** Servers that are gone since not long ago. */
  readonly tombstones: readonly Tombstone[];
  /** Changes up to here are known, by origin. */
  readonly vector: readonly (readonly [origin: string, hlc: number])[];
  /** Tombstones up to here are forgotten: a copy that knows less has to be made anew. */
  readonly horizon: readonly (readonly [origin: string, hlc: number])[];
  /** The same of the time before this master's last start: of no matter to copies made since. */
  readonly past?: readonly (readonly [origin: string, hlc: number])[];
  /** Changes that this master may have told before its last start, and does not know any more. */
  readonly gap: Gap;
}

/** All that other masters are to know. */
export interface Snapshot {
  /** Listed servers and masters, and how much longer each is known to live. */
  readonly records: readonly { readonly record: ServerRecord; readonly life: LifeSign }[];
  /** Servers that are gone since not long ago. */
  readonly tombstones: readonly Tombstone[];
  /** Whose the names of servers are. */
  readonly names: readonly NameClaim[];
  /** Changes up to here are known, by origin. */
  readonly vector: readonly (readonly [origin: string, hlc: number])[];
}

/** Hybrid logical times of one master between which changes are lost. */
export interface Gap {
  /** The master. */
  readonly origin: string;
  /** Later than this. */
  readonly after: number;
  /** Earlier than this. */
  readonly before: number;
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
  | {
    readonly type: "refresh";
    readonly ids: readonly ServerId[];
    /** Whether they came from the owners of their keys. */
    readonly byOwner?: boolean;
  }
  /** A server leaves. */
  | { readonly type: "quit"; readonly ip: string; readonly port: number }
  /** A server sent a challenge's token back. */
  | { readonly type: "answer"; readonly id: ServerId; readonly token: string }
  /** A server answered a status poll. */
  | { readonly type: "status"; readonly id: ServerId; readonly status: ServerStatus }
  /** A server that holds a key registers, or changes what it said. */
  | ({ readonly type: "announce" } & Announcement)
  /** A server that holds a key says again that it lives, and how full it is. */
  | {
    readonly type: "report";
    readonly id: ServerId;
    readonly key: string;
    readonly status: ServerStatus;
  }
  /** A server that holds a key leaves. */
  | { readonly type: "leave"; readonly id: ServerId; readonly key: string }
  /** The database gave a server its Number. */
  | { readonly type: "number"; readonly id: ServerId; readonly number: number }
  /** Where a server is was found out. */
  | {
    readonly type: "locate";
    readonly id: ServerId;
    readonly country: string;
    readonly netName: string;
  }
  /** An old-style master lists a server. */
  | {
    readonly type: "hearsay";
    readonly ip: string;
    readonly port: number;
    /** Which game. */
    readonly gamename: string;
    /** `host:port` of that master. */
    readonly via: string;
  }
  /** Another master has told of changes. */
  | ({ readonly type: "merge" } & RemoteChanges)
  /** A master has tried to reach servers over UDP that others verified: another, or this one. */
  | {
    readonly type: "reach";
    /** Id of the other master; this one when left out. */
    readonly master?: string;
    /** What it found. */
    readonly servers: readonly Reachability[];
  }
  /** All that another master changed up to a hybrid logical time has been merged. */
  | { readonly type: "synced"; readonly origin: string; readonly hlc: number }
  /** Another master has a change that this one made at this hybrid logical time, perhaps long ago. */
  | { readonly type: "recall"; readonly hlc: number }
  /** A ring itself turned a registration away; kept for the server's trace. */
  | {
    readonly type: "refuse";
    readonly ip: string;
    readonly port: number;
    readonly reason: string;
  };

/** What a server that holds a key says of itself. */
export interface Announcement {
  /** Canonical address it came from. */
  readonly ip: string;
  /** Port players connect to. */
  readonly port: number;
  /** Its public key, base64. */
  readonly key: string;
  /** Its name. */
  readonly name: string;
  /** Which game; never `master`. */
  readonly gamename: string;
  /** Mail address of its administrator, or empty. */
  readonly admin: string;
  /** ISO 3166 code of its country, when it tells one. */
  readonly country?: string;
  /** DNS name of its host, when it tells one. */
  readonly netName?: string;
  /** Keys as an old-style heartbeat would carry them, gamename and port included. */
  readonly settings: Settings;
  /** How full it is, when it tells. */
  readonly status?: ServerStatus;
}

/** Why a command was refused, where that makes a difference to the one who asked. */
export type Refusal =
  /** The name belongs to another key. */
  | "name_taken"
  /** The entry belongs to another key, or is gone. */
  | "unauthorized"
  /** A limit is reached. */
  | "too_many";

/** What became of a command. */
export type Outcome =
  | { readonly type: "accepted" }
  | { readonly type: "refused"; readonly reason: string; readonly refusal?: Refusal };

/** How a registered server stands. */
export interface Standing {
  /** Whether it is shown to players. */
  readonly listed: boolean;
  /** Its row's Number in the database; 0 while that is unknown. */
  readonly number: number;
  /** Why it is not listed, for people. */
  readonly reason?: string;
}

/** Why a server is gone. */
export type RemovalCause = "quit" | "expired" | "replaced";

/** What the registry tells everyone who keeps a copy. */
export type RegistryEvent =
  /** A server is new or has changed; the whole record. */
  | ({ readonly type: "put"; readonly record: ServerRecord } & LifeSign & Lateness)
  /** Servers were heard of at a time, milliseconds since 1970; nothing else changed. */
  | ({ readonly type: "seen"; readonly ids: readonly ServerId[]; readonly at: number } & LifeSign)
  /**
   * Another master believes that a server is gone, and it is listed here all the same until that is
   * settled: whoever tells other masters of it tells of the tombstone.
   */
  | ({ readonly type: "disputed" } & Tombstone & Lateness)
  /** A listed server has told how full it is. */
  | ({ readonly type: "status"; readonly id: ServerId; readonly status: ServerStatus } & Version)
  /** A server has got its Number, which is this master's own and no change for others. */
  | { readonly type: "number"; readonly id: ServerId; readonly number: number }
  /** A server is gone. */
  | (
    & {
      readonly type: "removed";
      readonly id: ServerId;
      readonly cause: RemovalCause;
      /** When it was last heard of here, milliseconds since 1970. */
      readonly lastSeen: number;
      /** Whether it was listed until now. */
      readonly wasListed: boolean;
    }
    & Version
    & Lateness
  )
  /** A tombstone is forgotten: who has not heard of it needs everything. */
  | ({ readonly type: "forgotten"; readonly id: ServerId } & Version)
  /** It is known of more, fewer or other masters whether they reach servers. */
  | {
    readonly type: "reach";
    /** What is known of those of which that has changed. */
    readonly servers: readonly Reach[];
    /** What this master itself has found out just now. */
    readonly found: readonly Reachability[];
  }
  /** A name belongs to a key from now on. */
  | ({ readonly type: "name" } & NameClaim)
  /**
   * All that another master changed up to here is known; or, of this master, that it knows again how
   * far it has told of changes before: who knows some of these needs everything.
   */
  | ({
    readonly type: "synced";
    /** Some of it was forgotten meanwhile: who knows less needs everything. */
    readonly isPatchy?: true;
  } & Version);

/** Whether a change comes when all of its master's at that time were taken for known. */
export interface Lateness {
  /** A time of this master by which its readers are told of it all the same. */
  readonly late?: number;
}

/** How much longer a server is known to live. */
export interface LifeSign {
  /** Milliseconds that it has left to live unless it is heard of again. */
  readonly left: number;
  /** Whether this master itself has heard of it. */
  readonly heard: boolean;
}

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
