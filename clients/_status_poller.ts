import { askStatus, type AskTiming, type GameAddress, type StatusAnswer } from "./_ask_status.ts";
import { SYSTEM_TIMING } from "./timing.ts";

/** How a game server is polled. */
export interface PollTiming extends AskTiming {
  /** Milliseconds between two polls. */
  readonly intervalMs: number;
  /** Polls missed in a row after which a server that did answer is taken to be away. */
  readonly patience: number;
}

/** Often enough for a list that people watch; nothing beside what a game itself sends. */
export const POLL_TIMING: PollTiming = {
  intervalMs: 10_000,
  answerMs: 1000,
  retries: 3,
  patience: 3,
};

/** Whom to poll, and what comes of it. */
export interface PollerOptions {
  readonly server: GameAddress;
  readonly timing: PollTiming;
  /** The server answered. */
  onStatus(answer: StatusAnswer): void;
  /** The server stopped answering, or did not answer in the first place; told once. */
  onSilent(reason: string): void;
}

/** Polls a game server's status until it is stopped. */
export class StatusPoller {
  readonly #options: PollerOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: PollerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { server, timing, onStatus, onSilent } = this.#options;
    const { signal } = this.#stop;
    // A server that never answered needs no second chance before that is told.
    let chances = 1;
    while (!signal.aborted) {
      const next = performance.now() + timing.intervalMs;
      const asked = await askStatus(server, timing, signal);
      if (signal.aborted) return;
      if (asked.type === "answered") {
        chances = timing.patience;
        onStatus(asked);
      } else if (--chances === 0) onSilent(asked.reason);
      await SYSTEM_TIMING.sleep(Math.max(0, next - performance.now()), signal);
    }
  }
}
