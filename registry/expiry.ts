/**
 * Who is due when, in time proportional to who is due.
 *
 * @module
 */

/**
 * Deadlines of keys, in buckets of a fixed width. Setting, moving and removing a deadline takes
 * constant time; taking what is due takes time proportional to it and to the buckets passed.
 */
export class ExpiryQueue<K> {
  readonly #buckets = new Map<number, Set<K>>();
  readonly #bucketOf = new Map<K, number>();
  readonly #width: number;
  #drained: number;

  /**
   * Starts without deadlines.
   *
   * @param now Current time in milliseconds of any clock that never goes back.
   * @param width Width of a bucket in milliseconds: how late a deadline may be noticed.
   */
  constructor(now: number, width: number) {
    this.#width = width;
    this.#drained = Math.floor(now / width);
  }

  /**
   * Sets or moves a key's deadline.
   *
   * @param deadline Milliseconds, same clock as the constructor's.
   */
  set(key: K, deadline: number): void {
    // A deadline in the past falls into the next bucket to be taken.
    const bucket = Math.max(Math.ceil(deadline / this.#width), this.#drained + 1);
    const before = this.#bucketOf.get(key);
    if (before === bucket) return;
    if (before !== undefined) this.#remove(key, before);
    this.#bucketOf.set(key, bucket);
    const keys = this.#buckets.get(bucket);
    if (keys) keys.add(key);
    else this.#buckets.set(bucket, new Set([key]));
  }

  /**
   * Moves a key's deadline, if it has one.
   *
   * @param by Milliseconds, negative for sooner; what is no multiple of the width is rounded up.
   */
  move(key: K, by: number): void {
    const bucket = this.#bucketOf.get(key);
    if (bucket !== undefined) this.set(key, bucket * this.#width + by);
  }

  /** Forgets a key. */
  delete(key: K): void {
    const bucket = this.#bucketOf.get(key);
    if (bucket === undefined) return;
    this.#bucketOf.delete(key);
    this.#remove(key, bucket);
  }

  /** Removes and returns the keys whose deadline has passed, earliest first. */
  takeDue(now: number): K[] {
    const due: K[] = [];
    const last = Math.floor(now / this.#width);
    // After a long sleep of the machine there may be more buckets passed than kept.
    const buckets = last - this.#drained > this.#buckets.size
      ? [...this.#buckets.keys()].filter((bucket) => bucket <= last).sort((a, b) => a - b)
      : Array.from({ length: Math.max(0, last - this.#drained) }, (_, i) => this.#drained + 1 + i);
    for (const bucket of buckets) {
      for (const key of this.#buckets.get(bucket) ?? []) {
        this.#bucketOf.delete(key);
        due.push(key);
      }
      this.#buckets.delete(bucket);
    }
    this.#drained = Math.max(this.#drained, last);
    return due;
  }

  #remove(key: K, bucket: number): void {
    const keys = this.#buckets.get(bucket);
    keys?.delete(key);
    if (keys?.size === 0) this.#buckets.delete(bucket);
  }
}
