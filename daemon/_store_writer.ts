import {
  isEarlier,
  type RegistryEvent,
  type Sample,
  type ServerId,
  type ServerRecord,
  type Store,
  type StoreChange,
  type StoredMaster,
  type UserClaim,
} from "../registry/mod.ts";

/** Milliseconds after which a new or changed server is written. */
const URGENT_MS = 5;

/** Milliseconds for which it is gathered who was merely heard of. */
const ROUTINE_MS = 1000;

/** First wait before a failed write is tried again, in milliseconds; doubles. */
const FIRST_RETRY_MS = 1000;

/** Longest wait before a failed write is tried again, in milliseconds. */
const MAX_RETRY_MS = 30_000;

/** Servers of one transaction, so that no other writer of the database waits long. */
const MAX_BATCH = 2000;

type Dirty =
  | "seen"
  | "put"
  | (StoreChange & { readonly type: "gone" | "name" | "user" | "master" });

/** Whether one change has to give way to another of the same thing, whichever of them came first. */
function givesWay(change: Dirty, other: Dirty): boolean {
  if (typeof change === "string" || typeof other === "string") return change === "seen";
  return change.type === "user" && other.type === "user" && isEarlier(other, change);
}

/** What a writer is made of. */
export interface StoreWriterOptions {
  readonly store: Store;
  /** The registry's record of a server, as it is now. */
  readonly find: (id: ServerId) => ServerRecord | undefined;
  /** Called when writing begins to fail, and when it works again. */
  readonly onState: (failure: string | undefined) => void;
}

/**
 * Writes what changed in the registry behind everyone's back. It keeps only who changed, and reads
 * how from the registry when it writes: a slow or lost database costs one entry a server, and many
 * changes of a server become one write.
 */
export class StoreWriter {
  readonly #options: StoreWriterOptions;
  #dirty = new Map<ServerId, Dirty>();
  #samples: StoreChange | undefined;
  #waiters: (() => void)[] = [];
  #underway = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueAt = Infinity;
  #retryMs = FIRST_RETRY_MS;
  #failing = false;
  #writing: Promise<void> | undefined;

  constructor(options: StoreWriterOptions) {
    this.#options = options;
  }

  /** Servers whose state is not written yet. */
  get pending(): number {
    return this.#dirty.size + this.#underway;
  }

  /** Takes note of a change. */
  note(event: RegistryEvent): void {
    switch (event.type) {
      case "put":
        this.#mark(event.record.id, "put");
        this.#schedule(URGENT_MS);
        break;
      case "removed":
        this.#mark(event.id, {
          type: "gone",
          id: event.id,
          hlc: event.hlc,
          origin: event.origin,
          cause: event.cause === "expired" ? "expired" : "quit",
          ...(event.cause === "expired" ? { silentSince: event.lastSeen } : {}),
        });
        this.#schedule(URGENT_MS);
        break;
      case "status":
        this.#mark(event.id, "put");
        this.#schedule(ROUTINE_MS);
        break;
      case "name":
        // No server's id begins like this.
        this.#mark(`name:${event.name}`, event);
        this.#schedule(URGENT_MS);
        break;
      case "number":
      case "forgotten":
        // The one came from the database, the other is told by the time in the row.
      case "disputed":
      case "synced":
      case "reach":
        // None of it outlasts the process.
        break;
      case "seen":
        for (const id of event.ids) this.#mark(id, "seen");
        this.#schedule(ROUTINE_MS);
        break;
    }
  }

  /** Takes players' names that other masters have told. */
  users(claims: readonly UserClaim[]): void {
    // No server's id begins like this.
    for (const claim of claims) this.#mark(`user:${claim.user}`, { type: "user", ...claim });
    this.#schedule(URGENT_MS);
  }

  /** Takes masters of the network as they are now. */
  masters(masters: readonly StoredMaster[]): void {
    for (const master of masters) this.#mark(`master:${master.id}`, { type: "master", master });
    this.#schedule(ROUTINE_MS);
  }

  /** Takes samples, at milliseconds since 1970; those that could not be written yet are dropped. */
  sample(samples: readonly Sample[], at: number): void {
    if (samples.length === 0) return;
    this.#samples = { type: "samples", samples, at };
    this.#schedule(URGENT_MS);
  }

  /** Settles when all that was noted so far is written; at once while nothing can be. */
  durable(): Promise<void> {
    if (this.#failing) return Promise.resolve();
    if (this.#dirty.size === 0 && !this.#writing) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.#schedule(URGENT_MS);
    });
  }

  /** Writes these records whole, because the database has lost them. */
  rewrite(records: Iterable<ServerRecord>): void {
    for (const { id } of records) this.#mark(id, "put");
    this.#schedule(URGENT_MS);
  }

  /** The database is there (again): writes what waits. */
  resume(): void {
    this.#retryMs = FIRST_RETRY_MS;
    if (this.#dirty.size > 0) void this.#write();
  }

  /** Writes all that waits, or gives up after a time in milliseconds; how many were left. */
  async drain(patienceMs: number): Promise<number> {
    const end = performance.now() + patienceMs;
    while (this.#dirty.size > 0 || this.#writing) {
      const left = end - performance.now();
      if (left <= 0) break;
      const write = this.#writing ?? this.#write();
      let timer: ReturnType<typeof setTimeout> | undefined;
      await Promise.race([write, new Promise((resolve) => timer = setTimeout(resolve, left))]);
      clearTimeout(timer);
      if (this.#failing) break;
    }
    clearTimeout(this.#timer);
    return this.pending;
  }

  #mark(id: ServerId, change: Dirty): void {
    const before = this.#dirty.get(id);
    if (before === undefined || !givesWay(change, before)) this.#dirty.set(id, change);
  }

  #schedule(delay: number): void {
    const now = performance.now();
    const wait = this.#failing ? this.#retryMs : delay;
    if (this.#writing || now + wait >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = now + wait;
    this.#timer = setTimeout(() => void this.#write(), wait);
  }

  #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#dueAt = Infinity;
    this.#writing ??= this.#writeBatch().finally(() => {
      this.#writing = undefined;
      this.#underway = 0;
      if (this.#dirty.size > 0 || this.#waiters.length > 0) this.#schedule(URGENT_MS);
    });
    return this.#writing;
  }

  async #writeBatch(): Promise<void> {
    const batch = new Map<ServerId, Dirty>();
    for (const [id, change] of this.#dirty) {
      if (batch.size >= MAX_BATCH) break;
      batch.set(id, change);
      this.#dirty.delete(id);
    }
    this.#underway = batch.size;
    const samples = this.#samples;
    this.#samples = undefined;
    // Who waits is told once nothing of what they wait for is left over for a later batch.
    const waiters = this.#dirty.size === 0 ? this.#waiters : [];
    if (this.#dirty.size === 0) this.#waiters = [];
    try {
      await this.#options.store.write([...this.#changes(batch), ...(samples ? [samples] : [])]);
      for (const tell of waiters) tell();
      this.#setFailure(undefined);
    } catch (error) {
      for (const [id, change] of batch) {
        const since = this.#dirty.get(id);
        // What has happened since then counts, unless it is less than what was not written.
        if (since === undefined || givesWay(since, change)) this.#dirty.set(id, change);
      }
      this.#samples ??= samples;
      for (const tell of [...waiters, ...this.#waiters.splice(0)]) tell();
      this.#setFailure(error instanceof Error ? error.message : String(error));
    }
  }

  #changes(batch: ReadonlyMap<ServerId, Dirty>): StoreChange[] {
    const changes: StoreChange[] = [];
    const seen = new Map<number, ServerId[]>();
    for (const [id, change] of batch) {
      if (typeof change === "object") {
        changes.push(change);
        continue;
      }
      const record = this.#options.find(id);
      if (!record) continue;
      if (change !== "seen") changes.push({ type: "put", record });
      else {
        const ids = seen.get(record.lastSeen);
        if (ids) ids.push(id);
        else seen.set(record.lastSeen, [id]);
      }
    }
    for (const [at, ids] of seen) changes.push({ type: "seen", ids, at });
    return changes;
  }

  #setFailure(failure: string | undefined): void {
    if (failure !== undefined) {
      if (this.#failing) this.#retryMs = Math.min(MAX_RETRY_MS, this.#retryMs * 2);
    } else this.#retryMs = FIRST_RETRY_MS;
    if (this.#failing === (failure !== undefined)) return;
    this.#failing = failure !== undefined;
    this.#options.onState(failure);
  }
}
