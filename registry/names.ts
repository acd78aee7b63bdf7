/**
 * Whose name is whose: a name belongs to the key that first registered a server under it.
 *
 * @module
 */

import type { NameClaim } from "./types.ts";
import { isEarlier } from "./versions.ts";

/**
 * Names that one host may claim while this master runs, for each server that it may register. More
 * are no renamed servers but someone who hoards names.
 */
const NAMES_PER_SERVER = 4;

/** Names kept at most; bounds memory against hoarders with many hosts. */
const MAX_NAMES = 1_000_000;

/** What became of a claim. */
export type ClaimResult =
  /** It was theirs already. */
  | "theirs"
  /** It is theirs from now on. */
  | "claimed"
  | "taken"
  | "too_many";

interface Owned extends NameClaim {
  /** Whether a server was ever listed under it; one that was not keeps nothing. */
  proven: boolean;
}

/** The names that have an owner. */
export class NameBook {
  readonly #owned = new Map<string, Owned>();
  readonly #perHost = new Map<string, number>();

  /** Takes over names that were stored; the first claim of a name is the one that counts. */
  restore(claims: readonly NameClaim[]): void {
    for (const claim of claims) {
      const owned = this.#owned.get(claim.name);
      if (!owned?.proven || isEarlier(claim, owned)) {
        this.#owned.set(claim.name, { ...claim, proven: true });
      }
    }
  }

  /** Names that have an owner. */
  get size(): number {
    return this.#owned.size;
  }

  /** Who owns a name. */
  ownerOf(name: string): string | undefined {
    return this.#owned.get(name)?.key;
  }

  /**
   * Claims a name for a key.
   *
   * @param host Key that the claimant's host is counted under.
   * @param servers Servers that a host may register.
   */
  claim(claim: NameClaim, host: string, servers: number): ClaimResult {
    const owner = this.#owned.get(claim.name)?.key;
    if (owner !== undefined) return owner === claim.key ? "theirs" : "taken";
    const claimed = this.#perHost.get(host) ?? 0;
    if (claimed >= servers * NAMES_PER_SERVER || this.#owned.size >= MAX_NAMES) return "too_many";
    this.#perHost.set(host, claimed + 1);
    this.#owned.set(claim.name, { ...claim, proven: false });
    return "claimed";
  }

  /**
   * A server is listed under a name.
   *
   * @returns Whether the name belongs to its key for good from now on.
   */
  prove(claim: NameClaim): boolean {
    const owned = this.#owned.get(claim.name);
    if (owned && (owned.proven || owned.key !== claim.key)) return false;
    this.#owned.set(claim.name, { ...claim, proven: true });
    return true;
  }

  /** A server is gone that was never listed: a name that nobody else proved is free again. */
  release(name: string): void {
    if (this.#owned.get(name)?.proven === false) this.#owned.delete(name);
  }
}
