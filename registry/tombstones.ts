/**
 * Servers that are gone, for as long as somebody may still believe that they are there.
 *
 * @module
 */

import { ExpiryQueue } from "./expiry.ts";
import type { ServerId, Tombstone } from "./types.ts";

/**
 * Tombstones kept at most. Who makes more of them in their time is up to no good, and costs some
 * readers a whole list instead of the changes.
 */
const MAX_TOMBSTONES = 200_000;

/** Lateness in milliseconds with which one may be forgotten. */
const BUCKET_MS = 1000;

/** Tombstones by server. */
export class Tombstones {
  readonly #byId = new Map<ServerId, Tombstone>();
  readonly #due: ExpiryQueue<ServerId>;

  /** @param now Monotonic milliseconds. */
  constructor(now: number) {
    this.#due = new ExpiryQueue(now, BUCKET_MS);
  }

  /** How many there are. */
  get size(): number {
    return this.#byId.size;
  }

  /** All of them. */
  all(): Tombstone[] {
    return [...this.#byId.values()];
  }

  /** The one of a server. */
  get(id: ServerId): Tombstone | undefined {
    return this.#byId.get(id);
  }

  /**
   * Sets one up.
   *
   * @param until Monotonic milliseconds.
   * @returns Those that had to make room.
   */
  add(tombstone: Tombstone, until: number): readonly Tombstone[] {
    this.#byId.delete(tombstone.id);
    this.#byId.set(tombstone.id, tombstone);
    this.#due.set(tombstone.id, until);
    if (this.#byId.size <= MAX_TOMBSTONES) return [];
    const [oldest] = this.#byId.values();
    return oldest ? this.#take([oldest.id]) : [];
  }

  /** A server is back. */
  delete(id: ServerId): void {
    this.#byId.delete(id);
    this.#due.delete(id);
  }

  /** Takes away and returns those whose time is over. */
  takeDue(now: number): readonly Tombstone[] {
    return this.#take(this.#due.takeDue(now));
  }

  #take(ids: readonly ServerId[]): readonly Tombstone[] {
    const taken: Tombstone[] = [];
    for (const id of ids) {
      const tombstone = this.#byId.get(id);
      if (tombstone) taken.push(tombstone);
      this.delete(id);
    }
    return taken;
  }
}
