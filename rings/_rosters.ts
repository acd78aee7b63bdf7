import type { Player, RegistryEvent, Replica, ServerId } from "../registry/mod.ts";

const NOBODY: readonly Player[] = [];

/** The roster that a server has after an event; undefined when the event leaves it as it is. */
function rosterAfter(event: RegistryEvent): [ServerId, readonly Player[]] | undefined {
  switch (event.type) {
    case "put": {
      const { id, state, status } = event.record;
      return [id, state === "listed" ? status?.roster ?? NOBODY : NOBODY];
    }
    case "status":
      return [event.id, event.status.roster];
    case "removed":
      return [event.id, NOBODY];
    default:
      return undefined;
  }
}

/** Which listed servers have a player of a name, found without looking at all of them. */
export class Rosters {
  readonly #replica: Replica;
  /** By name. Almost all players are on one server, so that seldom is there a need for a set. */
  readonly #servers = new Map<string, ServerId | Set<ServerId>>();

  /** @param replica Gets each event right after this. */
  constructor(replica: Replica) {
    this.#replica = replica;
  }

  /** Names that are known. */
  get size(): number {
    return this.#servers.size;
  }

  /** A server that says that a player of this name is on it, the one that said so first. */
  serverOf(name: string): ServerId | undefined {
    const servers = this.#servers.get(name);
    return typeof servers === "object" ? servers.values().next().value : servers;
  }

  /** The replica holds other records from now on. */
  load(): void {
    this.#servers.clear();
    for (const block of this.#replica.blocks) {
      for (const { id, status } of block.records.values()) {
        this.#enter(id, status?.roster ?? NOBODY);
      }
    }
  }

  /** Takes over one change, before the replica does. */
  apply(event: RegistryEvent): void {
    const [id, after] = rosterAfter(event) ?? [];
    if (id === undefined || after === undefined) return;
    const record = this.#replica.get(id);
    // Of a server that is not listed nothing but that it now is counts.
    if (!record && event.type !== "put") return;
    const before = record?.status?.roster ?? NOBODY;
    if (before === after) return;
    for (const { name } of before) this.#remove(id, name);
    this.#enter(id, after);
  }

  #enter(id: ServerId, roster: readonly Player[]): void {
    for (const { name } of roster) {
      const servers = this.#servers.get(name);
      if (servers === undefined) this.#servers.set(name, id);
      else if (typeof servers === "object") servers.add(id);
      else if (servers !== id) this.#servers.set(name, new Set([servers, id]));
    }
  }

  #remove(id: ServerId, name: string): void {
    const servers = this.#servers.get(name);
    if (servers === id) this.#servers.delete(name);
    if (typeof servers !== "object") return;
    servers.delete(id);
    if (servers.size === 0) this.#servers.delete(name);
  }
}
