/**
 * The database's own thread: a slow disk stops nobody but itself.
 *
 * @module
 */

import type { ServerRecord } from "../registry/mod.ts";
import type {
  BoundSocket,
  ThreadBody,
  ThreadContext,
  ThreadSettings,
  ToThread,
} from "../threads/mod.ts";
import { SqliteStore } from "./sqlite.ts";

/** Records of one message: large enough to be few, small enough to be read while more come. */
const ROWS_PER_MESSAGE = 5000;

class StoreThread implements ThreadBody {
  readonly #path: string;
  readonly #context: ThreadContext;
  #store: SqliteStore | undefined;
  #writes = 0;
  #failures = 0;

  constructor(path: string, context: ThreadContext) {
    this.#path = path;
    this.#context = context;
  }

  start(): Promise<readonly BoundSocket[]> {
    this.#store = new SqliteStore(this.#path);
    return Promise.resolve([]);
  }

  receive(message: ToThread): void {
    if (message.type !== "load" && message.type !== "write") return;
    const { request } = message;
    try {
      if (message.type === "load") this.#load(request, message.since);
      else {
        this.#store?.write(message.changes);
        this.#writes++;
        this.#context.post({ type: "written", request });
      }
    } catch (error) {
      this.#failures++;
      const reason = error instanceof Error ? error.message : String(error);
      this.#context.post({ type: "store-error", request, message: reason });
    }
  }

  reconfigure(): void {}

  stop(): Promise<void> {
    this.#store?.close();
    return Promise.resolve();
  }

  counters(): Record<string, number> {
    return { writes: this.#writes, failures: this.#failures };
  }

  #load(request: number, since: number): void {
    let records: ServerRecord[] = [];
    const unreadable: string[] = [];
    const onUnreadable = (server: string, reason: string): void => {
      unreadable.push(`${server}: ${reason}`);
    };
    for (const record of this.#store?.load(since, onUnreadable) ?? []) {
      records.push(record);
      if (records.length < ROWS_PER_MESSAGE) continue;
      this.#context.post({ type: "rows", request, records, last: false });
      records = [];
    }
    this.#context.post({ type: "rows", request, records, last: true });
    const [first] = unreadable;
    if (first === undefined) return;
    this.#context.log("warning", "stored servers make no sense and are left out", {
      servers: unreadable.length,
      first,
    });
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
  return new StoreThread(settings.store.path, context);
}
