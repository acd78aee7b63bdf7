/** Pseudo-random numbers that are the same in every run: everything of a seed follows from it. */

/** Steps after which the state has nothing left of how simple the seed was. */
const WARM_UP = 12;

/** A generator of 128 bits of state: three that mix, and a counter that rules out short cycles. */
export class SimRandom {
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  /**
   * @param seed A whole number.
   * @param stream Which of the independent streams of the seed.
   */
  constructor(seed: number, stream = 0) {
    this.#a = seed | 0;
    this.#b = (seed / 2 ** 32) | 0;
    this.#c = stream | 0;
    for (let i = 0; i < WARM_UP; i++) this.#step();
  }

  /** A number from 0 up to but not including 1. */
  next(): number {
    return this.#step() / 2 ** 32;
  }

  /** A whole number from 0 up to but not including `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** A number from `low` up to but not including `high`. */
  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  /** True so many times of one. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of several. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  /** Some of several, in any order. */
  some<T>(choices: readonly T[], count: number): T[] {
    const left = [...choices];
    const taken: T[] = [];
    while (taken.length < count && left.length > 0) {
      taken.push(...left.splice(this.below(left.length), 1));
    }
    return taken;
  }

  /** So many bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  #step(): number {
    const mixed = (this.#a + this.#b + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c * 9) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + mixed) | 0;
    return mixed >>> 0;
  }
}
