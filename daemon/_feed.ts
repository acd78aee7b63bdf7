import type { Challenge, RegistryEvent, ServerRecord } from "../registry/mod.ts";
import type { Reply, RingName, ToThread } from "../threads/mod.ts";

/** Records of one snapshot message. */
const RECORDS_PER_MESSAGE = 5000;

/** What a feed is made of. */
export interface FeedOptions {
  /** Sends to a ring; lost when it is not up. */
  readonly post: (ring: RingName, message: ToThread) => void;
  /** The ring that can send over UDP to game servers. */
  readonly prober: RingName;
  /** All records, in the order of lists. */
  readonly records: () => Iterable<ServerRecord>;
}

/** Brings the registry's events to the rings' copies, in batches. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #rings = new Set<RingName>();
  #events: RegistryEvent[] = [];
  #challenges: Challenge[] = [];
  #open = false;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** Whether rings get snapshots. */
  get isOpen(): boolean {
    return this.#open;
  }

  /**
   * The registry holds what it will start with: rings get snapshots, now and when they come up.
   * Called again when more was taken over later.
   */
  open(): void {
    this.flush();
    this.#open = true;
    for (const ring of this.#rings) this.#snapshot(ring);
  }

  /** A ring has come up and needs everything. */
  add(ring: RingName): void {
    this.flush();
    this.#rings.add(ring);
    if (this.#open) this.#snapshot(ring);
  }

  /** A ring is down. */
  remove(ring: RingName): void {
    this.#rings.delete(ring);
  }

  /** Takes an event for the next batch. */
  note(event: RegistryEvent): void {
    if (event.type === "seen") return;
    // Copies hold what is listed; what is not yet is nobody else's business.
    if (event.type === "put" && event.record.state !== "listed") return;
    this.#events.push(event);
  }

  /** Takes a challenge for the next batch. */
  challenge(challenge: Challenge): void {
    this.#challenges.push(challenge);
  }

  /** Sends the batch. */
  flush(): void {
    if (this.#events.length > 0) {
      const events = this.#events;
      this.#events = [];
      for (const ring of this.#rings) this.#options.post(ring, { type: "events", events });
    }
    if (this.#challenges.length > 0) {
      const challenges = this.#challenges;
      this.#challenges = [];
      this.#options.post(this.#options.prober, { type: "challenges", challenges });
    }
  }

  /** Sends outcomes to the ring that asked, after the events that they brought about. */
  reply(ring: RingName, replies: readonly Reply[]): void {
    this.flush();
    if (replies.length > 0) this.#options.post(ring, { type: "replies", replies });
  }

  #snapshot(ring: RingName): void {
    let records: ServerRecord[] = [];
    let first = true;
    for (const record of this.#options.records()) {
      if (record.state !== "listed") continue;
      records.push(record);
      if (records.length < RECORDS_PER_MESSAGE) continue;
      this.#options.post(ring, { type: "snapshot", records, first, last: false });
      records = [];
      first = false;
    }
    this.#options.post(ring, { type: "snapshot", records, first, last: true });
  }
}
