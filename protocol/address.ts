/**
 * IP addresses and endpoints in their one canonical spelling, so that the same host is the same
 * key everywhere.
 *
 * @module
 */

import ipaddr from "ipaddr.js";

const MAPPED_PREFIX = "::ffff:";

/**
 * Canonical text of an IP address: IPv4 dotted, IPv6 compressed in lower case (RFC 5952), an
 * IPv4-mapped IPv6 address as the IPv4 address it stands for.
 *
 * @param text An address as the operating system or a person writes it.
 * @returns The canonical text, or undefined when it is no IP address.
 */
export function canonicalAddress(text: string): string | undefined {
  // What the kernel hands over for IPv4 on a dual-stack socket; by far the most frequent case.
  const candidate = text.startsWith(MAPPED_PREFIX) && text.includes(".")
    ? text.slice(MAPPED_PREFIX.length)
    : text;
  if (ipaddr.IPv4.isValidFourPartDecimal(candidate)) return ipaddr.IPv4.parse(candidate).toString();
  if (!ipaddr.IPv6.isValid(text)) return undefined;
  const address = ipaddr.IPv6.parse(text);
  return address.isIPv4MappedAddress()
    ? address.toIPv4Address().toString()
    : address.toRFC5952String();
}

/** Whether a canonical address is IPv6. */
export function isIpv6(address: string): boolean {
  return address.includes(":");
}

/**
 * `ip:port`, with brackets around IPv6: the text that names a server everywhere.
 *
 * @param address A canonical address.
 * @param port 1 to 65535.
 */
export function formatEndpoint(address: string, port: number): string {
  return isIpv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * The address and port of a text made by {@link formatEndpoint}.
 *
 * @throws TypeError when the text is not one.
 */
export function parseEndpoint(endpoint: string): { ip: string; port: number } {
  const colon = endpoint.lastIndexOf(":");
  const port = parsePort(endpoint.slice(colon + 1));
  const host = endpoint.slice(0, Math.max(0, colon));
  const ip = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  if (port === undefined || ip === "") throw new TypeError(`"${endpoint}" is no ip:port`);
  return { ip, port };
}

/**
 * Decimal port number of a message.
 *
 * @returns 1 to 65535, or undefined when the text is anything else.
 */
export function parsePort(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9]{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65535 ? port : undefined;
}

function firstHextets(address: string, count: number): string {
  const parts = ipaddr.IPv6.parse(address).parts.slice(0, count);
  return parts.map((part) => part.toString(16)).join(":");
}

/**
 * The key that limits per client are counted under: an IPv4 address by itself, an IPv6 address by
 * its /64, because one host owns a whole /64 and can use any address of it.
 *
 * @param address A canonical address.
 */
export function hostKey(address: string): string {
  return isIpv6(address) ? `${firstHextets(address, 4)}::/64` : address;
}

/**
 * The source network that unproven UDP answers are limited by: /24 for IPv4, /64 for IPv6.
 *
 * @param address A canonical address.
 */
export function networkKey(address: string): string {
  return isIpv6(address) ? hostKey(address) : address.slice(0, address.lastIndexOf("."));
}
