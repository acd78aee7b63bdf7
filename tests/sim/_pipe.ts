/** Messages from thread to thread: in order, a moment later. */

import type { Timeline } from "./_clock.ts";
import type { SimRandom } from "./_random.ts";

/** Milliseconds that a message from thread to thread takes. */
const THREAD_MS = [0.2, 6] as const;

/** One direction between two threads. */
export class Pipe<T> {
  readonly #timeline: Timeline;
  readonly #random: SimRandom;
  readonly #deliver: (item: T) => void;
  readonly #done: () => void;
  #batch: T[] = [];
  #batchAt = -1;
  #lastAt = 0;
  #generation = 0;

  /**
   * @param deliver Takes one message.
   * @param done Called when some were taken.
   */
  constructor(
    timeline: Timeline,
    random: SimRandom,
    deliver: (item: T) => void,
    done: () => void = () => {},
  ) {
    this.#timeline = timeline;
    this.#random = random;
    this.#deliver = deliver;
    this.#done = done;
  }

  /** Sends a message; those of one moment travel together. */
  post(item: T): void {
    const { now } = this.#timeline;
    if (this.#batchAt === now) {
      this.#batch.push(item);
      return;
    }
    const batch = this.#batch = [item];
    this.#batchAt = now;
    this.#lastAt = Math.max(this.#lastAt, now + this.#random.between(...THREAD_MS));
    const generation = this.#generation;
    this.#timeline.at(this.#lastAt, () => {
      if (this.#batch === batch) this.#batchAt = -1;
      for (const each of batch) {
        if (generation !== this.#generation) return;
        this.#deliver(each);
      }
      this.#done();
    });
  }

  /** A thread has ended: nothing of what is on its way arrives. */
  cut(): void {
    this.#generation++;
    this.#batchAt = -1;
  }
}
