/**
 * Who may do now what not all may do at once.
 *
 * @module
 */

/** Milliseconds after which somebody who is still at it keeps nobody waiting any more. */
const PATIENCE_MS = 20_000;

/** So many at once; others come back later. */
export class Turns {
  readonly #size: number;
  readonly #monotonic: () => number;
  readonly #since = new Map<object, number>();

  /** @param size How many there may be at once. */
  constructor(size: number, monotonic: () => number) {
    this.#size = size;
    this.#monotonic = monotonic;
  }

  /** Whether others have to wait. */
  get isFull(): boolean {
    if (this.#since.size < this.#size) return false;
    const since = this.#monotonic() - PATIENCE_MS;
    let size = 0;
    for (const at of this.#since.values()) if (at > since) size++;
    return size >= this.#size;
  }

  /** Somebody's turn begins, or goes on; false when it has to wait. */
  take(who: object): boolean {
    if (this.#since.has(who)) return true;
    if (this.isFull) return false;
    this.#since.set(who, this.#monotonic());
    return true;
  }

  /** Somebody's turn is over, if there was one. */
  leave(who: object): void {
    this.#since.delete(who);
  }
}
