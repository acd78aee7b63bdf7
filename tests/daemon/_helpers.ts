/** Time that passes only when a test says so, for code that uses the timers of the platform. */
export class FakeTime {
  #now = 0;
  #next = 1;
  readonly #timers = new Map<number, { at: number; run: () => void }>();
  readonly #real = { setTimeout, clearTimeout, now: performance.now };
  /** Every wait that was asked for, in milliseconds. */
  readonly waits: number[] = [];

  install(): void {
    globalThis.setTimeout = ((run: () => void, wait = 0) => {
      this.waits.push(wait);
      this.#timers.set(this.#next, { at: this.#now + wait, run });
      return this.#next++;
    }) as unknown as typeof setTimeout;
    globalThis.clearTimeout = (timer) => void this.#timers.delete(timer as unknown as number);
    performance.now = () => this.#now;
  }

  restore(): void {
    globalThis.setTimeout = this.#real.setTimeout;
    globalThis.clearTimeout = this.#real.clearTimeout;
    performance.now = this.#real.now;
  }

  get now(): number {
    return this.#now;
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.size;
  }

  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.settle();
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end)
        .sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      const [timer, { at, run }] = due;
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, at);
      run();
      await this.settle();
    }
    this.#now = end;
  }

  /** Lets promises that are ready go on. */
  settle(): Promise<void> {
    return new Promise((resolve) => this.#real.setTimeout(resolve, 0));
  }
}

export async function withFakeTime(use: (time: FakeTime) => Promise<void>): Promise<void> {
  const time = new FakeTime();
  time.install();
  try {
    await use(time);
  } finally {
    time.restore();
  }
}
