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
  readonly #live = new Map<ServerId, TraceEntry[]>();
  readonly #departed = new Map<ServerId, TraceEntry[]>();

  /** Adds a step. A status replaces the one before it, so that polls push nothing else out. */
  add(id: ServerId, entry: TraceEntry): void {
    let entries = this.#live.get(id) ?? this.#departed.get(id);
    if (!entries) {
      entries = [];
      this.#keepDeparted(id, entries);
    }
    if (entry.step === "status") {
      const before = entries.findLastIndex((kept) => kept.step === "status");
      if (before >= 0) entries.splice(before, 1);
    }
    entries.push(entry);
    if (entries.length > MAX_ENTRIES) entries.shift();
  }

  /** A server registered: its trace is kept for as long as it lives. */
  enter(id: ServerId): void {
    this.#live.set(id, this.#departed.get(id) ?? []);
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

  #keepDeparted(id: ServerId, entries: TraceEntry[]): void {
    this.#departed.set(id, entries);
    if (this.#departed.size > MAX_DEPARTED) {
      const [oldest] = this.#departed.keys();
      this.#departed.delete(oldest as ServerId);
    }
  }
}
