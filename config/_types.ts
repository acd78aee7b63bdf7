/** A port to listen on: 1 to 65535, 0 for any free one, or `"off"` for not listening at all. */
export type Port = number | "off";

/** Where something is reached: a host name or IP address (IPv6 without brackets) and a port. */
export interface HostPort {
  /** Host name in lower case, or an IP address in its shortest form. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** One node of the MySQL cluster that `[database] dbip` lists. */
export interface DatabaseNode {
  /** Host name in lower case, or an IP address in its shortest form. */
  readonly host: string;
  /** The node's own port; undefined means `[database] dbport`. */
  readonly port: number | undefined;
}

/** Whom to become once everything is open: a name to look up, or numbers to use as they are. */
export type RunAsUser =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "ids"; readonly uid: number; readonly gid: number | undefined };

/** Which database engine keeps the records. */
export type DatabaseType = "sqlite" | "mysql";

/** The least severe kind of line that is logged. */
export type LogLevel = "trace" | "debug" | "info" | "warning" | "error" | "fatal";

/** `[network]`: where this master listens and how it is known. */
export interface NetworkConfig {
  /** `adress`: what all rings listen on; `"*"` is every interface. */
  readonly address: string;
  /** `publicadress`: how others reach this master; undefined when nothing is set. */
  readonly publicAddress: string | undefined;
  /** `netname`: this master's NetName. */
  readonly netName: string;
  /** Ring 0, master to master. */
  readonly mmport: Port;
  /** Ring 1, game servers. */
  readonly smport: Port;
  /** Ring 2, clients. */
  readonly cmport: Port;
  /** Ring 1 bis, old-style game servers and clients. */
  readonly osport: Port;
  /** Ring 2 bis, old-style clients. */
  readonly ocport: Port;
}

/** `[console]`: the web console. */
export interface ConsoleConfig {
  /** `adress`: what the console listens on; `"*"` is every interface. */
  readonly address: string;
  /** `port`. */
  readonly port: Port;
  /** `cert`: path of the PEM certificate chain; set exactly when `key` is. */
  readonly cert: string | undefined;
  /** `key`: path of the PEM private key; set exactly when `cert` is. */
  readonly key: string | undefined;
}

/** `[database]`: where records are kept. */
export interface DatabaseConfig {
  /** `type`. */
  readonly type: DatabaseType;
  /** `base`: a file's path (sqlite) or a database's name (mysql). */
  readonly base: string;
  /** `user`: always set when `type` is mysql. */
  readonly user: string | undefined;
  /** `pass`: a secret. */
  readonly pass: string | undefined;
  /** `dbip`: at least one node. */
  readonly dbip: readonly DatabaseNode[];
  /** `dbport`: port of every node that names none itself. */
  readonly dbport: number;
}

/** `[game]`: timeouts and limits; all of it applies on a reload. */
export interface GameConfig {
  /** `server-alive-timeout`, seconds. */
  readonly serverAliveTimeout: number;
  /** `client-request-timeout`, seconds. */
  readonly clientRequestTimeout: number;
  /** `connection-limit`: concurrent requests of one client address. */
  readonly connectionLimit: number;
  /** `masterserver-heartbeat-interval`, seconds. */
  readonly masterserverHeartbeatInterval: number;
  /** `masterserver-password`: a secret, never empty; undefined refuses every other master. */
  readonly masterserverPassword: string | undefined;
  /** `verify-servers`. */
  readonly verifyServers: boolean;
  /** `status-interval`, seconds; 0 is never. */
  readonly statusInterval: number;
  /** `servers-per-address`. */
  readonly serversPerAddress: number;
}

/** `[masters]`: other masters known from the start. */
export interface MastersConfig {
  /** `peer`: ring 0 of other masters, in the file's order, none twice. */
  readonly peers: readonly HostPort[];
  /** `oldpeer`: old-style masters, in the file's order, none twice. */
  readonly oldPeers: readonly HostPort[];
}

/** `[system]`: files, log, and what the process becomes. */
export interface SystemConfig {
  /** `logfile`: undefined logs to the terminal. */
  readonly logFile: string | undefined;
  /** `loglevel`. */
  readonly logLevel: LogLevel;
  /** `servercachefile`: path of the list of known masters. */
  readonly serverCacheFile: string;
  /** `pidfile`: undefined writes none. */
  readonly pidFile: string | undefined;
  /** `keyfile`: path of this master's Noise key. */
  readonly keyFile: string;
  /** `chroot`: an absolute path; undefined stays where it is. */
  readonly chroot: string | undefined;
  /** `user`: undefined stays who it is. */
  readonly user: RunAsUser | undefined;
}

/** Everything master.ini says, checked, with defaults filled in, and frozen all the way down. */
export interface Config {
  /** `[network]` */
  readonly network: NetworkConfig;
  /** `[console]` */
  readonly console: ConsoleConfig;
  /** `[database]` */
  readonly database: DatabaseConfig;
  /** `[game]` */
  readonly game: GameConfig;
  /** `[masters]` */
  readonly masters: MastersConfig;
  /** `[system]` */
  readonly system: SystemConfig;
}

/** A section's name, the same in master.ini and in {@linkcode Config}. */
export type SectionName = keyof Config;

/** What defaults need to know of the machine; the caller asks, so that this folder stays pure. */
export interface ConfigEnvironment {
  /** The user's home directory, for `$HOME` and `~/`. */
  readonly home: string | undefined;
  /** The host's name, the default of `netname`. */
  readonly hostname: string;
}

/** Something to tell the operator about master.ini or about a `--set`. */
export interface Problem {
  /** The file's name as the caller gave it, or the `--set …` it came from (secrets left out). */
  readonly file: string;
  /** Line, from 1; 0 when the problem is at no line (a `--set`, or something that is missing). */
  readonly line: number;
  /** Column, from 1, in UTF-16 code units (a tab is one); 0 when `line` is 0. */
  readonly column: number;
  /** What is wrong, what is allowed, the nearest known key; never a secret's value. */
  readonly message: string;
  /** An error keeps the configuration from being used; a warning does not. */
  readonly severity: "error" | "warning";
}
