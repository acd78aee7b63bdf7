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

/** Bytes of a public key. */
const KEY_BYTES = 32;

/** Bytes of it that make a master's id. */
const ID_BYTES = 8;

interface Known {
  readonly id: string;
  readonly key: string;
  name: string;
  host: string;
  ip: string | undefined;
  ports: Readonly<Record<string, number>>;
  /** Where it said to be when it was last connected with this master. */
  reached: Target | undefined;
  /** When somebody was last connected with it, monotonic milliseconds. */
  seenAt: number;
  isConnected: boolean;
  /** Whether others were last told that it is live. */
  isToldLive: boolean;
}

/** The id of a key: the first 16 hexadecimal digits of its bytes; undefined when it is no key. */
export function idOfKey(key: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(key), (character) => character.charCodeAt(0));
    if (bytes.length !== KEY_BYTES) return undefined;
    return [...bytes.subarray(0, ID_BYTES)].map((byte) => byte.toString(16).padStart(2, "0"))
      .join("");
  } catch {
    return undefined;
  }
}

/** Masters other than this one. */
export class Roster {
  readonly #self: string;
  readonly #source: MeshSource;
  readonly #masters = new Map<string, Known>();
  /** Whether others are to be told of something new. */
  #isChanged = false;

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

  /** Where a master's ring 0 is reached: what was heard last first; empty when nobody has said so. */
  targetsOf(id: string): Target[] {
    const known = this.#masters.get(id);
    if (!known) return [];
    const { host, reached } = known;
    const port = known.ports["ring0"];
    const told = port === undefined ? [] : [{ host, port }];
    const isSame = reached?.host === host && reached.port === port;
    return reached && !isSame ? [...told, reached] : told;
  }

  /** Where all masters are. */
  *targets(): Generator<readonly [id: string, target: Target]> {
    for (const id of this.#masters.keys()) {
      for (const target of this.targetsOf(id)) yield [id, target];
    }
  }

  /** A master is connected; whether something is new about it. */
  connected({ key, ip }: Link, { id, name, host, ports }: Hello): boolean {
    const known = this.#masters.get(id);
    const before = known && JSON.stringify([known.name, known.host, known.ports]);
    const where = host ?? ip;
    const port = ports["ring0"];
    if (!known && this.#masters.size >= MAX_MASTERS) this.#forgetOldest();
    this.#masters.set(id, {
      id,
      key,
      name,
      host: where,
      ip,
      ports,
      reached: port === undefined ? undefined : { host: where, port },
      seenAt: this.#source.monotonic(),
      isConnected: true,
      isToldLive: true,
    });
    this.#isChanged = true;
    return before !== JSON.stringify([name, where, ports]);
  }

  /** A master is connected no more; whether it has said that it stops, and so is not live. */
  disconnected(id: string, hasStopped = false): void {
    const known = this.#masters.get(id);
    if (!known) return;
    known.isConnected = false;
    known.seenAt = this.#source.monotonic() - (hasStopped ? LIVE_MS : 0);
  }

  /** Another master tells of masters. */
  met(masters: readonly KnownMaster[]): void {
    const now = this.#source.monotonic();
    for (const { id, key, name, host, ports, seen } of masters) {
      const seenAt = now - seen * 1000;
      const known = this.#masters.get(id);
      if (known) {
        if (known.isConnected || seenAt <= known.seenAt) continue;
        this.#isChanged ||= known.name !== name || known.host !== host ||
          JSON.stringify(known.ports) !== JSON.stringify(ports);
        Object.assign(known, { name, host, ports, seenAt });
      } else {
        if (id === this.#self || idOfKey(key) !== id) continue;
        if (this.#masters.size >= MAX_MASTERS || now - seenAt > FORGET_MS) continue;
        this.#masters.set(id, {
          id,
          key,
          name,
          host,
          ip: undefined,
          ports,
          reached: undefined,
          seenAt,
          isConnected: false,
          isToldLive: false,
        });
        this.#isChanged = true;
      }
    }
  }

  /** A master to be told of to others; undefined when nobody can reach it. */
  member(id: string): KnownMaster | undefined {
    const known = this.#masters.get(id);
    if (!known || known.ports["ring0"] === undefined) return undefined;
    const { name, host, ports, key, seenAt, isConnected } = known;
    // Rounded up, and a second for the way: who is gone must not grow younger as it goes round.
    const silent = Math.ceil(Math.max(0, this.#source.monotonic() - seenAt) / 1000) + 1;
    return { id, name, host, ports, key, seen: isConnected ? 0 : silent };
  }

  /** Masters to be told of to the one with an id. */
  members(except: string): KnownMaster[] {
    const members: KnownMaster[] = [];
    for (const id of this.#masters.keys()) {
      const member = id === except ? undefined : this.member(id);
      if (member) members.push(member);
    }
    return members;
  }

  /** All masters, for others; undefined when there is nothing new since the last time. */
  takeViews(): MasterView[] | undefined {
    const now = this.#source.monotonic();
    const isLive = ({ isConnected, seenAt }: Known) => isConnected || now - seenAt < LIVE_MS;
    for (const known of this.#masters.values()) {
      const live = isLive(known);
      if (live === known.isToldLive) continue;
      known.isToldLive = live;
      this.#isChanged = true;
    }
    if (!this.#isChanged) return undefined;
    this.#isChanged = false;
    return [...this.#masters.values()].map((known) => {
      const { id, name, host, ip, ports, key, isToldLive } = known;
      return { id, name, host, ip, ports, key, isLive: isToldLive };
    });
  }

  /** Forgets whom nobody has seen for a long time. */
  tick(): void {
    const now = this.#source.monotonic();
    for (const { id, isConnected, seenAt } of this.#masters.values()) {
      if (!isConnected && now - seenAt > FORGET_MS) this.#forget(id);
    }
  }

  #forgetOldest(): void {
    const away = [...this.#masters.values()].filter(({ isConnected }) => !isConnected);
    const [oldest] = away.sort((a, b) => a.seenAt - b.seenAt);
    if (oldest) this.#forget(oldest.id);
  }

  #forget(id: string): void {
    this.#masters.delete(id);
    this.#isChanged = true;
  }
}
