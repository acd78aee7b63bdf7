import type { Timing } from "./timing.ts";

/** Milliseconds between two reports at least, however often the game changes. */
const MIN_GAP_MS = 2000;

/** Seconds that a master may ask to hear from a server in; outside it is its mistake, not ours. */
const MIN_INTERVAL_S = 1;
const MAX_INTERVAL_S = 600;

/** When a game server's next report is due. */
export class Pulse {
  readonly #timing: Timing;
  #intervalMs = MAX_INTERVAL_S * 1000;
  #sentAt: number;
  #notBefore = -Infinity;
  #changed = false;
  #wake = new AbortController();

  /** Starts with a report (the registration) that was sent just now. */
  constructor(timing: Timing) {
    this.#timing = timing;
    this.#sentAt = timing.now();
  }

  /** Takes over what the master wants, in seconds. */
  every(interval: number): void {
    this.#intervalMs = Math.min(MAX_INTERVAL_S, Math.max(MIN_INTERVAL_S, interval)) * 1000;
    this.#wake.abort();
  }

  /** There is news. */
  changed(): void {
    this.#changed = true;
    this.#wake.abort();
  }

  /** The master wants to hear nothing for so many seconds, though never longer than usual. */
  hold(seconds: number): void {
    const ms = Math.min(seconds, MAX_INTERVAL_S) * 1000;
    this.#notBefore = this.#timing.now() + ms;
    this.#wake.abort();
  }

  /** Waits until a report is due, and takes it as sent; false when the signal ended the waiting. */
  async due(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const wait = this.#dueAt() - this.#timing.now();
      if (wait <= 0) {
        this.#sentAt = this.#timing.now();
        this.#changed = false;
        return true;
      }
      this.#wake = new AbortController();
      await this.#timing.sleep(wait, AbortSignal.any([signal, this.#wake.signal]));
    }
    return false;
  }

  #dueAt(): number {
    const gap = this.#changed ? Math.min(MIN_GAP_MS, this.#intervalMs) : this.#intervalMs;
    return Math.max(this.#sentAt + gap, this.#notBefore);
  }
}
