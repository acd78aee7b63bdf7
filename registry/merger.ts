/**
 * What becomes of what other masters tell. Everyone decides by the same rules, so that all come to
 * the same end in whatever order they hear it.
 *
 * @module
 */

import type { Clock } from "./leases.ts";
import { Limbo } from "./limbo.ts";
import type { NameBook } from "./names.ts";
import type { Records } from "./records.ts";
import {
  type Lease,
  MASTER_GAMENAME,
  type NameClaim,
  type RegistryEvent,
  type RemoteChanges,
  type RemotePut,
  type RemovalCause,
  type ServerId,
  type ServerRecord,
  type Tombstone,
  type Version,
} from "./types.ts";
import { hlcAt, isEarlier } from "./versions.ts";

/** Time left, in milliseconds, with which a server is not taken for dead on another's word. */
const LIVELY_MS = 5000;

/**
 * Milliseconds for which a server stays listed that another master believes to be dead: longer than
 * it takes until the master that hears of it has been told, and has said that it lives.
 */
const DISPUTE_MS = 45_000;

/**
 * Milliseconds for which it is waited for somebody who has heard of a server that may be long gone.
 */
const DOUBT_MS = 20_000;

/** Milliseconds that no clock is wrong by: what is further in the future is nonsense. */
const MAX_FUTURE_MS = 366 * 86_400_000;

/** Servers kept at most; of those that other masters tell of, the rest is left out. */
const MAX_SERVERS = 1_000_000;

/** What a merger is made of. */
export interface MergerOptions {
  readonly clock: Clock;
  readonly records: Records;
  readonly names: NameBook;
  readonly event: (event: RegistryEvent) => void;
  /** A server has been taken over from another master; its record before, if there was one. */
  readonly adopted: (before: ServerRecord | undefined, id: ServerId) => void;
  /** Takes a server away. */
  readonly remove: (id: ServerId, cause: RemovalCause, version?: Version) => void;
}

/** Takes in what other masters tell. */
export class Merger {
  readonly #options: MergerOptions;
  readonly #limbo: Limbo;
  /** Whether some are waited for until another master has told all. */
  #isAwaiting = false;
  /** Until when servers stay listed in spite of a tombstone, monotonic milliseconds. */
  readonly #disputes = new Map<ServerId, number>();

  constructor(options: MergerOptions) {
    this.#options = options;
    this.#limbo = new Limbo();
  }

  /** Takes in changes. */
  merge({ names = [], tombstones = [], puts = [], leases = [] }: RemoteChanges): void {
    for (const claim of names) if (this.#isPlausible(claim)) this.#claim(claim);
    for (const put of puts) if (this.#isPlausible(put.record)) this.#put(put);
    for (const tombstone of tombstones) if (this.#isPlausible(tombstone)) this.#bury(tombstone);
    if (leases.length > 0) this.#extend(leases);
  }

  /** A server from the database is past its time, and somebody may have heard of it since. */
  await(record: ServerRecord, patience: number): void {
    this.#isAwaiting = true;
    this.#limbo.add(record, "silent", this.#options.clock.monotonic() + patience);
  }

  /** Another master has told all that it knows: who is waited for no longer is gone. */
  settle(): void {
    if (!this.#isAwaiting) return;
    this.#isAwaiting = false;
    this.#limbo.hurry(this.#options.clock.monotonic() + DOUBT_MS);
  }

  /** Lets time pass. */
  tick(): void {
    const { clock, records, remove } = this.#options;
    const now = clock.monotonic();
    for (const record of this.#limbo.takeDue(now)) this.#giveUp(record);
    for (const [id, until] of this.#disputes) {
      const tombstone = this.#disputed(id);
      if (!tombstone) this.#endDispute(id);
      else if (records.life(id).heard) this.#reassert(id);
      else if (until <= now) {
        this.#disputes.delete(id);
        remove(id, tombstone.cause, tombstone);
      }
    }
  }

  /** Whether a server that other masters tell of may be here. */
  #isPlausible(version: Version): boolean {
    return version.hlc <= hlcAt(this.#options.clock.wall() + MAX_FUTURE_MS);
  }

  #claim(claim: NameClaim): void {
    const { names, records, event, remove } = this.#options;
    records.meet(claim);
    const outcome = names.learn(claim);
    if (outcome === "known") return;
    event({ type: "name", ...claim });
    if (outcome !== "moved") return;
    // It is rare, and there is no other way from a name to its servers.
    for (const { id, name, key } of [...records.all()]) {
      if (name === claim.name && key !== claim.key) remove(id, "replaced");
    }
  }

  #put(put: RemotePut): void {
    const { records, names, adopted, remove } = this.#options;
    const { record: said, left, heard } = put;
    const { id } = said;
    records.meet(said);
    const before = records.get(id);
    if (before?.state === "listed" && !isEarlier(before, said)) {
      this.#prolong(id, left, heard);
      return;
    }
    const tombstone = records.tombstone(id);
    if (tombstone && !isEarlier(tombstone, said)) {
      if (before?.state === "listed") this.#prolong(id, left, heard);
      return;
    }
    if (!before && this.#isDoubtful(put)) return;
    if (!before && records.size >= MAX_SERVERS) return;
    this.#limbo.delete(id);
    this.#disputes.delete(id);
    records.adopt(put);
    adopted(before, id);
    const owner = said.name === undefined ? undefined : names.provenOwner(said.name);
    if (owner !== undefined && owner !== said.key) remove(id, "replaced");
  }

  /** Whether it is better to wait for somebody who has heard of a server. */
  #isDoubtful({ record, heard }: RemotePut): boolean {
    const { clock, records } = this.#options;
    const why = this.#limbo.why(record.id);
    // One that was here before, too, is no stranger.
    if (heard || why === "silent" || !records.mayBeGone(record)) return false;
    if (why === undefined) {
      const stale = { ...record, state: "listed", lastSeen: clock.wall() } as const;
      this.#limbo.add(stale, "doubtful", clock.monotonic() + DOUBT_MS);
    }
    return true;
  }

  #prolong(id: ServerId, left: number, isWord: boolean): void {
    const { records } = this.#options;
    if (records.extend(id, left, isWord)) records.emitExtended([id]);
  }

  #extend(leases: readonly Lease[]): void {
    const { records } = this.#options;
    const extended: ServerId[] = [];
    for (const { id, left } of leases) {
      const record = records.get(id);
      // The record's own text: the message's copy of it would have to be kept in its place.
      if (record && records.extend(id, left, true)) extended.push(record.id);
    }
    if (extended.length > 0) records.emitExtended(extended);
  }

  #bury(tombstone: Tombstone): void {
    const { records, remove, event, clock } = this.#options;
    const { id } = tombstone;
    records.meet(tombstone);
    const record = records.get(id);
    const known = records.tombstone(id);
    if (known && !isEarlier(known, tombstone)) return;
    if (record?.state !== "listed") {
      if (!known && records.hasForgotten(tombstone)) return;
      this.#limbo.delete(id);
      records.bury(tombstone);
      // One that is just registering here goes on with it; if not, readers may know it from elsewhere.
      if (record) event({ type: "disputed", ...tombstone });
      else this.#tellGone(tombstone, clock.wall());
      return;
    }
    if (!isEarlier(record, tombstone)) return;
    const { left, heard } = records.life(id);
    if (tombstone.cause === "expired" && (heard || left > LIVELY_MS)) {
      records.bury(tombstone);
      this.#disputes.set(id, clock.monotonic() + DISPUTE_MS);
      if (heard) this.#reassert(id);
      else event({ type: "disputed", ...tombstone });
      return;
    }
    remove(id, tombstone.cause, tombstone);
  }

  /** The tombstone of a server that is listed in spite of it. */
  #disputed(id: ServerId): Tombstone | undefined {
    const { records } = this.#options;
    const [record, tombstone] = [records.get(id), records.tombstone(id)];
    return record?.state === "listed" && tombstone && isEarlier(record, tombstone)
      ? tombstone
      : undefined;
  }

  /** A server has changed since, or is gone: nothing is left to be settled. */
  #endDispute(id: ServerId): void {
    const { records } = this.#options;
    this.#disputes.delete(id);
    const record = records.get(id);
    if (record && record.gamename !== MASTER_GAMENAME) records.unbury(id);
  }

  /** This master has heard of a server that another one believes to be dead. */
  #reassert(id: ServerId): void {
    const { records } = this.#options;
    const record = records.get(id);
    this.#disputes.delete(id);
    if (record) records.put(record);
    records.unbury(id);
  }

  /** Nobody has heard of a server: it is gone, and whoever lists it yet has to be told. */
  #giveUp(record: ServerRecord): void {
    const { records } = this.#options;
    if (records.get(record.id)) return;
    const tombstone: Tombstone = {
      id: record.id,
      cause: "expired",
      ...records.stamp(record.id, record),
    };
    records.bury(tombstone);
    this.#tellGone(tombstone, record.lastSeen);
  }

  #tellGone({ id, cause, hlc, origin }: Tombstone, lastSeen: number): void {
    this.#options.event({ type: "removed", id, cause, lastSeen, wasListed: true, hlc, origin });
  }
}
