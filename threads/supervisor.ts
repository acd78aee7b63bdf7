/**
 * Keeps threads running: starts them, asks them how they are, starts those again that crashed or
 * no longer answer.
 *
 * @module
 */

import type {
  BoundSocket,
  FromThread,
  LogFields,
  LogLevel,
  ThreadName,
  ThreadSettings,
  ToThread,
} from "./messages.ts";
import { pack, unpack } from "./_packing.ts";

/** The part of a Worker that the supervisor uses. */
export interface WorkerLike {
  /** Called with each message from the thread. */
  onmessage: ((event: MessageEvent<FromThread>) => void) | null;
  /** Called when the thread dies of an exception nobody caught. */
  onerror: ((event: ErrorEvent) => void) | null;
  /** Sends to the thread. */
  postMessage(message: ToThread): void;
  /** Ends the thread, whatever it is doing. */
  terminate(): void;
}

/** Whether a thread can be used. */
export type ThreadState = "starting" | "up" | "waiting" | "stopped";

/** A thread to be kept running. */
export interface ThreadSpec {
  /** Its name. */
  readonly name: ThreadName;
  /** Its settings, asked for at each start. */
  settings(): ThreadSettings;
  /** Called each time it has come up, before anything else it says. */
  onReady(): void;
  /** Called with what it says, its own life excepted. */
  onMessage(message: FromThread): void;
  /** Called each time it goes down without having been told to. */
  onDown(): void;
}

/** What a supervisor is made of. */
export interface SupervisorOptions {
  /** Starts a Worker of this name. */
  readonly spawn: (name: ThreadName) => WorkerLike;
  /** Where lines about threads go. */
  readonly log: (level: LogLevel, message: string, fields: LogFields) => void;
  /** Milliseconds between two questions for health. */
  readonly healthIntervalMs?: number;
  /** First wait before a restart, in milliseconds; doubles up to {@link MAX_BACKOFF_MS}. */
  readonly firstBackoffMs?: number;
}

/** Milliseconds between two questions for health. */
export const HEALTH_INTERVAL_MS = 2000;

/**
 * Questions in a row without an answer that make a thread stuck: 10 s. Counted in questions and
 * not in time, so that a machine that slept does not find all its threads dead.
 */
export const MAX_UNANSWERED = 5;

/** First wait before a restart, in milliseconds. */
export const FIRST_BACKOFF_MS = 1000;

/** Longest wait before a restart, in milliseconds. */
export const MAX_BACKOFF_MS = 30_000;

/** A thread that stayed up this long, in milliseconds, starts its back-off anew. */
const STEADY_MS = 60_000;

/** Milliseconds beyond the grace time after which a thread that does not stop is ended. */
const STOP_MARGIN_MS = 250;

class SupervisedThread {
  readonly #spec: ThreadSpec;
  readonly #options: Required<SupervisorOptions>;
  readonly #firstAttempt = Promise.withResolvers<boolean>();
  readonly #stopped = Promise.withResolvers<void>();
  #worker: WorkerLike | undefined;
  #state: ThreadState = "starting";
  #backoff: number;
  #readyAt = 0;
  #asked = 0;
  #answered = 0;
  #restartTimer: ReturnType<typeof setTimeout> | undefined;
  sockets: readonly BoundSocket[] = [];
  counters: Readonly<Record<string, number>> = {};
  restarts = 0;

  constructor(spec: ThreadSpec, options: Required<SupervisorOptions>) {
    this.#spec = spec;
    this.#options = options;
    this.#backoff = options.firstBackoffMs;
    this.#spawn();
  }

  get state(): ThreadState {
    return this.#state;
  }

  /** Settles after the first attempt to start: whether it came up. */
  get firstAttempt(): Promise<boolean> {
    return this.#firstAttempt.promise;
  }

  post(message: ToThread): void {
    // While it stops, too: requests in hand wait for their outcomes.
    if (this.#state !== "up" && this.#state !== "stopped") return;
    this.#worker?.postMessage(pack(message));
  }

  checkHealth(): void {
    if (this.#state !== "up" && this.#state !== "starting") return;
    if (this.#asked - this.#answered >= MAX_UNANSWERED) {
      this.#down(`no sign of life for ${MAX_UNANSWERED} questions in a row`);
      return;
    }
    this.#worker?.postMessage({ type: "health", number: ++this.#asked });
  }

  async stop(graceMs: number): Promise<void> {
    clearTimeout(this.#restartTimer);
    const wasUp = this.#state === "up";
    this.#state = "stopped";
    if (wasUp) {
      this.#worker?.postMessage({ type: "stop", graceMs });
      const timer = setTimeout(() => this.#stopped.resolve(), graceMs + STOP_MARGIN_MS);
      await this.#stopped.promise;
      clearTimeout(timer);
    }
    this.#worker?.terminate();
    this.#worker = undefined;
    this.sockets = [];
  }

  #spawn(): void {
    this.#state = "starting";
    this.#asked = this.#answered = 0;
    const worker = this.#options.spawn(this.#spec.name);
    this.#worker = worker;
    worker.onmessage = ({ data }) => {
      if (worker === this.#worker) this.#receive(unpack(data));
    };
    worker.onerror = (event) => {
      // Unhandled, the error would end the whole process.
      event.preventDefault();
      if (worker === this.#worker) this.#down(event.message);
    };
  }

  #receive(message: FromThread): void {
    switch (message.type) {
      case "loaded":
        this.#worker?.postMessage({ type: "start", settings: this.#spec.settings() });
        break;
      case "ready":
        this.#state = "up";
        this.#readyAt = performance.now();
        this.sockets = message.sockets;
        this.#spec.onReady();
        this.#firstAttempt.resolve(true);
        break;
      case "failed":
        this.#down(message.message);
        break;
      case "healthy":
        this.#answered = message.number;
        this.counters = message.counters;
        break;
      case "stopped":
        this.counters = message.counters;
        this.#stopped.resolve();
        break;
      case "log":
        this.#options.log(message.level, message.message, {
          thread: this.#spec.name,
          ...message.fields,
        });
        break;
      default:
        this.#spec.onMessage(message);
    }
  }

  #down(reason: string): void {
    const wasUp = this.#state === "up";
    this.#worker?.terminate();
    this.#worker = undefined;
    this.sockets = [];
    if (this.#state === "stopped") {
      this.#stopped.resolve();
      return;
    }
    this.#state = "waiting";
    if (wasUp && performance.now() - this.#readyAt > STEADY_MS) {
      this.#backoff = this.#options.firstBackoffMs;
    }
    const wait = this.#backoff;
    this.#backoff = Math.min(MAX_BACKOFF_MS, wait * 2);
    this.restarts++;
    this.#options.log("error", `${this.#spec.name} is down: ${reason}`, {
      thread: this.#spec.name,
      restart_in_ms: wait,
    });
    this.#restartTimer = setTimeout(() => this.#spawn(), wait);
    this.#firstAttempt.resolve(false);
    this.#spec.onDown();
  }
}

/** What is known of a thread from outside. */
export interface ThreadReport {
  /** Its name. */
  readonly name: ThreadName;
  /** Whether it can be used. */
  readonly state: ThreadState;
  /** The sockets it listens on; empty while it is down. */
  readonly sockets: readonly BoundSocket[];
  /** Its counts, as of the last sign of life. */
  readonly counters: Readonly<Record<string, number>>;
  /** How many times it had to be started again. */
  readonly restarts: number;
}

/** Starts and watches threads. */
export class Supervisor {
  readonly #options: Required<SupervisorOptions>;
  readonly #threads = new Map<ThreadName, SupervisedThread>();
  readonly #healthTimer: ReturnType<typeof setInterval>;

  /** Starts with no threads. */
  constructor(options: SupervisorOptions) {
    this.#options = {
      healthIntervalMs: HEALTH_INTERVAL_MS,
      firstBackoffMs: FIRST_BACKOFF_MS,
      ...options,
    };
    this.#healthTimer = setInterval(() => {
      for (const thread of this.#threads.values()) thread.checkHealth();
    }, this.#options.healthIntervalMs);
  }

  /**
   * Starts a thread and keeps it running.
   *
   * @returns Whether the first attempt succeeded; later ones follow in any case.
   */
  start(spec: ThreadSpec): Promise<boolean> {
    const thread = new SupervisedThread(spec, this.#options);
    this.#threads.set(spec.name, thread);
    return thread.firstAttempt;
  }

  /** Sends to a thread; lost when it is not up (it gets a snapshot when it comes up). */
  post(name: ThreadName, message: ToThread): void {
    this.#threads.get(name)?.post(message);
  }

  /** The sockets that a thread listens on; none while it is down. */
  socketsOf(name: ThreadName): readonly BoundSocket[] {
    return this.#threads.get(name)?.sockets ?? [];
  }

  /** What is known of each thread. */
  report(): ThreadReport[] {
    return [...this.#threads].map(([name, { state, sockets, counters, restarts }]) => ({
      name,
      state,
      sockets,
      counters,
      restarts,
    }));
  }

  /** Stops threads together; each has this many milliseconds to finish what is in hand. */
  async stop(names: readonly ThreadName[], graceMs: number): Promise<void> {
    await Promise.all(names.map((name) => this.#threads.get(name)?.stop(graceMs)));
  }

  /** Stops asking for health. Call it last. */
  close(): void {
    clearInterval(this.#healthTimer);
  }
}
