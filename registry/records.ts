/**
 * The live records, and all that has to be right whenever one of them changes: counts, deadlines,
 * versions, tombstones, and what everyone who keeps a copy is told.
 *
 * @module
 */

import { sameStatus } from "./compare.ts";
import { ExpiryQueue } from "./expiry.ts";
import { Tombstones } from "./tombstones.ts";
import {
  type Departures,
  MASTER_GAMENAME,
  type RegistryEvent,
  type RemovalCause,
  type ServerId,
  type ServerRecord,
  type ServerStatus,
  type Tombstone,
  type Version,
} from "./types.ts";
import type { Stored } from "./store.ts";
import { hlcAt, HybridClock, isEarlier, raise } from "./versions.ts";

/** Time as the registry sees it. */
export interface Clock {
  /** Milliseconds that never go back and do not jump; what expiry is measured by. */
  monotonic(): number;
  /** Milliseconds since 1970; what is shown and stored. */
  wall(): number;
}

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

/** Lateness in milliseconds with which an expiry may be noticed. */
const EXPIRY_BUCKET_MS = 1000;

/**
 * A heartbeat that a ring has answered already is on its way between threads for this long at
 * most; a server whose time runs out meanwhile is not dead.
 */
const IN_FLIGHT_MS = 250;

/** Milliseconds for which a change may have been told and not been stored, at the most. */
const UNSTORED_MS = 60_000;

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
  readonly #expiry: ExpiryQueue<ServerId>;
  readonly #clock: HybridClock;
  readonly #tombstones: Tombstones;
  readonly #vector = new Map<string, number>();
  readonly #horizon = new Map<string, number>();
  /** Time of this master's last change that was stored before this start; 0 for none. */
  #stored = 0;
  /** Time of the first change since this start. */
  #beginning: number | undefined;
  #listed = 0;

  /** Makes an empty book. */
  constructor(options: RecordsOptions) {
    this.#options = options;
    const now = options.clock.monotonic();
    this.#expiry = new ExpiryQueue(now, EXPIRY_BUCKET_MS);
    this.#tombstones = new Tombstones(now);
    this.#clock = new HybridClock(() => options.clock.wall());
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
    const { origin } = this.#options;
    this.#beginning ??= this.#clock.next();
    const [stored, beginning] = [this.#stored, this.#beginning];
    raise(this.#vector, { origin, hlc: beginning });
    // Without anything stored nobody can say what was told before.
    const birth = stored === 0 ? [[origin, beginning] as const] : [];
    return {
      tombstones: this.#tombstones.all(),
      vector: [...this.#vector],
      horizon: [...this.#horizon, ...birth],
      gap: { origin, after: stored, before: beginning },
    };
  }

  /** A version for a change that is made here and now. */
  stamp(): Version {
    const version = { hlc: this.#clock.next(), origin: this.#options.origin };
    this.#beginning ??= version.hlc;
    return version;
  }

  /** Adds a server that is not there. Nobody is told yet. */
  insert(record: Unversioned): void {
    this.#insert({ ...record, ...this.stamp() });
  }

  /** Takes over what was stored, as it was; false when it has gone since. */
  restore(record: ServerRecord): boolean {
    this.#observe(record);
    const tombstone = this.#tombstones.get(record.id);
    if (tombstone && isEarlier(record, tombstone)) return false;
    // One that was stored before there were versions has none.
    if (record.hlc === 0) this.insert(record);
    else this.#insert(record);
    // Its row tells no more whether it was listed before it went and came back.
    const { id, hlc, origin } = record;
    if (record.state !== "listed" && hlc > 0) this.#bury({ id, hlc, origin });
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
      raise(this.#horizon, { origin, hlc });
    }
  }

  /** A server has changed; when it was last heard of stays. */
  put(record: Unversioned): void {
    const changed = { ...record, ...this.stamp() };
    if (changed.state === "listed") this.#told(changed, changed);
    this.#records.set(record.id, changed);
    this.#options.event({ type: "put", record: changed });
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
    const heard = { ...record, lastSeen: this.#options.clock.wall() };
    this.#records.set(record.id, heard);
    this.#schedule(heard);
  }

  /** Servers were heard of that rings have answered already. */
  refresh(ids: readonly ServerId[]): void {
    const { clock } = this.#options;
    const lastSeen = clock.wall();
    const deadline = clock.monotonic() + this.#options.aliveTimeout() + IN_FLIGHT_MS;
    const known: ServerId[] = [];
    for (const id of ids) {
      const record = this.#records.get(id);
      if (!record) continue;
      record.lastSeen = lastSeen;
      this.#expiry.set(record.id, deadline);
      // The record's own text: the message's copy of it would have to be kept in its place.
      known.push(record.id);
    }
    if (known.length > 0) this.emitSeen(known, lastSeen);
  }

  /** Tells that servers were heard of. */
  emitSeen(ids: readonly ServerId[], at: number): void {
    this.#options.event({ type: "seen", ids, at });
  }

  /** A server told how full it is. */
  setStatus(record: ServerRecord, status: ServerStatus): void {
    // Most say what they said before; copies elsewhere need only hear of changes.
    if (record.status && sameStatus(record.status, status)) return;
    if (record.state !== "listed") {
      this.#records.set(record.id, { ...record, status });
      return;
    }
    const version = this.stamp();
    this.#told(record, version);
    this.#records.set(record.id, { ...record, status, ...version });
    this.#options.event({ type: "status", id: record.id, status, ...version });
  }

  /** A server has a Number. */
  setNumber(record: ServerRecord, number: number): void {
    this.#records.set(record.id, { ...record, number });
    this.#options.event({ type: "number", id: record.id, number });
  }

  /** Takes a server away; its record as it was. */
  remove(id: ServerId, cause: RemovalCause): ServerRecord | undefined {
    const record = this.#records.get(id);
    if (!record) return undefined;
    this.#records.delete(id);
    this.#expiry.delete(id);
    this.#countHost(record.ip, -1);
    const wasListed = record.state === "listed";
    const version = this.stamp();
    const { lastSeen } = record;
    if (wasListed) {
      this.#listed--;
      this.#told(record, version);
      this.#bury({ id, ...version });
    }
    this.#options.event({ type: "removed", id, cause, lastSeen, wasListed, ...version });
    return record;
  }

  /** Ids of servers whose time is over; and forgets old tombstones. */
  takeSilent(): ServerId[] {
    const now = this.#options.clock.monotonic();
    for (const { id, hlc, origin } of this.#tombstones.takeDue(now)) this.#forget(id, hlc, origin);
    return this.#expiry.takeDue(now);
  }

  /** The alive timeout has changed by so many milliseconds. */
  moveDeadlines(by: number): void {
    // Not by lastSeen: the wall clock may have jumped since then.
    for (const id of this.#records.keys()) this.#expiry.move(id, by);
  }

  #insert(record: ServerRecord): void {
    this.#records.set(record.id, record);
    if (record.state === "listed") this.#countListed(record);
    this.#countHost(record.ip, 1);
    this.#schedule(record);
  }

  #schedule(record: ServerRecord): void {
    const { clock } = this.#options;
    // A wall clock that was set back must not make anyone immortal.
    const silent = Math.max(0, clock.wall() - record.lastSeen);
    const left = Math.max(0, this.#options.aliveTimeout() - silent) + IN_FLIGHT_MS;
    this.#expiry.set(record.id, clock.monotonic() + left);
  }

  #bury(tombstone: Tombstone): void {
    const until = this.#options.clock.monotonic() + tombstoneTime(this.#options.aliveTimeout());
    for (const { id, hlc, origin } of this.#tombstones.add(tombstone, until)) {
      this.#forget(id, hlc, origin);
    }
  }

  #forget(id: ServerId, hlc: number, origin: string): void {
    raise(this.#horizon, { hlc, origin });
    this.#options.event({ type: "forgotten", id, hlc, origin });
  }

  #observe(version: Version): void {
    const isAhead = version.hlc > hlcAt(this.#options.clock.wall());
    // The wall clock was set back: what was told last may not have been stored.
    this.#clock.observe(version.hlc + (isAhead ? hlcAt(UNSTORED_MS) : 0));
    raise(this.#vector, version);
    if (version.origin === this.#options.origin) {
      this.#stored = Math.max(this.#stored, version.hlc);
    }
  }

  /** A change is told to readers, who remember how far they know. */
  #told({ gamename }: ServerRecord, version: Version): void {
    // Readers get no masters, and what is stored of one that has gone is not read again.
    if (gamename !== MASTER_GAMENAME) raise(this.#vector, version);
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
