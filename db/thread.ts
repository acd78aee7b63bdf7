/**
 * The database's own thread: whatever the database does, it stops nobody but itself.
 *
 * @module
 */

import type { Stored } from "../registry/mod.ts";
import type {
  BoundSocket,
  Finding,
  Question,
  StoreSettings,
  ThreadBody,
  ThreadContext,
  ThreadSettings,
  ToThread,
} from "../threads/mod.ts";
import type { Assembly } from "./_assemble.ts";

/** Milliseconds between two times that history is thinned. */
const THIN_INTERVAL_MS = 3_600_000;

/** The end of what was stored. */
const NOTHING: Stored = { records: [], tombstones: [], horizon: [], names: [] };

class StoreThread implements ThreadBody {
  readonly #settings: StoreSettings;
  readonly #context: ThreadContext;
  #parts: Assembly | undefined;
  #thinTimer: ReturnType<typeof setInterval> | undefined;
  #writes = 0;
  #failures = 0;

  constructor(settings: StoreSettings, context: ThreadContext) {
    this.#settings = settings;
    this.#context = context;
  }

  async start(): Promise<readonly BoundSocket[]> {
    // Loaded here, so that the main thread, which knows this module too, does not pay for it.
    const { assemble } = await import("./_assemble.ts");
    this.#parts = await assemble(
      this.#settings,
      (event) => this.#context.post({ type: "store-event", event }),
    );
    this.#thinTimer = setInterval(() => void this.#thin(), THIN_INTERVAL_MS);
    return [];
  }

  receive(message: ToThread): void {
    switch (message.type) {
      case "load":
        void this.#answer(message.request, () => this.#load(message.request, message.since));
        break;
      case "write":
        void this.#answer(message.request, async () => {
          await this.#parts?.store.write(message.changes);
          this.#writes++;
          this.#context.post({ type: "written", request: message.request });
        });
        break;
      case "question":
        void this.#answer(message.request, async () => {
          const finding = await this.#find(message.question);
          this.#context.post({ type: "found", request: message.request, finding });
        });
        break;
      default:
        break;
    }
  }

  reconfigure(): void {}

  async stop(graceMs: number): Promise<void> {
    clearInterval(this.#thinTimer);
    await this.#parts?.store.close(graceMs);
    await this.#parts?.engine.close();
  }

  counters(): Record<string, number> {
    return {
      writes: this.#writes,
      failures: this.#failures,
      database_up: this.#parts?.store.isUp ? 1 : 0,
      journal_bytes: this.#parts?.store.backlog ?? 0,
    };
  }

  async #answer(request: number, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failures++;
      const message = error instanceof Error ? error.message : String(error);
      this.#context.post({ type: "store-error", request, message });
    }
  }

  async #load(request: number, since: number): Promise<void> {
    for await (const stored of this.#parts?.store.load(since) ?? []) {
      this.#context.post({ type: "rows", request, stored, last: false });
    }
    this.#context.post({ type: "rows", request, stored: NOTHING, last: true });
  }

  async #find(question: Question): Promise<Finding> {
    const busy: Finding = question.type === "claim"
      ? { type: "claimed", outcome: { type: "busy" } }
      : { type: "busy" };
    if (!this.#parts?.store.isUp) return busy;
    const { users } = this.#parts;
    try {
      if (question.type === "claim") {
        return { type: "claimed", outcome: await users.claim(question.claim) };
      }
      if (question.type === "users") {
        return { type: "users", ...await users.page(question.after) };
      }
      const found = await users.find(question.user);
      if (!found) return { type: "user", user: undefined };
      const { number, user, country } = found;
      return { type: "user", user: { number, user, country } };
    } catch (error) {
      if (error instanceof RangeError) throw error;
      return busy;
    }
  }

  async #thin(): Promise<void> {
    if (!this.#parts?.store.isUp) return;
    try {
      await this.#parts.history.thin(Math.floor(Date.now() / 1000));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#context.log("warning", "history could not be thinned, it will be tried again", {
        reason,
      });
    }
  }
}

/**
 * Makes the database's thread.
 *
 * @throws TypeError when the settings are another thread's.
 */
export function storeThread(settings: ThreadSettings, context: ThreadContext): ThreadBody {
  if (settings.kind !== "store") {
    throw new TypeError(`settings of a ${settings.kind} for the store`);
  }
  return new StoreThread(settings.store, context);
}
