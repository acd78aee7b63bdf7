/**
 * Who is due when, in time proportional to who is due.
 *
 * @module
 */

interface Place {
  /** The bucket that holds the key: the one it belongs in, or an earlier one. */
  bucket: number;
  /** The bucket it belongs in. */
  due: number;
}

/**
 * Deadlines of keys, in buckets of a fixed width. Setting, moving and removing a deadline takes
 * constant time; taking what is due takes time proportional to it, to the buckets passed and to the
 * keys whose deadline was put off since they were last looked at.
 */
export class ExpiryQueue<K> {
  readonly #buckets = new Map<number, Set<K>>();
  readonly #places = new Map<K, Place>();
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
    const due = Math.max(Math.ceil(deadline / this.#width), this.#drained + 1);
    const place = this.#places.get(key);
    if (place && place.bucket <= due) {
      // Most deadlines are put off again and again: it is enough to move the key when the bucket it
      // is in is taken.
      place.due = due;
      return;
    }
    if (place) this.#remove(key, place.bucket);
    this.#places.set(key, { bucket: due, due });
    this.#add(key, due);
  }

  /**
   * Moves a key's deadline, if it has one.
   *
   * @param by Milliseconds, negative for sooner; what is no multiple of the width is rounded up.
   */
  move(key: K, by: number): void {
    const place = this.#places.get(key);
    if (place) this.set(key, place.due * this.#width + by);
  }

  /** The deadline of a key, not earlier than it was set and less than the width later. */
  deadline(key: K): number | undefined {
    const place = this.#places.get(key);
    return place && place.due * this.#width;
  }

  /** Forgets a key. */
  delete(key: K): void {
    const place = this.#places.get(key);
    if (!place) return;
    this.#places.delete(key);
    this.#remove(key, place.bucket);
  }

  /** Removes and returns the keys whose deadline has passed, earliest first. */
  takeDue(now: number): K[] {
    const taken: (readonly [key: K, due: number])[] = [];
    const last = Math.floor(now / this.#width);
    // After a long sleep of the machine there may be more buckets passed than kept.
    const buckets = last - this.#drained > this.#buckets.size
      ? [...this.#buckets.keys()].filter((bucket) => bucket <= last).sort((a, b) => a - b)
      : Array.from({ length: Math.max(0, last - this.#drained) }, (_, i) => this.#drained + 1 + i);
    for (const bucket of buckets) {
      for (const key of this.#buckets.get(bucket) ?? []) {
        const place = this.#places.get(key);
        if (place && place.due > last) {
          place.bucket = place.due;
          this.#add(key, place.due);
        } else {
          this.#places.delete(key);
          taken.push([key, place?.due ?? bucket]);
        }
      }
      this.#buckets.delete(bucket);
    }
    this.#drained = Math.max(this.#drained, last);
    return taken.sort(([, a], [, b]) => a - b).map(([key]) => key);
  }

  #add(key: K, bucket: number): void {
    const keys = this.#buckets.get(bucket);
    if (keys) keys.add(key);
    else this.#buckets.set(bucket, new Set([key]));
  }

  #remove(key: K, bucket: number): void {
    const keys = this.#buckets.get(bucket);
    keys?.delete(key);
    if (keys?.size === 0) this.#buckets.delete(bucket);
  }
}
