import {
  absolutePath,
  choice,
  endpoint,
  integer,
  type Kind,
  listenAddress,
  logTarget,
  nodes,
  optional,
  path,
  port,
  reachableAddress,
  repeated,
  runAs,
  seconds,
  text,
  wireText,
  yesNo,
} from "./_kinds.ts";
import { MAX_PORT } from "./_address.ts";
import type { Config, DatabaseType, LogLevel, SectionName } from "./_types.ts";

/** When a changed value takes effect: at the next reload (SIGHUP), or only at the next start. */
export type AppliesOn = "reload" | "restart";

/** What a default may depend on besides the home directory. */
export interface DefaultFacts {
  readonly hostname: string;
  readonly databaseType: DatabaseType;
}

/** One key of master.ini, its value of type `T`. */
export interface KeySpec<T> {
  /** The key as master.ini spells it. */
  readonly key: string;
  /** Other spellings that are understood. */
  readonly aliases?: readonly string[];
  readonly kind: Kind<T>;
  /** The default as it would be written in master.ini; undefined when there is none. */
  readonly default?: string;
  /** The default where it depends on more than `$HOME`; `default` then describes it. */
  readonly defaultFrom?: (facts: DefaultFacts) => string;
  /** What the key is for, to its operator. */
  readonly meaning: string;
  readonly appliesOn: AppliesOn;
  /** Whether the value must never be shown. */
  readonly secret?: true;
}

/** Every property of {@linkcode Config} has its key, of its own type, and there is no other key. */
export type Schema = {
  readonly [S in SectionName]: {
    readonly [P in keyof Config[S]]: KeySpec<Config[S][P]>;
  };
};

/** A day: with anything longer, what the key is there to limit is not limited any more. */
const DAY = 86_400;

/** An hour: no honest client is silent for longer. */
const HOUR = 3_600;

/** More than one address can hold open at once: it has no more ports to connect from. */
const MAX_PER_ADDRESS = MAX_PORT;

const DATABASE_TYPES: readonly DatabaseType[] = ["sqlite", "mysql"];
const LOG_LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warning", "error", "fatal"];

/** The table of every section and key, in the order of the sample file. */
export const SCHEMA: Schema = {
  network: {
    address: {
      key: "adress",
      aliases: ["address"],
      kind: listenAddress,
      default: "*",
      meaning: "Interface address all rings listen on; * is every interface.",
      appliesOn: "restart",
    },
    publicAddress: {
      key: "publicadress",
      aliases: ["publicaddress"],
      kind: optional(reachableAddress),
      meaning: "Address others reach this master at. Needed behind address translation or with " +
        "several interfaces; without it others are told the address they connected to.",
      appliesOn: "reload",
    },
    netName: {
      key: "netname",
      kind: wireText,
      default: "the host's name",
      defaultFrom: ({ hostname }) => hostname === "" ? "localhost" : hostname,
      meaning: "NetName of this master: how it is called in lists and on other masters.",
      appliesOn: "restart",
    },
    mmport: {
      key: "mmport",
      kind: port,
      default: "6060",
      meaning: "Ring 0: port for other masters. It also needs masterserver-password.",
      appliesOn: "restart",
    },
    smport: {
      key: "smport",
      kind: port,
      default: "7070",
      meaning: "Ring 1: port for game servers that use the encrypted protocol.",
      appliesOn: "restart",
    },
    cmport: {
      key: "cmport",
      kind: port,
      default: "3040",
      meaning: "Ring 2: port for game clients that use the encrypted protocol.",
      appliesOn: "restart",
    },
    osport: {
      key: "osport",
      kind: port,
      default: "28900",
      meaning: "Ring 1 bis: port for old-style game servers and clients. Existing games have " +
        "28900 built in.",
      appliesOn: "restart",
    },
    ocport: {
      key: "ocport",
      kind: port,
      default: "3030",
      meaning: "Ring 2 bis: port for old-style clients, which list servers and query the master.",
      appliesOn: "restart",
    },
  },
  console: {
    address: {
      key: "adress",
      aliases: ["address"],
      kind: listenAddress,
      default: "127.0.0.1",
      meaning: "Interface address the web console listens on. 127.0.0.1 lets only this machine " +
        "in; * is every interface.",
      appliesOn: "restart",
    },
    port: {
      key: "port",
      kind: port,
      default: "8010",
      meaning: "Port of the web console; off turns the console off.",
      appliesOn: "restart",
    },
    cert: {
      key: "cert",
      kind: optional(path),
      meaning: "PEM file with the console's certificate. Together with key it makes the console " +
        "serve HTTPS.",
      appliesOn: "restart",
    },
    key: {
      key: "key",
      kind: optional(path),
      meaning: "PEM file with the private key that belongs to cert.",
      appliesOn: "restart",
    },
  },
  database: {
    type: {
      key: "type",
      kind: choice(DATABASE_TYPES),
      default: "sqlite",
      meaning: "sqlite keeps all records in one file and needs no set-up; mysql uses a MySQL or " +
        "MariaDB server, or one that speaks their protocol.",
      appliesOn: "restart",
    },
    base: {
      key: "base",
      kind: path,
      default: "$HOME/.netpanzer/masterserver.db with sqlite, netpanzer with mysql",
      defaultFrom: ({ databaseType }) =>
        databaseType === "mysql" ? "netpanzer" : "$HOME/.netpanzer/masterserver.db",
      meaning: "With sqlite the database's file, with mysql the database's name.",
      appliesOn: "restart",
    },
    user: {
      key: "user",
      kind: optional(text),
      meaning: "With mysql: the database's user. Give the master one of its own, not root.",
      appliesOn: "restart",
    },
    pass: {
      key: "pass",
      kind: optional(text),
      meaning: "With mysql: that user's password.",
      appliesOn: "restart",
      secret: true,
    },
    dbip: {
      key: "dbip",
      kind: nodes,
      default: "127.0.0.1",
      meaning: "With mysql: where the database server is. The nodes of one cluster are written " +
        "with commas between them, each with its own port if it needs one (host:port).",
      appliesOn: "restart",
    },
    dbport: {
      key: "dbport",
      kind: integer(1, MAX_PORT),
      default: "3306",
      meaning: "With mysql: port of the database server.",
      appliesOn: "restart",
    },
  },
  game: {
    serverAliveTimeout: {
      key: "server-alive-timeout",
      kind: seconds(1, DAY),
      default: "720",
      meaning: "Seconds until a game server that says nothing is considered dead. Old-style " +
        "servers speak every 300 seconds.",
      appliesOn: "reload",
    },
    clientRequestTimeout: {
      key: "client-request-timeout",
      kind: seconds(1, HOUR),
      default: "30",
      meaning: "Seconds until a client's unfinished request or idle connection is dropped.",
      appliesOn: "reload",
    },
    connectionLimit: {
      key: "connection-limit",
      kind: integer(1, MAX_PER_ADDRESS),
      default: "10",
      meaning: "How many requests of one client address are handled at the same time.",
      appliesOn: "reload",
    },
    masterserverHeartbeatInterval: {
      key: "masterserver-heartbeat-interval",
      kind: seconds(1, DAY),
      default: "300",
      meaning: "Seconds between the heartbeats that tell old-style masters this one is alive.",
      appliesOn: "reload",
    },
    masterserverPassword: {
      key: "masterserver-password",
      kind: optional(wireText),
      meaning: "Secret that all masters of one network share. Without it no other master is let " +
        "in, and ring 0 stays off.",
      appliesOn: "reload",
      secret: true,
    },
    verifyServers: {
      key: "verify-servers",
      kind: yesNo,
      default: "yes",
      meaning: "yes lists a game server only after it has answered over UDP; no lists it at once.",
      appliesOn: "reload",
    },
    statusInterval: {
      key: "status-interval",
      kind: seconds(1, DAY, "never"),
      default: "60",
      meaning: "Seconds between two questions to a verified game server for its map and players; " +
        "0 never asks.",
      appliesOn: "reload",
    },
    serversPerAddress: {
      key: "servers-per-address",
      kind: integer(1, MAX_PER_ADDRESS),
      default: "32",
      meaning: "How many game servers one address may register.",
      appliesOn: "reload",
    },
  },
  masters: {
    peers: {
      key: "peer",
      kind: repeated(endpoint),
      meaning: "host:port of another master's ring 0. One is enough to find the others; the line " +
        "may be repeated.",
      appliesOn: "reload",
    },
    oldPeers: {
      key: "oldpeer",
      kind: repeated(endpoint),
      meaning: "host:port of an old-style master, usually port 28900. The line may be repeated.",
      appliesOn: "reload",
    },
  },
  system: {
    logFile: {
      key: "logfile",
      kind: logTarget,
      default: "terminal",
      meaning: "File the log goes to; terminal, or no value, writes it to the terminal.",
      appliesOn: "restart",
    },
    logLevel: {
      key: "loglevel",
      kind: choice(LOG_LEVELS),
      default: "info",
      meaning:
        "How much is logged: trace and debug tell more than info, warning, error and fatal " +
        "less.",
      appliesOn: "reload",
    },
    serverCacheFile: {
      key: "servercachefile",
      kind: path,
      default: "$HOME/.netpanzer/neighbors",
      meaning: "File with the masters known so far: read at start, written when they change.",
      appliesOn: "restart",
    },
    pidFile: {
      key: "pidfile",
      kind: optional(path),
      meaning: "File for the process id, for programs that want to know whether the master runs.",
      appliesOn: "restart",
    },
    keyFile: {
      key: "keyfile",
      kind: path,
      default: "$HOME/.netpanzer/master.key",
      meaning:
        "File with this master's own key, by which others know it. Made at the first start; " +
        "keep it private and keep a copy.",
      appliesOn: "restart",
    },
    chroot: {
      key: "chroot",
      kind: optional(absolutePath),
      meaning: "Directory to be locked into once all is open. Needs to be started as root.",
      appliesOn: "restart",
    },
    user: {
      key: "user",
      kind: optional(runAs),
      meaning: "User to become once all is open: a name, a uid, or uid:gid. Needs to be started " +
        "as root.",
      appliesOn: "restart",
    },
  },
};
