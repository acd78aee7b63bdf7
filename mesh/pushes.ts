/**
 * What another master pushes over one connection.
 *
 * @module
 */

/**
 * Its own changes that came without a gap. They may begin later than what is known of it: then they
 * count only once a comparison has told what was before them.
 */
export class Pushes {
  #after = 0;
  #upto = 0;

  /** All its changes later than one hybrid logical time and up to another have come. */
  take(after: number, upto: number): void {
    if (upto <= after) return;
    if (this.#upto === 0 || after > this.#upto || upto < this.#after) {
      this.#after = after;
      this.#upto = upto;
    } else {
      this.#after = Math.min(this.#after, after);
      this.#upto = Math.max(this.#upto, upto);
    }
  }

  /** How far all its changes are known, when it was known that they are up to a time. */
  reach(known: number): number {
    return known >= this.#after ? Math.max(known, this.#upto) : known;
  }
}
