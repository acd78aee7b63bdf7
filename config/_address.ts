import ipaddr from "ipaddr.js";

/** RFC 1035, section 2.3.4, less the length octets: the longest name that can be asked for. */
const MAX_HOST_CHARACTERS = 253;

/** RFC 1035, section 2.3.4: the longest part of a name between two dots. */
const MAX_LABEL_CHARACTERS = 63;

/** The largest TCP or UDP port. */
export const MAX_PORT = 65535;

/**
 * What reading an address gives. `why` follows the quoted value in a message and never repeats it.
 */
export type AddressResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string };

/** A host and what stood after its colon, if anything did. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number | undefined;
}

/**
 * Reads a host name or an IP address without port.
 *
 * @returns The name in lower case without its last dot, or the address in its shortest form, an
 * IPv4-mapped IPv6 address as IPv4.
 */
export function readHost(text: string): AddressResult<string> {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return { ok: true, value: text };
  if (text.includes(":")) return readIpv6(text);
  const name = text.toLowerCase().replace(/\.$/, "");
  if (name.length > MAX_HOST_CHARACTERS) {
    return { ok: false, why: `is longer than ${MAX_HOST_CHARACTERS} characters` };
  }
  const labels = name.split(".");
  // A last part that is a number makes resolvers read an IPv4 address in an old notation.
  if (/^(\d+|0x[\da-f]*)$/.test(labels.at(-1) ?? "")) {
    return { ok: false, why: "is not an IPv4 address, which has four numbers from 0 to 255" };
  }
  if (!labels.every(isLabel)) {
    return { ok: false, why: "is neither a host name nor an IP address" };
  }
  return { ok: true, value: name };
}

/** Reads `host`, `host:port`, or `[ipv6]:port`; ports are 1 to 65535. */
export function readHostAndPort(text: string): AddressResult<HostAndPort> {
  const bracketed = /^\[([^\]]*)\](.*)$/s.exec(text);
  if (bracketed !== null) {
    const host = readIpv6(bracketed[1] ?? "");
    return host.ok ? readPortAfter(host.value, bracketed[2] ?? "") : host;
  }
  const colon = text.indexOf(":");
  if (colon >= 0 && text.includes(":", colon + 1)) {
    return { ok: false, why: "has more than one colon; put an IPv6 address in brackets" };
  }
  const host = readHost(colon < 0 ? text : text.slice(0, colon));
  return host.ok ? readPortAfter(host.value, colon < 0 ? "" : text.slice(colon)) : host;
}

/** Whether an address stands for all addresses of its machine, so that nobody can dial it. */
export function isUnspecified(host: string): boolean {
  return host === "*" || (ipaddr.isValid(host) && ipaddr.parse(host).range() === "unspecified");
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatHostAndPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function readIpv6(text: string): AddressResult<string> {
  if (!ipaddr.IPv6.isValid(text)) return { ok: false, why: "is not an IPv6 address" };
  return { ok: true, value: ipaddr.process(text).toString() };
}

function readPortAfter(host: string, rest: string): AddressResult<HostAndPort> {
  if (rest === "") return { ok: true, value: { host, port: undefined } };
  const port = /^:(\d{1,5})$/.exec(rest)?.[1];
  const value = Number(port);
  if (port === undefined || value < 1 || value > MAX_PORT) {
    return { ok: false, why: `has no port from 1 to ${MAX_PORT} after its host` };
  }
  return { ok: true, value: { host, port: value } };
}

/** Letters, digits and inner hyphens; `_` too, as container networks have it in names. */
function isLabel(label: string): boolean {
  return label.length <= MAX_LABEL_CHARACTERS && /^[a-z\d_]([a-z\d_-]*[a-z\d_])?$/.test(label);
}
