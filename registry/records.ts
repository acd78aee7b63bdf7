/**
 * The live records, and all that has to be right whenever one of them changes: counts, deadlines,
 * versions, tombstones, and what everyone who keeps a copy is told.
 *
 * @module
 */

import { sameStatus } from "./compare.ts";
import { Knowledge } from "./knowledge.ts";
import { type Clock, Leases } from "./leases.ts";
import { Tombstones } from "./tombstones.ts";
import {
  type Departures,
  type LifeSign,
  MASTER_GAMENAME,
  type RegistryEvent,
  type RemotePut,
  type RemovalCause,
  type ServerId,
  type ServerRecord,
  type ServerStatus,
  type Tombstone,
  type Version,
} from "./types.ts";
import type { Stored } from "./store.ts";
import { hlcAt, HybridClock, isEarlier } from "./versions.ts";

export type { Clock };

/** What a book of records is made of. */
export interface RecordsOptions {
  /** Time. */
  readonly clock: Clock;
  /** This master's id. */
  readonly origin: string;
  /** The key a host's servers are counted under, from a canonical address. */
  readonly hostKey: (ip: string) => string;
  /** Milliseconds of silence after which a server is dead. */
  readonly aliveTimeout: () => number;
  /** Told of every change, in order. */
  readonly event: (event: RegistryEvent) => void;
}

/** A record without its version, which is the book's to give. */
export type Unversioned = Omit<ServerRecord, keyof Version>;

/** Milliseconds for which a change may have been told and not been stored, at the most. */
const UNSTORED_MS = 60_000;

/** Milliseconds that another master's clock may move this one's ahead of the wall clock. */
const MAX_AHEAD_MS = 60_000;

/**
 * Alive timeouts for which it is remembered that a listed server is gone: by then everyone has
 * heard of it, or has forgotten the server itself.
 */
const TOMBSTONE_TIMEOUTS = 2;

/**
 * A record as it is kept. When it was last heard of changes in place: a new record for every
 * heartbeat of every server would be by far the most garbage of the whole program.
 */
type LiveRecord = ServerRecord & { lastSeen: number };

/** Milliseconds for which tombstones are kept. */
export function tombstoneTime(aliveTimeout: number): number {
  return TOMBSTONE_TIMEOUTS * aliveTimeout;
}

/** Live servers and masters, in order of listing. */
export class Records {
  readonly #options: RecordsOptions;
  readonly #records = new Map<ServerId, LiveRecord>();
  readonly #perHost = new Map<string, number>();
  readonly #leases: Leases;
  readonly #clock: HybridClock;
  readonly #tombstones: Tombstones;
  readonly #knowledge: Knowledge;
  /** Time of the first change since this start. */
  #beginning: number | undefined;
  #listed = 0;

  /** Makes an empty book. */
  constructor(options: RecordsOptions) {
    this.#options = options;
    const now = options.clock.monotonic();
    this.#leases = new Leases(options.clock, options.aliveTimeout);
    this.#tombstones = new Tombstones(now);
    this.#clock = new HybridClock(() => options.clock.wall());
    this.#knowledge = new Knowledge(options.origin);
  }

  /** How many there are. */
  get size(): number {
    return this.#records.size;
  }

  /** How many are shown. */
  get listed(): number {
    return this.#listed;
  }

  /** All of them. */
  all(): IterableIterator<ServerRecord> {
    return this.#records.values();
  }

  /** The record of one server. */
  get(id: ServerId): ServerRecord | undefined {
    return this.#records.get(id);
  }

  /** Servers of the host of an address. */
  ofHost(ip: string): number {
    return this.#perHost.get(this.#options.hostKey(ip)) ?? 0;
  }

  /** What copies need to know beside the records. */
  departures(): Departures {
    this.#beginning ??= this.#clock.next();
    return this.#knowledge.departures(this.#tombstones.all(), this.#beginning);
  }

  /** How far the changes of each master are known. */
  get vector(): ReadonlyMap<string, number> {
    return this.#knowledge.vector;
  }

  /**
   * A version for a change that is made here and now.
   *
   * @param id Which server has changed, if any.
   * @param before A version of it that is not in this book.
   */
  stamp(id?: ServerId, before?: Version): Version {
    const known = id === undefined ? [] : [this.#records.get(id), this.#tombstones.get(id), before];
    // A master whose clock is ahead must not have the last word for ever.
    const above = Math.max(0, ...known.map((version) => version?.hlc ?? 0));
    const version = { hlc: this.#clock.next(above), origin: this.#options.origin };
    this.#beginning ??= version.hlc;
    return version;
  }

  /** What keeps a server gone. */
  tombstone(id: ServerId): Tombstone | undefined {
    return this.#tombstones.get(id);
  }

  /** How much longer a server is known to live. */
  life(id: ServerId): LifeSign {
    return this.#leases.life(id);
  }

  /** Adds a server that is not there and was heard of just now. Nobody is told yet. */
  insert(record: Unversioned): void {
    this.#insert({ ...record, ...this.stamp(record.id) });
    this.#leases.hear(record.id, this.#options.clock.monotonic());
  }

  /** Other masters may know more than the database: what comes from it lives a little longer. */
  expectOthers(): void {
    this.#leases.expectOthers();
  }

  /** When another master last told that somebody has heard of a server, monotonic milliseconds. */
  lastTold(id: ServerId): number | undefined {
    return this.#leases.lastTold(id);
  }

  /** Takes note of what was stored of a server; false when it has gone since. */
  recall(record: ServerRecord): boolean {
    this.#observe(record);
    const tombstone = this.#tombstones.get(record.id);
    return !tombstone || !isEarlier(record, tombstone);
  }

  /** Takes over what was stored, as it was; false when it has gone since. */
  restore(record: ServerRecord): boolean {
    if (!this.recall(record)) return false;
    // One that was stored before there were versions has none.
    this.#insert(record.hlc === 0 ? { ...record, ...this.stamp() } : record);
    // Its row tells no more whether it was listed before it went and came back.
    const { id, hlc, origin } = record;
    if (record.state !== "listed" && hlc > 0) this.#bury({ id, hlc, origin, cause: "expired" });
    return true;
  }

  /** Takes over what was stored of servers that are gone. */
  restoreDepartures({ tombstones, horizon }: Pick<Stored, "tombstones" | "horizon">): void {
    for (const tombstone of tombstones) {
      this.#observe(tombstone);
      if (!this.#records.has(tombstone.id)) this.#bury(tombstone);
    }
    for (const [origin, hlc] of horizon) {
      this.#observe({ origin, hlc });
      this.#knowledge.lost({ origin, hlc });
    }
  }

  /** A server has changed; when it was last heard of stays. */
  put(record: Unversioned): void {
    const changed = { ...record, ...this.stamp(record.id) };
    if (changed.state === "listed") this.#told(changed, changed);
    this.#records.set(record.id, changed);
    this.#tell(changed);
  }

  /** A server is shown from now on. Lists are in order of listing, here as in every copy. */
  list(record: Unversioned): void {
    this.#records.delete(record.id);
    this.#countListed(record);
    const { reason: _, ...shown } = record;
    this.put({ ...shown, state: "listed" });
  }

  /** A server was heard of, and is the same as before or has changed in silence. */
  hear(record: ServerRecord): void {
    this.#records.set(record.id, { ...record, lastSeen: this.#options.clock.wall() });
    this.#leases.hear(record.id, this.#options.clock.monotonic());
  }

  /** Servers were heard of that rings have answered already. */
  refresh(ids: readonly ServerId[]): void {
    const { clock } = this.#options;
    const lastSeen = clock.wall();
    const now = clock.monotonic();
    const known: ServerId[] = [];
    for (const id of ids) {
      const record = this.#records.get(id);
      if (!record) continue;
      record.lastSeen = lastSeen;
      this.#leases.hear(record.id, now);
      // The record's own text: the message's copy of it would have to be kept in its place.
      known.push(record.id);
    }
    if (known.length > 0) this.emitSeen(known, lastSeen);
  }

  /** Tells that servers were heard of here, just now. */
  emitSeen(ids: readonly ServerId[], at: number): void {
    this.#options.event({
      type: "seen",
      ids,
      at,
      left: this.#options.aliveTimeout(),
      heard: true,
    });
  }

  /** A server told how full it is. */
  setStatus(record: ServerRecord, status: ServerStatus): void {
    // Most say what they said before; copies elsewhere need only hear of changes.
    if (record.status && sameStatus(record.status, status)) return;
    if (record.state !== "listed") {
      this.#records.set(record.id, { ...record, status });
      return;
    }
    const version = this.stamp(record.id);
    this.#told(record, version);
    this.#records.set(record.id, { ...record, status, ...version });
    this.#options.event({ type: "status", id: record.id, status, ...version });
  }

  /** A server has a Number. */
  setNumber(record: ServerRecord, number: number): void {
    this.#records.set(record.id, { ...record, number });
    this.#options.event({ type: "number", id: record.id, number });
  }

  /**
   * Takes a server away; its record as it was.
   *
   * @param version Of the master that found that it is gone; this one when left out.
   */
  remove(id: ServerId, cause: RemovalCause, version?: Version): ServerRecord | undefined {
    const record = this.#records.get(id);
    if (!record) return undefined;
    const { hlc, origin } = version ?? this.stamp(id);
    this.#records.delete(id);
    this.#leases.delete(id);
    this.#countHost(record.ip, -1);
    const wasListed = record.state === "listed";
    const { lastSeen } = record;
    if (wasListed) {
      this.#listed--;
      if (version) this.#knowledge.heard(version, this.#options.clock.monotonic());
      else this.#told(record, { hlc, origin });
      this.#bury({ id, hlc, origin, cause: cause === "expired" ? "expired" : "quit" });
    }
    this.#options.event({ type: "removed", id, cause, lastSeen, wasListed, hlc, origin });
    return record;
  }

  /** Ids of servers whose time is over; and forgets old tombstones. */
  takeSilent(): ServerId[] {
    const now = this.#options.clock.monotonic();
    for (const { id, hlc, origin } of this.#tombstones.takeDue(now)) this.#forget(id, hlc, origin);
    const patience = tombstoneTime(this.#options.aliveTimeout());
    for (const lost of this.#knowledge.takeLost(now - patience)) {
      this.#options.event({ type: "synced", ...lost });
    }
    return this.#leases.takeDue();
  }

  /** The alive timeout has changed by so many milliseconds. */
  moveDeadlines(by: number): void {
    // Not by lastSeen: the wall clock may have jumped since then.
    for (const id of this.#records.keys()) this.#leases.move(id, by);
  }

  /**
   * Takes note of a change of another master. Its clock may be wrong, and must not spoil this one's;
   * what this master itself has said before, it has to know again.
   */
  meet(version: Version): void {
    const { clock, origin } = this.#options;
    const bound = version.origin === origin ? Infinity : hlcAt(clock.wall() + MAX_AHEAD_MS);
    this.#clock.observe(Math.min(version.hlc, bound));
  }

  /** Takes over what another master says of a listed server, in place of what there is. */
  adopt({ record: said, left, heard }: RemotePut): void {
    const { clock, origin } = this.#options;
    const { id } = said;
    const before = this.#records.get(id);
    const wall = clock.wall();
    const lastSeen = Math.max(before?.lastSeen ?? 0, this.#leases.lastSeen(left));
    const record: ServerRecord = {
      ...said,
      // This master's own, of before it forgot: told anew, since readers may know later ones.
      ...(said.origin === origin ? this.stamp(id) : {}),
      firstSeen: Math.min(said.firstSeen, wall),
      lastSeen,
      state: "listed",
      ...(before?.number === undefined ? {} : { number: before.number }),
    };
    if (record.origin === origin) this.#told(record, record);
    else if (record.gamename !== MASTER_GAMENAME) this.#knowledge.heard(record, clock.monotonic());
    if (!before) this.#countHost(record.ip, 1);
    if (before?.state !== "listed") {
      this.#records.delete(id);
      this.#listed++;
    }
    if (record.gamename !== MASTER_GAMENAME) this.#tombstones.delete(id);
    this.#records.set(id, record);
    // One that was not known has to have been heard of by somebody.
    this.#leases.extend(id, left, heard || !before);
    this.#tell(record);
  }

  /**
   * Another master says how long a server has left to live.
   *
   * @param isWord Whether it, or the one that it knows this from, has heard of the server since.
   * @returns Whether that is longer than was known.
   */
  extend(id: ServerId, left: number, isWord: boolean): boolean {
    const record = this.#records.get(id);
    if (!record || !this.#leases.extend(id, left, isWord)) return false;
    record.lastSeen = Math.max(record.lastSeen, this.#leases.lastSeen(left));
    return true;
  }

  /** Tells that servers live on, by when they were last heard of. */
  emitExtended(ids: readonly ServerId[]): void {
    for (const [left, alike] of this.#leases.byLife(ids)) {
      const at = this.#leases.lastSeen(left);
      this.#options.event({ type: "seen", ids: alike, at, left, heard: false });
    }
  }

  /** A server that is not listed here is gone elsewhere, and is to stay gone. */
  bury(tombstone: Tombstone): void {
    this.#knowledge.heard(tombstone, this.#options.clock.monotonic());
    this.#bury(tombstone);
  }

  /** A server is listed all the same that was believed to be gone. */
  unbury(id: ServerId): void {
    this.#tombstones.delete(id);
  }

  /** Whether a tombstone was here, or a later one of its master, and is forgotten. */
  hasForgotten(version: Version): boolean {
    return this.#knowledge.hasForgotten(version);
  }

  /** Whether a server that is not known here may have been, and be gone. */
  mayBeGone(version: Version): boolean {
    return this.#knowledge.mayBeGone(version);
  }

  /** All that another master changed up to here has come. */
  sync(version: Version): void {
    if (!this.#knowledge.synced(version)) return;
    const { hlc, origin } = version;
    this.#options.event({ type: "synced", hlc, origin });
  }

  #insert(record: ServerRecord): void {
    this.#records.set(record.id, record);
    if (record.state === "listed") this.#countListed(record);
    this.#countHost(record.ip, 1);
    this.#leases.restore(record.id, record.lastSeen);
  }

  #tell(record: ServerRecord): void {
    this.#options.event({ type: "put", record, ...this.life(record.id) });
  }

  #bury(tombstone: Tombstone): void {
    const until = this.#options.clock.monotonic() + tombstoneTime(this.#options.aliveTimeout());
    for (const { id, hlc, origin } of this.#tombstones.add(tombstone, until)) {
      this.#forget(id, hlc, origin);
    }
  }

  #forget(id: ServerId, hlc: number, origin: string): void {
    const kept = tombstoneTime(this.#options.aliveTimeout());
    this.#knowledge.forgot({ hlc, origin }, this.#options.clock.wall() - kept);
    this.#options.event({ type: "forgotten", id, hlc, origin });
  }

  #observe(version: Version): void {
    const { clock, origin } = this.#options;
    // The wall clock was set back: what was told last may not have been stored.
    const isAhead = version.origin === origin && version.hlc > hlcAt(clock.wall());
    if (isAhead) this.#clock.observe(version.hlc + hlcAt(UNSTORED_MS));
    else this.meet(version);
    this.#knowledge.restored(version, clock.monotonic());
  }

  /** A change is told to readers, who remember how far they know. */
  #told({ gamename }: ServerRecord, version: Version): void {
    // Readers get no masters, and what is stored of one that has gone is not read again.
    if (gamename !== MASTER_GAMENAME) this.#knowledge.told(version);
  }

  #countListed({ id, gamename }: Unversioned): void {
    this.#listed++;
    // Not before, and not for a master, which readers do not get: whoever still lists the server from
    // the time before has to hear that it went.
    if (gamename !== MASTER_GAMENAME) this.#tombstones.delete(id);
  }

  #countHost(ip: string, change: 1 | -1): void {
    const key = this.#options.hostKey(ip);
    const count = (this.#perHost.get(key) ?? 0) + change;
    if (count > 0) this.#perHost.set(key, count);
    else this.#perHost.delete(key);
  }
}
