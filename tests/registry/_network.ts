import {
  isEarlier,
  type RegistryEvent,
  type RemoteChanges,
  type RemotePut,
  type ServerId,
  type ServerRecord,
  type Stored,
  type Version,
} from "../../registry/mod.ts";
import { World } from "./_helpers.ts";

/** What one master tells another at a time. */
interface Message {
  readonly changes: RemoteChanges;
  /** All that it has changed up to this hybrid logical time has been told. */
  readonly upto: number;
}

/** What one master has told another. */
interface Link {
  /** Whether nothing was lost since all was told. */
  isWhole: boolean;
  /** What is on its way, in order. */
  readonly queue: Message[];
  /** What has arrived. */
  readonly past: Message[];
}

/** A record as it is told. */
function toldOf({ record, left, heard }: RemotePut & { readonly record: ServerRecord }): RemotePut {
  const { state: _, lastSeen: __, number: ___, reason: ____, ...said } = record;
  return { record: said, left, heard };
}

/** One master. */
export class Node {
  world: World;
  readonly origin: string;
  readonly links = new Map<Node, Link>();
  /** What the database holds of servers that are not gone. */
  readonly #rows = new Map<ServerId, ServerRecord>();

  /** @param skew Milliseconds that its wall clock is ahead by. */
  constructor(origin: string, skew: number) {
    this.origin = origin;
    this.world = new World({}, origin);
    this.world.wall += skew;
  }

  get upto(): number {
    return new Map(this.world.registry.departures().vector).get(this.origin) ?? 0;
  }

  /** Tells others what has changed here since the last call. */
  flush(): void {
    const events = this.world.events.splice(0);
    for (const event of events) {
      if (event.type === "put") this.#rows.set(event.record.id, event.record);
      else if (event.type === "removed") this.#rows.delete(event.id);
    }
    const changes = events.map((event) => this.#told(event)).filter((told) => told !== undefined);
    if (changes.length === 0) return;
    const { upto } = this;
    for (const link of this.links.values()) {
      if (!link.isWhole) continue;
      for (const told of changes.slice(0, -1)) link.queue.push({ changes: told, upto: 0 });
      link.queue.push({ changes: changes.at(-1) as RemoteChanges, upto });
    }
  }

  /** What was sent to another arrives, the earliest first. */
  deliver(to: Node, count = Infinity): void {
    const link = this.links.get(to);
    for (let i = 0; link && i < count; i++) {
      const message = link.queue.shift();
      if (!message) break;
      link.past.push(message);
      to.world.registry.apply({ type: "merge", ...message.changes });
      if (message.upto > 0) to.sync(this, message.upto);
    }
    to.flush();
  }

  /** What had arrived before arrives once more. */
  replay(to: Node, index: number): void {
    const { past = [] } = this.links.get(to) ?? {};
    const message = past[index % Math.max(1, past.length)];
    if (message) to.world.registry.apply({ type: "merge", ...message.changes });
    to.flush();
  }

  /** Nothing arrives any more until all is told again. */
  cut(to: Node): void {
    const link = this.links.get(to);
    if (!link) return;
    link.isWhole = false;
    link.queue.length = 0;
  }

  /** Tells another all that it has not, or all that there is. */
  tellAll(to: Node, evenKnown: boolean): void {
    const link = this.links.get(to);
    if (!link) return;
    const { records, tombstones, names } = this.world.registry.snapshot();
    const lacks = ({ id, hlc, origin }: Version & { readonly id: ServerId }) => {
      const theirs = to.version(id);
      return evenKnown || !theirs || isEarlier(theirs, { hlc, origin });
    };
    const puts = records.filter(({ record }) => lacks(record))
      .map(({ record, life }) => toldOf({ record, ...life }));
    to.world.registry.apply({ type: "merge", puts, tombstones: tombstones.filter(lacks), names });
    link.isWhole = true;
    link.queue.length = 0;
    to.sync(this, this.upto);
    to.flush();
  }

  /** What is known of a server: that it is listed, or gone. */
  version(id: ServerId): Version | undefined {
    const { records, tombstones } = this.world.registry.snapshot();
    const record = records.find(({ record }) => record.id === id)?.record;
    const gone = tombstones.find((tombstone) => tombstone.id === id);
    return record && gone ? (isEarlier(record, gone) ? gone : record) : record ?? gone;
  }

  sync({ origin }: Node, hlc: number): void {
    this.world.registry.apply({ type: "synced", origin, hlc });
  }

  /** Ends and starts again with what was stored, some milliseconds later. */
  restart(later: number): void {
    const { registry, now, wall } = this.world;
    const { tombstones, horizon, past = [] } = registry.departures();
    const stored: Stored = {
      records: [...this.#rows].map(([id, row]) => ({ ...registry.get(id) ?? row })),
      tombstones: tombstones.filter(({ id }) => registry.get(id) === undefined),
      horizon: [...horizon, ...past],
      names: registry.snapshot().names,
    };
    this.world = new World({}, this.origin);
    this.world.now = now + later;
    this.world.wall = wall + later;
    this.world.registry.restore(stored, { others: true });
    this.world.load();
    this.flush();
    for (const [other, link] of this.links) {
      link.past.length = 0;
      this.cut(other);
      other.cut(this);
    }
  }

  #told(event: RegistryEvent): RemoteChanges | undefined {
    const { registry } = this.world;
    switch (event.type) {
      case "put":
        if (event.record.state !== "listed" || event.record.origin !== this.origin) {
          return undefined;
        }
        return { puts: [toldOf(event)] };
      case "status": {
        const record = registry.get(event.id);
        if (event.origin !== this.origin || record?.state !== "listed") return undefined;
        return { puts: [toldOf({ record, left: 0, heard: false })] };
      }
      case "seen":
        if (!event.heard) return undefined;
        return { leases: event.ids.map((id) => ({ id, left: event.left })) };
      case "removed": {
        const { id, hlc, origin, cause, wasListed } = event;
        if (!wasListed || origin !== this.origin) return undefined;
        return { tombstones: [{ id, hlc, origin, cause: cause === "expired" ? cause : "quit" }] };
      }
      case "name": {
        const { type: _, ...claim } = event;
        return claim.origin === this.origin ? { names: [claim] } : undefined;
      }
      default:
        return undefined;
    }
  }
}

/** Masters that know each other. */
export function network(skews: readonly number[]): Node[] {
  const nodes = skews.map((skew, i) => new Node((0xa1 + i).toString(16).padStart(16, "0"), skew));
  for (const node of nodes) {
    for (const other of nodes) {
      if (other !== node) node.links.set(other, { isWhole: false, queue: [], past: [] });
    }
  }
  return nodes;
}

/** All tell each other all. */
export function exchange(nodes: readonly Node[], evenKnown = false): void {
  for (const node of nodes) {
    for (const other of nodes) {
      if (node !== other) node.tellAll(other, evenKnown);
    }
  }
}

/** Time passes, and what is sent arrives within 100 ms. */
export function pass(nodes: readonly Node[], milliseconds: number, tick = 100): void {
  for (let passed = 0; passed < milliseconds; passed += tick) {
    const step = Math.min(tick, milliseconds - passed);
    for (const { world } of nodes) world.pass(step, step);
    for (const node of nodes) node.flush();
    for (const node of nodes) for (const other of node.links.keys()) node.deliver(other);
  }
}
