import { StoreClient } from "../db/mod.ts";
import {
  type Registry,
  type RegistryEvent,
  type ServerId,
  type StoredMaster,
  tombstoneTime,
  type UserClaim,
} from "../registry/mod.ts";
import type { Finding, Question, StoreEvent, StoreSettings, Supervisor } from "../threads/mod.ts";
import { log } from "./_log.ts";
import { SAMPLE_INTERVAL_MS, takeSamples } from "./_sampler.ts";
import { StoreWriter } from "./_store_writer.ts";

/** Milliseconds that clients are kept waiting at start for the database to hand over its servers. */
const RESTORE_PATIENCE_MS = 5000;

/**
 * Milliseconds that a registration's answer waits for its record to be safe. Beyond that the server
 * is answered all the same: it is in memory, and no database may stop the rings.
 */
const DURABLE_PATIENCE_MS = 1000;

/** Milliseconds that a registration's answer waits for its Number. */
const NUMBER_PATIENCE_MS = 500;

/** What persistence is made of. */
export interface PersistenceOptions {
  readonly supervisor: Supervisor;
  readonly registry: Registry;
  /** Which database. */
  readonly settings: StoreSettings;
  /** Whether there are other masters, which may know more of a server than the database. */
  readonly hasOthers: () => boolean;
  /** Called around the taking over of stored servers, which is one event and not thousands. */
  readonly onRestore: (phase: "begins" | "ends") => void;
}

/** Keeps the registry's servers in the database, and brings them back at start. */
export class Persistence {
  readonly #options: PersistenceOptions;
  readonly #store: StoreClient;
  readonly #writer: StoreWriter;
  readonly #settled = Promise.withResolvers<void>();
  /** Who waits for the Number of which server. */
  readonly #numberWaiters = new Map<ServerId, (() => void)[]>();
  #restored = false;
  #isDown = false;
  #sampleTimer: ReturnType<typeof setInterval> | undefined;

  constructor(options: PersistenceOptions) {
    this.#options = options;
    this.#store = new StoreClient((message) => options.supervisor.post("store", message));
    this.#writer = new StoreWriter({
      store: this.#store,
      find: (id) => options.registry.get(id),
      onState: (failure) => tellState(failure),
    });
  }

  /**
   * Opens the database.
   *
   * @param aliveTimeout Milliseconds of silence after which a stored server is dead.
   * @returns Settles when the stored servers are taken over, or it is no use to wait for them; they
   * are taken over later then.
   */
  async start(aliveTimeout: () => number): Promise<void> {
    const first = this.#options.supervisor.start({
      name: "store",
      settings: () => ({ kind: "store", store: this.#options.settings }),
      onReady: () => void this.#onReady(aliveTimeout()),
      onMessage: (message) => {
        if (message.type === "store-event") this.#onStoreEvent(message.event);
        else this.#store.receive(message);
      },
      onDown: () => this.#store.down(),
    });
    void first.then((up) => {
      if (!up) this.#settled.resolve();
    });
    this.#sampleTimer = setInterval(() => this.#sample(), SAMPLE_INTERVAL_MS);
    const patience = setTimeout(() => {
      log("warning", "the database is slow: serving without its servers until it has answered");
      this.#settled.resolve();
    }, RESTORE_PATIENCE_MS);
    await this.#settled.promise;
    clearTimeout(patience);
  }

  /** Takes note of a change that is to be stored. */
  note(event: RegistryEvent): void {
    this.#writer.note(event);
  }

  /** Takes players' names that are to be stored, unless somebody claimed them earlier. */
  noteUsers(claims: readonly UserClaim[]): void {
    this.#writer.users(claims);
  }

  /** Takes masters of the network that are to be stored. */
  noteMasters(masters: readonly StoredMaster[]): void {
    this.#writer.masters(masters);
  }

  /** Settles when all that was noted is safe from an end of this process, or soon in any case. */
  async durable(): Promise<void> {
    if (!this.#store.isUp) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise((resolve) => timer = setTimeout(resolve, DURABLE_PATIENCE_MS));
    await Promise.race([this.#writer.durable(), patience]);
    clearTimeout(timer);
  }

  /** Settles when a server has its Number, or will not have one soon. */
  async numbered(id: ServerId): Promise<void> {
    if (!this.#store.isUp || this.#isDown) return;
    const arrival = Promise.withResolvers<void>();
    this.#numberWaiters.set(id, [...this.#numberWaiters.get(id) ?? [], arrival.resolve]);
    const timer = setTimeout(arrival.resolve, NUMBER_PATIENCE_MS);
    await arrival.promise;
    clearTimeout(timer);
    const left = this.#numberWaiters.get(id)?.filter((waiter) => waiter !== arrival.resolve) ?? [];
    if (left.length > 0) this.#numberWaiters.set(id, left);
    else this.#numberWaiters.delete(id);
  }

  /** Asks the database. */
  ask(question: Question): Promise<Finding> {
    return this.#store.ask(question);
  }

  /** Writes what waits, within a time in milliseconds, and closes the database. */
  async stop(graceMs: number): Promise<void> {
    clearInterval(this.#sampleTimer);
    const end = performance.now() + graceMs;
    const left = await this.#writer.drain(graceMs);
    if (left > 0) log("error", "the database did not take the last changes", { servers: left });
    await this.#options.supervisor.stop(["store"], Math.max(0, end - performance.now()));
  }

  async #onReady(aliveTimeout: number): Promise<void> {
    this.#store.up();
    if (!this.#restored) {
      this.#restored = await this.#restore(Date.now() - tombstoneTime(aliveTimeout));
    }
    this.#writer.resume();
    this.#settled.resolve();
  }

  #sample(): void {
    this.#writer.sample(takeSamples(this.#options.registry.records()), Date.now());
  }

  #onStoreEvent(event: StoreEvent): void {
    switch (event.type) {
      case "up":
        this.#isDown = false;
        log("info", "the database takes changes", { database: event.where });
        break;
      case "down":
        log("error", "the database takes no changes, they wait in the journal until it does", {
          reason: event.reason,
        });
        this.#isDown = true;
        break;
      case "numbered":
        for (const [id, number] of event.numbers) {
          this.#options.registry.apply({ type: "number", id, number });
          for (const resolve of this.#numberWaiters.get(id) ?? []) resolve();
        }
        break;
      case "rebuilt":
        log("error", "tables were missing in the database and are made again", {
          servers: this.#options.registry.size,
        });
        this.#writer.rewrite(this.#options.registry.records());
        break;
      case "unreadable":
        log("warning", "stored servers make no sense and are left out", {
          servers: event.servers,
          first: event.first,
        });
        break;
      case "rejected":
        log("error", "the database refuses a change for good, it is left out", {
          server: event.id,
          reason: event.reason,
        });
        break;
    }
  }

  async #restore(since: number): Promise<boolean> {
    const started = performance.now();
    const others = this.#options.hasOthers();
    let servers = 0;
    this.#options.onRestore("begins");
    try {
      for await (const stored of this.#store.load(since)) {
        servers += this.#options.registry.restore(stored, { others });
        // What waited in the journal is there, and nobody knows when the rest comes.
        if (this.#isDown) this.#settled.resolve();
      }
    } catch (error) {
      log("error", "the stored servers could not be read, and are not listed until they register", {
        reason: error instanceof Error ? error.message : String(error),
      });
      return false;
    } finally {
      this.#options.onRestore("ends");
    }
    log("info", "servers taken over from the database", {
      servers,
      milliseconds: Math.round(performance.now() - started),
    });
    return true;
  }
}

function tellState(failure: string | undefined): void {
  if (failure === undefined) log("info", "changes are stored again");
  else log("error", "changes cannot be stored, they are kept in memory", { reason: failure });
}
