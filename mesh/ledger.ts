/**
 * All that masters replicate, as this one holds it: by key, with a digest that is always up to date.
 *
 * @module
 */

import { DIGEST_BUCKETS, type KeyVersion } from "../protocol/mod.ts";
import {
  isEarlier,
  type LifeSign,
  type RegistryEvent,
  type ServerId,
  type ServerRecord,
  type Snapshot,
  type Tombstone,
  type UserClaim,
  type Version,
} from "../registry/mod.ts";
import { bucketOf, Digests } from "./digest.ts";
import { type Entry, type HeldServer, serverKey, versionOf } from "./entries.ts";

/** Masters of which it is remembered what they changed last: more than any network had in its life. */
const MAX_ORIGINS = 4096;

/** What is replicated. */
export class Ledger {
  readonly #origin: string;
  readonly #monotonic: () => number;
  #buckets: Map<string, Entry>[] = [];
  #digests = new Digests();
  #own = 0;
  #servers = 0;
  #byOrigin = new Map<string, number>();
  readonly #latest = new Map<string, number>();
  #users = new Map<string, UserClaim>();

  /**
   * Holds nothing yet.
   *
   * @param origin This master's id.
   * @param monotonic Milliseconds that never go back.
   */
  constructor(origin: string, monotonic: () => number) {
    this.#origin = origin;
    this.#monotonic = monotonic;
    this.#clear();
  }

  /** Hybrid logical time up to which this master's own changes are held. */
  get own(): number {
    return this.#own;
  }

  /** Servers listed. */
  get servers(): number {
    return this.#servers;
  }

  /** Servers listed that a master changed last. */
  serversFrom(origin: string): number {
    return this.#byOrigin.get(origin) ?? 0;
  }

  /** Hybrid logical time of the latest change of a master that was ever here; 0 for none. */
  latest(origin: string): number {
    return this.#latest.get(origin) ?? 0;
  }

  /** A hash for each bucket. */
  digest(): string[] {
    return this.#digests.all();
  }

  /** What a key stands for. */
  get(key: string): Entry | undefined {
    return this.#buckets[bucketOf(key)]?.get(key);
  }

  /** All that is in a bucket. */
  bucket(bucket: number): KeyVersion[] {
    const entries: KeyVersion[] = [];
    for (const [key, entry] of this.#buckets[bucket] ?? []) {
      const { hlc, origin } = versionOf(entry);
      entries.push({ key, hlc, origin });
    }
    return entries;
  }

  /** How much is in a bucket. */
  sizeOf(bucket: number): number {
    return this.#buckets[bucket]?.size ?? 0;
  }

  /** Listed servers of a bucket. */
  *serversOf(bucket: number): Generator<HeldServer> {
    for (const entry of this.#buckets[bucket]?.values() ?? []) {
      if (entry.type === "server") yield entry;
    }
  }

  /** How much longer a server is known to live. */
  life({ due, heardUntil }: HeldServer): LifeSign {
    const now = this.#monotonic();
    return { left: Math.max(0, Math.floor(due - now)), heard: heardUntil > now };
  }

  /** Starts anew from all that the registry holds; users stay. */
  load({ records, tombstones, names, vector }: Snapshot): void {
    this.#clear();
    for (const claim of this.#users.values()) this.#set(`u:${claim.user}`, { type: "user", claim });
    for (const claim of names) this.#set(`n:${claim.name}`, { type: "name", claim });
    for (const tombstone of tombstones) {
      this.#set(serverKey(tombstone.id), { type: "tombstone", tombstone });
    }
    for (const { record, life } of records) {
      const before = this.get(serverKey(record.id));
      const dispute = before?.type === "tombstone" && isEarlier(record, before.tombstone)
        ? before.tombstone
        : undefined;
      this.#put(record, life, dispute);
    }
    const [, own = 0] = vector.find(([origin]) => origin === this.#origin) ?? [];
    // What was told is told: this master's changes go on from there.
    this.#own = Math.max(this.#own, own);
  }

  /**
   * Takes over a change.
   *
   * @returns The key of what this master itself has changed just now, if it has.
   */
  apply(event: RegistryEvent): string | undefined {
    switch (event.type) {
      case "put":
        if (event.record.state !== "listed") return undefined;
        this.#put(event.record, event, undefined);
        return this.#changed(serverKey(event.record.id), event.record);
      case "status": {
        const { id, status, hlc, origin } = event;
        const held = this.get(serverKey(id));
        if (held?.type !== "server") return undefined;
        const record = { ...held.record, status, hlc, origin };
        this.#set(serverKey(id), { ...held, record, dispute: undefined });
        return this.#changed(serverKey(id), event);
      }
      case "seen":
        for (const id of event.ids) this.#hear(id, event);
        return undefined;
      case "removed": {
        if (!event.wasListed) return undefined;
        const { id, hlc, origin } = event;
        const cause = event.cause === "expired" ? "expired" : "quit";
        this.#set(serverKey(id), { type: "tombstone", tombstone: { id, hlc, origin, cause } });
        // One that is learned again, too: somebody may have the server from this master, and take all
        // that this master has changed for known.
        return this.#changed(serverKey(id), event) ??
          (origin === this.#origin ? serverKey(id) : undefined);
      }
      case "disputed": {
        const { type: _, ...tombstone } = event;
        const held = this.get(serverKey(event.id));
        const entry: Entry = held?.type === "server"
          ? { ...held, dispute: tombstone }
          : { type: "tombstone", tombstone };
        this.#set(serverKey(event.id), entry);
        return undefined;
      }
      case "forgotten":
        this.#forget(serverKey(event.id));
        return undefined;
      case "name": {
        const { type: _, ...claim } = event;
        this.#set(`n:${claim.name}`, { type: "name", claim });
        return this.#isOwnNews(claim) ? `n:${claim.name}` : undefined;
      }
      default:
        return undefined;
    }
  }

  /** Forgets whose the players' names are, before they are told anew. */
  clearUsers(): void {
    for (const user of this.#users.keys()) this.#delete(`u:${user}`);
    this.#users = new Map();
  }

  /** A player's name is claimed; whether this is the first claim of it. */
  learnUser(claim: UserClaim): boolean {
    const known = this.#users.get(claim.user);
    if (known && !isEarlier(claim, known)) return false;
    this.#users.set(claim.user, claim);
    this.#set(`u:${claim.user}`, { type: "user", claim });
    return true;
  }

  #clear(): void {
    this.#buckets = Array.from({ length: DIGEST_BUCKETS }, () => new Map());
    this.#digests = new Digests();
    this.#servers = 0;
    this.#byOrigin = new Map();
  }

  #changed(key: string, version: Version): string | undefined {
    if (!this.#isOwnNews(version)) return undefined;
    this.#own = version.hlc;
    return key;
  }

  /** Whether this master has just made a change: what it lost and learns again is no news to others. */
  #isOwnNews({ hlc, origin }: Version): boolean {
    return origin === this.#origin && hlc > this.#own;
  }

  #put(record: ServerRecord, life: LifeSign, dispute: Tombstone | undefined): void {
    const due = this.#monotonic() + life.left;
    const heardUntil = life.heard ? due : -Infinity;
    this.#set(serverKey(record.id), { type: "server", record, dispute, due, heardUntil });
  }

  #hear(id: ServerId, { left, heard }: LifeSign): void {
    const held = this.get(serverKey(id));
    if (held?.type !== "server") return;
    held.due = Math.max(held.due, this.#monotonic() + left);
    if (heard) held.heardUntil = held.due;
  }

  #forget(key: string): void {
    const entry = this.get(key);
    if (entry?.type === "tombstone") this.#delete(key);
    else if (entry?.type === "server" && entry.dispute) {
      this.#set(key, { ...entry, dispute: undefined });
    }
  }

  #set(key: string, entry: Entry): void {
    const bucket = bucketOf(key);
    const entries = this.#buckets[bucket] as Map<string, Entry>;
    const before = entries.get(key);
    if (before) this.#discount(bucket, key, before);
    this.#digests.toggle(bucket, key, versionOf(entry));
    this.#note(versionOf(entry));
    if (entry.type === "server") {
      this.#note(entry.record);
      this.#countServer(entry, 1);
    }
    entries.set(key, entry);
  }

  #delete(key: string): void {
    const bucket = bucketOf(key);
    const entries = this.#buckets[bucket] as Map<string, Entry>;
    const entry = entries.get(key);
    if (!entry) return;
    this.#discount(bucket, key, entry);
    entries.delete(key);
  }

  #note({ hlc, origin }: Version): void {
    if (hlc <= this.latest(origin)) return;
    if (this.#latest.has(origin) || this.#latest.size < MAX_ORIGINS) this.#latest.set(origin, hlc);
  }

  #discount(bucket: number, key: string, entry: Entry): void {
    this.#digests.toggle(bucket, key, versionOf(entry));
    if (entry.type === "server") this.#countServer(entry, -1);
  }

  #countServer({ record: { origin } }: HeldServer, change: 1 | -1): void {
    this.#servers += change;
    const count = this.serversFrom(origin) + change;
    if (count > 0) this.#byOrigin.set(origin, count);
    else this.#byOrigin.delete(origin);
  }
}
