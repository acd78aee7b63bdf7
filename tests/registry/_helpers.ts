import { formatEndpoint, hostKey } from "../../protocol/mod.ts";
import {
  type Announcement,
  type Challenge,
  Changes,
  hlcAt,
  type Outcome,
  Registry,
  type RegistryEvent,
  type RegistryLimits,
  type RemovalCause,
  Replica,
  type ServerRecord,
  type ServerStatus,
  type Settings,
  type TraceEntry,
} from "../../registry/mod.ts";

export const SECOND = 1000;
export const HOUR = 3600 * SECOND;
export const ALIVE = 720 * SECOND;

/** Lateness with which an expiry may be noticed: messages in flight, and a bucket of the queue. */
export const EXPIRY_SLACK = 1250;

export const LIMITS: RegistryLimits = { aliveTimeout: ALIVE, serversPerHost: 32, verify: true };

/** Id of the master that tests are about. */
export const ORIGIN = "00000000000000a1";

/** When worlds begin, monotonic and wall, not round on purpose. */
const BOOT = 12_345.678;
const DAWN = Date.UTC(2026, 0, 1) + 123;

/** A registry on a clock that tests turn, and all that came out of it. */
export class World {
  now = BOOT;
  wall = DAWN;
  readonly events: RegistryEvent[] = [];
  readonly challenges: Challenge[] = [];
  readonly traced: { readonly id: string; readonly entry: TraceEntry }[] = [];
  /** Kept up to date with what the daemon's feed would let through. */
  readonly replica = new Replica();
  readonly changes = new Changes(this.replica);
  readonly registry: Registry;
  #tokens = 0;
  #isLoaded = false;

  constructor(limits: Partial<RegistryLimits> = {}, readonly origin = ORIGIN) {
    this.registry = new Registry({
      clock: { monotonic: () => this.now, wall: () => this.wall },
      origin,
      limits: { ...LIMITS, ...limits },
      hostKey,
      serverId: formatEndpoint,
      makeToken: () => (++this.#tokens).toString(16).padStart(32, "0"),
      output: {
        event: (event) => {
          if (!this.#isLoaded) this.load();
          this.events.push(event);
          this.changes.apply(event);
          this.replica.apply(event);
        },
        challenge: (challenge) => this.challenges.push(challenge),
        trace: (id, entry) => this.traced.push({ id, entry }),
      },
    });
  }

  /** Gives the copies all there is; at the first event at the latest. */
  load(): void {
    this.#isLoaded = true;
    this.changes.load(this.registry.departures());
    this.replica.clear();
    for (const record of this.registry.records()) {
      if (record.state === "listed") this.replica.put(record);
    }
  }

  /** Lets time pass as the daemon does, in ticks of 100 ms or of so many. */
  pass(ms: number, tick = 100): void {
    const [end, wallEnd] = [this.now + ms, this.wall + ms];
    while (this.now < end) {
      const step = Math.min(tick, end - this.now);
      this.now += step;
      this.wall += step;
      this.registry.tick();
    }
    // Free of what adding up fractions loses.
    [this.now, this.wall] = [end, wallEnd];
  }

  register(ip: string, port = 3030, settings: Settings = {}): Outcome {
    return this.registry.apply({
      type: "register",
      ip,
      port,
      settings: { gamename: "netpanzer", port: String(port), ...settings },
    });
  }

  /** Registers by a key. */
  announce(ip: string, key: string, name: string, more: Partial<Announcement> = {}): Outcome {
    const port = more.port ?? 3030;
    return this.registry.apply({
      type: "announce",
      ip,
      port,
      key,
      name,
      gamename: "netpanzer",
      admin: "bob@example.org",
      settings: { gamename: "netpanzer", port: String(port), protocol: "1122" },
      ...more,
    });
  }

  /** Sends back the token of the challenge sent last to a server. */
  answer(id: string): void {
    const challenge = this.challenges.findLast((sent) => sent.id === id);
    this.registry.apply({ type: "answer", id, token: challenge?.token ?? "none was sent" });
  }

  /** Registers and proves a server; its id. */
  list(ip: string, port = 3030, settings: Settings = {}): string {
    const id = formatEndpoint(ip, port);
    this.register(ip, port, settings);
    this.answer(id);
    return id;
  }

  state(id: string): string | undefined {
    return this.registry.get(id)?.state;
  }

  /** Ids of the listed, in the registry's order. */
  listed(): string[] {
    return [...this.registry.records()].filter(({ state }) => state === "listed")
      .map(({ id }) => id);
  }

  /** What happened since the last call, in short. */
  takeEvents(): string[] {
    return this.events.splice(0).map((event) => {
      if (event.type === "put") return `put ${event.record.id} ${event.record.state}`;
      if (event.type === "seen") return `seen ${event.ids.join(" ")}`;
      if (event.type === "removed") return `removed ${event.id} ${event.cause}`;
      if (event.type === "status") return `status ${event.id} ${event.status.map}`;
      if (event.type === "number") return `number ${event.id} ${event.number}`;
      if (event.type === "reach") return `reach ${event.servers.map(({ id }) => id).join(" ")}`;
      if (event.type === "synced") return `synced ${event.origin}`;
      return event.type === "name" ? `name ${event.name}` : `${event.type} ${event.id}`;
    });
  }

  steps(id: string): string[] {
    return this.registry.trace(id).map(({ step }) => step);
  }
}

/** Records of a replica in the order of its lists. */
export function replicated(replica: Replica): ServerRecord[] {
  return replica.blocks.flatMap(({ records }) => [...records.values()]);
}

export function status(map = "Two clans", players = 1): ServerStatus {
  return {
    hostname: "Bob's tanks",
    map,
    players,
    maxPlayers: 8,
    gameVersion: "0.8.7",
    gameStyle: "Objective",
    needsPassword: false,
    roster: [{ name: "Bob", kills: players, deaths: 2, points: 3 }],
  };
}

/** A record as a database would bring it back. */
export function stored(
  world: World,
  ip: string,
  changes: Partial<ServerRecord> = {},
): ServerRecord {
  const port = changes.port ?? 3030;
  return {
    id: formatEndpoint(ip, port),
    ip,
    port,
    gamename: "netpanzer",
    settings: { gamename: "netpanzer", port: String(port) },
    state: "listed",
    firstSeen: world.wall - HOUR,
    lastSeen: world.wall - 100 * SECOND,
    hlc: hlcAt(world.wall - HOUR),
    origin: ORIGIN,
    ...changes,
  };
}

/** A listed server is gone. */
export function removal(id: string, cause: RemovalCause = "quit"): RegistryEvent {
  return { type: "removed", id, cause, lastSeen: 0, wasListed: true, hlc: 1, origin: ORIGIN };
}

/** A listed server told its status. */
export function statusChange(id: string, status: ServerStatus): RegistryEvent {
  return { type: "status", id, status, hlc: 1, origin: ORIGIN };
}
