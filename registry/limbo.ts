/**
 * Servers of which nobody can say yet whether they live: neither listed nor gone.
 *
 * @module
 */

import { ExpiryQueue } from "./expiry.ts";
import type { ServerId, ServerRecord } from "./types.ts";

/** Lateness in milliseconds with which somebody is given up. */
const BUCKET_MS = 1000;

/** Why a server is waited for. */
export type Waiting =
  /** It was listed before a restart, and its time is over. */
  | "silent"
  /** Another master has it that has not heard of it, and it may be gone long since. */
  | "doubtful";

/** A server that is waited for. */
export interface Waiter {
  /** What it was when it was heard of. */
  readonly record: ServerRecord;
  /** Why it is waited for. */
  readonly why: Waiting;
}

/** Servers that are waited for. */
export class Limbo {
  readonly #waiters = new Map<ServerId, Waiter>();
  readonly #due = new ExpiryQueue<ServerId>(0, BUCKET_MS);
  /** Until when anyone is waited for, monotonic milliseconds. */
  #latest = -Infinity;

  /** How many there are. */
  get size(): number {
    return this.#waiters.size;
  }

  /** The one with an id. */
  get(id: ServerId): Waiter | undefined {
    return this.#waiters.get(id);
  }

  /**
   * Waits for a server.
   *
   * @param until Monotonic milliseconds.
   */
  add(record: ServerRecord, why: Waiting, until: number): void {
    this.#waiters.set(record.id, { record, why });
    this.#due.set(record.id, until);
    this.#latest = Math.max(this.#latest, until);
  }

  /** It is known what became of a server. */
  delete(id: ServerId): void {
    if (this.#waiters.delete(id)) this.#due.delete(id);
  }

  /** Nobody is waited for longer than until then. */
  hurry(until: number): void {
    // It is said again and again, and whoever was waited for then has been hurried.
    if (until >= this.#latest) return;
    this.#latest = until;
    for (const id of this.#waiters.keys()) {
      if ((this.#due.deadline(id) ?? 0) > until) this.#due.set(id, until);
    }
  }

  /** Takes away and returns those that were waited for in vain. */
  takeDue(now: number): ServerRecord[] {
    const given: ServerRecord[] = [];
    for (const id of this.#due.takeDue(now)) {
      const waiter = this.#waiters.get(id);
      if (waiter) given.push(waiter.record);
      this.#waiters.delete(id);
    }
    return given;
  }
}
