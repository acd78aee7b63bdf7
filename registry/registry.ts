/**
 * The one owner of live state: who is registered, who is shown, who is due to go.
 *
 * Pure: time, randomness and everything that leaves comes and goes through what the constructor is
 * given.
 *
 * @module
 */

import { ExpiryQueue } from "./expiry.ts";
import { sameSettings, sameStatus } from "./compare.ts";
import { TraceBook } from "./trace.ts";
import { CHALLENGE_RETRIES, type Try, Verification } from "./verification.ts";
import {
  type Challenge,
  type Command,
  MASTER_GAMENAME,
  type Outcome,
  type RegistryEvent,
  type RemovalCause,
  type ServerId,
  type ServerRecord,
  type ServerState,
  type ServerStatus,
  type Settings,
  type TraceEntry,
  type TraceStep,
} from "./types.ts";

/** Time as the registry sees it. */
export interface Clock {
  /** Milliseconds that never go back and do not jump; what expiry is measured by. */
  monotonic(): number;
  /** Milliseconds since 1970; what is shown and stored. */
  wall(): number;
}

/** Settings of the registry that may change while it runs. */
export interface RegistryLimits {
  /** Milliseconds of silence after which a server is dead. */
  readonly aliveTimeout: number;
  /** Servers that one host may register. */
  readonly serversPerHost: number;
  /** Whether a server is listed only after its UDP answer. */
  readonly verify: boolean;
}

/** Where the registry's output goes. Called synchronously, in order. */
export interface RegistryOutput {
  /** State changed. */
  event(event: RegistryEvent): void;
  /** A challenge is to be sent. */
  challenge(challenge: Challenge): void;
  /** A step was added to a server's trace. */
  trace(id: ServerId, entry: TraceEntry): void;
}

/** What a registry is made of. */
export interface RegistryOptions {
  /** Time. */
  readonly clock: Clock;
  /** Limits to start with. */
  readonly limits: RegistryLimits;
  /** Where output goes. */
  readonly output: RegistryOutput;
  /** The key a host's servers are counted under, from a canonical address. */
  readonly hostKey: (ip: string) => string;
  /** `ip:port` from a canonical address and a port. */
  readonly serverId: (ip: string, port: number) => ServerId;
  /** 128 unguessable bits as 32 hexadecimal digits. */
  readonly makeToken: () => string;
}

/** Servers kept at most. Bounds memory against a botnet; some ten times the largest known game. */
const MAX_SERVERS = 1_000_000;

/** Lateness in milliseconds with which an expiry may be noticed. */
const EXPIRY_BUCKET_MS = 1000;

/**
 * A heartbeat that a ring has answered already is on its way between threads for this long at
 * most; a server whose time runs out meanwhile is not dead.
 */
const IN_FLIGHT_MS = 250;

/**
 * A record as it is kept. When it was last heard of changes in place: a new record for every
 * heartbeat of every server would be by far the most garbage of the whole program.
 */
type LiveRecord = ServerRecord & { lastSeen: number };

/** Live servers and masters: commands in, events out. */
export class Registry {
  readonly #options: RegistryOptions;
  readonly #records = new Map<ServerId, LiveRecord>();
  readonly #perHost = new Map<string, number>();
  readonly #expiry: ExpiryQueue<ServerId>;
  readonly #verification: Verification;
  readonly #traces = new TraceBook();
  #limits: RegistryLimits;
  #listed = 0;

  /** Makes an empty registry. */
  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#limits = options.limits;
    const now = options.clock.monotonic();
    this.#expiry = new ExpiryQueue(now, EXPIRY_BUCKET_MS);
    this.#verification = new Verification(now, options.makeToken);
  }

  /** Servers known, in whatever state. */
  get size(): number {
    return this.#records.size;
  }

  /** Servers shown. */
  get listed(): number {
    return this.#listed;
  }

  /** All records, in order of registration. */
  records(): IterableIterator<ServerRecord> {
    return this.#records.values();
  }

  /** The record of one server, if it is known. */
  get(id: ServerId): ServerRecord | undefined {
    return this.#records.get(id);
  }

  /** The last steps of a server's life, oldest first; kept for a while after it is gone. */
  trace(id: ServerId): readonly TraceEntry[] {
    return this.#traces.of(id);
  }

  /**
   * Changes the limits. A new alive timeout counts from when each server was last heard of.
   */
  setLimits(limits: RegistryLimits): void {
    const change = limits.aliveTimeout - this.#limits.aliveTimeout;
    this.#limits = limits;
    if (change === 0) return;
    // Not by lastSeen: the wall clock may have jumped since then.
    for (const id of this.#records.keys()) this.#expiry.move(id, change);
  }

  /**
   * Takes over records that were stored before a restart, oldest registration first. Each expires
   * when it would have; those past their time are left out. A server that was listed is listed at
   * once; one that was being challenged is challenged again.
   *
   * @returns How many were taken over.
   */
  restore(records: Iterable<ServerRecord>): number {
    const now = this.#options.clock.wall();
    let restored = 0;
    for (const record of records) {
      const silent = now - record.lastSeen;
      if (silent >= this.#limits.aliveTimeout || this.#records.has(record.id)) continue;
      this.#insert(record);
      this.#note(record.id, "registered", "taken over from the database");
      if (record.state !== "listed") this.#admit(record.id);
      restored++;
    }
    return restored;
  }

  /** Carries out a command. Never throws on what a peer sent. */
  apply(command: Command): Outcome {
    switch (command.type) {
      case "register":
        return this.#register(command.ip, command.port, command.settings);
      case "refresh":
        this.#refresh(command.ids);
        break;
      case "quit":
        this.#remove(this.#options.serverId(command.ip, command.port), "quit");
        break;
      case "answer":
        this.#answer(command.id, command.token);
        break;
      case "status":
        this.#status(command.id, command.status);
        break;
      case "locate":
        this.#locate(command.id, command.country, command.netName);
        break;
      case "refuse":
        this.#note(this.#options.serverId(command.ip, command.port), "refused", command.reason);
        break;
    }
    return ACCEPTED;
  }

  /** Lets time pass: expires the silent and repeats challenges. Call it several times a second. */
  tick(): void {
    const now = this.#options.clock.monotonic();
    for (const id of this.#expiry.takeDue(now)) this.#remove(id, "expired");
    const { again, failed } = this.#verification.takeDue(now);
    for (const next of again) this.#challenge(next);
    for (const id of failed) this.#unverified(id);
  }

  #register(ip: string, port: number, settings: Settings): Outcome {
    const id = this.#options.serverId(ip, port);
    const gamename = settings["gamename"] ?? "";
    const isMaster = gamename === MASTER_GAMENAME;
    const known = this.#records.get(id);
    if (known && (known.gamename === MASTER_GAMENAME) !== isMaster) {
      // A master proves itself by the password, a game server by UDP: neither vouches for the other.
      this.#remove(id, "replaced");
    } else if (known) {
      this.#again(known, gamename, settings);
      return ACCEPTED;
    }
    const full = this.#roomFor(ip);
    if (full !== undefined) {
      this.#note(id, "refused", full);
      return { type: "refused", reason: full };
    }
    const now = this.#options.clock.wall();
    const state: ServerState = "challenged";
    this.#insert({ id, ip, port, gamename, settings, state, firstSeen: now, lastSeen: now });
    this.#note(id, "registered", gamename);
    this.#admit(id);
    return ACCEPTED;
  }

  /** A known server's heartbeat. */
  #again(before: ServerRecord, gamename: string, settings: Settings): void {
    const record = { ...before, gamename, settings, lastSeen: this.#options.clock.wall() };
    this.#records.set(record.id, record);
    this.#schedule(record);
    if (sameSettings(before.settings, settings)) this.#emitSeen([record.id], record.lastSeen);
    else {
      this.#note(record.id, "changed", "it sends other settings than before");
      this.#options.output.event({ type: "put", record });
    }
    if (record.state !== "listed" && !this.#verification.has(record.id)) this.#admit(record.id);
  }

  #refresh(ids: readonly ServerId[]): void {
    const { clock } = this.#options;
    const lastSeen = clock.wall();
    const deadline = clock.monotonic() + this.#limits.aliveTimeout + IN_FLIGHT_MS;
    const known: ServerId[] = [];
    for (const id of ids) {
      const record = this.#records.get(id);
      if (!record) continue;
      record.lastSeen = lastSeen;
      this.#expiry.set(record.id, deadline);
      // The record's own text: the message's copy of it would have to be kept in its place.
      known.push(record.id);
    }
    if (known.length > 0) this.#emitSeen(known, lastSeen);
  }

  /** Lists a server that needs no proof, challenges one that does. */
  #admit(id: ServerId): void {
    const record = this.#records.get(id);
    if (!record) return;
    if (record.gamename === MASTER_GAMENAME || !this.#limits.verify) {
      this.#list(record);
      return;
    }
    this.#put({ ...record, state: "challenged" });
    this.#challenge(this.#verification.start(id, this.#options.clock.monotonic()));
  }

  #challenge({ id, token, attempt }: Try): void {
    const record = this.#records.get(id);
    if (!record) return;
    this.#note(id, "challenged", `try ${attempt} of ${CHALLENGE_RETRIES + 1}`);
    this.#options.output.challenge({ id, ip: record.ip, port: record.port, token });
  }

  #unverified(id: ServerId): void {
    const record = this.#records.get(id);
    if (!record) return;
    this.#put({ ...record, state: "unverified" });
    this.#note(
      id,
      "unverified",
      `no answer to ${CHALLENGE_RETRIES + 1} challenges over UDP: is port ${record.port} ` +
        "open to the internet? The next heartbeat tries again",
    );
  }

  #answer(id: ServerId, token: string): void {
    const answered = this.#verification.answer(id, token);
    const record = this.#records.get(id);
    if (!answered || !record) return;
    this.#note(id, "answered", `the challenge, try ${answered.attempt}`);
    this.#list(record);
  }

  #list(record: ServerRecord): void {
    this.#verification.cancel(record.id);
    // Lists are in order of listing, here as in every copy.
    this.#records.delete(record.id);
    this.#listed++;
    this.#put({ ...record, state: "listed" });
    this.#note(record.id, "listed", record.gamename);
  }

  #put(record: ServerRecord): void {
    this.#records.set(record.id, record);
    this.#options.output.event({ type: "put", record });
  }

  #status(id: ServerId, status: ServerStatus): void {
    const record = this.#records.get(id);
    if (record?.state !== "listed") return;
    const { map, players, maxPlayers } = status;
    this.#note(id, "status", `map ${map}, ${players} of ${maxPlayers} players`);
    // Most polls say what the one before said; copies elsewhere need only hear of changes.
    if (record.status && sameStatus(record.status, status)) return;
    this.#records.set(id, { ...record, status });
    this.#options.output.event({ type: "status", id, status });
  }

  #locate(id: ServerId, country: string, netName: string): void {
    const record = this.#records.get(id);
    if (!record) return;
    if ((record.country ?? "") === country && (record.netName ?? "") === netName) return;
    this.#put({ ...record, country, netName });
  }

  #remove(id: ServerId, cause: RemovalCause): void {
    const record = this.#records.get(id);
    if (!record) return;
    this.#records.delete(id);
    this.#expiry.delete(id);
    this.#verification.cancel(id);
    if (record.state === "listed") this.#listed--;
    this.#countHost(record.ip, -1);
    this.#note(id, cause === "replaced" ? "changed" : cause, REMOVALS[cause]);
    this.#traces.leave(id);
    this.#options.output.event({ type: "removed", id, cause, lastSeen: record.lastSeen });
  }

  #insert(record: ServerRecord): void {
    this.#records.set(record.id, record);
    if (record.state === "listed") this.#listed++;
    this.#countHost(record.ip, 1);
    this.#schedule(record);
    this.#traces.enter(record.id);
  }

  #schedule(record: ServerRecord): void {
    const { clock } = this.#options;
    // A wall clock that was set back must not make anyone immortal.
    const silent = Math.max(0, clock.wall() - record.lastSeen);
    const left = Math.max(0, this.#limits.aliveTimeout - silent) + IN_FLIGHT_MS;
    this.#expiry.set(record.id, clock.monotonic() + left);
  }

  #roomFor(ip: string): string | undefined {
    const { serversPerHost } = this.#limits;
    if ((this.#perHost.get(this.#options.hostKey(ip)) ?? 0) >= serversPerHost) {
      return `Too many servers from this address, ${serversPerHost} are allowed`;
    }
    if (this.#records.size >= MAX_SERVERS) return "This master is full, try another";
    return undefined;
  }

  #countHost(ip: string, change: 1 | -1): void {
    const key = this.#options.hostKey(ip);
    const count = (this.#perHost.get(key) ?? 0) + change;
    if (count > 0) this.#perHost.set(key, count);
    else this.#perHost.delete(key);
  }

  #emitSeen(ids: readonly ServerId[], at: number): void {
    this.#options.output.event({ type: "seen", ids, at });
  }

  #note(id: ServerId, step: TraceStep, detail: string): void {
    const entry = { at: this.#options.clock.wall(), step, detail };
    this.#traces.add(id, entry);
    this.#options.output.trace(id, entry);
  }
}

const ACCEPTED: Outcome = { type: "accepted" };

const REMOVALS: Readonly<Record<RemovalCause, string>> = {
  quit: "it said goodbye",
  expired: "no heartbeat within server-alive-timeout",
  replaced: "it registered as another kind of server",
};
