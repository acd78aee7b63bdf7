import type {
  Challenge,
  Departures,
  LifeSign,
  RegistryEvent,
  ServerRecord,
  Snapshot,
} from "../registry/mod.ts";
import type { Reply, RingName, ToThread } from "../threads/mod.ts";
import { KeyedServers } from "./_keyed_servers.ts";

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
  /** What the ring needs that tells other masters. */
  readonly snapshot: () => Snapshot;
}

/** The ring that tells other masters. */
const MESSENGER: RingName = "ring0";

/** The ring that tells clients what has changed since they last asked. */
const CHRONICLER: RingName = "ring2";

/** The ring that tells servers what became of them. */
const REGISTRAR: RingName = "ring1";

/** The only rings that an event concerns; undefined for all. */
function addressees(event: RegistryEvent): readonly RingName[] | undefined {
  switch (event.type) {
    case "put":
      if (event.record.state === "listed") return undefined;
      // Copies hold what is listed; what is not yet is nobody else's business.
      return [REGISTRAR];
    case "seen":
    case "forgotten":
    case "disputed":
    case "reach":
      return [MESSENGER, CHRONICLER];
    case "number":
    case "synced":
      return [CHRONICLER];
    case "name":
      return [MESSENGER];
    default:
      return undefined;
  }
}

/** An event, and whether ring 1 is told. */
interface Noted {
  readonly event: RegistryEvent;
  readonly concernsKeys: boolean;
}

/** Brings the registry's events to the rings' copies, in batches. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #rings = new Set<RingName>();
  readonly #keyed = new KeyedServers();
  #events: Noted[] = [];
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
    this.#events.push({ event, concernsKeys: this.#concernsKeys(event) });
  }

  /** Takes a challenge for the next batch. */
  challenge(challenge: Challenge): void {
    this.#challenges.push(challenge);
  }

  /** Sends the batch. */
  flush(): void {
    if (this.#events.length > 0) {
      const noted = this.#events;
      this.#events = [];
      for (const ring of this.#rings) this.#post(ring, eventsFor(ring, noted));
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

  /** Ring 1 needs to know of those with keys only, unless it also asks servers over UDP. */
  #concernsKeys(event: RegistryEvent): boolean {
    if (this.#options.prober !== REGISTRAR) return this.#keyed.concerns(event);
    return event.type !== "put" || event.record.state !== "challenged";
  }

  #snapshot(ring: RingName): void {
    if (ring === MESSENGER) return this.#tellMessenger();
    const isPartial = ring === REGISTRAR && this.#options.prober !== REGISTRAR;
    if (isPartial) this.#keyed.clear();
    const listed: ServerRecord[] = [];
    for (const record of this.#options.records()) {
      if (record.state !== "listed") continue;
      if (!isPartial || this.#keyed.take(record)) listed.push(record);
    }
    this.#postParts(listed, (records, first, last) => ({
      type: "snapshot",
      records,
      first,
      last,
      ...(last && ring === CHRONICLER ? { departures: this.#options.departures() } : {}),
    }), ring);
  }

  #tellMessenger(): void {
    const { records, names } = this.#options.snapshot();
    this.#postParts(records, (part, first, last) => {
      const lives: LifeSign[] = part.map(({ life }) => life);
      const message = {
        type: "snapshot",
        records: part.map(({ record }) => record),
        lives,
      } as const;
      const rest = last ? { names, departures: this.#options.departures() } : {};
      return { ...message, first, last, ...rest };
    }, MESSENGER);
  }

  /** Posts what fits into no single message; the last part may be empty. */
  #postParts<T>(
    all: readonly T[],
    make: (part: readonly T[], first: boolean, last: boolean) => ToThread,
    ring: RingName,
  ): void {
    for (let start = 0; start <= all.length; start += RECORDS_PER_MESSAGE) {
      const end = start + RECORDS_PER_MESSAGE;
      this.#options.post(ring, make(all.slice(start, end), start === 0, end > all.length));
    }
  }

  #post(ring: RingName, events: readonly RegistryEvent[]): void {
    if (events.length > 0) this.#options.post(ring, { type: "events", events });
  }
}

function eventsFor(ring: RingName, noted: readonly Noted[]): RegistryEvent[] {
  const events: RegistryEvent[] = [];
  for (const { event, concernsKeys } of noted) {
    const only = addressees(event);
    if (only && !only.includes(ring)) continue;
    if (ring !== REGISTRAR || concernsKeys) events.push(event);
  }
  return events;
}
