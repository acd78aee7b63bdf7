/**
 * What one master is yet to be told: which entries, not what they say. They are looked up when they
 * are sent, so that many changes of an entry are sent as one.
 *
 * @module
 */

import {
  encodeChanges,
  encodeRefresh,
  type NameClaim,
  type Put,
  type ServerLease,
  type Tombstone,
  type UserClaim,
} from "../protocol/mod.ts";
import { serverKey } from "./entries.ts";
import type { Ledger } from "./ledger.ts";
import { putOf } from "./puts.ts";

/**
 * Keys that may wait: who cannot be told as fast as things change is told later where it differs
 * from what is here, which is less.
 */
const MAX_KEYS = 65_536;

/** Keys looked up at a time: some 250 KB of servers. */
const KEYS_AT_ONCE = 512;

/** What is told of a lease: below this many milliseconds it is not worth the asking. */
const MIN_LEFT_MS = 1000;

/** Lists of changes as messages tell them. */
interface Told {
  readonly puts: Put[];
  readonly tombstones: Tombstone[];
  readonly names: NameClaim[];
  readonly users: UserClaim[];
  readonly leases: ServerLease[];
}

/** Sorts what keys stand for into the lists of a message. */
function gather(ledger: Ledger, keys: Iterable<string>): Told {
  const told: Told = { puts: [], tombstones: [], names: [], users: [], leases: [] };
  for (const key of keys) {
    const isLease = key.startsWith("l:");
    const entry = ledger.get(isLease ? serverKey(key.slice(2)) : key);
    switch (entry?.type) {
      case "server": {
        const life = ledger.life(entry);
        if (isLease && life.left < MIN_LEFT_MS) break;
        // Whoever has not heard of it may not say so: the whole record says who has.
        if (isLease && life.heard) told.leases.push({ id: entry.record.id, left: life.left });
        else if (entry.dispute && !isLease) told.tombstones.push(entry.dispute);
        else told.puts.push(putOf(entry.record, life));
        break;
      }
      case "tombstone":
        if (!isLease) told.tombstones.push(entry.tombstone);
        break;
      case "name":
        told.names.push(entry.claim);
        break;
      case "user":
        told.users.push(entry.claim);
        break;
    }
  }
  return told;
}

/** What stands at the end of a message. */
export interface Ending {
  readonly after?: number;
  readonly upto?: number;
  readonly round?: number;
}

/** What keys stand for, as messages. */
export function tell(ledger: Ledger, keys: Iterable<string>, ending: Ending = {}): Uint8Array[] {
  const { leases, ...changes } = gather(ledger, keys);
  return [...encodeRefresh(leases), ...encodeChanges({ ...changes, ...ending })];
}

/** Leases of servers that this master has heard of, as messages. */
export function tellLeases(ledger: Ledger, ids: Iterable<string>): Uint8Array[] {
  const leases: ServerLease[] = [];
  for (const id of ids) {
    const entry = ledger.get(serverKey(id));
    if (entry?.type !== "server") continue;
    const { left, heard } = ledger.life(entry);
    if (heard) leases.push({ id, left });
  }
  return encodeRefresh(leases);
}

/** Keys and messages in order, for one master. */
export class Outbox {
  readonly #ledger: Ledger;
  /** Keys, numbers of rounds that are answered with what stands before them, and whole messages. */
  #queue: (string | number | Uint8Array)[] = [];
  #keys = new Set<string>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** How many entries wait. */
  get size(): number {
    return this.#keys.size;
  }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Entries are to be told; false when there are too many, and nothing is remembered of any. */
  add(keys: Iterable<string>): boolean {
    this.#queueKeys(keys);
    if (this.#keys.size <= MAX_KEYS) return true;
    // The ends of rounds stand for what was asked for, which is not there any more.
    this.#queue = this.#queue.filter((item) => item instanceof Uint8Array);
    this.#keys = new Set();
    return false;
  }

  /**
   * Entries are asked for; the end of the answer names the round. Who asks for more than there is
   * room for gets no answer: what is to be told unasked comes first.
   */
  answer(keys: readonly string[], round: number | undefined): void {
    if (this.#keys.size + keys.length > MAX_KEYS) return;
    this.#queueKeys(keys);
    if (round !== undefined) this.#queue.push(round);
  }

  /** Messages that are ready are to be sent. */
  addMessages(messages: readonly Uint8Array[]): void {
    for (const message of messages) this.#queue.push(message);
  }

  /** Takes the next messages: a few, so that what waits with the system stays little. */
  take(): Uint8Array[] {
    const [first] = this.#queue;
    if (first === undefined) return [];
    if (first instanceof Uint8Array) {
      this.#queue.shift();
      return [first];
    }
    const keys: string[] = [];
    let count = 0;
    let round: number | undefined;
    for (const item of this.#queue) {
      if (item instanceof Uint8Array || keys.length >= KEYS_AT_ONCE || round !== undefined) break;
      if (typeof item === "number") round = item;
      else keys.push(item);
      count++;
    }
    this.#queue.splice(0, count);
    for (const key of keys) this.#keys.delete(key);
    return tell(this.#ledger, keys, round === undefined ? {} : { round });
  }

  #queueKeys(keys: Iterable<string>): void {
    for (const key of keys) {
      if (this.#keys.has(key)) continue;
      this.#keys.add(key);
      this.#queue.push(key);
    }
  }
}
