/**
 * What becomes of what other masters tell. Everyone decides by the same rules, so that all come to
 * the same end in whatever order they hear it.
 *
 * @module
 */

import type { Clock } from "./leases.ts";
import { Limbo } from "./limbo.ts";
import type { NameBook } from "./names.ts";
import { MAX_SERVERS, type Records } from "./records.ts";
import type {
  Lease,
  NameClaim,
  RegistryEvent,
  RemoteChanges,
  RemotePut,
  RemovalCause,
  ServerId,
  ServerRecord,
  Tombstone,
  TombstoneCause,
  Version,
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

/** What a merger is made of. */
export interface MergerOptions {
  readonly clock: Clock;
  /** This master's id. */
  readonly origin: string;
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
  readonly #limbo = new Limbo();
  /** Until when servers stay listed in spite of a tombstone, monotonic milliseconds. */
  readonly #disputes = new Map<ServerId, number>();

  constructor(options: MergerOptions) {
    this.#options = options;
  }

  /** Takes in changes. */
  merge({ names = [], tombstones = [], puts = [], leases = [] }: RemoteChanges): void {
    const { history } = this.#options.records;
    const claims = names.filter((claim) => this.#isPlausible(claim));
    const told = puts.filter(({ record }) => this.#isPlausible(record));
    const gone = tombstones.filter((tombstone) => this.#isPlausible(tombstone));
    // First of all: what is made here now is later.
    for (const claim of claims) history.meet(claim);
    for (const { record } of told) history.meet(record);
    for (const tombstone of gone) history.meet(tombstone);
    this.#claim(claims);
    for (const put of told) this.#put(put);
    for (const tombstone of gone) this.#bury(tombstone);
    if (leases.length > 0) this.#extend(leases);
  }

  /** A server from the database is past its time, and somebody may have heard of it since. */
  await(record: ServerRecord, patience: number): void {
    this.#limbo.add(record, "silent", this.#options.clock.monotonic() + patience);
  }

  /** Another master has told all that it knows: who is waited for no longer is gone. */
  settle(): void {
    this.#limbo.hurry(this.#options.clock.monotonic() + DOUBT_MS);
  }

  /** A server that is waited for, if it is, leaves; one that holds a key does by its owner's word. */
  leave(id: ServerId, key: string | undefined): void {
    const waiter = this.#limbo.get(id);
    if (waiter && waiter.record.key === key) this.#end(waiter.record, "quit");
  }

  /** Lets time pass. */
  tick(): void {
    const { clock, records, remove } = this.#options;
    const now = clock.monotonic();
    for (const record of this.#limbo.takeDue(now)) this.#end(record, "expired");
    for (const [id, until] of this.#disputes) {
      const tombstone = this.#disputed(id);
      if (!tombstone) this.#disputes.delete(id);
      else if (records.life(id).heard) this.#reassert(id);
      else if (until <= now) {
        this.#disputes.delete(id);
        remove(id, tombstone.cause, tombstone);
      }
    }
  }

  /** Whether no clock is so wrong that it has made this. */
  #isPlausible(version: Version): boolean {
    return version.hlc <= hlcAt(this.#options.clock.wall() + MAX_FUTURE_MS);
  }

  #claim(claims: readonly NameClaim[]): void {
    const { names, event } = this.#options;
    const moved = new Set<string>();
    for (const claim of claims) {
      const outcome = names.learn(claim);
      if (outcome !== "known") event({ type: "name", ...claim });
      if (outcome === "moved") moved.add(claim.name);
    }
    this.evict(moved);
  }

  /** Names belong to other keys from now on: the servers of those before go. */
  evict(moved: ReadonlySet<string>): void {
    const { names, records, remove } = this.#options;
    if (moved.size === 0) return;
    // It is rare, and there is no other way from a name to its servers.
    for (const { id, name, key } of [...records.all()]) {
      if (name !== undefined && moved.has(name) && names.provenOwner(name) !== key) {
        remove(id, "replaced");
      }
    }
  }

  #put(put: RemotePut): void {
    const { records, names, adopted, remove } = this.#options;
    const { record: said, left, heard } = put;
    const { id } = said;
    const before = records.get(id);
    if (before?.state === "listed" && !isEarlier(before, said)) {
      this.#prolong(id, left, heard);
      return;
    }
    const tombstone = records.history.tombstone(id);
    if (tombstone && !isEarlier(tombstone, said)) {
      if (before?.state === "listed") this.#prolong(id, left, heard);
      return;
    }
    if (before?.state === "listed" && this.#isHearsayOfKnown(before, said)) {
      // What it says of itself counts for more, and those who have believed the other have to hear.
      records.put(before, said);
      return;
    }
    // It is about to be given up by who tells of it; whoever hears it tells of it by itself.
    if (before?.state !== "listed" && left <= 0 && !heard) return;
    if (!before && (this.#isFull() || this.#isDoubtful(put))) return;
    const waiter = this.#limbo.get(id);
    this.#limbo.delete(id);
    this.#disputes.delete(id);
    // That it lives the other knows, and what it is may be known better here.
    const record = waiter && isEarlier(said, waiter.record) ? waiter.record : said;
    records.adopt({ record, left, heard });
    adopted(before, id);
    const owner = record.name === undefined ? undefined : names.provenOwner(record.name);
    if (owner !== undefined && owner !== record.key) remove(id, "replaced");
  }

  /** Whether a master that has not heard of a server tells of one that this master has heard of. */
  #isHearsayOfKnown(before: ServerRecord, said: RemotePut["record"]): boolean {
    return said.via !== undefined && before.via === undefined &&
      this.#options.records.life(before.id).heard;
  }

  #isFull(): boolean {
    return this.#options.records.size + this.#limbo.size >= MAX_SERVERS;
  }

  /** Whether it is better to wait for somebody who has heard of a server. */
  #isDoubtful({ record, heard }: RemotePut): boolean {
    const { clock, records } = this.#options;
    const why = this.#limbo.get(record.id)?.why;
    // One that was here before, too, is no stranger.
    if (heard || why === "silent" || !records.history.mayBeGone(record)) return false;
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
      const waiter = record ? undefined : this.#limbo.get(id);
      // Whoever tells a lease has heard of the server.
      if (waiter) this.#put({ record: waiter.record, left, heard: true });
      // The record's own text: the message's copy of it would have to be kept in its place.
      if (record && records.extend(id, left, true)) extended.push(record.id);
    }
    if (extended.length > 0) records.emitExtended(extended);
  }

  #bury(tombstone: Tombstone): void {
    const { records, remove, event, clock } = this.#options;
    const { id } = tombstone;
    const record = records.get(id);
    const known = records.history.tombstone(id);
    const waiter = this.#limbo.get(id);
    if (known && !isEarlier(known, tombstone)) return;
    if (waiter && !isEarlier(waiter.record, tombstone)) return;
    if (record?.state !== "listed") {
      if (!known && !waiter && records.history.hasForgotten(tombstone)) return;
      this.#limbo.delete(id);
      const late = records.history.adopt(tombstone);
      this.#tellGone(tombstone, waiter?.record.lastSeen ?? clock.wall(), late);
      return;
    }
    if (!isEarlier(record, tombstone)) return;
    const { left, heard } = records.life(id);
    if (tombstone.cause === "quit" || (!heard && left <= LIVELY_MS)) {
      this.#disputes.delete(id);
      remove(id, tombstone.cause, tombstone);
      return;
    }
    records.history.bury(tombstone);
    if (heard) return this.#reassert(id);
    // Whoever finds it dead one after another must not keep it alive.
    if (!this.#disputes.has(id)) this.#disputes.set(id, clock.monotonic() + DISPUTE_MS);
    event({ type: "disputed", ...tombstone });
  }

  /** The tombstone of a server that is listed in spite of it. */
  #disputed(id: ServerId): Tombstone | undefined {
    const { records } = this.#options;
    const [record, tombstone] = [records.get(id), records.history.tombstone(id)];
    return record?.state === "listed" && tombstone && isEarlier(record, tombstone)
      ? tombstone
      : undefined;
  }

  /** This master has heard of a server that another one believes to be dead. */
  #reassert(id: ServerId): void {
    const { records } = this.#options;
    const record = records.get(id);
    this.#disputes.delete(id);
    if (record) records.put(record);
  }

  /** Nobody waits for a server any longer: it is gone, and whoever lists it yet has to be told. */
  #end(record: ServerRecord, cause: TombstoneCause): void {
    const { records } = this.#options;
    const { id, lastSeen } = record;
    this.#limbo.delete(id);
    if (records.get(id)?.state === "listed") return;
    this.#tellGone(records.history.end(id, cause, record), lastSeen);
  }

  /** Tells that a server is gone that was not listed here. */
  #tellGone(tombstone: Tombstone, lastSeen: number, lateness?: number): void {
    const { records, event } = this.#options;
    const { id, cause, hlc, origin } = tombstone;
    const late = lateness === undefined ? {} : { late: lateness };
    // One that is just registering here goes on with it; of others readers may know from elsewhere.
    if (records.get(id)) event({ type: "disputed", ...tombstone, ...late });
    else event({ type: "removed", id, cause, lastSeen, wasListed: true, hlc, origin, ...late });
  }

  /** Another master has a change that this one made then: what is earlier is made anew. */
  recall(hlc: number): void {
    const { records, clock, origin } = this.#options;
    const { history } = records;
    if (!this.#isPlausible({ hlc, origin }) || !history.recall(hlc)) return;
    for (const record of [...records.all()]) {
      if (record.state === "listed" && history.isOfThisStart(record)) records.put(record);
    }
    for (const tombstone of history.tombstones()) {
      const { id, cause } = tombstone;
      if (!history.isOfThisStart(tombstone) || records.get(id)?.state === "listed") continue;
      this.#tellGone(history.end(id, cause, tombstone), clock.wall());
    }
  }
}
