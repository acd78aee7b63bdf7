/**
 * A game server's side of ring 1.
 *
 * @module
 */

import { decodeKey } from "../crypto/mod.ts";
import {
  type Bye,
  decodeRing1Request,
  type ErrorMessage,
  type Listed,
  type MasterEntry,
  type Registered,
  type Ring1Answer,
  type Ring1Request,
  type ServerReport,
} from "../protocol/mod.ts";
import { checkRequest } from "./_check_request.ts";
import { Descriptions } from "./_descriptions.ts";
import { brokenBy, isLasting, refusedBy } from "./_failures.ts";
import { keepConnected, tell } from "./_keep_connected.ts";
import { Pulse } from "./_pulse.ts";
import { MasterRotation } from "./_rotation.ts";
import { answerInTime } from "./_within.ts";
import type { SecureConnection } from "./connection.ts";
import { ClientError } from "./errors.ts";
import type { MasterAddress } from "./master_address.ts";
import type { Description, RegistrationOptions } from "./registration_options.ts";
import { RING_1 } from "./ring_protocol.ts";
import { SYSTEM_TIMING, type Timing } from "./timing.ts";

/** Milliseconds that {@link RegistrationClient.stop} waits for the master's `bye`. */
export const BYE_TIMEOUT_MS = 2000;

/**
 * Milliseconds between two registrations by which a server comes back that a master has lost:
 * whoever loses it again at once would go on losing it.
 */
const COME_BACK_MS = 10_000;

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
  readonly #descriptions: Descriptions<Description>;
  #status: ServerReport | undefined;
  /** There once a master has registered the server on this connection. */
  #pulse: Pulse | undefined;
  /** Whether the master has the server, as far as it told. */
  #isKnown = false;
  #cameBackAt = -Infinity;
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
    this.#descriptions = new Descriptions(options.server);
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
    const { crypto, keyPair, family, resolve, onState, onRefused } = this.#options;
    this.#running ??= keepConnected({
      connect: { crypto, keyPair, family, resolve, ring: RING_1 },
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
    if (server.port !== this.#descriptions.wanted.port) {
      throw new RangeError(`port ${server.port} is another server: make a client for it`);
    }
    checkRequest<Ring1Request>(decodeRing1Request, { ...server, type: "register" });
    this.#descriptions.want(server);
    // Who is not registered yet will be with this; else an answer comes among other messages.
    if (this.#pulse) this.#announceLater();
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
    this.#isKnown = false;
    this.#descriptions.begin();
    try {
      const told = this.#status;
      const registered = await answerInTime(connection, this.#timing, this.#register(connection));
      if (!registered) return;
      this.#pulse = pulse;
      if (this.#status !== told) pulse.changed();
      this.#registered(registered, connection);
      if (!this.#descriptions.isSaid) await this.#announce(connection);
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
      if (!this.#take(message, connection)) break;
    }
    return undefined;
  }

  #announce(connection: Connection): Promise<void> {
    return connection.send({
      ...this.#descriptions.send(),
      type: "register",
      ...(this.#status && { status: this.#status }),
    });
  }

  /** For whom the answer comes among other messages; that the connection is lost is told there. */
  #announceLater(): void {
    if (this.#connection) this.#announce(this.#connection).catch(() => {});
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

  #registered(registered: Registered, { master }: Connection): void {
    this.#descriptions.accept();
    this.#isKnown = true;
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
    if (message.type === "registered") this.#registered(message, connection);
    else if (message.type === "listed") tell(this.#options.onListed, message, master);
    else this.#takeError(refusedBy(master, message), master);
    return true;
  }

  /** Takes an error of the master; throws it when it ends the connection. */
  #takeError(error: ClientError, master: MasterAddress): void {
    const { code } = error;
    if (code === "shutting_down") throw error;
    if (code === "unauthorized") return this.#comeBack(error, master);
    // What passes by itself says nothing about the description; until the master has the server,
    // there is nothing to report about either.
    if (!this.#isKnown && !isLasting(error)) throw error;
    const refused = this.#descriptions.refuse();
    if (refused === "all" || (refused === "none" && code === "name_taken")) throw error;
    if (refused === "none" && error.retryAfter !== undefined) this.#pulse?.hold(error.retryAfter);
    tell(this.#options.onRefused, error, master);
    // The master has not even what was accepted before, unless the next one is under way.
    if (!this.#isKnown && !this.#descriptions.isPending) this.#announceLater();
  }

  /**
   * The master has lost the server, as after the `bye` of another process with the same key: it is
   * registered again. Throws when that is what the master refuses.
   */
  #comeBack(error: ClientError, master: MasterAddress): void {
    const now = this.#timing.now();
    if (!this.#pulse || now - this.#cameBackAt < COME_BACK_MS) throw error;
    this.#cameBackAt = now;
    this.#isKnown = false;
    this.#descriptions.drop();
    tell(this.#options.onRefused, error, master);
    this.#announceLater();
  }
}
