/**
 * The main thread's way to the database's thread.
 *
 * @module
 */

import type { ServerRecord, Store, StoreChange } from "../registry/mod.ts";
import type { Claim, ClaimOutcome, FromThread, ToThread } from "../threads/mod.ts";

interface Pending {
  take(message: FromThread): boolean;
  fail(error: Error): void;
}

function threadIsDown(): Error {
  return new Error("the database's thread is down");
}

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
    for (const { fail } of pending) fail(threadIsDown());
  }

  /** Reads the servers heard of since a time. */
  async *load(since: number): AsyncGenerator<readonly ServerRecord[]> {
    if (!this.#up) throw threadIsDown();
    let next = Promise.withResolvers<void>();
    const batches: (readonly ServerRecord[])[] = [];
    let last = false;
    let failure: Error | undefined;
    const request = this.#request({
      take: (message) => {
        if (message.type !== "rows") return false;
        batches.push(message.records);
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
    while (!last || batches.length > 0) {
      const batch = batches.shift();
      if (batch) yield batch;
      else if (failure) throw failure;
      else {
        await next.promise;
        next = Promise.withResolvers<void>();
      }
    }
  }

  /** Writes changes, all or none. */
  write(changes: readonly StoreChange[]): Promise<void> {
    if (!this.#up) return Promise.reject(threadIsDown());
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

  /** Gives a name to the key that claims it first; `busy` when the database cannot say. */
  claim(claim: Claim): Promise<ClaimOutcome> {
    if (!this.#up) return Promise.resolve({ type: "busy" });
    return new Promise((resolve, reject) => {
      const request = this.#request({
        take: (message) => {
          if (message.type === "claimed") resolve(message.outcome);
          return true;
        },
        fail: reject,
      });
      this.#post({ type: "claim", request, claim });
    });
  }

  #request(pending: Pending): number {
    this.#pending.set(++this.#lastRequest, pending);
    return this.#lastRequest;
  }
}
