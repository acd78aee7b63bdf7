/**
 * A network that is modelled: its clock, its servers, who hears which and what they say.
 *
 * @module
 */

import { idOfKey } from "../mesh/mod.ts";
import { formatEndpoint } from "../protocol/mod.ts";
import type { ServerStatus, Settings } from "../registry/mod.ts";
import { addressOf } from "./_population.ts";

/** Milliseconds of silence after which a server is dead. */
export const ALIVE_MS = 720_000;

/** Milliseconds between two heartbeats of a server. */
export const HEARTBEAT_MS = 300_000;

/** Wall time at the beginning, milliseconds since 1970. */
export const DAWN = Date.UTC(2026, 0, 1);

/** Milliseconds of one step of the virtual clock, in which messages are gathered and delivered. */
export const STEP_MS = 10;

/** Milliseconds in which a server that has players changes what it says once. */
const CHANGE_MS = 60_000;

/** Port of every server. */
export const SERVER_PORT = 3030;

/** Bytes of a public key. */
const KEY_BYTES = 32;

/** What network is modelled. */
export interface Model {
  readonly servers: number;
  readonly masters: number;
  /** One server of so many has players who come and go; none when 0. */
  readonly changing: number;
}

/** The servers that one master hears, in the order of their heartbeats. */
export class Share {
  readonly #model: Model;
  readonly #master: number;

  constructor(model: Model, master: number) {
    this.#model = model;
    this.#master = master;
  }

  *[Symbol.iterator](): Generator<HeardServer> {
    const { servers, masters, changing } = this.#model;
    for (let index = this.#master, place = 0; index < servers; index += masters, place++) {
      const ip = addressOf(index);
      const phase = index / servers;
      yield {
        id: formatEndpoint(ip, SERVER_PORT),
        ip,
        beatsAt: phase * HEARTBEAT_MS,
        changesAt: changing > 0 && place % changing === 0 ? phase * CHANGE_MS : undefined,
      };
    }
  }
}

/** A server of a share. */
export interface HeardServer {
  readonly id: string;
  readonly ip: string;
  /** Virtual time of its first heartbeat; the one before it was a period earlier. */
  readonly beatsAt: number;
  /** Virtual time of its first change, one of each minute; undefined when it has none. */
  readonly changesAt: number | undefined;
}

/** What every server says of itself. */
export const SETTINGS: Settings = {
  gamename: "netpanzer",
  port: String(SERVER_PORT),
  protocol: "1122",
};

/** What a server answers to a poll of a number: another one each time. */
export function statusOf(poll: number): ServerStatus {
  const roster = Array.from({ length: 4 }, (_, player) => ({
    name: `player ${player}`,
    kills: poll + player,
    deaths: poll,
    points: 10 * poll,
  }));
  return {
    hostname: "A game of the benchmark",
    map: "Two clans",
    players: roster.length,
    maxPlayers: 8,
    gameVersion: "0.8.7",
    gameStyle: "Objective",
    needsPassword: false,
    roster,
  };
}

/** Calls back for each change of a server. */
export function planChanges(
  plan: Plan,
  { changesAt }: HeardServer,
  change: (poll: number) => void,
): void {
  if (changesAt === undefined) return;
  let poll = 0;
  plan.every(CHANGE_MS, changesAt, () => change(++poll));
}

/** Key and id of the master of a number. */
export function identityOf(master: number): { readonly key: string; readonly id: string } {
  const key = new Uint8Array(KEY_BYTES).fill(master + 1).toBase64();
  const id = idOfKey(key);
  if (id === undefined) throw new Error(`"${key}" is no key`);
  return { key, id };
}

/** Things to happen at virtual times, in steps. */
export class Plan {
  readonly #steps: (() => void)[][];
  now = 0;

  /** @param length Milliseconds that it is for; what is later never happens. */
  constructor(length: number) {
    this.#steps = Array.from({ length: Math.ceil(length / STEP_MS) }, () => []);
  }

  at(time: number, happen: () => void): void {
    this.#steps[Math.ceil(time / STEP_MS)]?.push(happen);
  }

  every(period: number, first: number, happen: () => void): void {
    for (let at = first; at < this.#steps.length * STEP_MS; at += period) this.at(at, happen);
  }

  /** Lets what is due now happen. */
  happen(): void {
    const place = this.now / STEP_MS;
    for (const happen of this.#steps[place] ?? []) happen();
    this.#steps[place] = [];
  }
}
