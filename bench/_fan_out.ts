/**
 * Changes told to many subscribers of ring 2: CPU time a message, and how long after the change it
 * arrives.
 *
 * @module
 */

import { type Crypto, openCrypto } from "../crypto/mod.ts";
import { Browser, openAll, patiently } from "./_browsers.ts";
import type { Report } from "./_report.ts";
import {
  type Masterserver,
  prepareDatabase,
  startMasterserver,
  type Workplace,
} from "./_servers.ts";
import { spread } from "./_statistics.ts";

const SUBSCRIBERS = 1000;

/** Servers listed before the first change. */
const SERVERS = 100;

/** Rounds that count. */
const ROUNDS = 5;

/** Changes of a round. */
const CHANGES = 20;

/** Milliseconds from one change to the next, on average. */
const CHANGE_MS = 100;

/**
 * Changes come early or late by this share, spread evenly. Subscribers are told every 100 ms, and
 * changes that kept step with that would all wait for as long as the first one happens to.
 */
const UNEVENNESS = 0.5;

/** Multiples of it, less their whole part, are spread evenly over 0 to 1. */
const GOLDEN_RATIO = (1 + Math.sqrt(5)) / 2;

/** Port of the first server that registers; all are at one address. */
const FIRST_PORT = 10_000;

const SETTINGS = [
  // Nobody answers challenges here, nor polls.
  "game.verify-servers=no",
  "game.status-interval=0",
  `game.servers-per-address=${CHANGES * (ROUNDS + 1)}`,
];

const ANSWER = "\\final\\";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A message of changes, as far as it matters here. */
interface Batch {
  readonly type: string;
  readonly servers: readonly { readonly port: number }[];
  readonly last: boolean;
}

/** What came of one round. */
interface Round {
  /** Microseconds of CPU time of the masterserver for each message that arrived. */
  readonly cpu: number;
  /** Milliseconds from a change to its arrival. */
  readonly p50: number;
  readonly p99: number;
  /** Messages for each change and subscriber. */
  readonly messages: number;
}

/** Reads messages, of which most are the same to the byte. */
class BatchReader {
  readonly #known = new Map<string, Batch>();
  readonly #failed = Promise.withResolvers<never>();

  constructor() {
    // Whoever waits at the time learns of it.
    this.#failed.promise.catch(() => {});
  }

  read(plaintext: Uint8Array): Batch {
    const text = decoder.decode(plaintext);
    let batch = this.#known.get(text);
    if (!batch) {
      batch = JSON.parse(text) as Batch;
      if (batch.type !== "servers") {
        this.#failed.reject(new Error(`a subscriber is told: ${text}`));
        return { type: batch.type, servers: [], last: false };
      }
      this.#known.set(text, batch);
    }
    return batch;
  }

  /** Waits for something that comes of messages. @throws Error when one is not of changes. */
  wait<T>(promise: Promise<T>, what: string): Promise<T> {
    return patiently(Promise.race([promise, this.#failed.promise]), what);
  }

  /** Forgets all, now and then. */
  clear(): void {
    this.#known.clear();
  }
}

/** Registers a game server in the old style and tells when that was accepted. */
async function register(master: Masterserver, port: number): Promise<number> {
  using tcp = await Deno.connect({ hostname: "127.0.0.1", port: master.port });
  const heartbeat = `\\heartbeat\\gamename\\netpanzer\\port\\${port}\\protocol\\1122\\final\\`;
  await tcp.write(encoder.encode(heartbeat));
  const buffer = new Uint8Array(1024);
  const count = await tcp.read(buffer);
  const acceptedAt = performance.now();
  const answer = decoder.decode(buffer.subarray(0, count ?? 0));
  if (answer !== ANSWER) throw new Error(`a registration is answered with "${answer}"`);
  return acceptedAt;
}

/** Subscribes a client and waits for its first list. */
async function subscribe(
  port: number,
  client: number,
  crypto: Crypto,
  reader: BatchReader,
): Promise<Browser> {
  const browser = await Browser.connect(port, client, crypto);
  const listed = new Promise<void>((resolve) => {
    browser.onMessage = (plaintext) => {
      if (reader.read(plaintext).last) resolve();
    };
  });
  browser.send({ type: "subscribe", filter: { gamename: "netpanzer" } });
  await reader.wait(listed, "a subscriber's first list");
  return browser;
}

/** When the changes of one round arrived. */
class Arrivals {
  readonly #firstPort: number;
  readonly #at: number[][] = Array.from({ length: CHANGES }, () => []);
  readonly #complete = Promise.withResolvers<void>();
  #missing = CHANGES * SUBSCRIBERS;
  messages = 0;

  constructor(firstPort: number) {
    this.#firstPort = firstPort;
  }

  /** Settles once everyone has been told of all changes. */
  get complete(): Promise<void> {
    return this.#complete.promise;
  }

  /** Takes one subscriber's messages, which may tell of a server more than once. */
  taker(reader: BatchReader): (plaintext: Uint8Array) => void {
    const seen = new Set<number>();
    return (plaintext) => {
      const now = performance.now();
      this.messages++;
      for (const { port } of reader.read(plaintext).servers) {
        if (seen.has(port)) continue;
        seen.add(port);
        this.#at[port - this.#firstPort]?.push(now);
        if (--this.#missing === 0) this.#complete.resolve();
      }
    };
  }

  /** Milliseconds from each change to each arrival, the shortest first. */
  delays(changedAt: readonly number[]): number[] {
    return this.#at.flatMap((times, change) =>
      times.map((time) => time - (changedAt[change] ?? NaN))
    ).sort((a, b) => a - b);
  }
}

/** Milliseconds from a round's beginning to a change. */
function timeOf(change: number): number {
  return (change + UNEVENNESS * (2 * (change * GOLDEN_RATIO % 1) - 1)) * CHANGE_MS;
}

async function changeRound(
  master: Masterserver,
  browsers: readonly Browser[],
  reader: BatchReader,
  round: number,
): Promise<Round> {
  const firstPort = FIRST_PORT + round * CHANGES;
  const arrivals = new Arrivals(firstPort);
  reader.clear();
  for (const browser of browsers) browser.onMessage = arrivals.taker(reader);
  const before = master.cpuSeconds();
  const started = performance.now();
  const changedAt: number[] = [];
  for (let change = 0; change < CHANGES; change++) {
    const wait = started + timeOf(change) - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    changedAt.push(await register(master, firstPort + change));
  }
  await reader.wait(arrivals.complete, "the last message to the last subscriber");
  const { messages } = arrivals;
  const delays = arrivals.delays(changedAt);
  const quantile = (share: number) => delays[Math.floor((delays.length - 1) * share)] ?? NaN;
  return {
    cpu: (master.cpuSeconds() - before) / messages * 1e6,
    p50: quantile(0.5),
    p99: quantile(0.99),
    messages: messages / (CHANGES * SUBSCRIBERS),
  };
}

/** One change after the other, told to many subscribers. */
export async function measureFanOut(workplace: Workplace, report: Report): Promise<void> {
  const section = `ring 2, ${SUBSCRIBERS} subscribers, a change every ${CHANGE_MS} ms: per message`;
  const opened = openCrypto();
  if (opened.type === "unavailable") {
    report({ type: "skipped", section, reason: opened.message });
    return;
  }
  using crypto = opened.crypto;
  await using cleanup = new AsyncDisposableStack();
  const master = await startMasterserver(workplace, {
    name: "masterserver",
    database: await prepareDatabase(workplace, SERVERS),
    servers: SERVERS,
    settings: SETTINGS,
  });
  cleanup.defer(() => master.stop());
  const reader = new BatchReader();
  const browsers = await openAll(
    SUBSCRIBERS,
    (client) => subscribe(master.clientPort, client, crypto, reader),
  );
  cleanup.defer(() => {
    for (const browser of browsers) browser.close();
  });
  const rounds: Round[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const result = await changeRound(master, browsers, reader, round);
    // The first one warms up.
    if (round > 0) rounds.push(result);
  }
  const figure = (name: string, unit: string, key: keyof Round) => ({
    name,
    unit,
    value: spread(rounds.map((each) => each[key])),
  });
  report({
    type: "figures",
    section,
    subject: "masterserver",
    figures: [
      figure("cpu", "µs", "cpu"),
      figure("p50", "ms", "p50"),
      figure("p99", "ms", "p99"),
      figure("messages for a change", "", "messages"),
    ],
  });
}
