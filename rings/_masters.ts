import type { MasterEntry } from "../protocol/mod.ts";
import type { RingSettings } from "../threads/mod.ts";

/**
 * The masters of the network as a client is told of them.
 *
 * @param localIp The address that the client came to: this master's, where it is known by no other.
 */
export function tellMasters(settings: RingSettings, localIp: string): MasterEntry[] {
  return settings.masters.map(({ name, host, ports, key }) => ({
    name,
    host: host ?? localIp,
    ports,
    key,
  }));
}
