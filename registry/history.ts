/**
 * When what has changed, as far as this master knows: its clock, how far the changes of each master
 * are known, and who is gone.
 *
 * @module
 */

import { Knowledge } from "./knowledge.ts";
import type { Clock } from "./leases.ts";
import { Tombstones } from "./tombstones.ts";
import type {
  Departures,
  RegistryEvent,
  ServerId,
  ServerRecord,
  Tombstone,
  TombstoneCause,
  Version,
} from "./types.ts";
import { hlcAt, HybridClock, isEarlier } from "./versions.ts";

/** Milliseconds for which a change may have been told and not been stored, at the most. */
const UNSTORED_MS = 60_000;

/** Milliseconds that another master's clock may move this one's ahead of the wall clock. */
const MAX_AHEAD_MS = 60_000;

/**
 * Alive timeouts for which it is remembered that a listed server is gone: by then everyone has
 * heard of it, or has forgotten the server itself.
 */
const TOMBSTONE_TIMEOUTS = 2;

/** Milliseconds for which tombstones are kept. */
export function tombstoneTime(aliveTimeout: number): number {
  return TOMBSTONE_TIMEOUTS * aliveTimeout;
}

/** What a history is made of. */
export interface HistoryOptions {
  /** Time. */
  readonly clock: Clock;
  /** This master's id. */
  readonly origin: string;
  /** Milliseconds of silence after which a server is dead. */
  readonly aliveTimeout: () => number;
  /** Told of every change, in order. */
  readonly event: (event: RegistryEvent) => void;
}

/** Versions and tombstones. */
export class History {
  readonly #options: HistoryOptions;
  readonly #clock: HybridClock;
  readonly #tombstones: Tombstones;
  /** The last versions of servers that have tombstones. */
  readonly #buried = new Map<ServerId, Version>();
  readonly #knowledge: Knowledge;
  /** Times of this master's own changes that others have told of. */
  readonly #learned = new Set<number>();
  /** Time of the first change since this start. */
  #beginning: number | undefined;

  /** Begins with nothing. */
  constructor(options: HistoryOptions) {
    const { clock, origin } = options;
    this.#options = options;
    this.#clock = new HybridClock(() => clock.wall());
    this.#tombstones = new Tombstones(clock.monotonic());
    this.#knowledge = new Knowledge(origin, clock.monotonic());
  }

  /**
   * A version for a change that is made here and now.
   *
   * @param before What it takes the place of.
   */
  stamp(...before: readonly (Version | undefined)[]): Version {
    let above = 0;
    // A master whose clock is ahead must not have the last word for ever.
    for (const version of before) above = Math.max(above, version?.hlc ?? 0);
    const version = { hlc: this.#clock.next(above), origin: this.#options.origin };
    this.#beginning ??= version.hlc;
    return version;
  }

  /**
   * Takes note of a change of another master. Its clock may be wrong, and must not spoil this one's;
   * what this master itself has said before, it has to know again.
   */
  meet(version: Version): void {
    this.#follow(version);
    if (version.origin === this.#options.origin) this.#learned.add(version.hlc);
  }

  /** Whether a change was made here since this start. */
  isOfThisStart({ hlc, origin }: Version): boolean {
    const isOwn = origin === this.#options.origin;
    return isOwn && hlc > this.#knowledge.stored && !this.#learned.has(hlc);
  }

  /**
   * Another master has a change that this one made then. What it has made with earlier times since
   * its start has to be made anew.
   *
   * @returns Whether there may be such changes.
   */
  recall(hlc: number): boolean {
    const { origin, event } = this.#options;
    if (hlc <= this.#clock.last) return false;
    this.#clock.observe(hlc);
    this.#beginning = this.#clock.next();
    this.#knowledge.told({ origin, hlc: this.#beginning });
    event({ type: "synced", origin, hlc: this.#beginning });
    return true;
  }

  /** Something came from the database: who was told of the time before has not heard of it. */
  begin(): void {
    this.#beginning = undefined;
  }

  /** A time for readers who may take a change that is new here for one that they know. */
  late(): number {
    const version = this.stamp();
    this.#knowledge.told(version);
    return version.hlc;
  }

  /** A change is known of now that readers are told of. */
  note(version: Version): void {
    if (version.origin === this.#options.origin) this.#knowledge.told(version);
    else this.#knowledge.heard(version, this.#options.clock.monotonic());
  }

  /** Whether readers may take a change that is new here for one that they know. */
  isLate(version: Version): boolean {
    return this.#knowledge.isLate(version);
  }

  /** All that another master changed up to here has come. */
  sync(version: Version): void {
    const now = this.#options.clock.monotonic();
    const news = this.#knowledge.synced(version, now, this.#patience);
    if (news === "known") return;
    const { hlc, origin } = version;
    const isPatchy = news === "patchy" ? { isPatchy: true } as const : {};
    this.#options.event({ type: "synced", hlc, origin, ...isPatchy });
  }

  /** What keeps a server gone. */
  tombstone(id: ServerId): Tombstone | undefined {
    return this.#tombstones.get(id);
  }

  /** What keeps servers gone, and what others take for gone that are listed. */
  tombstones(): readonly Tombstone[] {
    return this.#tombstones.all();
  }

  /**
   * Sets up a tombstone. Nobody is told yet.
   *
   * @param of The last version of the server that was listed here.
   */
  bury(tombstone: Tombstone, of?: Version): void {
    const { clock } = this.#options;
    if (of) this.#buried.set(tombstone.id, { hlc: of.hlc, origin: of.origin });
    const until = clock.monotonic() + this.#patience;
    for (const forgotten of this.#tombstones.add(tombstone, until)) {
      // One that had to make room would have been kept for longer.
      this.#forget(forgotten, clock.wall());
    }
  }

  /** A server is listed that was taken for gone. */
  unbury(id: ServerId): void {
    this.#buried.delete(id);
    this.#tombstones.delete(id);
  }

  /**
   * Another master has found that a server is gone that is not listed here. Nobody is told yet.
   *
   * @returns A time for readers who may take it for known, if they may.
   */
  adopt(tombstone: Tombstone): number | undefined {
    const late = this.isLate(tombstone) ? this.late() : undefined;
    this.note(tombstone);
    this.bury(tombstone);
    return late;
  }

  /**
   * This master has found that a server is gone that is not listed here. Nobody is told yet.
   *
   * @param before What is known of it.
   * @returns The tombstone.
   */
  end(id: ServerId, cause: TombstoneCause, before: Version): Tombstone {
    const tombstone = { id, cause, ...this.stamp(this.tombstone(id), before) };
    this.note(tombstone);
    this.bury(tombstone);
    return tombstone;
  }

  /** Whether a tombstone was here, or a later one of its master, and is forgotten. */
  hasForgotten(version: Version): boolean {
    return this.#knowledge.hasForgotten(version);
  }

  /** Whether a server that is not known here may have been, and be gone. */
  mayBeGone(version: Version): boolean {
    return this.#knowledge.mayBeGone(version);
  }

  /** Takes note of what was stored of a server; false when it has gone since. */
  remember(record: ServerRecord): boolean {
    const { clock } = this.#options;
    const silent = clock.wall() - record.lastSeen;
    this.#knowledge.remembers(silent >= 0 ? clock.monotonic() - silent : -Infinity);
    this.#observe(record);
    const tombstone = this.tombstone(record.id);
    return !tombstone || !isEarlier(record, tombstone);
  }

  /**
   * Takes over a tombstone that was stored.
   *
   * @param isBack Whether the server is back.
   */
  restore(tombstone: Tombstone, isBack: boolean): void {
    this.#knowledge.remembers(-Infinity);
    this.#observe(tombstone);
    const known = this.tombstone(tombstone.id);
    if (!isBack && (!known || isEarlier(known, tombstone))) this.bury(tombstone);
  }

  /** Tombstones up to here were stored, and are not taken over. */
  restoreHorizon(version: Version): void {
    this.#knowledge.remembers(-Infinity);
    this.#catchUp(version);
    this.#knowledge.lost(version, this.#options.clock.wall() - this.#patience);
  }

  /**
   * What copies need to know beside the records.
   *
   * @param isGone Whether a server with a tombstone is not listed.
   */
  departures(isGone: (id: ServerId) => boolean): Departures {
    this.#beginning ??= this.#clock.next();
    const gone = this.#tombstones.all().filter(({ id }) => isGone(id));
    return this.#knowledge.departures(gone, this.#beginning);
  }

  /** Lets time pass: forgets old tombstones, and gives up masters that are gone for ever. */
  tick(): void {
    const { clock, event } = this.#options;
    const now = clock.monotonic();
    const known = clock.wall() - this.#patience;
    for (const tombstone of this.#tombstones.takeDue(now)) this.#forget(tombstone, known);
    for (const lost of this.#knowledge.takeLost(now, this.#patience)) {
      event({ type: "synced", ...lost });
    }
  }

  get #patience(): number {
    return tombstoneTime(this.#options.aliveTimeout());
  }

  #forget({ id, hlc, origin }: Tombstone, wall: number): void {
    this.#knowledge.forgot({ hlc, origin }, wall, this.#buried.get(id));
    this.#buried.delete(id);
    this.#options.event({ type: "forgotten", id, hlc, origin });
  }

  #observe(version: Version): void {
    this.#catchUp(version);
    this.#knowledge.restored(version, this.#options.clock.monotonic());
  }

  /** Takes note of a time that was stored. */
  #catchUp(version: Version): void {
    const { clock, origin } = this.#options;
    // The wall clock was set back: what was told last may not have been stored.
    const isAhead = version.origin === origin && version.hlc > hlcAt(clock.wall());
    if (isAhead) this.#clock.observe(version.hlc + hlcAt(UNSTORED_MS));
    else this.#follow(version);
  }

  #follow(version: Version): void {
    const { clock, origin } = this.#options;
    const bound = version.origin === origin ? Infinity : hlcAt(clock.wall() + MAX_AHEAD_MS);
    this.#clock.observe(Math.min(version.hlc, bound));
  }
}
