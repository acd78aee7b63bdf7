/**
 * How a master stands to the others, for people.
 *
 * @module
 */

import { MAX_MEMBERS, type Peer } from "../protocol/mod.ts";
import { likelyId, type Place } from "./dialer.ts";
import type { Ledger } from "./ledger.ts";
import type { Roster } from "./roster.ts";
import type { Session } from "./session.ts";

/** Characters of a reason. */
const MAX_REASON = 500;

/** What a report is made from. */
export interface ReportParts {
  /** Connections by the master's id. */
  readonly sessions: ReadonlyMap<string, Session>;
  readonly places: Iterable<Place>;
  readonly roster: Roster;
  readonly ledger: Ledger;
  /** Id of this master. */
  readonly self: string;
  /** Monotonic milliseconds. */
  readonly now: number;
}

/** One entry for each master, those that are connected first. */
export function reportPeers(parts: ReportParts): Peer[] {
  const { sessions, places, self } = parts;
  const peers: Peer[] = [];
  const seen = new Set([self]);
  for (const [id, session] of sessions) {
    seen.add(id);
    peers.push(connected(parts, id, session));
  }
  for (const place of places) {
    const id = likelyId(place);
    if (id !== undefined && seen.has(id)) continue;
    if (id !== undefined) seen.add(id);
    peers.push(away(parts, id, place));
  }
  return peers.slice(0, MAX_MEMBERS);
}

function connected(
  { roster, ledger }: ReportParts,
  id: string,
  { link, since, pulse, behind }: Session,
): Peer {
  const [told] = roster.targetsOf(id);
  const { host, port } = told ?? link.dialed ?? { host: link.ip, port: 1 };
  return {
    id,
    name: roster.nameOf(id),
    host,
    port,
    state: "connected",
    since,
    ...(pulse.lag === undefined ? {} : { lag_ms: Math.round(pulse.lag) }),
    ...(pulse.clock === undefined ? {} : { clock_ms: Math.round(pulse.clock) }),
    behind,
    sent_bytes: link.sentBytes,
    received_bytes: link.receivedBytes,
    records: ledger.serversFrom(id),
  };
}

function away(
  { roster, ledger, now }: ReportParts,
  id: string | undefined,
  { target: { host, port }, isDialing, nextAt, reason }: Place,
): Peer {
  return {
    id: id ?? "",
    name: id === undefined ? "" : roster.nameOf(id),
    host,
    port,
    state: isDialing ? "connecting" : "waiting",
    ...(isDialing ? {} : { next: Math.max(0, Math.ceil((nextAt - now) / 1000)) }),
    ...(reason === undefined ? {} : { reason: reason.slice(0, MAX_REASON) }),
    sent_bytes: 0,
    received_bytes: 0,
    ...(id === undefined ? {} : { records: ledger.serversFrom(id) }),
  };
}
