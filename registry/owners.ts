/**
 * When the owners of servers' keys were last heard of: here, or at another master.
 *
 * @module
 */

import type { ServerId, ServerRecord } from "./types.ts";

/**
 * Milliseconds without a word from a key's server after which another key may have its address, and
 * what the key said of it counts no more: three reports missed. Until then a neighbour behind the
 * same address cannot push it out.
 */
export const OWNER_GRACE_MS = 180_000;

/** Owners of servers' keys. */
export class Owners {
  readonly #now: () => number;
  readonly #toldAt: (id: ServerId) => number | undefined;
  /** When each key's server last had a word from its owner here, monotonic milliseconds. */
  readonly #heardAt = new Map<ServerId, number>();

  /**
   * @param now Monotonic milliseconds.
   * @param toldAt When another master last told that it has heard of a server, the same.
   */
  constructor(now: () => number, toldAt: (id: ServerId) => number | undefined) {
    this.#now = now;
    this.#toldAt = toldAt;
  }

  /** A server's owner has registered it, or is taken to have done so. */
  enter(id: ServerId): void {
    this.#heardAt.set(id, this.#now());
  }

  /** A server's owner was heard of. */
  hear(id: ServerId): void {
    if (this.#heardAt.has(id)) this.#heardAt.set(id, this.#now());
  }

  /** A server has no owner here any more. */
  delete(id: ServerId): void {
    this.#heardAt.delete(id);
  }

  /**
   * Whether a record has an owner who has been heard of not long ago. What the owner says to another
   * master that master tells of, and drops what it said once it has fallen silent.
   */
  isOwned({ id, key }: ServerRecord): boolean {
    const heard = Math.max(this.#heardAt.get(id) ?? -Infinity, this.#toldAt(id) ?? -Infinity);
    return key !== undefined && this.#now() - heard < OWNER_GRACE_MS;
  }
}
