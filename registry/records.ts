/**
 * The live records, and all that has to be right whenever one of them changes: counts, deadlines,
 * versions, and what everyone who keeps a copy is told.
 *
 * @module
 */

import { sameStatus } from "./compare.ts";
import { History, type HistoryOptions } from "./history.ts";
import { Leases } from "./leases.ts";
import {
  type Departures,
  type LifeSign,
  MASTER_GAMENAME,
  type Reach,
  type RemotePut,
  type RemovalCause,
  type ServerId,
  type ServerRecord,
  type ServerStatus,
  type Version,
} from "./types.ts";
import type { Stored } from "./store.ts";

/** What a book of records is made of. */
export interface RecordsOptions extends HistoryOptions {
  /** The key a host's servers are counted under, from a canonical address. */
  readonly hostKey: (ip: string) => string;
}

/** Servers kept at most. Bounds memory against a botnet; some ten times the largest known game. */
export const MAX_SERVERS = 1_000_000;

/** A record without its version, which is the book's to give. */
export type Unversioned = Omit<ServerRecord, keyof Version>;

/**
 * A record as it is kept. When it was last heard of changes in place: a new record for every
 * heartbeat of every server would be by far the most garbage of the whole program.
 */
type LiveRecord = ServerRecord & { lastSeen: number };

/** Live servers and masters, in order of listing. */
export class Records {
  /** When what has changed. */
  readonly history: History;
  readonly #options: RecordsOptions;
  readonly #records = new Map<ServerId, LiveRecord>();
  readonly #perHost = new Map<string, number>();
  readonly #leases: Leases;
  #listed = 0;

  /** Makes an empty book. */
  constructor(options: RecordsOptions) {
    this.#options = options;
    this.history = new History(options);
    this.#leases = new Leases(options.clock, options.aliveTimeout);
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
    return this.history.departures((id) => {
      const record = this.#records.get(id);
      // One that is listed in spite of a tombstone is not gone; where a master is, a server may have been.
      return record?.state !== "listed" || record.gamename === MASTER_GAMENAME;
    });
  }

  /** How much longer a server is known to live. */
  life(id: ServerId): LifeSign {
    return this.#leases.life(id);
  }

  /** Adds a server that is not there and was heard of just now. Nobody is told yet. */
  insert(record: Unversioned): void {
    this.#insert({ ...record, ...this.#stamp(record.id) });
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

  /** Takes over what was stored, as it was; false when it has gone since. */
  restore(record: ServerRecord): boolean {
    const { history } = this;
    if (!history.remember(record)) return false;
    // One that was stored before there were versions has none.
    this.#insert(record.hlc === 0 ? { ...record, ...history.stamp() } : record);
    // Its row tells no more whether it was listed before it went and came back.
    const { id, hlc, origin, state, gamename } = record;
    if (state === "listed" && gamename !== MASTER_GAMENAME) history.unbury(id);
    else if (state !== "listed" && hlc > 0) history.bury({ id, hlc, origin, cause: "expired" });
    return true;
  }

  /** Takes over what was stored of servers that are gone. */
  restoreDepartures({ tombstones, horizon }: Pick<Stored, "tombstones" | "horizon">): void {
    for (const tombstone of tombstones) {
      this.history.restore(tombstone, this.#records.has(tombstone.id));
    }
    for (const [origin, hlc] of horizon) this.history.restoreHorizon({ origin, hlc });
  }

  /**
   * A server has changed; when it was last heard of stays.
   *
   * @param before A version of it that is not in this book, and has to give way.
   */
  put(record: Unversioned, before?: Version): void {
    const changed = { ...record, ...this.#stamp(record.id, before) };
    if (changed.state === "listed") this.#told(changed, changed);
    this.#records.set(record.id, changed);
    this.#tell(changed);
  }

  /** A server is shown from now on. Lists are in order of listing, here as in every copy. */
  list(record: Unversioned): void {
    this.#records.delete(record.id);
    this.#listed++;
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
    const version = this.#stamp(record.id);
    this.#told(record, version);
    this.#records.set(record.id, { ...record, status, ...version });
    this.#options.event({ type: "status", id: record.id, status, ...version });
  }

  /** A server has a Number. */
  setNumber(record: ServerRecord, number: number): void {
    this.#records.set(record.id, { ...record, number });
    this.#options.event({ type: "number", id: record.id, number });
  }

  /** It is known of other masters whether they reach servers. Who tells of it is the caller. */
  setReach(reaches: readonly Reach[]): void {
    for (const { id, ...reach } of reaches) {
      const record = this.#records.get(id);
      if (record) this.#records.set(id, { ...record, reach });
    }
  }

  /**
   * Takes a server away; its record as it was.
   *
   * @param version Of the master that found that it is gone; this one when left out.
   */
  remove(id: ServerId, cause: RemovalCause, version?: Version): ServerRecord | undefined {
    const record = this.#records.get(id);
    if (!record) return undefined;
    const isLate = version !== undefined && this.history.isLate(version);
    // Readers went to other masters, too, with what they know; whoever hears the server will object.
    const isOwn = !version || (isLate && cause === "expired");
    const { hlc, origin } = isOwn ? this.#stamp(id, version) : version;
    const late = isLate && !isOwn ? { late: this.history.late() } : {};
    this.#records.delete(id);
    this.#leases.delete(id);
    this.#countHost(record.ip, -1);
    const wasListed = record.state === "listed";
    const { lastSeen } = record;
    if (wasListed) {
      this.#listed--;
      this.#told(record, { hlc, origin });
      const tombstoneCause = cause === "expired" ? "expired" : "quit";
      this.history.bury({ id, hlc, origin, cause: tombstoneCause }, record);
    }
    this.#options.event({ type: "removed", id, cause, lastSeen, wasListed, hlc, origin, ...late });
    return record;
  }

  /** Ids of servers whose time is over. */
  takeSilent(): ServerId[] {
    return this.#leases.takeDue();
  }

  /** The alive timeout has changed by so many milliseconds. */
  moveDeadlines(by: number): void {
    // Not by lastSeen: the wall clock may have jumped since then.
    for (const id of this.#records.keys()) this.#leases.move(id, by);
  }

  /** Takes over what another master says of a listed server, in place of what there is. */
  adopt({ record: said, left, heard }: RemotePut): void {
    const { id } = said;
    const before = this.#records.get(id);
    const lastSeen = Math.max(before?.lastSeen ?? 0, this.#leases.lastSeen(left));
    const record: ServerRecord = {
      ...said,
      firstSeen: Math.min(said.firstSeen, this.#options.clock.wall()),
      lastSeen,
      state: "listed",
      ...(before?.number === undefined ? {} : { number: before.number }),
      ...(before?.reach === undefined ? {} : { reach: before.reach }),
    };
    const isLate = this.history.isLate(said) && said.gamename !== MASTER_GAMENAME;
    const late = isLate ? { late: this.history.late() } : {};
    this.#told(record, record);
    if (!before) this.#countHost(record.ip, 1);
    if (before?.state !== "listed") {
      this.#records.delete(id);
      this.#listed++;
    }
    this.#records.set(id, record);
    // One that was not known has to have been heard of by somebody.
    this.#leases.extend(id, left, heard || !before);
    this.#options.event({ type: "put", record, ...this.life(id), ...late });
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

  #insert(record: ServerRecord): void {
    this.#records.set(record.id, record);
    if (record.state === "listed") this.#listed++;
    this.#countHost(record.ip, 1);
    this.#leases.restore(record.id, record.lastSeen);
  }

  #tell(record: ServerRecord): void {
    this.#options.event({ type: "put", record, ...this.life(record.id) });
  }

  /** A version for a change of a server, later than all there are of it. */
  #stamp(id: ServerId, before?: Version): Version {
    return this.history.stamp(this.#records.get(id), this.history.tombstone(id), before);
  }

  /** A change of a listed server is told to readers, who remember how far they know. */
  #told({ id, gamename }: ServerRecord, version: Version): void {
    // Readers get no masters, and what is stored of one that has gone is not read again. Whoever still
    // lists the server from the time before a master took its place has to hear that it went.
    if (gamename === MASTER_GAMENAME) return;
    this.history.note(version);
    // Whoever took it for dead is overruled.
    this.history.unbury(id);
  }

  #countHost(ip: string, change: 1 | -1): void {
    const key = this.#options.hostKey(ip);
    const count = (this.#perHost.get(key) ?? 0) + change;
    if (count > 0) this.#perHost.set(key, count);
    else this.#perHost.delete(key);
  }
}
