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

/** Servers that are waited for. */
export class Limbo {
  readonly #records = new Map<ServerId, { readonly record: ServerRecord; readonly why: Waiting }>();
  readonly #due = new ExpiryQueue<ServerId>(0, BUCKET_MS);

  /** Why a server is waited for; undefined when it is not. */
  why(id: ServerId): Waiting | undefined {
    return this.#records.get(id)?.why;
  }

  /**
   * Waits for a server.
   *
   * @param until Monotonic milliseconds.
   */
  add(record: ServerRecord, why: Waiting, until: number): void {
    this.#records.set(record.id, { record, why });
    this.#due.set(record.id, until);
  }

  /** It is known what became of a server. */
  delete(id: ServerId): void {
    if (this.#records.delete(id)) this.#due.delete(id);
  }

  /** Nobody is waited for longer than until then. */
  hurry(until: number): void {
    for (const id of this.#records.keys()) {
      if ((this.#due.deadline(id) ?? 0) > until) this.#due.set(id, until);
    }
  }

  /** Takes away and returns those that were waited for in vain. */
  takeDue(now: number): ServerRecord[] {
    const given: ServerRecord[] = [];
    for (const id of this.#due.takeDue(now)) {
      const waiting = this.#records.get(id);
      if (waiting) given.push(waiting.record);
      this.#records.delete(id);
    }
    return given;
  }
}
