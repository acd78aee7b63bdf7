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

/**
 * Milliseconds after which a connection was a success. One that is lost sooner again and again must
 * not be made anew twice a second: each begins with a comparison of everything.
 */
const STEADY_MS = 30_000;

/** One place to connect with. */
export interface Place {
  readonly target: Target;
  /** Whether the operator named it, or an earlier run knew it; not only other masters. */
  isNamed: boolean;
  /** Ids of masters that are said to be there. */
  hints: ReadonlySet<string>;
  /** Id of the master that was found there. */
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

/** Id of the master at a place, as far as anyone knows. */
export function likelyId({ id, hints }: Place): string | undefined {
  const [hint] = hints;
  return id ?? hint;
}

/** Places to connect with. */
export class Dialer {
  readonly #source: MeshSource;
  #places = new Map<string, Place>();

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

  /**
   * These are the places to connect with, and no others.
   *
   * @param named Those that the operator named, or that an earlier run knew.
   * @param told Those where masters are said to be, with their ids.
   */
  look(named: Iterable<Target>, told: Iterable<readonly [id: string, target: Target]>): void {
    const places = new Map<string, Place>();
    const hints = new Map<string, Set<string>>();
    for (const target of named) places.set(keyOf(target), this.#place(target, true));
    for (const [id, target] of told) {
      const key = keyOf(target);
      if (!places.has(key)) places.set(key, this.#place(target, false));
      const ids = hints.get(key);
      if (ids) ids.add(id);
      else hints.set(key, new Set([id]));
    }
    for (const [key, place] of places) place.hints = hints.get(key) ?? new Set();
    this.#places = places;
  }

  /** A connection with a place is there, and who that is is known. */
  reached(target: Target, id: string): void {
    const place = this.get(target);
    if (!place) return;
    place.id = id;
    place.isDialing = false;
    place.reason = undefined;
  }

  /**
   * There is no connection with a place, or none any more.
   *
   * @param lasted Milliseconds for which there was one.
   */
  failed(target: Target, reason: string, lasted = 0): void {
    const place = this.get(target);
    if (!place) return;
    if (lasted >= STEADY_MS) place.failures = 0;
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
    for (const place of this.#places.values()) {
      const id = likelyId(place);
      if (place.isDialing && id !== undefined) dialed.add(id);
    }
    for (const place of this.#places.values()) {
      if (place.isDialing || place.nextAt > now || !isWanted(place, isConnected)) continue;
      const id = likelyId(place);
      if (id !== undefined && dialed.has(id)) continue;
      if (id !== undefined) dialed.add(id);
      place.isDialing = true;
      due.push(place.target);
    }
    return due;
  }

  #place(target: Target, isNamed: boolean): Place {
    const known = this.get(target);
    if (known) {
      known.isNamed = isNamed;
      return known;
    }
    return {
      target,
      isNamed,
      hints: new Set(),
      id: undefined,
      isDialing: false,
      nextAt: this.#source.monotonic(),
      failures: 0,
      reason: undefined,
    };
  }
}

/** Whether there may be somebody at a place who is not connected. What is said may be wrong. */
function isWanted({ id, isNamed, hints }: Place, isConnected: (id: string) => boolean): boolean {
  if (id !== undefined) return !isConnected(id);
  return isNamed || [...hints].some((hint) => !isConnected(hint));
}
