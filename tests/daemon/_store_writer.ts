import { StoreWriter } from "../../daemon/_store_writer.ts";
import type {
  RegistryEvent,
  RemovalCause,
  ServerRecord,
  Store,
  StoreChange,
  Stored,
} from "../../registry/mod.ts";
import { record } from "../db/_helpers.ts";
import { type FakeTime, withFakeTime } from "./_helpers.ts";

export const A = record("192.0.2.1");
export const B = record("192.0.2.2");
export const MASTER = record("192.0.2.3", { gamename: "master", port: 28900 });

export const LIFE = { left: 60_000, heard: true };

export const VERSION = { hlc: 9, origin: "00000000000000a1" };

/** A writer on a store that does as it is told. */
export class Bench implements Store {
  readonly writes: (readonly StoreChange[])[] = [];
  readonly states: (string | undefined)[] = [];
  readonly records = new Map<string, ServerRecord>();
  /** Why writes fail, if they do. */
  failure: string | undefined;
  /** Set to make writes wait until it is called. */
  release: (() => void) | undefined;
  readonly writer = new StoreWriter({
    store: this,
    find: (id) => this.records.get(id),
    onState: (failure) => this.states.push(failure),
  });
  #held = false;

  constructor(readonly time: FakeTime) {}

  hold(): void {
    this.#held = true;
  }

  async *load(): AsyncGenerator<Stored> {}

  async write(changes: readonly StoreChange[]): Promise<void> {
    this.writes.push(changes);
    const failure = this.failure;
    if (this.#held) {
      await new Promise<void>((resolve) => this.release = resolve);
      this.#held = false;
    }
    if (failure !== undefined) throw new Error(failure);
  }

  put(...records: ServerRecord[]): void {
    for (const record of records) {
      this.records.set(record.id, record);
      this.writer.note({ type: "put", record, ...LIFE });
    }
  }

  seen(record: ServerRecord, at: number): void {
    this.records.set(record.id, { ...record, lastSeen: at });
    this.writer.note({ type: "seen", ids: [record.id], at, ...LIFE });
  }

  removal(id: string, cause: RemovalCause, lastSeen = 0): RegistryEvent {
    return { type: "removed", id, cause, lastSeen, wasListed: true, ...VERSION };
  }

  gone(record: ServerRecord): void {
    this.records.delete(record.id);
    this.writer.note(this.removal(record.id, "quit"));
  }

  /** All changes written so far, in short. */
  written(): string[] {
    return this.writes.flat().map((change) => {
      switch (change.type) {
        case "put":
          return `put ${change.record.id}`;
        case "seen":
          return `seen ${change.ids.join(" ")} ${change.at}`;
        case "gone":
          return `gone ${change.id}`;
        case "name":
          return `name ${change.name} ${change.key}`;
        case "user":
          return `user ${change.user} ${change.key}`;
        case "master":
          return `master ${change.master.name} ${change.master.lastSeen}`;
        case "samples":
          return `samples ${change.samples.map(({ id }) => id).join(" ")} ${change.at}`;
      }
    });
  }
}

export function withBench(use: (bench: Bench, time: FakeTime) => Promise<void>): Promise<void> {
  return withFakeTime((time) => use(new Bench(time), time));
}
