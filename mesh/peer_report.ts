/**
 * How a master stands to the others, for people.
 *
 * @module
 */

import { DIGEST_BUCKETS, MAX_MEMBERS, type Peer } from "../protocol/mod.ts";
import type { Place } from "./dialer.ts";
import type { Ledger } from "./ledger.ts";
import type { Roster } from "./roster.ts";
import type { Session } from "./session.ts";
import type { MeshSource, Target } from "./types.ts";

/** Characters of a reason. */
const MAX_REASON = 500;

/** Makes the report. */
export class PeerReport {
  readonly #source: MeshSource;
  readonly #roster: Roster;
  readonly #records: ReadonlyMap<string, number>;

  constructor(source: MeshSource, roster: Roster, ledger: Ledger) {
    this.#source = source;
    this.#roster = roster;
    this.#records = countByOrigin(ledger);
  }

  /** One entry for each master, those that are connected first. */
  make(
    sessions: ReadonlyMap<string, Session>,
    places: Iterable<Place>,
    self: string,
  ): Peer[] {
    const peers: Peer[] = [];
    const seen = new Set([self]);
    for (const [id, session] of sessions) {
      seen.add(id);
      peers.push(this.#connected(id, session));
    }
    for (const place of places) {
      const { id, target } = place;
      if (id !== undefined && seen.has(id)) continue;
      if (id !== undefined) seen.add(id);
      peers.push(this.#away(id, target, place));
    }
    return peers.slice(0, MAX_MEMBERS);
  }

  #connected(id: string, { link, since, pulse, behind }: Session): Peer {
    const { host, port } = this.#roster.targetOf(id) ?? link.dialed ?? { host: link.ip, port: 1 };
    return {
      id,
      name: this.#roster.nameOf(id),
      host,
      port,
      state: "connected",
      since,
      ...(pulse.lag === undefined ? {} : { lag_ms: Math.round(pulse.lag) }),
      ...(pulse.clock === undefined ? {} : { clock_ms: Math.round(pulse.clock) }),
      behind,
      sent_bytes: link.sentBytes,
      received_bytes: link.receivedBytes,
      records: this.#records.get(id) ?? 0,
    };
  }

  #away(id: string | undefined, { host, port }: Target, place: Place): Peer {
    const { isDialing, nextAt, reason } = place;
    const seconds = Math.max(0, Math.ceil((nextAt - this.#source.monotonic()) / 1000));
    return {
      id: id ?? "",
      name: id === undefined ? "" : this.#roster.nameOf(id),
      host,
      port,
      state: isDialing ? "connecting" : "waiting",
      ...(isDialing ? {} : { next: seconds }),
      ...(reason === undefined ? {} : { reason: reason.slice(0, MAX_REASON) }),
      sent_bytes: 0,
      received_bytes: 0,
      ...(id === undefined ? {} : { records: this.#records.get(id) ?? 0 }),
    };
  }
}

function countByOrigin(ledger: Ledger): Map<string, number> {
  const counts = new Map<string, number>();
  for (let bucket = 0; bucket < DIGEST_BUCKETS; bucket++) {
    for (const { record: { origin } } of ledger.serversOf(bucket)) {
      counts.set(origin, (counts.get(origin) ?? 0) + 1);
    }
  }
  return counts;
}
