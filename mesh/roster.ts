/**
 * Which masters there are, and where.
 *
 * @module
 */

import type { Hello, KnownMaster } from "../protocol/mod.ts";
import type { Link, MasterView, MeshSource, Target } from "./types.ts";

/** Masters kept at most: more than twice the largest network. */
const MAX_MASTERS = 256;

/** Milliseconds after which a master that nobody has seen is forgotten. */
const FORGET_MS = 7 * 86_400_000;

/** Milliseconds for which a master is live that another one was connected with. */
const LIVE_MS = 90_000;

interface Known {
  readonly id: string;
  readonly key: string;
  name: string;
  host: string;
  ip: string | undefined;
  ports: Readonly<Record<string, number>>;
  /** When somebody was last connected with it, monotonic milliseconds. */
  seenAt: number;
  isConnected: boolean;
}

/** The id of a key: the first 16 hexadecimal digits of its bytes; undefined when it is no key. */
export function idOfKey(key: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(key), (character) => character.charCodeAt(0));
    if (bytes.length !== 32) return undefined;
    return [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch {
    return undefined;
  }
}

/** Masters other than this one. */
export class Roster {
  readonly #self: string;
  readonly #source: MeshSource;
  readonly #masters = new Map<string, Known>();

  /** @param self Id of this master. */
  constructor(self: string, source: MeshSource) {
    this.#self = self;
    this.#source = source;
  }

  /** How many are known. */
  get size(): number {
    return this.#masters.size;
  }

  /** What a master calls itself; empty when it is unknown. */
  nameOf(id: string): string {
    return this.#masters.get(id)?.name ?? "";
  }

  /** Where a master's ring 0 is reached; undefined when nobody has said so. */
  targetOf(id: string): Target | undefined {
    const known = this.#masters.get(id);
    const port = known?.ports["ring0"];
    return known && port !== undefined ? { host: known.host, port } : undefined;
  }

  /** Ids of all. */
  ids(): string[] {
    return [...this.#masters.keys()];
  }

  /** A master is connected; whether something is new about it. */
  connected({ key, ip }: Link, { id, name, host, ports }: Hello): boolean {
    const known = this.#masters.get(id);
    const before = known && JSON.stringify([known.name, known.host, known.ports]);
    const where = host ?? ip;
    const seenAt = this.#source.monotonic();
    if (!known && this.#masters.size >= MAX_MASTERS) this.#forgetOldest();
    this.#masters.set(id, { id, key, name, host: where, ip, ports, seenAt, isConnected: true });
    return before !== JSON.stringify([name, where, ports]);
  }

  /** A master is connected no more. */
  disconnected(id: string): void {
    const known = this.#masters.get(id);
    if (!known) return;
    known.isConnected = false;
    known.seenAt = this.#source.monotonic();
  }

  /**
   * Another master tells of masters.
   *
   * @returns Those that were not known.
   */
  met(masters: readonly KnownMaster[]): KnownMaster[] {
    const fresh: KnownMaster[] = [];
    const now = this.#source.monotonic();
    for (const master of masters) {
      const { id, key, name, host, ports, seen } = master;
      if (id === this.#self || idOfKey(key) !== id) continue;
      const seenAt = now - seen * 1000;
      const known = this.#masters.get(id);
      if (!known) {
        if (this.#masters.size >= MAX_MASTERS || now - seenAt > FORGET_MS) continue;
        const rest = { ip: undefined, seenAt, isConnected: false };
        this.#masters.set(id, { id, key, name, host, ports, ...rest });
        fresh.push(master);
      } else if (!known.isConnected && seenAt > known.seenAt) {
        Object.assign(known, { name, host, ports, seenAt });
      }
    }
    return fresh;
  }

  /** Masters to be told of to the one with an id. */
  members(except?: string): KnownMaster[] {
    const now = this.#source.monotonic();
    const members: KnownMaster[] = [];
    for (const { id, key, name, host, ports, seenAt, isConnected } of this.#masters.values()) {
      if (id === except || ports["ring0"] === undefined) continue;
      const seen = isConnected ? 0 : Math.max(0, Math.floor((now - seenAt) / 1000));
      members.push({ id, name, host, ports, key, seen });
    }
    return members;
  }

  /** All masters, for others. */
  views(): MasterView[] {
    const now = this.#source.monotonic();
    return [...this.#masters.values()].map((known) => {
      const { id, name, host, ip, ports, key, isConnected, seenAt } = known;
      const isLive = isConnected || now - seenAt < LIVE_MS;
      return { id, name, host, ip, ports, key, isLive };
    });
  }

  /** Forgets whom nobody has seen for a long time. */
  tick(): void {
    const now = this.#source.monotonic();
    for (const { id, isConnected, seenAt } of this.#masters.values()) {
      if (!isConnected && now - seenAt > FORGET_MS) this.#masters.delete(id);
    }
  }

  #forgetOldest(): void {
    const away = [...this.#masters.values()].filter(({ isConnected }) => !isConnected);
    const [oldest] = away.sort((a, b) => a.seenAt - b.seenAt);
    if (oldest) this.#masters.delete(oldest.id);
  }
}
