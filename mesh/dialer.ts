/**
 * Whom to connect with, and when to try again: for ever, and not all at once.
 *
 * @module
 */

import type { MeshSource, Target } from "./types.ts";

/** Milliseconds until a failed attempt is repeated for the first time; doubles, less up to half. */
const FIRST_RETRY_MS = 500;

/** Longest wait in milliseconds: a network that is whole again is to be so within a minute. */
const MAX_RETRY_MS = 15_000;

/** Doublings until the longest wait. */
const MAX_DOUBLINGS = 5;

/** One place to connect with. */
export interface Place {
  readonly target: Target;
  /** Id of the master there, once it is known. */
  id: string | undefined;
  /** Whether an attempt is under way. */
  isDialing: boolean;
  /** When the next attempt is due, monotonic milliseconds. */
  nextAt: number;
  /** Attempts that failed since the last one that did not. */
  failures: number;
  /** Why there is no connection. */
  reason: string | undefined;
}

function keyOf({ host, port }: Target): string {
  return `${host} ${port}`;
}

/** Places to connect with. */
export class Dialer {
  readonly #source: MeshSource;
  readonly #places = new Map<string, Place>();

  constructor(source: MeshSource) {
    this.#source = source;
  }

  /** All places. */
  places(): IterableIterator<Place> {
    return this.#places.values();
  }

  /** The place of a target. */
  get(target: Target): Place | undefined {
    return this.#places.get(keyOf(target));
  }

  /** There is somebody, perhaps the master with an id. */
  add(target: Target, id?: string): void {
    const known = this.get(target);
    if (known) {
      known.id ??= id;
      return;
    }
    this.#places.set(keyOf(target), {
      target,
      id,
      isDialing: false,
      nextAt: this.#source.monotonic(),
      failures: 0,
      reason: undefined,
    });
  }

  /** Nobody is to be looked for there any more. */
  delete(target: Target): void {
    this.#places.delete(keyOf(target));
  }

  /** A connection with a place is there, and who that is is known. */
  reached(target: Target, id: string): void {
    const place = this.get(target);
    if (!place) return;
    place.id = id;
    place.isDialing = false;
    place.failures = 0;
    place.reason = undefined;
  }

  /** There is no connection with a place, or none any more. */
  failed(target: Target, reason: string): void {
    const place = this.get(target);
    if (!place) return;
    const doublings = Math.min(place.failures, MAX_DOUBLINGS);
    const wait = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** doublings);
    place.failures++;
    place.isDialing = false;
    place.reason = reason;
    place.nextAt = this.#source.monotonic() + wait * (1 - this.#source.random() / 2);
  }

  /**
   * Places where it is time for an attempt; one for each master.
   *
   * @param isConnected Whether the master with an id is connected with, or is this one.
   */
  takeDue(isConnected: (id: string) => boolean): Target[] {
    const now = this.#source.monotonic();
    const due: Target[] = [];
    const dialed = new Set<string>();
    for (const { id, isDialing } of this.#places.values()) {
      if (isDialing && id !== undefined) dialed.add(id);
    }
    for (const place of this.#places.values()) {
      const { id, isDialing, nextAt, target } = place;
      if (isDialing || nextAt > now) continue;
      if (id !== undefined && (isConnected(id) || dialed.has(id))) continue;
      if (id !== undefined) dialed.add(id);
      place.isDialing = true;
      due.push(target);
    }
    return due;
  }
}
