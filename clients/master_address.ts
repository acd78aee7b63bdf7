/**
 * Where a master is, and whom to expect there.
 *
 * @module
 */

import { canonicalAddress, formatEndpoint } from "../protocol/mod.ts";

/** A master to connect to. */
export interface MasterAddress {
  /** Host name or IP address. */
  readonly host: string;
  /** Port of the ring in question. */
  readonly port: number;
  /**
   * The master's public key, 32 bytes, when it is known; any other is refused then. It is read
   * anew for every connection, so it may be a getter, as in what `KnownMasters.address` gives.
   */
  readonly key?: Uint8Array | undefined;
}

/**
 * The one spelling of a master: `host:port` in lower case without a last dot, IP addresses in
 * their canonical form, IPv6 in brackets.
 */
export function masterName(host: string, port: number): string {
  return formatEndpoint(canonicalAddress(host) ?? host.toLowerCase().replace(/\.$/, ""), port);
}
