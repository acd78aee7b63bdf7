import type { Config, Port } from "../config/mod.ts";
import type { RegistryLimits } from "../registry/mod.ts";
import type { RingName, RingSettings } from "../threads/mod.ts";

/** A ring as people speak of it. */
export interface RingLabel {
  readonly ring: RingName;
  /** For the log. */
  readonly label: string;
  /** Its port, or `off`. */
  readonly port: (config: Config) => Port;
}

/** The rings this version serves. */
export const RINGS: readonly RingLabel[] = [
  {
    ring: "ring1bis",
    label: "ring 1 bis (game servers, old style)",
    port: ({ network }) => network.osport,
  },
  {
    ring: "ring2bis",
    label: "ring 2 bis (clients, old style)",
    port: ({ network }) => network.ocport,
  },
];

/** Port of ring 1 bis that lists of masters name when the ring itself is off here. */
const USUAL_OLD_SERVER_PORT = 28900;

/** What a ring's thread has to know. */
export function ringSettings(config: Config, port: number, version: string): RingSettings {
  const { network, game } = config;
  return {
    address: network.address,
    port,
    oldServerPort: network.osport === "off" ? USUAL_OLD_SERVER_PORT : network.osport,
    publicAddress: network.publicAddress,
    hostname: network.netName,
    version,
    requestTimeout: game.clientRequestTimeout * 1000,
    connectionLimit: game.connectionLimit,
    masterPassword: game.masterserverPassword ?? "",
    statusInterval: game.statusInterval * 1000,
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
