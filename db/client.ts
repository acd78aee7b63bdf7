/**
 * The main thread's way to the database's thread.
 *
 * @module
 */

import type { Store, StoreChange, Stored } from "../registry/mod.ts";
import type { Finding, FromThread, Question, ToThread } from "../threads/mod.ts";

interface Pending {
  take(message: FromThread): boolean;
  fail(error: Error): void;
}

class ThreadIsDown extends Error {
  constructor() {
    super("the database's thread is down");
  }
}

const BUSY: Finding = { type: "busy" };

/** The store, seen from the main thread. */
export class StoreClient implements Store {
  readonly #post: (message: ToThread) => void;
  readonly #pending = new Map<number, Pending>();
  #lastRequest = 0;
  #up = false;

  /**
   * Starts without requests.
   *
   * @param post Sends to the database's thread.
   */
  constructor(post: (message: ToThread) => void) {
    this.#post = post;
  }

  /** Takes what the database's thread says. */
  receive(message: FromThread): void {
    if (!("request" in message)) return;
    const pending = this.#pending.get(message.request);
    if (!pending) return;
    if (message.type === "store-error") {
      this.#pending.delete(message.request);
      pending.fail(new Error(message.message));
    } else if (pending.take(message)) this.#pending.delete(message.request);
  }

  /** Whether the thread can be asked. */
  get isUp(): boolean {
    return this.#up;
  }

  /** The thread can be asked. */
  up(): void {
    this.#up = true;
  }

  /** The thread is gone: nothing that was asked of it will be answered. */
  down(): void {
    this.#up = false;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { fail } of pending) fail(new ThreadIsDown());
  }

  /** Reads what is stored; `since` as in `Store.load`. */
  async *load(since: number): AsyncGenerator<Stored> {
    if (!this.#up) throw new ThreadIsDown();
    let next = Promise.withResolvers<void>();
    const parts: Stored[] = [];
    let last = false;
    let failure: Error | undefined;
    const request = this.#request({
      take: (message) => {
        if (message.type !== "rows") return false;
        parts.push(message.stored);
        last = message.last;
        next.resolve();
        return last;
      },
      fail: (error) => {
        failure = error;
        next.resolve();
      },
    });
    this.#post({ type: "load", request, since });
    while (!last || parts.length > 0) {
      const part = parts.shift();
      if (part) yield part;
      else if (failure) throw failure;
      else {
        await next.promise;
        next = Promise.withResolvers<void>();
      }
    }
  }

  /** Writes changes, all or none. */
  write(changes: readonly StoreChange[]): Promise<void> {
    if (!this.#up) return Promise.reject(new ThreadIsDown());
    return new Promise((resolve, reject) => {
      const request = this.#request({
        take: () => {
          resolve();
          return true;
        },
        fail: reject,
      });
      this.#post({ type: "write", request, changes });
    });
  }

  /**
   * Asks the database; `busy` when it cannot say, or its thread is down.
   *
   * @throws Error when the question makes no sense.
   */
  ask(question: Question): Promise<Finding> {
    if (!this.#up) return Promise.resolve(BUSY);
    return new Promise((resolve, reject) => {
      const request = this.#request({
        take: (message) => {
          if (message.type === "found") resolve(message.finding);
          return true;
        },
        fail: (error) => error instanceof ThreadIsDown ? resolve(BUSY) : reject(error),
      });
      this.#post({ type: "question", request, question });
    });
  }

  #request(pending: Pending): number {
    this.#pending.set(++this.#lastRequest, pending);
    return this.#lastRequest;
  }
}
