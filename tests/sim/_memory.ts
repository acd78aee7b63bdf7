/** What a simulated master keeps in mind beside its registry and its mesh. */

import type { RegistryEvent, Replica, ServerId, UserClaim } from "../../registry/mod.ts";
import { isFirst } from "./_store.ts";

/** Whose the players' names are: the first claim of each counts. */
export class UserBook {
  readonly #claims: Map<string, UserClaim>;

  /** Takes over what was stored. */
  constructor(stored: readonly UserClaim[]) {
    this.#claims = new Map(stored.map((claim) => [claim.user, claim]));
  }

  /** How many names have an owner. */
  get size(): number {
    return this.#claims.size;
  }

  /** All claims that count. */
  all(): UserClaim[] {
    return [...this.#claims.values()];
  }

  /** Key of a name's owner. */
  ownerOf(user: string): string | undefined {
    return this.#claims.get(user)?.key;
  }

  /** Takes over claims; those that count. */
  learn(claims: readonly UserClaim[]): UserClaim[] {
    const kept = claims.filter((claim) => {
      const known = this.#claims.get(claim.user);
      return !known || isFirst(claim, known);
    });
    for (const claim of kept) this.#claims.set(claim.user, claim);
    return kept;
  }
}

/** Servers of which a master does not know yet whether they are gone. */
export class Doubts {
  /** They are listed though another master takes them for gone. */
  readonly disputed = new Set<ServerId>();
  /** They are in the store, and it is waited whether anybody has heard of them. */
  readonly awaited = new Set<ServerId>();

  /** Keeps in mind what a change of the registry says, before the replica has it. */
  note(event: RegistryEvent, replica: Replica): void {
    const id = event.type === "put" ? event.record.id : "id" in event ? event.id : undefined;
    if (id === undefined) return;
    this.awaited.delete(id);
    if (event.type === "disputed" && replica.get(id)) this.disputed.add(id);
    else this.disputed.delete(id);
  }

  /** The process starts anew. */
  clear(): void {
    this.disputed.clear();
    this.awaited.clear();
  }
}
