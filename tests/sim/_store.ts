/**
 * A database as one master has it, without the database: what was written some time ago is safe,
 * what came later is lost with the process.
 */

import {
  MASTER_GAMENAME,
  type NameClaim,
  type RegistryEvent,
  type ServerId,
  type ServerRecord,
  type Stored,
  type Tombstone,
  tombstoneTime,
  type UserClaim,
  type Version,
} from "../../registry/mod.ts";

type Change = RegistryEvent | { readonly type: "users"; readonly users: readonly UserClaim[] };

interface Row {
  record: ServerRecord;
  /** Whether it was ever listed: such rows stay when the server is gone. */
  verified: boolean;
  gone: Tombstone | undefined;
  /** When it was found to be gone, milliseconds since 1970 as the master's machine believed. */
  goneAt: number;
}

/** A change that waits to be written. */
interface Waiting {
  /** Virtual time. */
  readonly at: number;
  /** Milliseconds since 1970, as the master's machine believes. */
  readonly wall: number;
  readonly change: Change;
}

const NOTHING: Stored = { records: [], tombstones: [], horizon: [], names: [] };

/** Whether a claim was made before another. */
export function isFirst(claim: Version, other: Version): boolean {
  return claim.hlc === other.hlc ? claim.origin < other.origin : claim.hlc < other.hlc;
}

/** What is on a disk. */
export class DurableStore {
  #rows = new Map<ServerId, Row>();
  #names = new Map<string, NameClaim>();
  #users = new Map<string, UserClaim>();
  #waiting: Waiting[] = [];

  /**
   * Takes note of a change of the registry, or of players' names.
   *
   * @param at Virtual time.
   * @param wall Milliseconds since 1970, as the master's machine believes.
   */
  note(change: Change, at: number, wall: number): void {
    this.#waiting.push({ at, wall, change });
  }

  /** What was noted up to a virtual time is written; what is later is lost if `isCrash`. */
  settle(until: number, isCrash: boolean): void {
    const kept = this.#waiting.findIndex(({ at }) => at > until);
    const written = this.#waiting.splice(0, kept < 0 ? this.#waiting.length : kept);
    for (const { change, wall } of written) this.#write(change, wall);
    if (isCrash) this.#waiting = [];
  }

  /** A backup. */
  copy(): DurableStore {
    const copy = new DurableStore();
    copy.#rows = new Map([...this.#rows].map(([id, row]) => [id, { ...row }]));
    copy.#names = new Map(this.#names);
    copy.#users = new Map(this.#users);
    return copy;
  }

  /** Players' names. */
  users(): UserClaim[] {
    return [...this.#users.values()];
  }

  /** Servers that a restart would bring back as listed. */
  listed(): Set<ServerId> {
    const records = this.#living().map(({ record }) => record);
    return new Set(records.filter(({ state }) => state === "listed").map(({ id }) => id));
  }

  /** The latest change of a master that is stored. */
  latestOf(origin: string): number {
    let latest = 0;
    for (const { record, gone } of this.#rows.values()) {
      const { hlc, origin: author } = gone ?? record;
      if (author === origin) latest = Math.max(latest, hlc);
    }
    return latest;
  }

  /**
   * What is stored, in the parts that a database gives.
   *
   * @param wall Milliseconds since 1970, as the master's machine believes.
   */
  load(wall: number, aliveTimeout: number): Stored[] {
    const since = wall - tombstoneTime(aliveTimeout);
    const records = this.#living().map(({ record }) => record)
      .sort((a, b) => a.firstSeen - b.firstSeen);
    const tombstones: Tombstone[] = [];
    const horizon = new Map<string, number>();
    for (const { record, gone, goneAt } of this.#rows.values()) {
      if (!gone || record.gamename === MASTER_GAMENAME) continue;
      if (goneAt >= since) tombstones.push(gone);
      else horizon.set(gone.origin, Math.max(gone.hlc, horizon.get(gone.origin) ?? 0));
    }
    return [
      { ...NOTHING, names: [...this.#names.values()] },
      { ...NOTHING, records },
      { ...NOTHING, tombstones },
      { ...NOTHING, horizon: [...horizon] },
    ];
  }

  #living(): Row[] {
    return [...this.#rows.values()].filter(({ gone }) => gone === undefined);
  }

  #write(change: Change, wall: number): void {
    switch (change.type) {
      case "put": {
        const { record } = change;
        const verified = record.state === "listed" ||
          (this.#rows.get(record.id)?.verified ?? false);
        this.#rows.set(record.id, { record: { ...record }, verified, gone: undefined, goneAt: 0 });
        break;
      }
      case "status": {
        const { id, status, hlc, origin } = change;
        this.#change(id, { status, hlc, origin });
        break;
      }
      case "seen":
        for (const id of change.ids) this.#change(id, { lastSeen: change.at });
        break;
      case "removed": {
        const { id, cause, hlc, origin, lastSeen } = change;
        const row = this.#rows.get(id);
        // One that fell silent here is not gone if the row says that it was heard of since.
        if (!row || (cause === "expired" && row.record.lastSeen > lastSeen)) break;
        const tombstoneCause = cause === "expired" ? cause : "quit";
        row.goneAt = wall;
        if (row.verified) row.gone = { id, hlc, origin, cause: tombstoneCause };
        else this.#rows.delete(id);
        break;
      }
      case "name": {
        const { name, key, hlc, origin } = change;
        const known = this.#names.get(name);
        if (!known || isFirst(change, known)) this.#names.set(name, { name, key, hlc, origin });
        break;
      }
      case "users":
        for (const claim of change.users) {
          const known = this.#users.get(claim.user);
          if (!known || isFirst(claim, known)) this.#users.set(claim.user, claim);
        }
        break;
      default:
        // Nothing that a restart brings back.
        break;
    }
  }

  #change(id: ServerId, change: Partial<ServerRecord>): void {
    const row = this.#rows.get(id);
    if (row && !row.gone) row.record = { ...row.record, ...change };
  }
}
