/**
 * The one owner of live state: who is registered, who is shown, who is due to go.
 *
 * Pure: time, randomness and everything that leaves comes and goes through what the constructor is
 * given.
 *
 * @module
 */

import { Admission } from "./admission.ts";
import { KeyedServers } from "./keyed_servers.ts";
import { Merger } from "./merger.ts";
import type { RegistryLimits, RegistryOptions } from "./options.ts";
import { ReachabilityBook } from "./reachability.ts";
import { Records } from "./records.ts";
import type { Stored } from "./store.ts";
import {
  type Command,
  type Departures,
  MASTER_GAMENAME,
  type Outcome,
  type Reachability,
  type ServerId,
  type ServerRecord,
  type ServerStatus,
  type Settings,
  type Snapshot,
  type Standing,
  type TraceEntry,
  type Version,
} from "./types.ts";

/** Live servers and masters: commands in, events out. */
export class Registry {
  readonly #options: RegistryOptions;
  readonly #records: Records;
  readonly #admission: Admission;
  readonly #keyed: KeyedServers;
  readonly #merger: Merger;
  readonly #reachability = new ReachabilityBook();
  #limits: RegistryLimits;

  /** Makes an empty registry. */
  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#limits = options.limits;
    const { clock, origin, hostKey, output } = options;
    this.#records = new Records({
      clock,
      origin,
      hostKey,
      aliveTimeout: () => this.#limits.aliveTimeout,
      event: (event) => {
        if (event.type === "removed") this.#reachability.delete(event.id);
        output.event(event);
      },
    });
    const admission = new Admission(options, this.#records, () => this.#limits);
    this.#admission = admission;
    this.#keyed = new KeyedServers(options, this.#records, admission);
    this.#merger = new Merger({
      clock,
      origin,
      records: this.#records,
      names: admission.names,
      event: (event) => output.event(event),
      adopted: (before, id) => admission.adopted(before, id),
      remove: (id, cause, version) => admission.remove(id, cause, version),
    });
  }

  /** Servers known, in whatever state. */
  get size(): number {
    return this.#records.size;
  }

  /** Servers shown. */
  get listed(): number {
    return this.#records.listed;
  }

  /** All records, in order of registration. */
  records(): IterableIterator<ServerRecord> {
    return this.#records.all();
  }

  /** The record of one server, if it is known. */
  get(id: ServerId): ServerRecord | undefined {
    return this.#records.get(id);
  }

  /** What copies need to know beside the records. */
  departures(): Departures {
    return this.#records.departures();
  }

  /** All that other masters are to know. */
  snapshot(): Snapshot {
    const records = [];
    for (const record of this.#records.all()) {
      if (record.state === "listed") records.push({ record, life: this.#records.life(record.id) });
    }
    const { vector } = this.departures();
    const tombstones = this.#records.history.tombstones();
    return { records, tombstones, names: this.#admission.names.all(), vector };
  }

  /** A version for a change that is made here and now beside the registry. */
  stamp(): Version {
    return this.#records.history.stamp();
  }

  /** How a server stands; undefined when it is not known. */
  standing(id: ServerId): Standing | undefined {
    const record = this.#records.get(id);
    if (!record) return undefined;
    const listed = record.state === "listed";
    const reason = record.reason ?? (listed ? undefined : "its answer over UDP is awaited");
    return { listed, number: record.number ?? 0, ...(reason === undefined ? {} : { reason }) };
  }

  /** The last steps of a server's life, oldest first; kept for a while after it is gone. */
  trace(id: ServerId): readonly TraceEntry[] {
    return this.#admission.trace(id);
  }

  /**
   * Changes the limits. A new alive timeout counts from when each server was last heard of.
   */
  setLimits(limits: RegistryLimits): void {
    const change = limits.aliveTimeout - this.#limits.aliveTimeout;
    this.#limits = limits;
    if (change !== 0) this.#records.moveDeadlines(change);
  }

  /**
   * Takes over what was stored before a restart, oldest registration first. Each server expires
   * when it would have; those past their time are gone. A server that was listed is listed at
   * once; one that was being challenged is challenged again.
   *
   * @param options.others Whether there are other masters, which may have heard of those past their
   * time: then these are waited for, unlisted, for as long as others may list them.
   * @returns How many servers were taken over.
   */
  restore(stored: Partial<Stored>, { others = false }: { readonly others?: boolean } = {}): number {
    const { records = [], tombstones = [], horizon = [], names = [] } = stored;
    this.#merger.evict(this.#admission.names.restore(names));
    this.#records.restoreDepartures({ tombstones, horizon });
    if (others) this.#records.expectOthers();
    let restored = 0;
    for (const record of records) {
      if (!this.#records.get(record.id) && this.#restoreOne(record, others)) restored++;
    }
    if (records.length + tombstones.length > 0) this.#records.history.begin();
    return restored;
  }

  #restoreOne(record: ServerRecord, others: boolean): boolean {
    const { state, lastSeen } = record;
    const { aliveTimeout } = this.#limits;
    const isDead = this.#options.clock.wall() - lastSeen >= aliveTimeout;
    if (isDead && others && state === "listed") {
      if (this.#records.history.remember(record)) this.#merger.await(record, aliveTimeout);
      return false;
    }
    // It may have left again while the database was away.
    return this.#records.restore(record) && this.#admission.restored(record, isDead);
  }

  /** Carries out a command. Never throws on what a peer sent. */
  apply(command: Command): Outcome {
    switch (command.type) {
      case "register":
        return this.#register(command.ip, command.port, command.settings);
      case "announce":
        return this.#keyed.announce(command);
      case "report":
        return this.#keyed.report(command.id, command.key, command.status);
      case "leave":
        this.#keyed.leave(command.id, command.key);
        this.#merger.leave(command.id, command.key);
        break;
      case "refresh":
        this.#records.refresh(command.ids);
        if (command.byOwner) { for (const id of command.ids) this.#admission.owners.hear(id); }
        break;
      case "quit":
        this.#quit(this.#options.serverId(command.ip, command.port));
        break;
      case "answer":
        this.#admission.answer(command.id, command.token);
        break;
      case "status":
        this.#status(command.id, command.status);
        break;
      case "number":
        this.#number(command.id, command.number);
        break;
      case "locate":
        this.#locate(command.id, command.country, command.netName);
        break;
      case "hearsay":
        this.#hearsay(command);
        break;
      case "merge":
        this.#merger.merge(command);
        break;
      case "reach":
        this.#reach(command.master, command.servers);
        break;
      case "synced":
        this.#records.history.sync(command);
        this.#merger.settle();
        break;
      case "recall":
        this.#merger.recall(command.hlc);
        break;
      case "refuse":
        this.#admission.note(
          this.#options.serverId(command.ip, command.port),
          "refused",
          command.reason,
        );
        break;
    }
    return ACCEPTED;
  }

  /** Lets time pass: expires the silent and repeats challenges. Call it several times a second. */
  tick(): void {
    this.#merger.tick();
    this.#records.history.tick();
    for (const id of this.#records.takeSilent()) this.#admission.remove(id, "expired");
    this.#admission.tick();
  }

  #register(ip: string, port: number, settings: Settings): Outcome {
    const id = this.#options.serverId(ip, port);
    const gamename = settings["gamename"] ?? "";
    const isMaster = gamename === MASTER_GAMENAME;
    const known = this.#records.get(id);
    if (known && (known.gamename === MASTER_GAMENAME) !== isMaster) {
      // A master proves itself by the password, a game server by UDP: neither vouches for the other.
      this.#admission.replace(known);
    } else if (known?.via !== undefined) {
      // An old-style master has listed it so far; now it can prove itself.
      this.#admission.replace(known);
    } else if (known) {
      const hasOwner = this.#keyed.hasOwner(known);
      this.#admission.again(this.#records.get(id) ?? known, hasOwner ? {} : { gamename, settings });
      return ACCEPTED;
    }
    const full = this.#admission.fullness(ip);
    if (full !== undefined) return this.#admission.refuse(id, full, "too_many");
    const now = this.#options.clock.wall();
    this.#admission.enter(
      { id, ip, port, gamename, settings, state: "challenged", firstSeen: now, lastSeen: now },
      gamename,
    );
    return ACCEPTED;
  }

  #quit(id: ServerId): void {
    const record = this.#records.get(id);
    if (record?.key !== undefined) {
      const reason = "an old-style quit does not end what a key has registered";
      return this.#admission.note(id, "refused", reason);
    }
    this.#admission.remove(id, "quit");
    this.#merger.leave(id, undefined);
  }

  #status(id: ServerId, status: ServerStatus): void {
    const record = this.#records.get(id);
    // The owner of a key tells by itself, and a late answer to a poll is none of its words.
    if (record?.state !== "listed" || record.key !== undefined) return;
    this.#keyed.noteStatus(id, status);
    this.#records.setStatus(record, status);
  }

  #reach(master: string | undefined, found: readonly Reachability[]): void {
    const { clock, origin, output } = this.#options;
    const isListed = (id: ServerId) => this.#records.get(id)?.state === "listed";
    const servers = this.#reachability.note(
      master ?? origin,
      found,
      isListed,
      clock.monotonic(),
    );
    this.#records.setReach(servers);
    const own = master === undefined ? found : [];
    if (servers.length + own.length > 0) output.event({ type: "reach", servers, found: own });
  }

  #number(id: ServerId, number: number): void {
    const record = this.#records.get(id);
    if (record && record.number !== number) this.#records.setNumber(record, number);
  }

  #locate(id: ServerId, country: string, netName: string): void {
    const record = this.#records.get(id);
    if (!record) return;
    // What the owner of a key says of its own server is better known than what an address tells.
    const owned = record.key !== undefined;
    const found = {
      country: owned && record.country ? record.country : country,
      netName: owned && record.netName ? record.netName : netName,
    };
    const { country: knownCountry = "", netName: knownName = "" } = record;
    if (knownCountry === found.country && knownName === found.netName) return;
    this.#records.put({ ...record, ...found });
  }

  #hearsay({ ip, port, gamename, via }: Hearsay): void {
    const id = this.#options.serverId(ip, port);
    const known = this.#records.get(id);
    if (known?.via === via) this.#records.refresh([id]);
    // It stays gone here while others may still list it, or it would go round for ever.
    if (known || this.#records.history.tombstone(id)) return;
    if (this.#admission.fullness(ip) !== undefined) return;
    const settings = { gamename, port: String(port) };
    const now = this.#options.clock.wall();
    const times = { firstSeen: now, lastSeen: now };
    const record = {
      id,
      ip,
      port,
      gamename,
      settings,
      state: "challenged",
      via,
      ...times,
    } as const;
    this.#admission.vouch(record);
  }
}

type Hearsay = Command & { readonly type: "hearsay" };

const ACCEPTED: Outcome = { type: "accepted" };
