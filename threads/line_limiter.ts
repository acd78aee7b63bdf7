/**
 * Keeps a flood of refusals from becoming a flood of log lines.
 *
 * @module
 */

/** Lines a second that get through for long. */
const LINES_PER_SECOND = 10;

/** Lines that get through at once. */
const BURST = 50;

/** Lets so many lines a second through and counts the others. */
export class LineLimiter {
  #tokens = BURST;
  #at: number;
  #suppressed = 0;

  /**
   * Starts with a full burst.
   *
   * @param now Milliseconds of a clock that never goes back.
   */
  constructor(now: number) {
    this.#at = now;
  }

  /**
   * Asks whether a line may be written.
   *
   * @returns How many lines were held back since the last one that got through, or undefined when
   * this one is held back too.
   */
  admit(now: number): number | undefined {
    this.#tokens = Math.min(BURST, this.#tokens + (now - this.#at) / 1000 * LINES_PER_SECOND);
    this.#at = now;
    if (this.#tokens < 1) {
      this.#suppressed++;
      return undefined;
    }
    this.#tokens--;
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return suppressed;
  }
}
