import {
  type FromThread,
  Supervisor,
  type SupervisorOptions,
  type ThreadName,
  type ThreadSpec,
  type ToThread,
  type WorkerLike,
} from "../../threads/mod.ts";

export const STORE = {
  kind: "store",
  store: { database: { type: "sqlite", path: "/nowhere" }, journalPath: "/nowhere" },
} as const;

/** A Worker that does what a test says. */
export class FakeWorker implements WorkerLike {
  onmessage: ((event: MessageEvent<FromThread>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  readonly received: ToThread[] = [];
  readonly spawnedAt = performance.now();
  terminated = false;
  /** What it does with each message. */
  react: (message: ToThread) => void = () => {};

  constructor(readonly name: ThreadName) {}

  postMessage(message: ToThread): void {
    this.received.push(message);
    this.react(message);
  }

  terminate(): void {
    this.terminated = true;
  }

  say(message: FromThread): void {
    this.onmessage?.(new MessageEvent("message", { data: message }));
  }

  /** Dies of an exception; whether someone kept it from ending the process. */
  crash(message: string): boolean {
    const event = new ErrorEvent("error", { message, cancelable: true });
    this.onerror?.(event);
    return event.defaultPrevented;
  }

  /** Starts up as a healthy thread does. */
  comeUp(): void {
    this.say({ type: "loaded" });
    this.say({ type: "ready", sockets: [] });
  }

  asked(type: ToThread["type"]): number {
    return this.received.filter((message) => message.type === type).length;
  }
}

/** A supervisor of fake workers, and what it did. */
export class Bench {
  readonly workers: FakeWorker[] = [];
  readonly logged: string[] = [];
  readonly heard: FromThread[] = [];
  readonly calls: string[] = [];
  readonly supervisor: Supervisor;

  constructor(options: Partial<SupervisorOptions> = {}) {
    this.supervisor = new Supervisor({
      spawn: (name) => {
        const worker = new FakeWorker(name);
        this.workers.push(worker);
        return worker;
      },
      log: (level, message, fields) => {
        this.logged.push(`${level} ${message} ${JSON.stringify(fields)}`);
      },
      // Never, unless a test is about it.
      healthIntervalMs: 100_000,
      firstBackoffMs: 20,
      ...options,
    });
  }

  get last(): FakeWorker {
    const worker = this.workers.at(-1);
    if (!worker) throw new Error("no worker was started");
    return worker;
  }

  spec(name: ThreadName = "ring1bis"): ThreadSpec {
    return {
      name,
      settings: () => STORE,
      onReady: () => this.calls.push("ready"),
      onMessage: (message) => this.heard.push(message),
      onDown: () => this.calls.push("down"),
    };
  }

  state(name: ThreadName = "ring1bis"): string | undefined {
    return this.supervisor.report().find((report) => report.name === name)?.state;
  }
}

/** Runs with a supervisor that is stopped afterwards. */
export async function withBench(
  options: Partial<SupervisorOptions>,
  use: (bench: Bench) => Promise<void>,
): Promise<void> {
  const bench = new Bench(options);
  try {
    await use(bench);
  } finally {
    for (const worker of bench.workers) {
      worker.react = (message) => {
        if (message.type === "stop") worker.say({ type: "stopped", counters: {} });
      };
    }
    await bench.supervisor.stop(["ring1bis", "ring2bis", "store"], 0);
    bench.supervisor.close();
  }
}
