/** Game servers and players, and the truth about them. */

import { formatEndpoint } from "../../protocol/mod.ts";
import type {
  Challenge,
  Outcome,
  ServerId,
  ServerStatus,
  Settings,
  Version,
} from "../../registry/mod.ts";
import type { Timeline } from "./_clock.ts";
import type { SimNode } from "./_node.ts";
import type { SimRandom } from "./_random.ts";
import { isFirst } from "./_store.ts";

/** Milliseconds that a datagram or a request is on its way. */
const REQUEST_MS = [2, 60] as const;

/** A goodbye. */
export interface Quit {
  readonly at: number;
  /** The latest version that a master gave it. */
  readonly version: Version;
  /** Whether somebody made a later version without having heard of it, which then counts. */
  isOutdone: boolean;
}

/** What is true of a server. */
export interface Truth {
  /** Whether its process runs. */
  isAlive: boolean;
  /** Virtual time at which any master last heard of it. */
  lastWord: number;
  /** The same for each master that did. */
  readonly heardAt: Map<number, number>;
  /** Its goodbye, if it has not come back since. */
  quit: Quit | undefined;
  /** Whether it has ever said goodbye. */
  hasQuit: boolean;
  /** The latest version that any master gave it. */
  latest: Version;
}

/** How a server behaves. */
export interface Habits {
  /** Masters that it tells. One with a key tells the first of them that answers. */
  readonly homes: readonly number[];
  /** Milliseconds between heartbeats. */
  readonly period: number;
  /** `host:port` of the old-style master that lists it, which its homes ask; it says nothing. */
  readonly via?: string;
  /** Who it is by ring 1; undefined for one of the old style. */
  readonly owner?: { readonly key: string; readonly name: string };
}

/** One game server. */
export class GameServer {
  readonly id: ServerId;
  readonly ip: string;
  readonly port: number;
  readonly truth: Truth = {
    isAlive: false,
    lastWord: -Infinity,
    heardAt: new Map(),
    quit: undefined,
    hasQuit: false,
    latest: { hlc: 0, origin: "" },
  };
  homes: number[];
  readonly period: number;
  readonly key: string | undefined;
  via: string | undefined;
  name: string | undefined;
  settings: Settings;
  status: ServerStatus;
  /** The master that it is registered at by its key. */
  session: number | undefined;
  /** Starts so far. */
  lives = 0;
  readonly #world: World;

  constructor(world: World, ip: string, { homes, period, owner, via }: Habits) {
    this.#world = world;
    this.ip = ip;
    this.port = 3030;
    this.id = formatEndpoint(ip, this.port);
    this.homes = [...homes];
    this.period = period;
    this.key = owner?.key;
    this.via = via;
    this.name = owner?.name;
    this.settings = { gamename: "netpanzer", port: "3030", protocol: "1122", n: "0" };
    this.status = statusOf("Two clans", 0, this.name ?? ip);
  }

  /** Its process starts. */
  start(): void {
    const { truth } = this;
    if (truth.isAlive) return;
    truth.isAlive = true;
    truth.quit = undefined;
    this.session = undefined;
    const life = ++this.lives;
    this.#world.trace?.(() => `server ${this.id} starts, homes ${this.homes.join(" ")}`);
    this.#beat(life);
  }

  /** Its machine loses its power. */
  die(): void {
    if (!this.truth.isAlive) return;
    this.#world.trace?.(() => `server ${this.id} dies`);
    this.truth.isAlive = false;
  }

  /** It says goodbye: to all of its masters, or to some only; and ends. */
  quit(only?: number): void {
    const { truth } = this;
    if (this.via !== undefined) return this.die();
    if (!truth.isAlive) return;
    truth.isAlive = false;
    truth.hasQuit = true;
    this.#world.trace?.(() => `server ${this.id} quits${only === undefined ? "" : ` at m${only}`}`);
    const told = this.key === undefined ? this.homes : [this.session ?? -1];
    for (const home of told) {
      if (only === undefined || home === only) this.#world.sayGoodbye(this, home);
    }
  }

  /** It has another map, players or settings from now on, and says so with its next words. */
  change(settings: Settings, status: ServerStatus): void {
    this.settings = { ...this.settings, ...settings };
    this.status = status;
  }

  /** It finds the masters of today, and speaks for itself. */
  speakUp(): void {
    if (this.via === undefined) return;
    this.#world.trace?.(() => `server ${this.id} speaks for itself`);
    this.via = undefined;
    // What was heard of it gives way to what it says.
    this.truth.hasQuit = true;
    this.speak();
  }

  /** It says what it has to say at once. */
  speak(): void {
    if (this.truth.isAlive) this.#tell();
  }

  #beat(life: number): void {
    const { timeline, random } = this.#world;
    if (life !== this.lives || !this.truth.isAlive) return;
    this.#tell();
    timeline.after(this.period * random.between(0.9, 1.05), () => this.#beat(life));
  }

  #tell(): void {
    const { timeline, random } = this.#world;
    const { lives } = this;
    const later = (action: () => void): void =>
      timeline.after(random.between(...REQUEST_MS), () => {
        if (this.truth.isAlive && lives === this.lives) action();
      });
    if (this.key !== undefined) later(() => this.#report());
    else for (const home of this.homes) later(() => this.#tellOf(home));
  }

  #tellOf(home: number): void {
    if (this.via === undefined) this.#world.heartbeat(this, home);
    else this.#world.hearsay(this, home, this.via);
  }

  #report(): void {
    const world = this.#world;
    const { key, name } = this;
    if (key === undefined || name === undefined) return;
    const home = this.homes.find((index) => world.nodes[index]?.isUp);
    if (home === undefined) return;
    if (this.session === home) {
      const outcome = world.say(this, home, {
        type: "report",
        id: this.id,
        key,
        status: this.status,
      });
      if (outcome?.type === "accepted") return;
    }
    const { ip, port, settings, status } = this;
    const announcement = { ip, port, key, name, gamename: "netpanzer", admin: "a@b.example" };
    const outcome = world.say(this, home, { type: "announce", ...announcement, settings, status });
    this.session = outcome?.type === "accepted" ? home : undefined;
    if (outcome?.type === "refused") {
      world.trace?.(() => `server ${this.id} is refused at m${home}: ${outcome.reason}`);
      if (outcome.refusal === "name_taken") world.lostName(this);
    }
  }
}

/** A status as a server tells it. */
export function statusOf(map: string, players: number, hostname: string): ServerStatus {
  return {
    hostname,
    map,
    players,
    maxPlayers: 16,
    gameVersion: "0.8.7",
    gameStyle: "Objective",
    needsPassword: false,
    roster: Array.from({ length: Math.min(players, 3) }, (_, i) => {
      return { name: `p${i}`, kills: players, deaths: i, points: 0 };
    }),
  };
}

/** What the world is made of. */
export interface WorldOptions {
  readonly timeline: Timeline;
  readonly random: SimRandom;
  readonly nodes: readonly SimNode[];
  readonly trace: ((line: () => string) => void) | undefined;
}

/** All game servers. */
export class World {
  readonly timeline: Timeline;
  readonly random: SimRandom;
  readonly nodes: readonly SimNode[];
  readonly trace: WorldOptions["trace"];
  readonly servers = new Map<ServerId, GameServer>();
  #names = 0;

  constructor({ timeline, random, nodes, trace }: WorldOptions) {
    this.timeline = timeline;
    this.random = random;
    this.nodes = nodes;
    this.trace = trace;
  }

  /** Adds a server that does not run yet. */
  add(habits: Habits): GameServer {
    const n = this.servers.size;
    const ip = `198.${18 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
    const server = new GameServer(this, ip, habits);
    this.servers.set(server.id, server);
    return server;
  }

  /** A server of the old style says that it lives. */
  heartbeat(server: GameServer, home: number): void {
    const node = this.nodes[home];
    const outcome = node?.heartbeat(server.ip, server.port, server.settings);
    if (outcome?.type !== "accepted") return;
    this.#heard(server, home);
    // Its own master asks it how full it is.
    if (node?.registry?.get(server.id)?.state === "listed") {
      node.apply({ type: "status", id: server.id, status: server.status });
    }
  }

  /** An old-style master lists a server, as a master of today sees. */
  hearsay(server: GameServer, home: number, via: string): void {
    const { id, ip, port } = server;
    const node = this.nodes[home];
    node?.apply({ type: "hearsay", ip, port, gamename: "netpanzer", via });
    if (node?.registry?.get(id)?.via === via) this.#heard(server, home);
  }

  /** A server that holds a key says something. */
  say(
    server: GameServer,
    home: number,
    command: Parameters<SimNode["apply"]>[0],
  ): Outcome | undefined {
    const outcome = this.nodes[home]?.apply(command);
    if (outcome?.type === "accepted") this.#heard(server, home);
    return outcome;
  }

  /** A server says goodbye to a master. */
  sayGoodbye(server: GameServer, home: number): void {
    const { id, ip, port, key, truth } = server;
    const registry = this.nodes[home]?.registry;
    const wasListed = registry?.get(id)?.state === "listed";
    registry?.apply(key === undefined ? { type: "quit", ip, port } : { type: "leave", id, key });
    if (!registry || !wasListed || registry.get(id)) return;
    const told = this.nodes[home]?.snapshot();
    const version = told?.tombstones.find((tombstone) => tombstone.id === id);
    if (!version || (truth.quit && isFirst(version, truth.quit.version))) return;
    truth.quit = { at: this.timeline.now, version, isOutdone: isFirst(version, truth.latest) };
  }

  /** A server is challenged: it answers if it runs. */
  challenge(node: SimNode, { id, token }: Challenge): void {
    const server = this.servers.get(id);
    const round = this.random.between(...REQUEST_MS) + this.random.between(...REQUEST_MS);
    this.timeline.after(round, () => {
      if (server?.truth.isAlive) node.apply({ type: "answer", id, token });
    });
  }

  /** A server's name belongs to someone else: its operator takes another one, or gives up. */
  lostName(server: GameServer): void {
    if (this.random.chance(0.5)) server.name = `spare ${this.#names++}`;
    else server.die();
  }

  #heard({ truth }: GameServer, home: number): void {
    truth.lastWord = this.timeline.now;
    truth.heardAt.set(home, this.timeline.now);
  }
}
