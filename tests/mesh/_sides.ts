import { Comparison, type Courses, makeCourses } from "../../mesh/comparison.ts";
import { Ledger } from "../../mesh/ledger.ts";
import { Outbox } from "../../mesh/outbox.ts";
import { remotePut } from "../../mesh/puts.ts";
import type { Ring0Message } from "../../protocol/mod.ts";
import { decoded, FakeSource, Holdings, idOf, LIFE, server } from "./_helpers.ts";

/** One side of a comparison: a ledger, what it holds, and what is on its way from there. */
export class Side {
  readonly holdings = new Holdings();
  readonly ledger: Ledger;
  readonly comparison: Comparison;
  readonly outbox: Outbox;
  /** How far the other side's changes were said to be known. */
  readonly synced: number[] = [];
  /** Messages on their way to the other side. */
  readonly way: Uint8Array[] = [];
  /** Messages sent so far, by type. */
  readonly sent: string[] = [];
  bytes = 0;

  constructor(
    origin: string,
    source: FakeSource,
    { prevails = false, courses = makeCourses(() => source.monotonic()) }: {
      readonly prevails?: boolean;
      readonly courses?: Courses;
    } = {},
  ) {
    this.ledger = new Ledger(origin, () => source.monotonic());
    this.outbox = new Outbox(this.ledger);
    this.comparison = new Comparison({
      ledger: this.ledger,
      courses,
      prevails,
      monotonic: () => source.monotonic(),
      send: (messages) => this.outbox.addMessages(messages),
      synced: (upto) => this.synced.push(upto),
    });
  }

  /** Starts from what it holds. */
  load(): void {
    this.ledger.load(this.holdings.snapshot());
  }

  /** Sends what waits, and answers when nothing does. */
  flush(): void {
    this.#send();
    this.comparison.answer();
    this.#send();
  }

  receive(plaintext: Uint8Array): void {
    const message = decoded(plaintext);
    switch (message.type) {
      case "digest":
        return this.comparison.onDigest(message);
      case "compare":
        return this.comparison.onCompare(message);
      case "want":
        return this.outbox.answer(message.keys, message.round);
      case "changes": {
        const { puts, tombstones, names, users, round } = message;
        const merged = this.holdings.merge({ puts: puts.map(remotePut), tombstones, names });
        for (const event of merged) this.ledger.apply(event);
        for (const claim of users) this.ledger.learnUser(claim);
        if (round !== undefined) this.comparison.onAnswer(round);
      }
    }
  }

  #send(): void {
    while (!this.outbox.isEmpty) {
      for (const message of this.outbox.take()) {
        this.way.push(message);
        this.sent.push(typeOf(message));
        this.bytes += message.length;
      }
    }
  }
}

function typeOf(plaintext: Uint8Array): Ring0Message["type"] {
  return decoded(plaintext).type;
}

/** Carries messages between two sides until nothing is on its way. */
export function carry(a: Side, b: Side): void {
  a.flush();
  b.flush();
  while (a.way.length + b.way.length > 0) {
    for (const message of a.way.splice(0)) b.receive(message);
    b.flush();
    for (const message of b.way.splice(0)) a.receive(message);
    a.flush();
  }
}

/** Two sides, of which the first prevails. */
export function pair(): { source: FakeSource; a: Side; b: Side } {
  const source = new FakeSource();
  return { source, a: new Side(idOf(1), source, { prevails: true }), b: new Side(idOf(2), source) };
}

/** Servers that a side has from itself. */
export function stock(side: Side, origin: string, from: number, count: number): void {
  const { holdings } = side;
  for (let i = 0; i < count; i++) {
    const number = from + i;
    holdings.put(server(number, 1000 + number, origin), LIFE);
    holdings.vector.set(origin, Math.max(holdings.vector.get(origin) ?? 0, 1000 + number));
  }
}
