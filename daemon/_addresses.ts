import { canonicalAddress } from "../protocol/mod.ts";

/**
 * The IP address of a host name or address; undefined when it is unknown.
 *
 * @param name A DNS name, or an address of either family.
 */
export async function addressOf(name: string): Promise<string | undefined> {
  const address = canonicalAddress(name);
  if (address !== undefined) return address;
  try {
    const { lookup } = await import("node:dns/promises");
    // Old-style clients can use nothing but IPv4.
    return canonicalAddress((await lookup(name, { family: 4 })).address);
  } catch {
    return undefined;
  }
}
