/**
 * Time and order of changes in a network of masters.
 *
 * @module
 */

import type { Vector, Version } from "./types.ts";

/** Steps of hybrid logical time in a millisecond; what is more runs into the next one. */
const STEPS_PER_MS = 1024;

/** The lowest hybrid logical time of a moment in milliseconds since 1970. */
export function hlcAt(wall: number): number {
  return Math.floor(wall) * STEPS_PER_MS;
}

/** A clock that follows the wall's, never gives a time twice, and never goes back. */
export class HybridClock {
  readonly #wall: () => number;
  #last = 0;

  /** @param wall Milliseconds since 1970. */
  constructor(wall: () => number) {
    this.#wall = wall;
  }

  /** The latest time given or observed. */
  get last(): number {
    return this.#last;
  }

  /**
   * A time later than any given or observed.
   *
   * @param above Later than this, too.
   */
  next(above = 0): number {
    this.#last = Math.max(this.#last, above, hlcAt(this.#wall()) - 1) + 1;
    return this.#last;
  }

  /** Takes note of a time that another clock, or this one before a restart, has given. */
  observe(hlc: number): void {
    this.#last = Math.max(this.#last, hlc);
  }
}

/** Raises one entry of a vector. */
export function raise(vector: Map<string, number>, { hlc, origin }: Version): void {
  if (hlc > (vector.get(origin) ?? 0)) vector.set(origin, hlc);
}

/** Whether a vector reaches as far as another. */
export function covers(vector: Vector, other: Vector): boolean {
  for (const [origin, hlc] of other) if (hlc > (vector.get(origin) ?? 0)) return false;
  return true;
}

/** Whether a vector reaches as far as a change. */
export function includes(vector: Vector, { hlc, origin }: Version): boolean {
  return hlc <= (vector.get(origin) ?? 0);
}

/** Whether one change was made before another; of two at one time, that of the lower origin. */
export function isEarlier(a: Version, b: Version): boolean {
  return a.hlc === b.hlc ? a.origin < b.origin : a.hlc < b.hlc;
}
