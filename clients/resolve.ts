/**
 * Addresses of hosts.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { canonicalAddress, isIpv6 } from "../protocol/mod.ts";

/** IPv4 or IPv6. */
export type AddressFamily = 4 | 6;

/**
 * Finds a host's addresses.
 *
 * @param host Host name.
 * @param family Which addresses are wanted.
 * @returns The addresses; none when the host is unknown or has none of that family.
 */
export type Resolve = (host: string, family: AddressFamily) => Promise<readonly string[]>;

/** Family of an IP address. */
export function familyOf(address: string): AddressFamily {
  return isIpv6(address) ? 6 : 4;
}

/** Asks the system, as every other program does: its list of hosts, then its name servers. */
export async function systemResolve(
  host: string,
  family: AddressFamily,
): Promise<readonly string[]> {
  try {
    return (await lookup(host, { family, all: true })).flatMap(({ address }) => {
      const found = canonicalAddress(address);
      return found !== undefined && familyOf(found) === family ? found : [];
    });
  } catch {
    return [];
  }
}

/** Waits no longer than until the signal aborts, as a lookup may take a minute and cannot be ended. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/**
 * Addresses of a host in the order in which they are to be tried.
 *
 * @param families The preferred ones, in order; the first that the host has an address of counts.
 * @returns The addresses; none when the host is unknown. An IP address is itself.
 * @throws The signal's reason when it aborts.
 */
export async function addressesOf(
  host: string,
  families: readonly AddressFamily[],
  resolve: Resolve,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const address = canonicalAddress(host);
  if (address !== undefined) return [address];
  for (const family of families) {
    const found = await unlessAborted(resolve(host, family), signal);
    if (found.length > 0) return found;
  }
  return [];
}
