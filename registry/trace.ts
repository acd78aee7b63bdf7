/**
 * The last steps of each server's life: the answer to "why am I not listed?".
 *
 * @module
 */

import type { ServerId, TraceEntry } from "./types.ts";

/** Steps kept of one server: a whole registration with retries, and the one before it. */
const MAX_ENTRIES = 16;

/** Servers that are gone, or were never let in, whose trace is kept; the oldest goes first. */
const MAX_DEPARTED = 4096;

const NONE: readonly TraceEntry[] = [];

/** Traces of live servers and, for a while, of those that left or were refused. */
export class TraceBook {
  readonly #live = new Map<ServerId, readonly TraceEntry[]>();
  readonly #departed = new Map<ServerId, readonly TraceEntry[]>();

  /** Adds a step. A status replaces the one before it, so that polls push nothing else out. */
  add(id: ServerId, entry: TraceEntry): void {
    const before = this.of(id);
    const kept = entry.step === "status" ? before.filter(({ step }) => step !== "status") : before;
    // A new array is as long as it has to be; one that is pushed to makes room for sixteen more.
    const entries = kept.concat(entry).slice(-MAX_ENTRIES);
    if (this.#live.has(id)) this.#live.set(id, entries);
    else this.#keepDeparted(id, entries);
  }

  /** A server registered: its trace is kept for as long as it lives. */
  enter(id: ServerId): void {
    this.#live.set(id, this.#departed.get(id) ?? NONE);
    this.#departed.delete(id);
  }

  /** A server is gone: its trace is kept until newer ones need the place. */
  leave(id: ServerId): void {
    const entries = this.#live.get(id);
    if (!entries) return;
    this.#live.delete(id);
    this.#keepDeparted(id, entries);
  }

  /** Steps of a server, oldest first; empty when nothing is known of it. */
  of(id: ServerId): readonly TraceEntry[] {
    return this.#live.get(id) ?? this.#departed.get(id) ?? NONE;
  }

  #keepDeparted(id: ServerId, entries: readonly TraceEntry[]): void {
    this.#departed.set(id, entries);
    if (this.#departed.size > MAX_DEPARTED) {
      const [oldest] = this.#departed.keys();
      this.#departed.delete(oldest as ServerId);
    }
  }
}
