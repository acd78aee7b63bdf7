import type { Config, Port } from "../config/mod.ts";
import type { RegistryLimits } from "../registry/mod.ts";
import type {
  ChannelSettings,
  HostPort,
  KnownMaster,
  RingName,
  RingSettings,
  StoreSettings,
} from "../threads/mod.ts";

/** A ring as people speak of it. */
export interface RingLabel {
  readonly ring: RingName;
  /** For the log. */
  readonly label: string;
  /** Its port, or `off`. */
  readonly port: (config: Config) => Port;
  /** Whether its connections are encrypted. */
  readonly isEncrypted: boolean;
  /** What it speaks. */
  readonly transports: "TCP" | "TCP and UDP";
}

/** The rings this version serves. */
export const RINGS: readonly RingLabel[] = [
  {
    ring: "ring0",
    label: "ring 0 (masters, encrypted)",
    port: ({ network }) => network.mmport,
    isEncrypted: true,
    transports: "TCP",
  },
  {
    ring: "ring1",
    label: "ring 1 (game servers, encrypted)",
    port: ({ network }) => network.smport,
    isEncrypted: true,
    transports: "TCP",
  },
  {
    ring: "ring1bis",
    label: "ring 1 bis (game servers, old style)",
    port: ({ network }) => network.osport,
    isEncrypted: false,
    transports: "TCP and UDP",
  },
  {
    ring: "ring2",
    label: "ring 2 (clients, encrypted)",
    port: ({ network }) => network.cmport,
    isEncrypted: true,
    transports: "TCP",
  },
  {
    ring: "ring2bis",
    label: "ring 2 bis (clients, old style)",
    port: ({ network }) => network.ocport,
    isEncrypted: false,
    transports: "TCP and UDP",
  },
];

/** The ring that challenges and polls game servers: ring 1 bis, or ring 1 where that is off. */
export function probingRing({ network }: Config): RingName {
  return network.osport === "off" ? "ring1" : "ring1bis";
}

/** Port of ring 1 bis that lists of masters name while the ring itself is off or not up yet. */
export function usualOldServerPort({ network }: Config): number {
  return network.osport === "off" || network.osport === 0 ? 28900 : network.osport;
}

/** What only the running daemon knows. */
export interface RingFacts {
  /** The ring's port; 0 takes any free one. */
  readonly port: number;
  /** Port at which ring 1 bis is reached. */
  readonly oldServerPort: number;
  /** IP address of `publicadress`, once it is known. */
  readonly publicAddress: string | undefined;
  /** Version of this program. */
  readonly version: string;
  /** What an encrypted ring needs; undefined for the others. */
  readonly channel: ChannelSettings | undefined;
  /** Whether it sends challenges and polls. */
  readonly probes: boolean;
  /** The live masters of the network, this one first. */
  readonly masters: readonly KnownMaster[];
  /** Ring 0 of masters known from an earlier run. */
  readonly neighbors: readonly HostPort[];
}

/** Whether a ring is on, as far as the configuration says. */
export function isRingOn({ ring, port }: RingLabel, config: Config): boolean {
  if (port(config) === "off") return false;
  return ring !== "ring0" || config.game.masterserverPassword !== undefined;
}

/** What a ring's thread has to know. */
export function ringSettings(config: Config, facts: RingFacts): RingSettings {
  const { network, game, masters } = config;
  return {
    address: network.address,
    ...facts,
    hostname: network.netName,
    requestTimeout: game.clientRequestTimeout * 1000,
    connectionLimit: game.connectionLimit,
    serversPerAddress: game.serversPerAddress,
    masterPassword: game.masterserverPassword ?? "",
    statusInterval: game.statusInterval * 1000,
    aliveTimeout: game.serverAliveTimeout * 1000,
    peers: masters.peers,
    oldPeers: masters.oldPeers,
    heartbeatInterval: game.masterserverHeartbeatInterval * 1000,
  };
}

/** Name of the file for changes that the database has not taken yet. */
const JOURNAL_NAME = "database.journal";

function absolute(path: string, directory: string): string {
  return path.startsWith("/") ? path : `${directory}/${path}`;
}

/**
 * Path of the file with the masters known so far.
 *
 * @param directory The directory that relative paths start from.
 */
export function neighborsPath({ system }: Config, directory: string): string {
  return absolute(system.serverCacheFile, directory);
}

/**
 * What the database's thread has to know.
 *
 * @param directory The directory that relative paths start from.
 */
export function storeSettings(config: Config, directory: string): StoreSettings {
  const { database } = config;
  if (database.type === "sqlite") {
    const path = absolute(database.base, directory);
    return { database: { type: "sqlite", path }, journalPath: `${path}.journal` };
  }
  // A database elsewhere has no file of its own here: the journal stands with the daemon's others.
  const cache = neighborsPath(config, directory);
  return {
    database: {
      type: "mysql",
      nodes: database.dbip.map(({ host, port }) => ({ host, port: port ?? database.dbport })),
      user: database.user ?? "",
      password: database.pass ?? "",
      database: database.base,
    },
    journalPath: `${cache.slice(0, cache.lastIndexOf("/"))}/${JOURNAL_NAME}`,
  };
}

/** The registry's limits. */
export function registryLimits({ game }: Config): RegistryLimits {
  return {
    aliveTimeout: game.serverAliveTimeout * 1000,
    serversPerHost: game.serversPerAddress,
    verify: game.verifyServers,
  };
}
