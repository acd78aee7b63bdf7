import { formatEndpoint } from "../protocol/mod.ts";
import type { RegistryEvent, Replica, ServerRecord } from "../registry/mod.ts";
import type { RingSettings, ToThread } from "../threads/mod.ts";
import { PROBE_TICK_MS, Prober } from "./_prober.ts";
import type { RegistryClient } from "./_registry_client.ts";
import type { Datagram } from "./_udp.ts";

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
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(parts: ProbingParts) {
    this.#parts = parts;
    this.#prober = new Prober({
      send: (ip, port, bytes) => parts.send(ip, port, bytes),
      answered: (id, token) => parts.registry.send({ type: "answer", id, token }),
      status: (id, status) => parts.registry.send({ type: "status", id, status }),
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
    const { statusInterval } = this.#parts.settings();
    for (const block of this.#parts.replica.blocks) {
      for (const record of block.records.values()) {
        this.#watch(record, Math.random() * statusInterval);
      }
    }
  }

  /** The copy of the registry has taken over an event. */
  applied(event: RegistryEvent): void {
    if (event.type === "put" && event.record.state === "listed") this.#watch(event.record, 0);
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

  #watch(record: ServerRecord, wait: number): void {
    // The owner of a key tells by itself how full its server is.
    if (record.key !== undefined) this.#prober.unwatch(record.id);
    else this.#prober.watch(record, wait, performance.now());
  }

  #tick(): void {
    const { statusInterval } = this.#parts.settings();
    this.#prober.tick(statusInterval, (id) => this.#parts.replica.get(id), performance.now());
  }
}
