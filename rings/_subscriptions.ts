import { type Filter, type PreparedFilter, prepareFilter } from "../protocol/mod.ts";
import type { Vector } from "../registry/mod.ts";
import { Batches, type BatchesParts, idsOf } from "./_batches.ts";
import { type Place, Places } from "./_cursor.ts";
import { pages } from "./_pages.ts";
import type { SecureSession } from "./_secure_session.ts";
import { type Timing, Turns } from "./_turns.ts";

/** Milliseconds from one round of batches to the next: what the protocol promises a subscriber. */
const ROUND_MS = 100;

/**
 * Milliseconds for which changes are gathered after a quiet time: a server that registers changes
 * several times in a row.
 */
const GATHER_MS = 20;

/** Subscribers that are served without a break for everyone else. */
const SLICE_SUBSCRIBERS = 200;

/** Milliseconds after which a break comes sooner, when their filters or batches are costly. */
const SLICE_MS = 10;

/** Where messages go: a session, of which no more is needed. */
export type Receiver = Pick<SecureSession<never>, "isDrained" | "isClosed" | "sendBytes">;

/** What subscriptions are made of. */
export interface SubscriptionsParts extends BatchesParts {
  readonly timing: Timing;
}

/** What a client has been told before, here or by another master. */
export interface Since {
  readonly cursor: string;
  readonly known: Vector;
}

/** Subscribers with the same filter. */
interface Group {
  readonly key: string;
  readonly batches: Batches;
  members: number;
}

interface Subscriber {
  readonly receiver: Receiver;
  readonly group: Group;
  place: Place;
  /** An answer or a batch on its way, with which no other may mix. */
  sending: Promise<void> | undefined;
}

interface Round {
  readonly place: Place;
  readonly waiting: Iterator<Subscriber>;
  /** Whether some have to be looked at again. */
  isUnfinished: boolean;
}

/** Tells clients of servers: once, or as they change. */
export class Subscriptions {
  readonly #parts: SubscriptionsParts;
  readonly #places: Places;
  readonly #turns: Turns;
  readonly #groups = new Map<string, Group>();
  readonly #subscribers = new Map<Receiver, Subscriber>();
  /** Calls off what the clock is to do next. */
  #cancel: (() => void) | undefined;
  #lastRound = -Infinity;
  #noticed = 0;
  /** Batches sent so far. */
  sent = 0;
  /** Times that a subscriber did not take its batch yet, for it had not read the one before. */
  skipped = 0;

  constructor(parts: SubscriptionsParts) {
    this.#parts = parts;
    this.#places = new Places(parts.changes);
    this.#turns = new Turns(parts.timing);
  }

  /** Subscribers at present. */
  get size(): number {
    return this.#subscribers.size;
  }

  /** Sends a list, or what has changed of it. */
  async list(receiver: Receiver, filter: Filter, since: Since | undefined): Promise<void> {
    for (let turn = this.#turns.begin(); turn; turn = this.#turns.next()) await turn;
    const prepared = prepareFilter(filter);
    const subscriber = this.#subscribers.get(receiver);
    const send = () => this.#answer(receiver, prepared, since, this.#places.now());
    await (subscriber ? this.#occupy(subscriber, send) : send());
  }

  /** Sends a list, or what has changed of it, and from then on what changes. */
  async subscribe(receiver: Receiver, filter: Filter, since: Since | undefined): Promise<void> {
    await this.unsubscribe(receiver);
    for (let turn = this.#turns.begin(); turn; turn = this.#turns.next()) await turn;
    if (receiver.isClosed) return;
    const prepared = prepareFilter(filter);
    const place = this.#places.now();
    const group = this.#join(prepared);
    const subscriber: Subscriber = { receiver, group, place, sending: undefined };
    this.#subscribers.set(receiver, subscriber);
    await this.#occupy(subscriber, () => this.#answer(receiver, prepared, since, place));
  }

  /** Ends a subscription; settles when nothing of it is still on its way. */
  async unsubscribe(receiver: Receiver): Promise<void> {
    const subscriber = this.#subscribers.get(receiver);
    this.forget(receiver);
    await subscriber?.sending;
  }

  /** A session is over, or its subscription. */
  forget(receiver: Receiver): void {
    const group = this.#subscribers.get(receiver)?.group;
    this.#subscribers.delete(receiver);
    if (group && --group.members === 0) this.#groups.delete(group.key);
  }

  /** Something may have changed. */
  changed(): void {
    const { end } = this.#parts.changes;
    if (end === this.#noticed) return;
    this.#noticed = end;
    this.#wake();
  }

  /** Everything may have changed. */
  reloaded(): void {
    this.#parts.lists.clear();
    this.#calmDown();
    this.#endRound();
    this.#wake();
  }

  /** Sends nothing more. */
  stop(): void {
    this.#calmDown();
    this.#turns.stop();
    this.#subscribers.clear();
    this.#groups.clear();
  }

  #calmDown(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #join(filter: PreparedFilter): Group {
    const { key } = filter;
    let group = this.#groups.get(key);
    if (!group) {
      group = { key, batches: new Batches(filter, this.#parts), members: 0 };
      this.#groups.set(key, group);
    }
    group.members++;
    return group;
  }

  /** Sends what leads from what a client knows to a place, which is the present one. */
  #answer(
    receiver: Receiver,
    filter: PreparedFilter,
    since: Since | undefined,
    { cursor }: Place,
  ): Promise<void> {
    const { lists, changes } = this.#parts;
    const missed = since && changes.since(since.known);
    const content = missed?.type === "changes"
      ? lists.some(filter, idsOf(missed))
      : lists.all(filter);
    const isFull = missed?.type === "everything";
    const envelope = { since: since?.cursor ?? "", cursor, isFull };
    return this.#sendAll(receiver, pages(content, envelope));
  }

  async #sendAll(
    receiver: Receiver,
    messages: Iterable<Uint8Array | undefined>,
  ): Promise<void> {
    for (const message of messages) {
      if (receiver.isClosed) return;
      if (message) await receiver.sendBytes(message);
      else for (let turn = this.#turns.next(); turn; turn = this.#turns.next()) await turn;
    }
  }

  /** Sends something that may be several messages, after what is on its way. */
  async #occupy(subscriber: Subscriber, send: () => Promise<void>): Promise<void> {
    // What can be sent at once is, within the slice whose time it takes.
    if (subscriber.sending) await subscriber.sending;
    const sending = send();
    subscriber.sending = sending;
    try {
      await sending;
    } finally {
      subscriber.sending = undefined;
    }
  }

  #wake(): void {
    if (this.#cancel || this.#subscribers.size === 0) return;
    const wait = this.#lastRound + ROUND_MS - this.#parts.timing.now();
    this.#later(Math.max(GATHER_MS, wait), () => this.#startRound());
  }

  #later(ms: number, action: () => void): void {
    this.#cancel = this.#parts.timing.after(ms, () => {
      this.#cancel = undefined;
      action();
    });
  }

  #startRound(): void {
    this.#lastRound = this.#parts.timing.now();
    const place = this.#places.now();
    this.#goOn({ place, waiting: this.#subscribers.values(), isUnfinished: false });
  }

  #goOn(round: Round): void {
    const { timing, changes } = this.#parts;
    const end = timing.now() + SLICE_MS;
    for (let served = 0; served < SLICE_SUBSCRIBERS && timing.now() < end; served++) {
      const { done, value } = round.waiting.next();
      if (done) {
        this.#endRound();
        if (round.isUnfinished || changes.end > round.place.log) this.#wake();
        return;
      }
      this.#serve(value, round);
    }
    this.#later(0, () => this.#goOn(round));
  }

  #endRound(): void {
    for (const group of this.#groups.values()) group.batches.clear();
  }

  #serve(subscriber: Subscriber, round: Round): void {
    const { receiver, group, place: from } = subscriber;
    if (from.log >= round.place.log) return;
    if (subscriber.sending || !receiver.isDrained) {
      this.skipped++;
      round.isUnfinished = true;
      return;
    }
    subscriber.place = round.place;
    const batch = group.batches.of(from, round.place);
    if (batch.type === "nothing") return;
    this.sent++;
    void this.#occupy(
      subscriber,
      () =>
        batch.type === "page"
          ? receiver.sendBytes(batch.bytes)
          : this.#sendAll(receiver, batch.make()),
    );
  }
}
