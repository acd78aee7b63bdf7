/**
 * Everything that crosses a thread boundary, in one union per direction. All of it is plain data
 * that the structured clone copies.
 *
 * @module
 */

import type { MasterView } from "../mesh/mod.ts";
import type {
  Challenge,
  Command,
  Departures,
  LifeSign,
  NameClaim,
  Outcome,
  RegistryEvent,
  ServerId,
  ServerRecord,
  Standing,
  StoreChange,
  Stored,
  UserClaim,
  Version,
} from "../registry/mod.ts";

/** Threads that serve a ring. */
export type RingName = "ring0" | "ring1" | "ring1bis" | "ring2" | "ring2bis";

/** All threads beside the main one. */
export type ThreadName = RingName | "store";

/** What a ring's thread has to know. Plain values from master.ini. */
export interface RingSettings {
  /** IP address to listen on, or `*` for every one. */
  readonly address: string;
  /** Port for TCP and UDP; 0 takes any free one. */
  readonly port: number;
  /** Port at which other masters and servers reach ring 1 bis; what lists of masters name. */
  readonly oldServerPort: number;
  /** Address this master is known by, when the operator gave one. */
  readonly publicAddress: string | undefined;
  /** Name of this master's host. */
  readonly hostname: string;
  /** Version of this program. */
  readonly version: string;
  /** Milliseconds until an idle or unfinished request is dropped. */
  readonly requestTimeout: number;
  /** Connections of one host at a time. */
  readonly connectionLimit: number;
  /** Servers that one host may register. */
  readonly serversPerAddress: number;
  /** Secret of the network of masters; empty refuses all masters. */
  readonly masterPassword: string;
  /** Milliseconds between status polls of a server; 0 is never. */
  readonly statusInterval: number;
  /** Milliseconds of silence after which a server is dead. */
  readonly aliveTimeout: number;
  /** Whether this ring sends challenges and polls to game servers. */
  readonly probes: boolean;
  /** What an encrypted ring needs beside; undefined for the others. */
  readonly channel: ChannelSettings | undefined;
  /** The live masters of the network, this one first. */
  readonly masters: readonly KnownMaster[];
  /** Ring 0 of masters that the operator named. */
  readonly peers: readonly HostPort[];
  /** Ring 0 of masters known from an earlier run. */
  readonly neighbors: readonly HostPort[];
  /** Old-style masters that are told of this one, and asked for what they know. */
  readonly oldPeers: readonly HostPort[];
  /** Milliseconds between two heartbeats to old-style masters. */
  readonly heartbeatInterval: number;
}

/** Where something is reached. */
export interface HostPort {
  /** DNS name or IP address. */
  readonly host: string;
  /** Its port. */
  readonly port: number;
}

/** What an encrypted ring has to know. */
export interface ChannelSettings {
  /** Path of libgcrypt. */
  readonly library: string;
  /** This master's private key, 32 bytes. */
  readonly privateKey: Uint8Array;
}

/** A master as clients are told of it. */
export interface KnownMaster {
  /** Its name. */
  readonly name: string;
  /** Where it is reached; undefined is the address that the client came to. */
  readonly host: string | undefined;
  /** Its canonical IP address, once it is known; for old-style lists, which hold nothing else. */
  readonly ip: string | undefined;
  /** Ports of its rings: `ring0`, `ring1`, `ring1bis`, `ring2`, `ring2bis`. */
  readonly ports: Readonly<Record<string, number>>;
  /** Its public key, base64. */
  readonly key: string;
}

/** One node of a MySQL or MariaDB cluster. */
export type DatabaseHost = HostPort;

/** Which database, and how to reach it. */
export type DatabaseSettings =
  | {
    readonly type: "sqlite";
    /** Path of the file. */
    readonly path: string;
  }
  | {
    readonly type: "mysql";
    /** Nodes of one cluster, tried in turn. */
    readonly nodes: readonly DatabaseHost[];
    /** Name of the user. */
    readonly user: string;
    /** Their password. */
    readonly password: string;
    /** Name of the database. */
    readonly database: string;
  };

/** What the database's thread has to know. */
export interface StoreSettings {
  /** The database. */
  readonly database: DatabaseSettings;
  /** Path of the file for changes that the database has not taken yet. */
  readonly journalPath: string;
}

/** Someone who wants to be known by a name; with the version that the claim has if it is the first. */
export interface Claim extends Version {
  /** The name, at most 255 characters. */
  readonly user: string;
  /** Public key of the one who claims it, base64. */
  readonly key: string;
  /** Canonical address they came from. */
  readonly ip: string;
  /** ISO 3166 code of where that is, or empty. */
  readonly country: string;
  /** The host's DNS name, or empty. */
  readonly netName: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What became of a claim. */
export type ClaimOutcome =
  /** The name is theirs, and it is stored. */
  | {
    readonly type: "welcome";
    /** Number of its row. */
    readonly number: number;
    /** Whether the name was nobody's until now. */
    readonly isNew: boolean;
  }
  /** The name belongs to another key. */
  | { readonly type: "name_taken" }
  /** The database does not answer; nothing was promised. */
  | { readonly type: "busy" };

/** A player's name in the database. */
export interface KnownUser {
  /** Number of the row. */
  readonly number: number;
  /** The name. */
  readonly user: string;
  /** ISO 3166 code of where its owner last came from, or empty. */
  readonly country: string;
}

/** Something that a ring asks of the database. */
export type Question =
  | { readonly type: "claim"; readonly claim: Claim }
  | { readonly type: "find-user"; readonly user: string }
  /** Whose the players' names are: those that come after a name, from the first one after "". */
  | { readonly type: "users"; readonly after: string };

/** What the database answers. */
export type Finding =
  | { readonly type: "claimed"; readonly outcome: ClaimOutcome }
  /** The user of this name; undefined when there is none. */
  | { readonly type: "user"; readonly user: KnownUser | undefined }
  /** Some of the claims, in the order to ask on by; at least one unless they are the last. */
  | { readonly type: "users"; readonly users: readonly UserClaim[]; readonly last: boolean }
  /** The database does not answer. */
  | { readonly type: "busy" };

/** What happens in the database's thread. */
export type StoreEvent =
  /** The database does not take changes; they wait in the journal. */
  | { readonly type: "down"; readonly reason: string }
  /** The database takes changes. */
  | { readonly type: "up"; readonly where: string }
  /** Servers have their Numbers. */
  | { readonly type: "numbered"; readonly numbers: readonly (readonly [ServerId, number])[] }
  /** Tables were missing and made again: all that is live has to be written once more. */
  | { readonly type: "rebuilt" }
  /** So many rows make no sense and were not read; the first of them. */
  | { readonly type: "unreadable"; readonly servers: number; readonly first: string }
  /** The database will never take this change, which is dropped. */
  | { readonly type: "rejected"; readonly id: string; readonly reason: string };

/** Settings of any thread, told apart by `kind`. */
export type ThreadSettings =
  | { readonly kind: "ring"; readonly ring: RingSettings }
  | { readonly kind: "store"; readonly store: StoreSettings };

/** How important a log line is. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** Particulars of a log line. Values may hold a peer's text: the log makes them harmless. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** A command, with a number when its outcome is wanted. */
export interface NumberedCommand {
  /** Number that the reply will carry; undefined when nobody waits. */
  readonly request?: number;
  /** The command. */
  readonly command: Command;
}

/** Outcome of a numbered command. */
export interface Reply {
  /** The command's number. */
  readonly request: number;
  /** What became of it. */
  readonly outcome: Outcome;
  /** How the server stands now that its registration is stored; only for one that was announced. */
  readonly standing?: Standing;
}

/** Another message as JSON, for one with many records; nobody but the two ends of a thread sees it. */
export interface Packed {
  /** Tells it from the messages themselves. */
  readonly type: "packed";
  /** The message. */
  readonly json: string;
}

/** From the main thread to another. */
export type ToThread =
  | Packed
  | { readonly type: "start"; readonly settings: ThreadSettings }
  | { readonly type: "settings"; readonly settings: ThreadSettings }
  | { readonly type: "health"; readonly number: number }
  | { readonly type: "stop"; readonly graceMs: number }
  /** Part of the list of all listed servers; `first` clears, `last` completes. */
  | {
    readonly type: "snapshot";
    readonly records: readonly ServerRecord[];
    readonly first: boolean;
    readonly last: boolean;
    /** With the last part, for a ring that tells what has changed. */
    readonly departures?: Departures;
    /** How long each of the records lives, for ring 0. */
    readonly lives?: readonly LifeSign[];
    /** With the last part, for ring 0. */
    readonly names?: readonly NameClaim[];
  }
  /** For ring 0: whose the players' names are; all of them in parts, or, with neither, new ones. */
  | {
    readonly type: "users";
    readonly users: readonly UserClaim[];
    readonly first?: boolean;
    readonly last?: boolean;
  }
  | { readonly type: "found"; readonly request: number; readonly finding: Finding }
  | { readonly type: "events"; readonly events: readonly RegistryEvent[] }
  | { readonly type: "replies"; readonly replies: readonly Reply[] }
  | { readonly type: "challenges"; readonly challenges: readonly Challenge[] }
  | { readonly type: "load"; readonly request: number; readonly since: number }
  | {
    readonly type: "write";
    readonly request: number;
    readonly changes: readonly StoreChange[];
  }
  | { readonly type: "question"; readonly request: number; readonly question: Question };

/** A socket that a ring listens on. */
export interface BoundSocket {
  /** Transport. */
  readonly transport: "tcp" | "udp";
  /** Address bound to. */
  readonly address: string;
  /** Port bound to. */
  readonly port: number;
}

/** From another thread to the main one. */
export type FromThread =
  | Packed
  /** The entry module is running and listens for `start`. */
  | { readonly type: "loaded" }
  | { readonly type: "ready"; readonly sockets: readonly BoundSocket[] }
  /** It could not start; the text says what to do. The thread ends itself after this. */
  | { readonly type: "failed"; readonly message: string }
  | {
    readonly type: "healthy";
    readonly number: number;
    readonly counters: Readonly<Record<string, number>>;
  }
  | { readonly type: "stopped"; readonly counters: Readonly<Record<string, number>> }
  | {
    readonly type: "log";
    readonly level: LogLevel;
    readonly message: string;
    readonly fields: LogFields;
  }
  | { readonly type: "commands"; readonly commands: readonly NumberedCommand[] }
  /** From ring 0: whose players' names are, as other masters have told. */
  | { readonly type: "users"; readonly users: readonly UserClaim[] }
  /** From ring 0: the masters that are known. */
  | { readonly type: "masters"; readonly masters: readonly MasterView[] }
  | {
    readonly type: "rows";
    readonly request: number;
    readonly stored: Stored;
    readonly last: boolean;
  }
  | { readonly type: "written"; readonly request: number }
  /** From a ring: a question for the database. */
  | { readonly type: "question"; readonly request: number; readonly question: Question }
  | { readonly type: "found"; readonly request: number; readonly finding: Finding }
  | { readonly type: "store-event"; readonly event: StoreEvent }
  | { readonly type: "store-error"; readonly request: number; readonly message: string };
