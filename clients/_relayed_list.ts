import {
  FINAL_ANSWER,
  formatEndpoint,
  isIpv6,
  listEntry,
  type ListStyle,
  matchesFilter,
  type ServerEntry,
} from "../protocol/mod.ts";

/** What an old-style client asks to see. */
export interface RelayQuery {
  /** Key/value pairs that must all hold. */
  readonly filter: ReadonlyMap<string, string>;
  readonly style: ListStyle;
  /** Whether the client can use IPv6 addresses. */
  readonly ipv6: boolean;
}

/** Keys that mean something of their own to a master but are mere settings in the old style. */
const NEW_STYLE_KEYS: ReadonlySet<string> = new Set(["not_empty", "not_full", "text"]);

const encoder = new TextEncoder();

function passes(filter: ReadonlyMap<string, string>, server: ServerEntry): boolean {
  const pairs: [string, string][] = [];
  for (const [key, value] of filter) {
    if (!NEW_STYLE_KEYS.has(key)) pairs.push([key, value]);
    else if (!Object.hasOwn(server.settings, key) || server.settings[key] !== value) return false;
  }
  return matchesFilter(Object.fromEntries(pairs), server);
}

/** The servers to relay, in the order in which they came. */
export class RelayedList {
  #servers = new Map<string, ServerEntry>();

  get size(): number {
    return this.#servers.size;
  }

  /** Takes the whole list. Who was known keeps the place it had. */
  replace(servers: Iterable<ServerEntry>): void {
    const given = new Map<string, ServerEntry>();
    for (const server of servers) given.set(formatEndpoint(server.ip, server.port), server);
    const kept = [...this.#servers.keys()].filter((id) => given.has(id));
    this.#servers = new Map(kept.map((id) => [id, given.get(id) as ServerEntry]));
    for (const [id, server] of given) this.#servers.set(id, server);
  }

  /** Takes what changed. Who comes back after it was gone is the latest. */
  change(servers: Iterable<ServerEntry>, removed: Iterable<string>): void {
    for (const id of removed) this.#servers.delete(id);
    for (const server of servers) this.#servers.set(formatEndpoint(server.ip, server.port), server);
  }

  /** The entries that match, `\final\` included. */
  encode({ filter, style, ipv6 }: RelayQuery): Uint8Array {
    let text = "";
    for (const server of this.#servers.values()) {
      // An old-style client that came over IPv4 cannot parse an IPv6 address.
      if (isIpv6(server.ip) && !ipv6) continue;
      if (passes(filter, server)) text += listEntry(server.ip, server.port, style);
    }
    const entries = encoder.encode(text);
    const bytes = new Uint8Array(entries.length + FINAL_ANSWER.length);
    bytes.set(entries);
    bytes.set(FINAL_ANSWER, entries.length);
    return bytes;
  }
}
