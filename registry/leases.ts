/**
 * How long each server lives: by what this master hears, and by what others tell of it.
 *
 * @module
 */

import { EvidenceBook } from "./evidence.ts";
import { ExpiryQueue } from "./expiry.ts";
import type { LifeSign, ServerId } from "./types.ts";

/** Time as the registry sees it. */
export interface Clock {
  /** Milliseconds that never go back and do not jump; what expiry is measured by. */
  monotonic(): number;
  /** Milliseconds since 1970; what is shown and stored. */
  wall(): number;
}

/** Lateness in milliseconds with which an expiry may be noticed. */
const EXPIRY_BUCKET_MS = 1000;

/**
 * A heartbeat that a ring has answered already is on its way between threads for this long at
 * most; a server whose time runs out meanwhile is not dead.
 */
const IN_FLIGHT_MS = 250;

/**
 * Milliseconds for which a master that only knows of a server from others waits longer than those:
 * they know first that it lives, and that it does not.
 */
const LEASE_GRACE_MS = 10_000;

/**
 * Alive timeouts of this master that another may say a server has left to live. Where they differ,
 * that of the master that hears a server counts, within reason.
 */
const MAX_LEASE_TIMEOUTS = 4;

/** Deadlines of servers, by the monotonic clock alone. */
export class Leases {
  readonly #clock: Clock;
  readonly #aliveTimeout: () => number;
  readonly #expiry: ExpiryQueue<ServerId>;
  readonly #evidence = new EvidenceBook();
  /** Milliseconds that servers from the database are given beyond their time. */
  #restoredGrace = 0;

  /** @param aliveTimeout Milliseconds of silence after which a server is dead. */
  constructor(clock: Clock, aliveTimeout: () => number) {
    this.#clock = clock;
    this.#aliveTimeout = aliveTimeout;
    this.#expiry = new ExpiryQueue(clock.monotonic(), EXPIRY_BUCKET_MS);
  }

  /** Other masters may know more than the database: what comes from it lives a little longer. */
  expectOthers(): void {
    this.#restoredGrace = LEASE_GRACE_MS;
  }

  /** How much longer a server is known to live. */
  life(id: ServerId): LifeSign {
    const now = this.#clock.monotonic();
    const heard = this.#evidence.isHeard(id, now);
    const margin = heard ? IN_FLIGHT_MS : LEASE_GRACE_MS;
    // The deadline is rounded up, and what is told from master to master must not grow on its way.
    const due = (this.#expiry.deadline(id) ?? now) - EXPIRY_BUCKET_MS;
    return { left: Math.max(0, Math.floor(due - margin - now)), heard };
  }

  /** When a server was last heard of that has so many milliseconds left, since 1970. */
  lastSeen(left: number): number {
    return this.#clock.wall() - Math.max(0, this.#aliveTimeout() - left);
  }

  /** A server was heard of by this master. */
  hear(id: ServerId, now: number): void {
    const until = now + this.#aliveTimeout();
    this.#evidence.hear(id, now, until);
    this.#expiry.set(id, until + IN_FLIGHT_MS);
  }

  /**
   * A server is known from before a restart.
   *
   * @param lastSeen When it was last heard of, milliseconds since 1970.
   */
  restore(id: ServerId, lastSeen: number): void {
    // A wall clock that was set back must not make anyone immortal.
    const silent = Math.max(0, this.#clock.wall() - lastSeen);
    const left = Math.max(0, this.#aliveTimeout() - silent) + IN_FLIGHT_MS;
    this.#expiry.set(id, this.#clock.monotonic() + left + this.#restoredGrace);
  }

  /**
   * Another master says how long a server has left to live.
   *
   * @param isWord Whether somebody has heard of it since this master was last told so.
   * @returns Whether that is longer than was known.
   */
  extend(id: ServerId, left: number, isWord: boolean): boolean {
    // That is no more than that it may be gone: how long ago it was told is not known.
    if (left <= 0 && this.#expiry.deadline(id) !== undefined) return false;
    const now = this.#clock.monotonic();
    const cap = MAX_LEASE_TIMEOUTS * this.#aliveTimeout();
    if (isWord) this.#evidence.tell(id, now);
    // Word that goes round among those who have heard nothing must not keep anyone alive.
    const latest = this.#evidence.lastWord(id, now) + cap;
    const until = Math.min(now + Math.min(left, cap), latest) +
      (this.#evidence.isHeard(id, now) ? 0 : LEASE_GRACE_MS);
    if (until <= (this.#expiry.deadline(id) ?? -Infinity)) return false;
    this.#expiry.set(id, until);
    return true;
  }

  /** When another master last told that somebody has heard of a server, monotonic milliseconds. */
  lastTold(id: ServerId): number | undefined {
    return this.#evidence.lastTold(id);
  }

  /** Servers by how long they live, in milliseconds, rounded down. */
  byLife(ids: readonly ServerId[]): ReadonlyMap<number, readonly ServerId[]> {
    const byLeft = new Map<number, ServerId[]>();
    for (const id of ids) {
      const { left } = this.life(id);
      const rounded = left - left % EXPIRY_BUCKET_MS;
      const alike = byLeft.get(rounded);
      if (alike) alike.push(id);
      else byLeft.set(rounded, [id]);
    }
    return byLeft;
  }

  /** A server is gone. */
  delete(id: ServerId): void {
    this.#expiry.delete(id);
    this.#evidence.delete(id);
  }

  /** Removes and returns the servers whose time is over. */
  takeDue(): ServerId[] {
    return this.#expiry.takeDue(this.#clock.monotonic());
  }

  /** Moves a server's deadline by so many milliseconds. */
  move(id: ServerId, by: number): void {
    this.#expiry.move(id, by);
  }
}
