/**
 * The one owner of live state: who is registered, who is shown, who is due to go.
 *
 * Pure: time, randomness and everything that leaves comes and goes through what the constructor is
 * given.
 *
 * @module
 */

import { announced, named, sameSaid } from "./announcement.ts";
import { Merger } from "./merger.ts";
import { NameBook } from "./names.ts";
import type { RegistryLimits, RegistryOptions } from "./options.ts";
import { OWNER_GRACE_MS, Owners } from "./owners.ts";
import { Records, type Unversioned } from "./records.ts";
import type { Stored } from "./store.ts";
import { TraceBook } from "./trace.ts";
import { CHALLENGE_RETRIES, type Try, Verification } from "./verification.ts";
import {
  type Announcement,
  type Command,
  type Departures,
  MASTER_GAMENAME,
  type Outcome,
  type Refusal,
  type RemovalCause,
  type ServerId,
  type ServerRecord,
  type ServerStatus,
  type Settings,
  type Snapshot,
  type Standing,
  type TraceEntry,
  type TraceStep,
  type Version,
} from "./types.ts";

/** Servers kept at most. Bounds memory against a botnet; some ten times the largest known game. */
const MAX_SERVERS = 1_000_000;

/**
 * Servers kept at most that have not proved themselves: whoever has many addresses can make them for
 * nothing.
 */
const MAX_UNPROVEN = 50_000;

/** Live servers and masters: commands in, events out. */
export class Registry {
  readonly #options: RegistryOptions;
  readonly #records: Records;
  readonly #verification: Verification;
  readonly #names = new NameBook();
  readonly #owners: Owners;
  readonly #merger: Merger;
  readonly #traces = new TraceBook();
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
      event: (event) => output.event(event),
    });
    this.#verification = new Verification(clock.monotonic(), options.makeToken);
    this.#owners = new Owners(() => clock.monotonic(), (id) => this.#records.lastTold(id));
    this.#merger = new Merger({
      clock,
      records: this.#records,
      names: this.#names,
      event: (event) => output.event(event),
      adopted: (before, id) => this.#adopted(before, id),
      remove: (id, cause, version) => this.#remove(id, cause, version),
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
    const { tombstones, vector } = this.departures();
    return { records, tombstones, names: this.#names.all(), vector };
  }

  /** A version for a change that is made here and now beside the registry. */
  stamp(): Version {
    return this.#records.stamp();
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
    return this.#traces.of(id);
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
    this.#names.restore(names);
    this.#records.restoreDepartures({ tombstones, horizon });
    if (others) this.#records.expectOthers();
    let restored = 0;
    for (const record of records) {
      if (!this.#records.get(record.id) && this.#restoreOne(record, others)) restored++;
    }
    return restored;
  }

  #restoreOne(record: ServerRecord, others: boolean): boolean {
    const { id, state, lastSeen } = record;
    const { aliveTimeout } = this.#limits;
    const isDead = this.#options.clock.wall() - lastSeen >= aliveTimeout;
    if (isDead && others && state === "listed") {
      if (this.#records.recall(record)) this.#merger.await(record, aliveTimeout);
      return false;
    }
    // It may have left again while the database was away.
    if (!this.#records.restore(record)) return false;
    this.#traces.enter(id);
    if (!this.#bearRestored(record)) return false;
    if (isDead) {
      this.#remove(id, "expired");
      return false;
    }
    this.#note(id, "registered", "taken over from the database");
    if (state !== "listed") this.#admit(id);
    return true;
  }

  /** Whether a restored server may have the name that it had. */
  #bearRestored({ id, name, key }: ServerRecord): boolean {
    if (name === undefined || key === undefined) return true;
    if ((this.#names.ownerOf(name) ?? key) !== key) {
      this.#remove(id, "replaced");
      return false;
    }
    this.#names.bear(name, key);
    this.#owners.enter(id);
    return true;
  }

  /** Carries out a command. Never throws on what a peer sent. */
  apply(command: Command): Outcome {
    switch (command.type) {
      case "register":
        return this.#register(command.ip, command.port, command.settings);
      case "announce":
        return this.#announce(command);
      case "report":
        return this.#report(command.id, command.key, command.status);
      case "leave":
        if (this.#records.get(command.id)?.key === command.key) this.#remove(command.id, "quit");
        break;
      case "refresh":
        this.#records.refresh(command.ids);
        if (command.byOwner) { for (const id of command.ids) this.#owners.hear(id); }
        break;
      case "quit":
        this.#quit(this.#options.serverId(command.ip, command.port));
        break;
      case "answer":
        this.#answer(command.id, command.token);
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
      case "synced":
        this.#records.sync(command);
        this.#merger.settle();
        break;
      case "refuse":
        this.#note(this.#options.serverId(command.ip, command.port), "refused", command.reason);
        break;
    }
    return ACCEPTED;
  }

  /** Lets time pass: expires the silent and repeats challenges. Call it several times a second. */
  tick(): void {
    this.#merger.tick();
    for (const id of this.#records.takeSilent()) this.#remove(id, "expired");
    const { again, failed } = this.#verification.takeDue(this.#options.clock.monotonic());
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
    } else if (known?.via !== undefined) {
      // An old-style master has listed it so far; now it can prove itself.
      this.#remove(id, "replaced");
    } else if (known) {
      // What its key's owner says of it stands above what anyone at its address can say.
      const isOwned = this.#owners.isOwned(known);
      if (!isOwned) this.#disown(id);
      this.#again(this.#records.get(id) ?? known, isOwned ? {} : { gamename, settings });
      return ACCEPTED;
    }
    const full = this.#roomFor(ip);
    if (full !== undefined) return this.#refuse(id, full, "too_many");
    const now = this.#options.clock.wall();
    this.#enter(
      { id, ip, port, gamename, settings, state: "challenged", firstSeen: now, lastSeen: now },
      gamename,
    );
    return ACCEPTED;
  }

  #announce(said: Announcement): Outcome {
    const { ip, port, key, name, gamename } = said;
    const id = this.#options.serverId(ip, port);
    const found = this.#records.get(id);
    const known = found && (found.key ?? key) === key && found.gamename !== MASTER_GAMENAME
      ? found
      : undefined;
    if (found && !known && this.#owners.isOwned(found)) {
      const reason = "Another key has registered this address and port: stop the server that " +
        `holds it, or wait ${OWNER_GRACE_MS / 1000} s after its last word`;
      return this.#refuse(id, reason, "unauthorized");
    }
    const full = known ? undefined : this.#roomFor(ip);
    if (full !== undefined) return this.#refuse(id, full, "too_many");
    const now = this.#options.clock.monotonic();
    const claim = this.#names.check(name, key, this.#options.hostKey(ip), now);
    if (claim === "taken") {
      const reason = `The name "${name}" belongs to another key: choose another name`;
      return this.#refuse(id, reason, "name_taken");
    }
    if (claim === "too_many") {
      const reason = "Too many new names were listed from this address: keep to those you have";
      return this.#refuse(id, reason, "too_many");
    }
    if (found && !known) this.#remove(id, "replaced");
    if (known?.name !== name) {
      this.#names.bear(name, key);
      if (known?.name !== undefined) this.#names.drop(known.name, key);
    }
    this.#owners.enter(id);
    if (known) this.#again(known, announced(said));
    else {
      const wall = this.#options.clock.wall();
      const times = { firstSeen: wall, lastSeen: wall };
      const entry = { id, ip, port, state: "challenged", ...times, ...announced(said) } as const;
      this.#enter(entry, `${gamename} "${name}", by its key`);
    }
    const record = this.#records.get(id);
    if (record && said.status) this.#records.setStatus(record, named(said.status, name));
    // Listed already under an earlier name, or by an old-style heartbeat.
    if (record?.state === "listed") this.#prove(record);
    return ACCEPTED;
  }

  /** The owner of a server's key has gone, the server has not: what they said of it goes, too. */
  #disown(id: ServerId): void {
    const record = this.#records.get(id);
    if (record?.key === undefined) return;
    const { key: _key, name, admin: _admin, status: _status, ...rest } = record;
    if (name !== undefined) this.#names.drop(name, record.key);
    this.#owners.delete(id);
    this.#note(id, "changed", "its key's owner has fallen silent, it goes on in the old style");
    this.#records.put(rest);
  }

  #report(id: ServerId, key: string, status: ServerStatus): Outcome {
    const record = this.#records.get(id);
    if (record?.key !== key) {
      return {
        type: "refused",
        reason: "This server is not registered here: register it",
        refusal: "unauthorized",
      };
    }
    this.#records.refresh([id]);
    this.#owners.hear(id);
    this.#noteStatus(id, status);
    const heard = this.#records.get(id) ?? record;
    this.#records.setStatus(heard, named(status, record.name));
    if (record.state !== "listed" && !this.#verification.has(id)) this.#admit(id);
    return ACCEPTED;
  }

  /** A server that was not known. */
  #enter(record: Unversioned, detail: string): void {
    this.#records.insert(record);
    this.#traces.enter(record.id);
    this.#note(record.id, "registered", detail);
    this.#admit(record.id);
  }

  /** A known server registers again. */
  #again(before: ServerRecord, changes: Partial<ServerRecord>): void {
    const { id } = before;
    this.#records.hear(before);
    const record = this.#records.get(id) ?? before;
    if (sameSaid(before, { ...before, ...changes })) {
      this.#records.emitSeen([id], record.lastSeen);
    } else {
      this.#note(id, "changed", "it sends other settings than before");
      this.#records.put({ ...record, ...changes });
    }
    if (record.state !== "listed" && !this.#verification.has(id)) this.#admit(id);
  }

  /** Lists a server that needs no proof, challenges one that does. */
  #admit(id: ServerId): void {
    const record = this.#records.get(id);
    if (!record) return;
    if (record.gamename === MASTER_GAMENAME || !this.#limits.verify) {
      this.#list(record);
      return;
    }
    const { reason: _, ...again } = record;
    this.#records.put({ ...again, state: "challenged" });
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
    const reason = `no answer to ${CHALLENGE_RETRIES + 1} challenges over UDP: is port ` +
      `${record.port} open to the internet? The next heartbeat tries again`;
    this.#records.put({ ...record, state: "unverified", reason });
    this.#note(id, "unverified", reason);
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
    this.#records.list(record);
    this.#note(record.id, "listed", record.gamename);
    this.#prove(record);
  }

  /** A name was seen on a listed server of its key. */
  #prove({ id, name, key, ip }: ServerRecord): void {
    if (name === undefined || key === undefined) return;
    const { hostKey, clock, output } = this.#options;
    const owner = this.#names.provenOwner(name);
    if (owner !== undefined) {
      // Another key's server was listed under it at another master in the meantime.
      if (owner !== key) this.#remove(id, "replaced");
      return;
    }
    const claim = { name, key, ...this.#records.stamp() };
    this.#names.prove(claim, hostKey(ip), clock.monotonic());
    output.event({ type: "name", ...claim });
  }

  #quit(id: ServerId): void {
    const record = this.#records.get(id);
    if (record?.key === undefined) this.#remove(id, "quit");
    else this.#note(id, "refused", "an old-style quit does not end what a key has registered");
  }

  #status(id: ServerId, status: ServerStatus): void {
    const record = this.#records.get(id);
    // The owner of a key tells by itself, and a late answer to a poll is none of its words.
    if (record?.state !== "listed" || record.key !== undefined) return;
    this.#noteStatus(id, status);
    this.#records.setStatus(record, status);
  }

  #noteStatus(id: ServerId, { map, players, maxPlayers }: ServerStatus): void {
    this.#note(id, "status", `map ${map}, ${players} of ${maxPlayers} players`);
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
    if (known || this.#records.tombstone(id) || this.#roomFor(ip) !== undefined) return;
    const now = this.#options.clock.wall();
    const settings = { gamename, port: String(port) };
    const times = { firstSeen: now, lastSeen: now };
    this.#records.insert({ id, ip, port, gamename, settings, state: "challenged", via, ...times });
    this.#traces.enter(id);
    const record = this.#records.get(id);
    if (record) this.#list(record);
  }

  /** Another master has told of a server. */
  #adopted(before: ServerRecord | undefined, id: ServerId): void {
    const record = this.#records.get(id);
    if (!record) return;
    this.#verification.cancel(id);
    if (!before) this.#traces.enter(id);
    else if (before.state !== "listed") this.#note(id, "listed", "another master has verified it");
    const isSame = before?.key === record.key && before?.name === record.name;
    if (isSame) return;
    if (before?.name !== undefined && before.key !== undefined) {
      this.#names.drop(before.name, before.key);
    }
    if (record.name !== undefined && record.key !== undefined) {
      this.#names.bear(record.name, record.key);
    }
    if (before?.key !== record.key) this.#owners.delete(id);
  }

  #remove(id: ServerId, cause: RemovalCause, version?: Version): void {
    const record = this.#records.remove(id, cause, version);
    if (!record) return;
    this.#verification.cancel(id);
    this.#owners.delete(id);
    if (record.name !== undefined && record.key !== undefined) {
      this.#names.drop(record.name, record.key);
    }
    this.#note(id, cause === "replaced" ? "changed" : cause, REMOVALS[cause]);
    this.#traces.leave(id);
  }

  #roomFor(ip: string): string | undefined {
    const { serversPerHost } = this.#limits;
    if (this.#records.ofHost(ip) >= serversPerHost) {
      return `Too many servers from this address, ${serversPerHost} are allowed`;
    }
    const unproven = this.#records.size - this.#records.listed;
    if (this.#records.size >= MAX_SERVERS || unproven >= MAX_UNPROVEN) {
      return "This master is full, try another";
    }
    return undefined;
  }

  #refuse(id: ServerId, reason: string, refusal: Refusal): Outcome {
    this.#note(id, "refused", reason);
    return { type: "refused", reason, refusal };
  }

  #note(id: ServerId, step: TraceStep, detail: string): void {
    const entry = { at: this.#options.clock.wall(), step, detail };
    this.#traces.add(id, entry);
    this.#options.output.trace(id, entry);
  }
}

type Hearsay = Command & { readonly type: "hearsay" };

const ACCEPTED: Outcome = { type: "accepted" };

const REMOVALS: Readonly<Record<RemovalCause, string>> = {
  quit: "it said goodbye",
  expired: "no heartbeat within server-alive-timeout",
  replaced: "another kind of server, or one of another key, registered in its place",
};
