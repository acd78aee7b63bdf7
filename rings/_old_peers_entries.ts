import ipaddr from "ipaddr.js";
import { formatEndpoint, type ListedServer } from "../protocol/mod.ts";
import type { Command } from "../registry/mod.ts";

/** What an old-style master lists of one game. */
export interface PeerList {
  readonly gamename: string;
  readonly servers: readonly ListedServer[];
}

/** Where an old-style master was asked, and from where. */
export interface PeerRoute {
  /** Canonical address of this master's end of the connection. */
  readonly localIp: string;
  /** Canonical address of the other end. */
  readonly remoteIp: string;
  /** Address that this master is known by, when the operator gave one. */
  readonly publicIp: string | undefined;
  /** Port of this master's ring 1 bis. */
  readonly ownPort: number;
  /** `host:port` of the old-style master as the operator calls it. */
  readonly via: string;
}

export type Hearsay = Extract<Command, { type: "hearsay" }>;

/** Addresses that lead to no one machine, or to another one from everywhere. */
const UNUSABLE = new Set(["unspecified", "multicast", "broadcast", "linkLocal"]);

function rangeOf(ip: string): string {
  return ipaddr.parse(ip).range();
}

/** Whether a master's own machine is this one, too. */
function isHere({ remoteIp, localIp }: PeerRoute): boolean {
  return remoteIp === localIp || rangeOf(remoteIp) === "loopback";
}

/**
 * What is worth telling the registry of an old-style master's lists: each server once, and neither
 * this master itself nor what nobody could reach.
 */
export function hearsayOf(lists: readonly PeerList[], route: PeerRoute): Hearsay[] {
  const own = new Set([route.localIp, route.publicIp]);
  const loopbackCounts = isHere(route);
  const told = new Map<string, Hearsay>();
  for (const { gamename, servers } of lists) {
    for (const { ip, port } of servers) {
      const range = rangeOf(ip);
      if (UNUSABLE.has(range) || (own.has(ip) && port === route.ownPort)) continue;
      // The loopback of another machine is not what it says here.
      if (range === "loopback" && !loopbackCounts) continue;
      const id = formatEndpoint(ip, port);
      if (!told.has(id)) told.set(id, { type: "hearsay", ip, port, gamename, via: route.via });
    }
  }
  return [...told.values()];
}
