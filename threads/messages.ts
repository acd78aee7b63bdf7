/**
 * Everything that crosses a thread boundary, in one union per direction. All of it is plain data
 * that the structured clone copies.
 *
 * @module
 */

import type {
  Challenge,
  Command,
  Outcome,
  RegistryEvent,
  ServerRecord,
  StoreChange,
} from "../registry/mod.ts";

/** Threads that serve a ring. */
export type RingName = "ring1bis" | "ring2bis";

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
  /** Secret of the network of masters; empty refuses all masters. */
  readonly masterPassword: string;
  /** Milliseconds between status polls of a server; 0 is never. */
  readonly statusInterval: number;
}

/** One node of a MySQL or MariaDB cluster. */
export interface DatabaseHost {
  /** Host name or address. */
  readonly host: string;
  /** Its port. */
  readonly port: number;
}

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

/** Someone who wants to be known by a name. */
export interface Claim {
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
  | { readonly type: "welcome"; readonly number: number }
  /** The name belongs to another key. */
  | { readonly type: "name_taken" }
  /** The database does not answer; nothing was promised. */
  | { readonly type: "busy" };

/** What happens in the database's thread. */
export type StoreEvent =
  /** The database does not take changes; they wait in the journal. */
  | { readonly type: "down"; readonly reason: string }
  /** The database takes changes. */
  | { readonly type: "up"; readonly where: string }
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
  }
  | { readonly type: "events"; readonly events: readonly RegistryEvent[] }
  | { readonly type: "replies"; readonly replies: readonly Reply[] }
  | { readonly type: "challenges"; readonly challenges: readonly Challenge[] }
  | { readonly type: "load"; readonly request: number; readonly since: number }
  | {
    readonly type: "write";
    readonly request: number;
    readonly changes: readonly StoreChange[];
  }
  | { readonly type: "claim"; readonly request: number; readonly claim: Claim };

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
  | {
    readonly type: "rows";
    readonly request: number;
    readonly records: readonly ServerRecord[];
    readonly last: boolean;
  }
  | { readonly type: "written"; readonly request: number }
  | { readonly type: "claimed"; readonly request: number; readonly outcome: ClaimOutcome }
  | { readonly type: "store-event"; readonly event: StoreEvent }
  | { readonly type: "store-error"; readonly request: number; readonly message: string };
