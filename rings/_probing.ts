import { formatEndpoint } from "../protocol/mod.ts";
import { idOfKey } from "../mesh/mod.ts";
import type { Reachability, RegistryEvent, Replica, ServerRecord } from "../registry/mod.ts";
import type { KnownMaster, RingSettings, ToThread } from "../threads/mod.ts";
import { PROBE_TICK_MS, Prober, type Share } from "./_prober.ts";
import type { RegistryClient } from "./_registry_client.ts";
import type { Datagram } from "./_udp.ts";

/** Milliseconds between two looks whether a server is reached that another master polls. */
const REACH_INTERVAL_MS = 600_000;

/** Milliseconds between two such looks at any server: a hundred masters are a hundred a second. */
const REACH_PACE_MS = 1000;

/** What probing needs of its ring. */
export interface ProbingParts {
  readonly replica: Replica;
  readonly registry: RegistryClient;
  settings(): RingSettings;
  send(ip: string, port: number, bytes: Uint8Array): void;
}

/** Asks game servers over UDP on behalf of all rings: one ring of a master does it. */
export class Probing {
  readonly #parts: ProbingParts;
  readonly #prober: Prober;
  #found: Reachability[] = [];
  #masters: readonly KnownMaster[] = [];
  #otherIds: ReadonlySet<string> = new Set();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(parts: ProbingParts) {
    this.#parts = parts;
    this.#prober = new Prober({
      send: (ip, port, bytes) => parts.send(ip, port, bytes),
      answered: (id, token) => parts.registry.send({ type: "answer", id, token }),
      status: (id, status) => parts.registry.send({ type: "status", id, status }),
      reached: (id, reached) => this.#found.push({ id, reached }),
    }, performance.now());
  }

  /** Begins. */
  start(): void {
    this.#timer = setInterval(() => this.#tick(), PROBE_TICK_MS);
  }

  /** Ends. */
  stop(): void {
    clearInterval(this.#timer);
  }

  /** Takes a datagram that was waited for; false when it was not. */
  take({ ip, port, bytes }: Datagram): boolean {
    return this.#prober.take(formatEndpoint(ip, port), bytes);
  }

  /** Takes challenges to send. */
  receive(message: ToThread): void {
    if (message.type !== "challenges") return;
    for (const challenge of message.challenges) {
      this.#prober.challenge(challenge, performance.now());
    }
  }

  /** The copy of the registry is another. */
  loaded(): void {
    // Polls of all servers at once would come back all at once.
    const others = this.#others();
    for (const block of this.#parts.replica.blocks) {
      for (const record of block.records.values()) {
        const share = this.#shareOf(record, others);
        this.#watch(record, share, Math.random() * share.interval);
      }
    }
  }

  /** The copy of the registry has taken over an event. */
  applied(event: RegistryEvent): void {
    if (event.type === "put" && event.record.state === "listed") {
      const share = this.#shareOf(event.record, this.#others());
      this.#watch(event.record, share, share.isForeign ? Math.random() * share.interval : 0);
    }
    if (event.type === "removed") this.#prober.unwatch(event.id);
  }

  /** What it counts. */
  counters(): Record<string, number> {
    return {
      challenges_sent: this.#prober.challengesSent,
      polls_sent: this.#prober.pollsSent,
      polls_answered: this.#prober.pollsAnswered,
    };
  }

  #watch(record: ServerRecord, { isForeign }: Share, wait: number): void {
    // The owner of a key tells by itself how full its server is.
    if (record.key !== undefined && !isForeign) this.#prober.unwatch(record.id);
    else this.#prober.watch(record, wait, performance.now());
  }

  #tick(): void {
    const { replica, registry } = this.#parts;
    const others = this.#others();
    const shareOf = (record: ServerRecord) => this.#shareOf(record, others);
    this.#prober.tick((id) => replica.get(id), shareOf, performance.now());
    if (this.#found.length === 0) return;
    registry.send({ type: "reach", servers: this.#found });
    this.#found = [];
  }

  /** A server is polled by the master that changed it last, for as long as that one is there. */
  #shareOf({ origin, key }: ServerRecord, others: ReadonlySet<string>): Share {
    const { statusInterval } = this.#parts.settings();
    if (!others.has(origin)) {
      return { isForeign: false, interval: key === undefined ? statusInterval : 0 };
    }
    const spread = this.#parts.replica.servers * REACH_PACE_MS;
    return { isForeign: true, interval: Math.max(REACH_INTERVAL_MS, spread) };
  }

  /** Ids of the other masters that are live. */
  #others(): ReadonlySet<string> {
    const { masters } = this.#parts.settings();
    if (masters !== this.#masters) {
      this.#masters = masters;
      const ids = masters.slice(1).map(({ key }) => idOfKey(key) ?? "");
      this.#otherIds = new Set(ids);
    }
    return this.#otherIds;
  }
}
