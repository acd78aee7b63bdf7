/**
 * How servers come to be listed, and how they go: what all ways of registering have in common.
 *
 * @module
 */

import { sameSaid } from "./announcement.ts";
import { NameBook } from "./names.ts";
import type { RegistryLimits, RegistryOptions } from "./options.ts";
import { Owners } from "./owners.ts";
import { MAX_SERVERS, type Records, type Unversioned } from "./records.ts";
import { TraceBook } from "./trace.ts";
import {
  MASTER_GAMENAME,
  type Outcome,
  type Refusal,
  type RemovalCause,
  type ServerId,
  type ServerRecord,
  type TraceEntry,
  type TraceStep,
  type Version,
} from "./types.ts";
import { CHALLENGE_RETRIES, type Try, Verification } from "./verification.ts";

/**
 * Servers kept at most that have not proved themselves: whoever has many addresses can make them for
 * nothing.
 */
const MAX_UNPROVEN = 50_000;

const REMOVALS: Readonly<Record<RemovalCause, string>> = {
  quit: "it said goodbye",
  expired: "no heartbeat within server-alive-timeout",
  replaced: "another kind of server, or one of another key, registered in its place",
};

/** Proofs, names and traces of servers. */
export class Admission {
  /** Whose the names are. */
  readonly names = new NameBook();
  /** Owners of the keys. */
  readonly owners: Owners;
  readonly #options: RegistryOptions;
  readonly #records: Records;
  readonly #limits: () => RegistryLimits;
  readonly #verification: Verification;
  readonly #traces = new TraceBook();

  constructor(options: RegistryOptions, records: Records, limits: () => RegistryLimits) {
    const { clock, makeToken } = options;
    this.#options = options;
    this.#records = records;
    this.#limits = limits;
    this.#verification = new Verification(clock.monotonic(), makeToken);
    this.owners = new Owners(() => clock.monotonic(), (id) => records.lastTold(id));
  }

  /** The last steps of a server's life, oldest first. */
  trace(id: ServerId): readonly TraceEntry[] {
    return this.#traces.of(id);
  }

  /** Adds a step to a server's trace. */
  note(id: ServerId, step: TraceStep, detail: string): void {
    const entry = { at: this.#options.clock.wall(), step, detail };
    this.#traces.add(id, entry);
    this.#options.output.trace(id, entry);
  }

  /** Turns a server away. */
  refuse(id: ServerId, reason: string, refusal: Refusal): Outcome {
    this.note(id, "refused", reason);
    return { type: "refused", reason, refusal };
  }

  /** Why there is no room for another server of an address; undefined when there is. */
  fullness(ip: string): string | undefined {
    const { serversPerHost } = this.#limits();
    const { size, listed } = this.#records;
    if (this.#records.ofHost(ip) >= serversPerHost) {
      return `Too many servers from this address, ${serversPerHost} are allowed`;
    }
    if (size >= MAX_SERVERS || size - listed >= MAX_UNPROVEN) {
      return "This master is full, try another";
    }
    return undefined;
  }

  /** A server that was not known, and has to prove itself. */
  enter(record: Unversioned, detail: string): void {
    this.#records.insert(record);
    this.#traces.enter(record.id);
    this.note(record.id, "registered", detail);
    this.#admit(record.id);
  }

  /** A server that was not known, and is listed by another's word. */
  vouch(record: Unversioned): void {
    this.#records.insert(record);
    this.#traces.enter(record.id);
    this.#list(record.id);
  }

  /** A known server registers again. */
  again(before: ServerRecord, changes: Partial<ServerRecord>): void {
    const { id } = before;
    this.#records.hear(before);
    const record = this.#records.get(id) ?? before;
    if (sameSaid(before, { ...before, ...changes })) {
      this.#records.emitSeen([id], record.lastSeen);
    } else {
      this.note(id, "changed", "it sends other settings than before");
      this.#records.put({ ...record, ...changes });
    }
    this.retry(record);
  }

  /** A server was heard of that may not have proved itself yet. */
  retry({ id, state }: ServerRecord): void {
    if (state !== "listed" && !this.#verification.has(id)) this.#admit(id);
  }

  /**
   * A server is back from the database.
   *
   * @param isDead Whether its time is over.
   * @returns Whether it stays.
   */
  restored({ id, name, key, state }: ServerRecord, isDead: boolean): boolean {
    this.#traces.enter(id);
    if (name !== undefined && key !== undefined) {
      if ((this.names.ownerOf(name) ?? key) !== key) {
        this.remove(id, "replaced");
        return false;
      }
      this.names.bear(name, key);
      this.owners.enter(id);
    }
    if (isDead) {
      this.remove(id, "expired");
      return false;
    }
    this.note(id, "registered", "taken over from the database");
    if (state !== "listed") this.#admit(id);
    return true;
  }

  /** Another master has told of a server. */
  adopted(before: ServerRecord | undefined, id: ServerId): void {
    const record = this.#records.get(id);
    if (!record) return;
    this.#verification.cancel(id);
    if (!before) this.#traces.enter(id);
    else if (before.state !== "listed") this.note(id, "listed", "another master has verified it");
    const isSame = before?.key === record.key && before?.name === record.name;
    if (isSame) return;
    if (before?.name !== undefined && before.key !== undefined) {
      this.names.drop(before.name, before.key);
    }
    if (record.name !== undefined && record.key !== undefined) {
      this.names.bear(record.name, record.key);
    }
    if (before?.key !== record.key) this.owners.delete(id);
  }

  /** A server sent a challenge's token back. */
  answer(id: ServerId, token: string): void {
    const answered = this.#verification.answer(id, token);
    if (!answered || !this.#records.get(id)) return;
    this.note(id, "answered", `the challenge, try ${answered.attempt}`);
    this.#list(id);
  }

  /** A name was seen on a listed server of its key. */
  prove({ id, name, key, ip }: ServerRecord): void {
    if (name === undefined || key === undefined) return;
    const { hostKey, clock, output } = this.#options;
    const owner = this.names.provenOwner(name);
    if (owner !== undefined) {
      // Another key's server was listed under it at another master in the meantime.
      if (owner !== key) this.remove(id, "replaced");
      return;
    }
    const claim = { name, key, ...this.#records.history.stamp() };
    this.names.prove(claim, hostKey(ip), clock.monotonic());
    output.event({ type: "name", ...claim });
  }

  /** Another server takes a server's place. */
  replace({ id, via }: ServerRecord): void {
    if (via === undefined) return this.remove(id, "replaced");
    // That an old-style master told of it here says nothing against who has heard of it elsewhere.
    this.remove(id, "expired", undefined, "it registers by itself, an old-style master told of it");
  }

  /** Takes a server away. */
  remove(id: ServerId, cause: RemovalCause, version?: Version, reason = REMOVALS[cause]): void {
    const record = this.#records.remove(id, cause, version);
    if (!record) return;
    this.#verification.cancel(id);
    this.owners.delete(id);
    if (record.name !== undefined && record.key !== undefined) {
      this.names.drop(record.name, record.key);
    }
    this.note(id, cause === "replaced" ? "changed" : cause, reason);
    this.#traces.leave(id);
  }

  /** Lets time pass: repeats challenges. */
  tick(): void {
    const { again, failed } = this.#verification.takeDue(this.#options.clock.monotonic());
    for (const next of again) this.#challenge(next);
    for (const id of failed) this.#unverified(id);
  }

  /** Lists a server that needs no proof, challenges one that does. */
  #admit(id: ServerId): void {
    const record = this.#records.get(id);
    if (!record) return;
    if (record.gamename === MASTER_GAMENAME || !this.#limits().verify) {
      this.#list(id);
      return;
    }
    const { reason: _, ...again } = record;
    this.#records.put({ ...again, state: "challenged" });
    this.#challenge(this.#verification.start(id, this.#options.clock.monotonic()));
  }

  #challenge({ id, token, attempt }: Try): void {
    const record = this.#records.get(id);
    if (!record) return;
    this.note(id, "challenged", `try ${attempt} of ${CHALLENGE_RETRIES + 1}`);
    this.#options.output.challenge({ id, ip: record.ip, port: record.port, token });
  }

  #unverified(id: ServerId): void {
    const record = this.#records.get(id);
    if (!record) return;
    const reason = `no answer to ${CHALLENGE_RETRIES + 1} challenges over UDP: is port ` +
      `${record.port} open to the internet? The next heartbeat tries again`;
    this.#records.put({ ...record, state: "unverified", reason });
    this.note(id, "unverified", reason);
  }

  #list(id: ServerId): void {
    const record = this.#records.get(id);
    if (!record) return;
    this.#verification.cancel(id);
    this.#records.list(record);
    this.note(id, "listed", record.gamename);
    this.prove(record);
  }
}
