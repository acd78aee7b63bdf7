/**
 * Whose name is whose: a name belongs to the key that first had a server listed under it, and until
 * then to the key whose server bears it.
 *
 * @module
 */

import type { NameClaim } from "./types.ts";
import { isEarlier } from "./versions.ts";

/** Names that one host may have listed for good without a rest. */
const NAMES_AT_ONCE = 32;

/**
 * Milliseconds after which a host may have one more. Who has that many new names is no operator of
 * many servers but hoards them.
 */
const NAME_INTERVAL_MS = 900_000;

/** Names kept at most; bounds memory against hoarders with many hosts. */
const MAX_NAMES = 1_000_000;

/** Hosts whose count is kept at most; those that have rested need no count. */
const MAX_HOSTS = 65_536;

/** What became of a claim. */
export type ClaimResult = "theirs" | "taken" | "too_many";

/** What another master's claim has brought about. */
export type LearnResult =
  /** The name belongs to the same key as before, or to nobody else; the claim is new. */
  | "new"
  /** The name belongs to another key from now on. */
  | "moved"
  /** Nothing: it was known, or there is an earlier one. */
  | "known";

/** A name that no server was listed under yet. */
interface Pending {
  readonly key: string;
  /** Servers that bear it. */
  bearers: number;
}

/** The names that have an owner. */
export class NameBook {
  readonly #proven = new Map<string, NameClaim>();
  readonly #pending = new Map<string, Pending>();
  /** Until when each host's names count, in milliseconds: its names so far, laid end to end. */
  #busyUntil = new Map<string, number>();

  /**
   * Takes over names that were stored; the first claim of a name is the one that counts.
   *
   * @returns Names that belong to other keys from now on.
   */
  restore(claims: readonly NameClaim[]): ReadonlySet<string> {
    const moved = claims.filter((claim) => this.learn(claim) === "moved");
    return new Set(moved.map(({ name }) => name));
  }

  /** All names that belong to a key for good. */
  all(): NameClaim[] {
    return [...this.#proven.values()];
  }

  /** Takes over what another master tells: the first claim of a name is the one that counts. */
  learn(claim: NameClaim): LearnResult {
    const proven = this.#proven.get(claim.name);
    if (proven && !isEarlier(claim, proven)) return "known";
    if (!proven && this.#proven.size >= MAX_NAMES) return "known";
    const owner = this.ownerOf(claim.name) ?? claim.key;
    this.#pending.delete(claim.name);
    this.#proven.set(claim.name, claim);
    return owner === claim.key ? "new" : "moved";
  }

  /** Who owns a name for good. */
  provenOwner(name: string): string | undefined {
    return this.#proven.get(name)?.key;
  }

  /** Who owns a name. */
  ownerOf(name: string): string | undefined {
    return this.#proven.get(name)?.key ?? this.#pending.get(name)?.key;
  }

  /**
   * Whether a key may have a name.
   *
   * @param host Key that the claimant's host is counted under.
   * @param now Monotonic milliseconds.
   */
  check(name: string, key: string, host: string, now: number): ClaimResult {
    const owner = this.ownerOf(name);
    if (owner !== undefined && owner !== key) return "taken";
    if (this.#proven.has(name)) return "theirs";
    const busy = (this.#busyUntil.get(host) ?? now) - now;
    const isFull = this.#proven.size + this.#pending.size >= MAX_NAMES;
    return isFull || busy > (NAMES_AT_ONCE - 1) * NAME_INTERVAL_MS ? "too_many" : "theirs";
  }

  /** A server of a key bears a name. One of another key may do so elsewhere until that is settled. */
  bear(name: string, key: string): void {
    const pending = this.#pending.get(name);
    if (pending?.key === key) pending.bearers++;
    else if (!pending && !this.#proven.has(name)) this.#pending.set(name, { key, bearers: 1 });
  }

  /** A server that bore a name bears it no more: one that was never listed is free again. */
  drop(name: string, key: string): void {
    const pending = this.#pending.get(name);
    if (pending?.key === key && --pending.bearers === 0) this.#pending.delete(name);
  }

  /** Whether a name belongs to a key for good. */
  isProven(name: string): boolean {
    return this.#proven.has(name);
  }

  /** A server is listed under a name of its key, which is the key's for good from now on. */
  prove(claim: NameClaim, host: string, now: number): void {
    this.#pending.delete(claim.name);
    this.#proven.set(claim.name, claim);
    if (this.#busyUntil.size >= MAX_HOSTS) this.#forgetRested(now);
    this.#busyUntil.set(host, Math.max(this.#busyUntil.get(host) ?? now, now) + NAME_INTERVAL_MS);
  }

  #forgetRested(now: number): void {
    const busy = [...this.#busyUntil].filter(([, until]) => until > now);
    this.#busyUntil = new Map(busy.slice(-MAX_HOSTS / 2));
  }
}
