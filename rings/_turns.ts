/**
 * Milliseconds of work on lists after which everything else gets its turn: a change, a ping or a
 * handshake waits no longer than that and one step.
 */
const SLICE_MS = 2;

/** Time, and how to wait. */
export interface Timing {
  /** Milliseconds that never go back. */
  now(): number;
  /** Does something later, unless the function that it gives is called before. */
  after(ms: number, action: () => void): () => void;
}

/**
 * Shares out the time of a thread: all long tasks together work for a slice, then everything else
 * has its turn. Tasks go on in the order in which they began.
 */
export class Turns {
  readonly #timing: Timing;
  #waiting: (() => void)[] = [];
  #cancel: (() => void) | undefined;
  #end = -Infinity;
  #isOver = false;

  constructor(timing: Timing) {
    this.#timing = timing;
  }

  /**
   * Asked before a long task begins: undefined when it may at once, else what to wait for before
   * {@link next} is asked.
   */
  begin(): Promise<void> | undefined {
    if (this.#waiting.length > 0) return this.#wait();
    const now = this.#timing.now();
    if (now >= this.#end) this.#end = now + SLICE_MS;
    return undefined;
  }

  /**
   * Asked between the steps of a task: undefined when it may go on, else what to wait for before
   * asking again. Right after it the task works; with a wait in between others might, too.
   */
  next(): Promise<void> | undefined {
    return this.#isOver || this.#timing.now() < this.#end ? undefined : this.#wait();
  }

  /** Nobody waits any more. */
  stop(): void {
    this.#isOver = true;
    this.#cancel?.();
    this.#wake();
  }

  #wait(): Promise<void> {
    this.#cancel ??= this.#timing.after(0, () => this.#wake());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#cancel = undefined;
    this.#end = this.#timing.now() + SLICE_MS;
    for (const resolve of waiting) resolve();
  }
}
