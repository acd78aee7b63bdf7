import type { Challenge, Departures, RegistryEvent, ServerRecord } from "../registry/mod.ts";
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
  /** What a ring that tells what has changed needs beside. */
  readonly departures: () => Departures;
}

/** The ring that tells clients what has changed since they last asked. */
const CHRONICLER: RingName = "ring2";

/** The ring that tells servers what became of them. */
const REGISTRAR: RingName = "ring1";

/** The only ring that an event concerns; undefined for all, `none` for none. */
function addressee(event: RegistryEvent): RingName | "none" | undefined {
  switch (event.type) {
    case "put":
      if (event.record.state === "listed") return undefined;
      // Copies hold what is listed; what is not yet is nobody else's business.
      return event.record.state === "unverified" ? REGISTRAR : "none";
    case "seen":
    case "forgotten":
    case "number":
      return CHRONICLER;
    case "name":
      return "none";
    default:
      return undefined;
  }
}

/** Brings the registry's events to the rings' copies, in batches. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #rings = new Set<RingName>();
  #events: RegistryEvent[] = [];
  /** Whether some of the events are not for all rings. */
  #isMixed = false;
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
    const only = addressee(event);
    if (only === "none") return;
    if (only !== undefined) this.#isMixed = true;
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
      const isMixed = this.#isMixed;
      this.#events = [];
      this.#isMixed = false;
      for (const ring of this.#rings) this.#post(ring, isMixed ? eventsFor(ring, events) : events);
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
    this.#options.post(ring, {
      type: "snapshot",
      records,
      first,
      last: true,
      ...(ring === CHRONICLER ? { departures: this.#options.departures() } : {}),
    });
  }

  #post(ring: RingName, events: readonly RegistryEvent[]): void {
    if (events.length > 0) this.#options.post(ring, { type: "events", events });
  }
}

function eventsFor(ring: RingName, events: readonly RegistryEvent[]): RegistryEvent[] {
  return events.filter((event) => (addressee(event) ?? ring) === ring);
}
