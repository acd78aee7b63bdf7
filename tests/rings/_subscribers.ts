import assert from "node:assert/strict";
import { ServerView } from "../../clients/_server_view.ts";
import { decodeRing2Answer, type Filter, type Servers } from "../../protocol/mod.ts";
import {
  Changes,
  type Departures,
  type RegistryEvent,
  Replica,
  type ServerRecord,
  type ServerStatus,
  type Tombstone,
  type Version,
} from "../../registry/mod.ts";
import { decodeCursor } from "../../rings/_cursor.ts";
import { ServerLists } from "../../rings/_pages.ts";
import { ServerEntries } from "../../rings/_server_entry.ts";
import { type Receiver, type Since, Subscriptions } from "../../rings/_subscriptions.ts";
import type { Timing } from "../../rings/_turns.ts";
import { stored, World } from "../registry/_helpers.ts";
import { LIFE } from "./_helpers.ts";

/** Lets everything happen that waits for nothing. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}

/** A clock that tests turn. */
export class TestTiming implements Timing {
  #now = 1_000_000;
  /** How long it takes to look at the clock. */
  costPerLook = 0;
  readonly #actions = new Map<() => void, number>();

  get waiting(): number {
    return this.#actions.size;
  }

  now(): number {
    return this.#now += this.costPerLook;
  }

  /** Lets time pass in which nothing else can happen. */
  work(ms: number): void {
    this.#now += ms;
  }

  after(ms: number, action: () => void): () => void {
    const once = () => action();
    this.#actions.set(once, this.#now + ms);
    return () => this.#actions.delete(once);
  }

  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const [next] = [...this.#actions].sort(([, a], [, b]) => a - b);
      if (!next || next[1] > end) break;
      this.#now = Math.max(this.#now, next[1]);
      this.#actions.delete(next[0]);
      next[0]();
    }
    this.#now = end;
    await settled();
  }
}

/** A session whose other side reads as tests want it to. */
export class TestReceiver implements Receiver {
  readonly #timing: TestTiming;
  readonly messages: Servers[] = [];
  /** When each message came. */
  readonly times: number[] = [];
  isClosed = false;
  #held: PromiseWithResolvers<void> | undefined;
  #waiting = 0;

  constructor(timing: TestTiming) {
    this.#timing = timing;
  }

  get isDrained(): boolean {
    return this.#waiting === 0;
  }

  /** Reads no more until {@link release}. */
  hold(): void {
    this.#held ??= Promise.withResolvers();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  async sendBytes(plaintext: Uint8Array): Promise<void> {
    const decoded = decodeRing2Answer(plaintext);
    assert.equal(decoded.type, "message", JSON.stringify(decoded));
    if (decoded.type !== "message" || decoded.message.type !== "servers") return;
    this.messages.push(decoded.message);
    this.times.push(this.#timing.now());
    this.#waiting++;
    await this.#held?.promise;
    this.#waiting--;
  }

  take(): Servers[] {
    return this.messages.splice(0);
  }
}

/** What a client knows by what it was sent. */
export class TestClient {
  readonly receiver: TestReceiver;
  readonly view = new ServerView();

  constructor(timing: TestTiming) {
    this.receiver = new TestReceiver(timing);
  }

  /** Takes what has come; how many whole answers that was. */
  catchUp(): number {
    let answers = 0;
    for (const message of this.receiver.take()) {
      if (this.view.take(message, { host: "master.example.org", port: 3040 })) answers++;
    }
    return answers;
  }

  get since(): Since | undefined {
    const { cursor } = this.view;
    const known = cursor === undefined ? undefined : decodeCursor(cursor);
    return cursor !== undefined && known ? { cursor, known } : undefined;
  }
}

/** What a ring has beside its sessions, fed by hand. */
export class TestRing {
  readonly timing = new TestTiming();
  readonly replica = new Replica();
  readonly changes = new Changes(this.replica);
  readonly entries = new ServerEntries();
  readonly lists = new ServerLists(this.replica, this.entries, () => this.timing.now());
  readonly subscriptions = new Subscriptions({
    changes: this.changes,
    lists: this.lists,
    entries: this.entries,
    timing: this.timing,
  });

  apply(...events: readonly RegistryEvent[]): void {
    for (const event of events) {
      this.changes.apply(event);
      this.replica.apply(event);
    }
    this.subscriptions.changed();
  }

  load(records: Iterable<ServerRecord>, departures: Parameters<Changes["load"]>[0]): void {
    const all = [...records];
    this.replica.clear();
    for (const record of all) this.replica.put(record);
    this.changes.load(departures);
    this.subscriptions.reloaded();
  }

  client(): TestClient {
    return new TestClient(this.timing);
  }

  /** A client with a subscription, whose list has come. */
  async subscriber(filter: Filter = {}, since?: Since): Promise<TestClient> {
    const client = this.client();
    await this.subscriptions.subscribe(client.receiver, filter, since);
    client.catchUp();
    return client;
  }
}

/** Ids of two masters. */
export const A = "00000000000000a1";
export const B = "00000000000000b2";

const world = new World();

/** Makes events with ever later versions. */
export class Source {
  hlc = 1000;
  readonly tombstones = new Map<string, Tombstone>();
  readonly horizon = new Map<string, number>();
  readonly vector = new Map<string, number>();
  readonly records = new Map<string, ServerRecord>();

  version(origin = A): Version {
    this.vector.set(origin, ++this.hlc);
    return { hlc: this.hlc, origin };
  }

  put(i: number, changes: Partial<ServerRecord> = {}): RegistryEvent {
    const record = stored(world, ip(i), { ...this.version(changes.origin), ...changes });
    this.records.set(record.id, record);
    // A master is in nobody's list, so the game server that was there before stays gone.
    if (record.gamename !== "master") this.tombstones.delete(record.id);
    return { type: "put", record, ...LIFE };
  }

  status(i: number, told: ServerStatus): RegistryEvent {
    const record = this.records.get(id(i));
    const version = this.version();
    if (record) this.records.set(record.id, { ...record, status: told, ...version });
    return { type: "status", id: id(i), status: told, ...version };
  }

  remove(i: number): RegistryEvent {
    const version = this.version();
    const wasListed = this.records.delete(id(i));
    if (wasListed) this.tombstones.set(id(i), { id: id(i), cause: "quit", ...version });
    return { type: "removed", id: id(i), cause: "quit", lastSeen: 0, wasListed, ...version };
  }

  /** Forgets a tombstone. */
  forget(i: number): RegistryEvent[] {
    const tombstone = this.tombstones.get(id(i));
    if (!tombstone) return [];
    this.tombstones.delete(id(i));
    const { origin, hlc } = tombstone;
    this.horizon.set(origin, Math.max(this.horizon.get(origin) ?? 0, hlc));
    return [{ type: "forgotten", ...tombstone }];
  }

  departures(): Departures {
    return {
      origin: A,
      tombstones: [...this.tombstones.values()],
      vector: [...this.vector],
      horizon: [...this.horizon],
      gap: { origin: A, after: 0, before: 0 },
    };
  }
}

/** Address of server number i. */
export function ip(i: number): string {
  return `10.0.${i >> 8}.${i & 255}`;
}

/** Id of server number i. */
export function id(i: number): string {
  return `${ip(i)}:3030`;
}

/** A ring with so many servers. */
export function crowded(count: number): { ring: TestRing; source: Source } {
  const ring = new TestRing();
  const source = new Source();
  ring.load([], source.departures());
  for (let i = 0; i < count; i++) ring.apply(source.put(i));
  return { ring, source };
}

/** What a client has in its list. */
export function ids(client: TestClient): string[] {
  return [...client.view.servers.keys()];
}

/** Settings that make a server fill a quarter of a message. */
export const LONG = Object.fromEntries(
  Array.from({ length: 48 }, (_, i) => [`key${i}`, "x".repeat(250)]),
);
