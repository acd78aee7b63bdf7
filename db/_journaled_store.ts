import type {
  NameClaim,
  ServerId,
  ServerRecord,
  Store,
  StoreChange,
  Stored,
  Tombstone,
} from "../registry/mod.ts";
import type { StoreEvent } from "../threads/mod.ts";
import { type FailureKind, SqlError } from "./_engine.ts";
import { type Batch, Journal } from "./_journal.ts";

/** First wait before the database is tried again, in milliseconds; doubles. */
const FIRST_RETRY_MS = 500;

/** Longest wait before the database is tried again, in milliseconds. */
const MAX_RETRY_MS = 15_000;

/** Milliseconds that a reader waits for the database before it gets what waits in the journal. */
const DATABASE_PATIENCE_MS = 300;

/** The database behind a journal. */
export interface Backend extends Store {
  /** Brings the schema up to date, or makes it again. */
  prepare(): Promise<number>;
  /** Where it is, for people. */
  readonly where: string;
}

/** What a journaled store is made of. */
export interface JournaledStoreOptions {
  /** The database. */
  readonly backend: Backend;
  /** Path of the journal. */
  readonly journalPath: string;
  /** Told what happens. */
  readonly onEvent: (event: StoreEvent) => void;
}

function nameOf(change: StoreChange): string {
  switch (change.type) {
    case "put":
      return change.record.id;
    case "gone":
      return change.id;
    case "name":
      return change.name;
    case "user":
      return change.user;
    case "master":
      return change.master.id;
    default:
      return change.type;
  }
}

/** Changes go to the journal first and from there to the database, in order. */
export class JournaledStore implements Store {
  readonly #options: JournaledStoreOptions;
  readonly #journal: Journal;
  readonly #stopping = new AbortController();
  #prepared = false;
  /** Undefined until the database has been tried. */
  #isDown: boolean | undefined;
  #working: Promise<void> | undefined;

  /**
   * Opens the journal; what an earlier process left in it goes to the database first.
   *
   * @throws Error when the journal cannot be opened.
   */
  constructor(options: JournaledStoreOptions) {
    this.#options = options;
    this.#journal = new Journal(options.journalPath);
    this.#work();
  }

  /** Bytes of changes that are not in the database yet. */
  get backlog(): number {
    return this.#journal.bytes;
  }

  /** Whether the database takes changes, as far as is known. */
  get isUp(): boolean {
    return this.#isDown === false;
  }

  /**
   * Reads what is stored, when the database answers, however long that takes. Does it take long,
   * what waits in the journal comes first, and then once more.
   *
   * @param since See {@link Store.load}.
   */
  async *load(since: number): AsyncGenerator<Stored> {
    await Promise.race([this.#work(), pause(DATABASE_PATIENCE_MS, this.#stopping.signal)]);
    // Even when it is none: it tells that nothing else comes soon.
    if (this.#working) yield whatWaits(this.#journal.waiting());
    for (;;) {
      await this.#work();
      try {
        yield* this.#options.backend.load(since);
        return;
      } catch (error) {
        if (this.#stopping.signal.aborted) throw error;
        await this.#onFailure(error, FIRST_RETRY_MS);
      }
    }
  }

  /**
   * Takes changes; they are safe from an end of this process when this returns.
   *
   * @throws JournalError when there is no room for them.
   */
  write(changes: readonly StoreChange[]): Promise<void> {
    try {
      this.#journal.append(changes);
    } catch (error) {
      return Promise.reject(error);
    }
    void this.#work();
    return Promise.resolve();
  }

  /** Gives the database some milliseconds to take what waits, then lets go; the rest waits on. */
  async close(graceMs: number): Promise<void> {
    const timer = setTimeout(() => this.#stopping.abort(), graceMs);
    if (this.#isDown) this.#stopping.abort();
    await this.#working;
    clearTimeout(timer);
    this.#stopping.abort();
    this.#journal.close();
  }

  /** Brings what waits into the database, again and again until nothing waits. */
  #work(): Promise<void> {
    this.#working ??= this.#drain().finally(() => this.#working = undefined);
    return this.#working;
  }

  async #drain(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#prepare();
        await this.#writeWaiting();
        this.#setDown(undefined);
        return;
      } catch (error) {
        await this.#onFailure(error, retryMs);
        retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
      }
    }
  }

  async #prepare(): Promise<void> {
    if (this.#prepared) return;
    await this.#options.backend.prepare();
    this.#prepared = true;
  }

  async #writeWaiting(): Promise<void> {
    for (let batch = this.#journal.peek(); batch; batch = this.#journal.peek()) {
      if (this.#stopping.signal.aborted) return;
      await this.#writeBatch(batch);
      this.#journal.take();
      this.#setDown(undefined);
    }
  }

  async #writeBatch(batch: Batch): Promise<void> {
    try {
      await this.#options.backend.write(batch);
    } catch (error) {
      if (kindOf(error) !== "bad-data") throw error;
      for (const change of batch) await this.#writeAlone(change);
    }
  }

  /** One change that no database takes must not hold up all others for ever. */
  async #writeAlone(change: StoreChange): Promise<void> {
    try {
      await this.#options.backend.write([change]);
    } catch (error) {
      if (kindOf(error) !== "bad-data") throw error;
      this.#options.onEvent({
        type: "rejected",
        id: nameOf(change),
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }

  async #onFailure(error: unknown, retryMs: number): Promise<void> {
    if (kindOf(error) === "no-table" && this.#prepared) {
      this.#prepared = false;
      this.#options.onEvent({ type: "rebuilt" });
    } else this.#setDown(error instanceof Error ? error.message : String(error));
    await pause(retryMs, this.#stopping.signal);
  }

  #setDown(reason: string | undefined): void {
    const isDown = reason !== undefined;
    if (isDown === this.#isDown) return;
    this.#isDown = isDown;
    this.#options.onEvent(
      isDown ? { type: "down", reason } : { type: "up", where: this.#options.backend.where },
    );
  }
}

function kindOf(error: unknown): FailureKind {
  if (error instanceof SqlError) return error.kind;
  // A mistake of this program's own comes again with the same change.
  return error instanceof TypeError || error instanceof RangeError ? "bad-data" : "unavailable";
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}

/** What a journal's batches come to. */
function whatWaits(batches: Iterable<Batch>): Stored {
  const records = new Map<ServerId, ServerRecord>();
  const tombstones = new Map<ServerId, Tombstone>();
  const names: NameClaim[] = [];
  for (const change of [...batches].flat()) {
    switch (change.type) {
      case "put":
        records.set(change.record.id, change.record);
        break;
      case "gone": {
        const { id, hlc, origin, cause } = change;
        records.delete(id);
        // It stays when the server comes back: who has to hear of it is for the registry to say.
        tombstones.set(id, { id, hlc, origin, cause });
        break;
      }
      case "name": {
        const { type: _, ...claim } = change;
        names.push(claim);
        break;
      }
      case "seen":
        for (const id of change.ids) {
          const record = records.get(id);
          if (record) records.set(id, { ...record, lastSeen: change.at });
        }
        break;
      case "user":
      case "master":
      case "samples":
        // Nothing that the registry holds.
        break;
    }
  }
  return {
    records: [...records.values()],
    tombstones: [...tombstones.values()],
    horizon: [],
    names,
  };
}
