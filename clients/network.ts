/**
 * A look at the network of masters from one of them, over ring 0.
 *
 * @module
 */

import type { KeyPair, NoisePrimitives } from "../crypto/mod.ts";
import type { Hello, Peer, Peers } from "../protocol/mod.ts";
import { brokenBy, connectionError, nameOf, refusedBy } from "./_failures.ts";
import { tell } from "./_keep_connected.ts";
import { answerInTime } from "./_within.ts";
import { SecureConnection } from "./connection.ts";
import { ClientError } from "./errors.ts";
import type { MasterAddress } from "./master_address.ts";
import { type ObserverAnswer, type ObserverRequest, ring0 } from "./ring_protocol.ts";
import { SYSTEM_TIMING, type Timing } from "./timing.ts";

/** Milliseconds for an answer, which the master has at hand. */
export const OBSERVER_TIMEOUT_MS = 10_000;

/** Milliseconds between two questions of {@link watchNetwork}. */
export const WATCH_INTERVAL_MS = 1000;

/** Milliseconds after which {@link watchNetwork} tries again: a master starts in a second or two. */
export const WATCH_RETRY_MS = 2000;

/** Version of the protocol between masters that is spoken here. */
const PROTOCOL_VERSION = 1;

/** Bytes of a public key that make an id. */
const ID_BYTES = 8;

/** Masters that one can know of, ten times the largest network: an answer in parts has to end. */
const MAX_PEERS = 1000;

type Connection = SecureConnection<ObserverRequest, ObserverAnswer>;

/** How a master stands to the others of its network. */
export interface NetworkView {
  /** What it says of itself, as it was when the connection was opened. */
  readonly master: Hello;
  /** The others that it knows, connected or not. */
  readonly peers: readonly Peer[];
  /** The master's clock when it answered, milliseconds since 1970. */
  readonly time: number;
}

/** What looking at the network takes. */
export interface ObserverOptions {
  /** The primitives: what `openCrypto` gives. */
  readonly crypto: NoisePrimitives;
  /** Who asks: any pair of keys, best a new one, as nobody has to know it again. */
  readonly keyPair: KeyPair;
  /** What `networkKey` makes of the network's password. */
  readonly psk: Uint8Array;
  /** Version of the program that asks. */
  readonly program: string;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
  /** Clock and timers; the system's when not given. */
  readonly timing?: Timing | undefined;
}

/** What {@link watchNetwork} takes. */
export interface NetworkWatchOptions extends ObserverOptions {
  /** Ends it: it goes on for ever otherwise. */
  readonly signal: AbortSignal;
  /** Told what the master answered, about once a second. */
  readonly onView: (view: NetworkView) => void;
  /** Told why there is no answer, and how many seconds later it tries again. */
  readonly onTrouble: (error: ClientError, seconds: number) => void;
}

function idOf({ publicKey }: { readonly publicKey: Uint8Array }): string {
  return publicKey.subarray(0, ID_BYTES).toHex();
}

/** Sends. What ended a connection shows to whoever reads, after what the master said before. */
async function say(connection: Connection, message: ObserverRequest): Promise<void> {
  try {
    await connection.send(message);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
  }
}

/** The next message of a master that has something to say. */
async function nextOf(connection: Connection): Promise<Hello | Peers> {
  const { master } = connection;
  const message = await connection.receive();
  if (message === undefined) throw new ClientError("unavailable", "this observer was closed");
  if (message.type === "error") throw refusedBy(master, message);
  if (message.type === "bye") {
    throw new ClientError("unavailable", `${nameOf(master)} is being stopped`);
  }
  return message;
}

/** Says who asks, and hears who answers. */
async function greet(
  connection: Connection,
  { keyPair, program }: ObserverOptions,
): Promise<Hello> {
  await say(connection, {
    type: "hello",
    version: PROTOCOL_VERSION,
    id: idOf(keyPair),
    name: "",
    ports: {},
    time: Date.now(),
    program,
    observer: true,
  });
  const { master, remoteKey } = connection;
  const hello = await nextOf(connection);
  if (hello.type !== "hello") throw brokenBy(master, 'sent "peers" where "hello" was to come');
  if (hello.version !== PROTOCOL_VERSION) {
    throw brokenBy(
      master,
      `speaks version ${hello.version} of the protocol between masters and this program version ` +
        `${PROTOCOL_VERSION}: use the program of that master`,
    );
  }
  if (hello.id !== idOf({ publicKey: remoteKey })) {
    throw brokenBy(master, `says that its id is ${hello.id}, which is not that of its key`);
  }
  return hello;
}

/** Asks a master and waits for the last part of its answer. */
async function askPeers(connection: Connection): Promise<readonly Peer[]> {
  await say(connection, { type: "peers" });
  const peers: Peer[] = [];
  for (;;) {
    const message = await nextOf(connection);
    if (message.type === "hello") continue;
    if (message.peers === undefined) {
      throw brokenBy(connection.master, 'asks with "peers" what it was to answer');
    }
    peers.push(...message.peers);
    if (peers.length > MAX_PEERS) {
      throw brokenBy(connection.master, `says that it knows more than ${MAX_PEERS} other masters`);
    }
    if (!message.more) return peers;
  }
}

/**
 * A connection to a master's ring 0 over which it is asked how it stands to the others. It takes
 * the network's password and changes nothing: the network does not count it as a master.
 *
 * @example
 * ```ts
 * await using observer = await NetworkObserver.connect(
 *   { host: "127.0.0.1", port: 6060 },
 *   { crypto, keyPair: crypto.keyPair(), psk: networkKey(crypto, password), program: "1.0" },
 * );
 * for (const { name, state } of (await observer.view()).peers) console.log(name, state);
 * ```
 */
export class NetworkObserver implements AsyncDisposable {
  /** What the master said of itself. */
  readonly master: Hello;
  readonly #connection: Connection;
  readonly #timing: Timing;
  readonly #helloAt: number;

  private constructor(connection: Connection, timing: Timing, hello: Hello) {
    this.master = hello;
    this.#connection = connection;
    this.#timing = timing;
    this.#helloAt = timing.now();
  }

  /**
   * Connects, and hears who is there.
   *
   * @param master Where its ring 0 is (6060); its key matters only when one is given.
   * @throws ClientError when that fails, with the failure `wrong-password` when the master does not
   * know the password; the signal's reason when it aborts.
   */
  static async connect(
    master: MasterAddress,
    options: ObserverOptions,
  ): Promise<NetworkObserver> {
    const { crypto, keyPair, psk, signal, timing = SYSTEM_TIMING } = options;
    const connection = await SecureConnection.connect(master, {
      crypto,
      keyPair,
      ring: ring0(psk),
      signal,
      timing,
    });
    try {
      const greeting = greet(connection, options);
      const hello = await answerInTime(connection, timing, greeting, OBSERVER_TIMEOUT_MS);
      return new NetworkObserver(connection, timing, hello);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /**
   * How the master stands to the others now. Ask once more only after the answer.
   *
   * @throws ClientError when there is no answer.
   */
  async view(): Promise<NetworkView> {
    const asking = askPeers(this.#connection);
    const peers = await answerInTime(this.#connection, this.#timing, asking, OBSERVER_TIMEOUT_MS);
    const time = this.master.time + Math.round(this.#timing.now() - this.#helloAt);
    return { master: this.master, peers, time };
  }

  /** Ends the connection; settles when nothing of it is left. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  /** The same as {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Asks again and again over one connection, until it is lost or the signal aborts. */
async function watchOnce(master: MasterAddress, options: NetworkWatchOptions): Promise<void> {
  const { signal, timing = SYSTEM_TIMING, onView } = options;
  await using observer = await NetworkObserver.connect(master, options);
  while (!signal.aborted) {
    tell(onView, await observer.view());
    await timing.sleep(WATCH_INTERVAL_MS, signal);
  }
}

/**
 * Follows how a master stands to the others, over lost connections, until the signal aborts.
 * Callbacks are called one at a time; one that throws is reported as uncaught and disturbs nothing.
 */
export async function watchNetwork(
  master: MasterAddress,
  options: NetworkWatchOptions,
): Promise<void> {
  const { signal, timing = SYSTEM_TIMING, onTrouble } = options;
  while (!signal.aborted) {
    try {
      await watchOnce(master, options);
    } catch (reason) {
      if (signal.aborted) return;
      const error = connectionError(master, reason);
      const waitMs = Math.max(WATCH_RETRY_MS, (error.retryAfter ?? 0) * 1000);
      tell(onTrouble, error, waitMs / 1000);
      await timing.sleep(waitMs, signal);
    }
  }
}
