/**
 * What one other master is told: at once while it keeps up, later and in fewer words when it does
 * not.
 *
 * @module
 */

import type { Ledger } from "./ledger.ts";
import { Outbox, tell, tellLeases } from "./outbox.ts";
import type { Link } from "./types.ts";

/** Bytes that may wait with the system before the rest waits here. */
const MAX_WAITING_BYTES = 512 * 1024;

/** Own changes that stand between two hybrid logical times. */
export interface Span {
  /** Later than this. */
  readonly after: number;
  /** Up to this. */
  readonly upto: number;
}

/** Sends to one other master. */
export class Teller {
  readonly #link: Link;
  readonly #ledger: Ledger;
  readonly #outbox: Outbox;
  /** Servers of which it is to be told that they were heard of, while it takes nothing. */
  #unheard = new Set<string>();
  /** Own changes that wait, or were told since some began to wait; undefined when some are dropped. */
  #span: Span | undefined;
  #isBehind = false;
  /** Whether something was dropped that it will not be told of but by a comparison. */
  hasDropped = false;
  /** Changes sent. */
  sent = 0;

  constructor(link: Link, ledger: Ledger) {
    this.#link = link;
    this.#ledger = ledger;
    this.#outbox = new Outbox(ledger);
  }

  /** Entries that it has not been told of yet. */
  get behind(): number {
    return this.#outbox.size;
  }

  /** Whether nothing waits here. */
  get isIdle(): boolean {
    return this.#outbox.isEmpty;
  }

  /** Whether it takes what it is sent. */
  get isListening(): boolean {
    return this.#link.waiting < MAX_WAITING_BYTES;
  }

  /** Sends at once. */
  send(message: Uint8Array): void {
    this.#link.send(message);
  }

  /** Sends after what waits. */
  add(messages: readonly Uint8Array[]): void {
    this.#outbox.addMessages(messages);
  }

  /** Tells what was asked for. */
  answer(keys: readonly string[], round: number | undefined): void {
    this.#outbox.answer(keys, round);
  }

  /** Tells of own changes. The messages are the same for all who are not behind. */
  push(keys: Iterable<string>, messages: readonly Uint8Array[], { after, upto }: Span): void {
    if (!this.#isBehind && this.isIdle && this.isListening) {
      for (const message of messages) this.send(message);
      this.sent++;
      return;
    }
    if (!this.#isBehind) this.#span = { after, upto };
    else if (this.#span) this.#span = { ...this.#span, upto };
    this.#isBehind = true;
    if (this.#outbox.add(keys)) return;
    this.#span = undefined;
    this.hasDropped = true;
  }

  /** Tells that servers were heard of. */
  pushLeases(ids: Iterable<string>, messages: readonly Uint8Array[]): void {
    if (this.isIdle && this.isListening) { for (const message of messages) this.send(message); }
    else for (const id of ids) this.#unheard.add(id);
  }

  /** Sends what waits, as far as the system takes it. */
  flush(): void {
    while (!this.isIdle && this.isListening) {
      for (const message of this.#outbox.take()) this.send(message);
    }
    if (!this.isIdle) return;
    if (this.#isBehind) {
      this.#isBehind = false;
      this.sent++;
      for (const message of tell(this.#ledger, [], this.#span)) this.send(message);
    }
    if (this.#unheard.size === 0 || !this.isListening) return;
    const ids = this.#unheard;
    this.#unheard = new Set();
    for (const message of tellLeases(this.#ledger, ids)) this.send(message);
  }
}
