/** Virtual time: what happens when, and what each machine's clocks say then. */

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** What is to happen, in order of time, and of two at one time the one that was planned first. */
export class Timeline {
  /** Milliseconds since the beginning. */
  now = 0;
  /** What has happened so far. */
  steps = 0;
  readonly #heap: Entry[] = [];
  #order = 0;

  /** What waits. */
  get waiting(): number {
    return this.#heap.length;
  }

  /** Plans something for a time; the past is now. */
  at(time: number, run: () => void): void {
    const heap = this.#heap;
    const entry = { at: Math.max(time, this.now), order: this.#order++, run };
    let place = heap.length;
    heap.push(entry);
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above] as Entry;
      if (!isBefore(entry, parent)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = entry;
  }

  /** Plans something for so many milliseconds later. */
  after(milliseconds: number, run: () => void): void {
    this.at(this.now + milliseconds, run);
  }

  /** Lets time pass up to a time. */
  run(until: number): void {
    for (let next = this.#heap[0]; next && next.at <= until; next = this.#heap[0]) {
      this.#take();
      this.now = next.at;
      this.steps++;
      next.run();
    }
    this.now = Math.max(this.now, until);
  }

  #take(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= heap.length) break;
      const right = heap[below + 1];
      if (right && isBefore(right, heap[below] as Entry)) below++;
      const child = heap[below] as Entry;
      if (!isBefore(child, last)) break;
      heap[place] = child;
      place = below;
    }
    heap[place] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at === b.at ? a.order < b.order : a.at < b.at;
}

/** Wall time at the beginning, milliseconds since 1970; not round on purpose. */
export const DAWN = Date.UTC(2026, 0, 1) + 123;

/** How wrong a machine's clocks are. */
export interface ClockErrors {
  /** Milliseconds that the wall clock is ahead. */
  readonly skew: number;
  /** Milliseconds that both clocks gain in each millisecond. */
  readonly drift: number;
}

/** The clocks of one machine. */
export class MachineClock {
  readonly #timeline: Timeline;
  readonly #drift: number;
  #skew: number;
  #boot: number;
  #bootValue = 0;

  /** A machine that was started just now. */
  constructor(timeline: Timeline, { skew, drift }: ClockErrors) {
    this.#timeline = timeline;
    this.#skew = skew;
    this.#drift = drift;
    this.#boot = timeline.now;
  }

  /** Milliseconds since 1970, as this machine believes. */
  wall(): number {
    const { now } = this.#timeline;
    return Math.floor(DAWN + now * (1 + this.#drift) + this.#skew);
  }

  /** Milliseconds that never go back and do not jump. */
  monotonic(): number {
    return this.#bootValue + (this.#timeline.now - this.#boot) * (1 + this.#drift);
  }

  /** The wall clock is set. */
  jump(milliseconds: number): void {
    this.#skew += milliseconds;
  }

  /** The machine is started anew: the monotonic clock says whatever it likes. */
  reboot(value: number): void {
    this.#boot = this.#timeline.now;
    this.#bootValue = value;
  }
}
