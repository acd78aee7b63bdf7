/**
 * A game server's side of ring 1.
 *
 * @module
 */

import { type Crypto, decodeKey, type KeyPair } from "../crypto/mod.ts";
import {
  type Bye,
  decodeRing1Request,
  type ErrorMessage,
  type Listed,
  type MasterEntry,
  type Register,
  type Registered,
  type Ring1Answer,
  type Ring1Request,
  type ServerReport,
} from "../protocol/mod.ts";
import { checkRequest } from "./_check_request.ts";
import { brokenBy, refusedBy } from "./_failures.ts";
import { keepConnected, tell } from "./_keep_connected.ts";
import { Pulse } from "./_pulse.ts";
import { MasterRotation } from "./_rotation.ts";
import { answerInTime } from "./_within.ts";
import type { SecureConnection } from "./connection.ts";
import { ClientError } from "./errors.ts";
import type { MasterAddress } from "./master_address.ts";
import { RING_1 } from "./ring_protocol.ts";
import type { ClientState } from "./state.ts";
import { SYSTEM_TIMING, type Timing } from "./timing.ts";

/** Milliseconds that {@link RegistrationClient.stop} waits for the master's `bye`. */
export const BYE_TIMEOUT_MS = 2000;

/** What a game server registers with. */
export type ServerDescription = Omit<Register, "type" | "status">;

/** How a {@link RegistrationClient} works, and whom it tells. */
export interface RegistrationOptions {
  /** What `openCrypto` gives; it must stay open for as long as the client runs. */
  readonly crypto: Crypto;
  /** The server's identity: its name belongs to this key. */
  readonly keyPair: KeyPair;
  /** Masters in order of preference, with their ring 1 ports (7070). */
  readonly masters: readonly MasterAddress[];
  /** What to register. */
  readonly server: ServerDescription;
  /** Told after every registration, the first and those after a lost connection. */
  readonly onRegistered?: ((registered: Registered, master: MasterAddress) => void) | undefined;
  /** Told when players see the server from now on, or no more. */
  readonly onListed?: ((listed: Listed, master: MasterAddress) => void) | undefined;
  /**
   * Told of what a master refuses: a registration that will not be accepted as it is
   * (`name_taken`, `bad_request`, `unauthorized`; it is tried again about every five minutes), or
   * a single report.
   */
  readonly onRefused?: ((error: ClientError, master: MasterAddress) => void) | undefined;
  /** Told how it stands with the masters. */
  readonly onState?: ((state: ClientState) => void) | undefined;
  /** Clock, timers and chance; the system's when not given. */
  readonly timing?: Timing | undefined;
}

/** What is said of a game server when it registers. */
export type Description = RegistrationOptions["server"];

type Connection = SecureConnection<Ring1Request, Ring1Answer>;

/** Other masters of the network, as far as it is told who to expect there. */
function ring1Addresses(masters: readonly MasterEntry[]): MasterAddress[] {
  return masters.flatMap(({ host, ports, key: text }) => {
    const port = Object.hasOwn(ports, "ring1") ? ports.ring1 : undefined;
    const key = decodeKey(text);
    // Without a key anybody could answer there, even to a server whose own masters are pinned.
    return port === undefined || key === undefined ? [] : [{ host, port, key }];
  });
}

/**
 * Keeps a game server registered, for ever: at the first master that answers, and when that one
 * goes away, at the next, masters included that the first told of together with their keys.
 *
 * Callbacks are called one at a time and never after {@link stop} has settled; one that throws is
 * reported as uncaught and disturbs nothing.
 *
 * @example
 * ```ts
 * const client = new RegistrationClient({
 *   crypto,
 *   keyPair,
 *   masters: [{ host: "master.example.org", port: 7070 }],
 *   server: {
 *     gamename: "netpanzer",
 *     name: "Bob's tanks",
 *     port: 3030,
 *     protocol: 1122,
 *     admin: "bob@example.org",
 *     settings: {},
 *   },
 *   onRegistered: ({ number }) => console.log(`registered as number ${number}`),
 *   onRefused: (error) => console.error(error.message),
 * });
 * client.start();
 * client.report({ map: "Two clans", players: 3, max_players: 8, roster: [] });
 * // … and when the game ends:
 * await client.stop();
 * ```
 */
export class RegistrationClient implements AsyncDisposable {
  readonly #options: RegistrationOptions;
  readonly #timing: Timing;
  readonly #rotation: MasterRotation;
  readonly #over = new AbortController();
  /** What is to be registered, and what a master accepted last. */
  #server: Description;
  #accepted: Description | undefined;
  #status: ServerReport | undefined;
  #pulse: Pulse | undefined;
  #connection: Connection | undefined;
  #running: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  /**
   * Checks what it is given; nothing is sent before {@link start}.
   *
   * @throws ClientError when no master would accept the description; RangeError without masters.
   */
  constructor(options: RegistrationOptions) {
    checkRequest<Ring1Request>(decodeRing1Request, { ...options.server, type: "register" });
    this.#options = options;
    this.#server = options.server;
    this.#timing = options.timing ?? SYSTEM_TIMING;
    this.#rotation = new MasterRotation(options.masters, this.#timing);
  }

  /**
   * Begins to register, and goes on until {@link stop}. A second call does nothing.
   *
   * @throws Error after a stop: make a new client.
   */
  start(): void {
    if (this.#stopped) throw new Error("This client was stopped, make a new one");
    const { crypto, keyPair, onState, onRefused } = this.#options;
    this.#running ??= keepConnected({
      connect: { crypto, keyPair, ring: RING_1 },
      rotation: this.#rotation,
      timing: this.#timing,
      signal: this.#over.signal,
      onState: (state) => tell(onState, state),
      onRefused: (error, master) => tell(onRefused, error, master),
      session: (connection) => this.#session(connection),
    });
  }

  /**
   * Says what is being played. It is sent at once when it differs from the last one, though at most
   * every two seconds, and then again as often as the master wants to hear of the server. May be
   * called before {@link start}.
   *
   * @throws ClientError when no master would accept it.
   */
  report(status: ServerReport): void {
    checkRequest<Ring1Request>(decodeRing1Request, { ...status, type: "status" });
    const isNew = JSON.stringify(status) !== JSON.stringify(this.#status);
    this.#status = status;
    if (isNew) this.#pulse?.changed();
  }

  /**
   * Says something else of the server from now on: another name, other settings. It stays listed
   * meanwhile. What a master refuses is told by `onRefused`, and what was said before stays true.
   *
   * @throws ClientError when no master would accept it; RangeError for another port, which is
   * another server.
   */
  update(server: Description): void {
    if (server.port !== this.#server.port) {
      throw new RangeError(`port ${server.port} is another server: make a client for it`);
    }
    checkRequest<Ring1Request>(decodeRing1Request, { ...server, type: "register" });
    this.#server = server;
    // Who is not registered yet will be with this; else an answer comes among other messages.
    if (this.#pulse && this.#connection) this.#announce(this.#connection).catch(() => {});
  }

  /**
   * Says `bye`, waits up to two seconds for the answer, and ends everything. May be called more
   * than once; every call settles when nothing is left.
   */
  stop(): Promise<void> {
    return this.#stopped ??= this.#stop();
  }

  /** The same as {@link stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    if (this.#connection) {
      const settled = new AbortController();
      // The session ends everything when the answer comes.
      const patience = this.#timing.sleep(BYE_TIMEOUT_MS, settled.signal);
      this.#connection.send({ type: "bye" }).catch(() => this.#over.abort());
      await Promise.race([this.#running, patience]);
      settled.abort();
    }
    this.#over.abort();
    await this.#running;
  }

  async #session(connection: Connection): Promise<void> {
    const pulse = new Pulse(this.#timing);
    const over = new AbortController();
    let reporting: Promise<void> | undefined;
    this.#connection = connection;
    try {
      const [described, told] = [this.#server, this.#status];
      const registered = await answerInTime(connection, this.#timing, this.#register(connection));
      if (!registered) return;
      this.#pulse = pulse;
      if (this.#status !== told) pulse.changed();
      this.#registered(registered, described, connection);
      if (this.#server !== described) await this.#announce(connection);
      reporting = this.#reportRegularly(connection, pulse, over.signal);
      for await (const message of connection.messages) {
        if (!this.#take(message, connection)) return;
      }
    } finally {
      this.#connection = undefined;
      this.#pulse = undefined;
      over.abort();
      await reporting;
    }
  }

  /** Undefined when the client is stopped before the answer comes. */
  async #register(connection: Connection): Promise<Registered | undefined> {
    await this.#announce(connection);
    for await (const message of connection.messages) {
      if (message.type === "registered") return message;
      if (message.type === "error") throw refusedBy(connection.master, message);
      if (!this.#take(message, connection)) break;
    }
    return undefined;
  }

  #announce(connection: Connection): Promise<void> {
    return connection.send({
      ...this.#server,
      type: "register",
      ...(this.#status && { status: this.#status }),
    });
  }

  async #reportRegularly(
    connection: Connection,
    pulse: Pulse,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      while (await pulse.due(signal) && !this.#stopped) {
        // Without a report a ping shows that the server is alive.
        await connection.send(
          this.#status ? { ...this.#status, type: "status" } : { type: "ping" },
        );
      }
    } catch (error) {
      // The connection ended: whoever receives from it is told why.
      if (!(error instanceof ClientError)) throw error;
    }
  }

  #registered(registered: Registered, described: Description, { master }: Connection): void {
    this.#accepted = described;
    this.#rotation.learn(ring1Addresses(registered.masters));
    this.#pulse?.every(registered.interval);
    tell(this.#options.onRegistered, registered, master);
  }

  /** Takes a message of the master; false when it was the last one that is wanted. */
  #take(message: Registered | Listed | Bye | ErrorMessage, connection: Connection): boolean {
    const { master } = connection;
    if (message.type === "bye") {
      if (!this.#stopped) throw brokenBy(master, "ended the registration by itself");
      this.#over.abort();
      return false;
    }
    if (message.type === "registered") this.#registered(message, this.#server, connection);
    else if (message.type === "listed") tell(this.#options.onListed, message, master);
    else this.#takeError(refusedBy(master, message), master);
    return true;
  }

  /** An error after the registration is about a report, unless it is about the server itself. */
  #takeError(error: ClientError, master: MasterAddress): void {
    const { code } = error;
    if (this.#accepted && this.#server !== this.#accepted && code !== "shutting_down") {
      // An update that the master does not want: it still has what it accepted before.
      this.#server = this.#accepted;
      return tell(this.#options.onRefused, error, master);
    }
    if (code === "shutting_down" || code === "name_taken" || code === "unauthorized") throw error;
    if (error.retryAfter !== undefined) this.#pulse?.hold(error.retryAfter);
    tell(this.#options.onRefused, error, master);
  }
}
