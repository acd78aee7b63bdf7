import type { Timing } from "../../clients/mod.ts";

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** Turns of the event loop that a question and its answer over loopback take, with some to spare. */
const TURNS = 8;

/**
 * Lets what is ready run: promises, and what sockets have to tell. Turns are counted and not time,
 * as both ends are in this process and a busy machine may let no turn pass for a while.
 */
async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** A clock that stands still until it is moved, and chance that is no chance. */
export class FakeTiming implements Timing {
  /** What {@link random} gives. */
  chance = 0.5;
  #now = 1_000_000;
  readonly #sleepers = new Set<Sleeper>();

  now(): number {
    return this.#now;
  }

  random(): number {
    return this.chance;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || ms <= 0) return resolve();
      const wake = () => {
        this.#sleepers.delete(sleeper);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper: Sleeper = { until: this.#now + ms, wake };
      this.#sleepers.add(sleeper);
      signal.addEventListener("abort", wake);
    });
  }

  /** Milliseconds that those who sleep have left, the shortest first. */
  get waiting(): number[] {
    return [...this.#sleepers].map(({ until }) => until - this.#now).sort((a, b) => a - b);
  }

  /** Moves the clock, waking each sleeper in its own time. */
  async advance(ms: number): Promise<void> {
    await settle();
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#sleepers].filter(({ until }) => until <= end)
        .sort((a, b) => a.until - b.until).at(0);
      if (!due) break;
      this.#now = Math.max(this.#now, due.until);
      due.wake();
      await settle();
    }
    this.#now = end;
    await settle();
  }
}
