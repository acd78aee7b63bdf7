/**
 * One encrypted connection to a master.
 *
 * @module
 */

import type { Channel, ChannelEvent } from "../crypto/mod.ts";
import {
  canonicalAddress,
  type DecodedMessage,
  encodeMessage,
  type Ping,
  type Pong,
  type Ring0Ping,
  type Ring0Pong,
} from "../protocol/mod.ts";
import { brokenBy, connectionError, nameOf, quote, unprovenError } from "./_failures.ts";
import { closeQuietly, type OpenChannel, openChannel, READ_BYTES, writeAll } from "./_handshake.ts";
import { Inbox } from "./_inbox.ts";
import { CONNECT_TIMEOUT_MS, type ConnectOptions } from "./connect_options.ts";
import { ClientError } from "./errors.ts";
import type { MasterAddress } from "./master_address.ts";
import { systemResolve } from "./resolve.ts";
import type { RingAnswer, RingRequest } from "./ring_protocol.ts";
import { SYSTEM_TIMING, type Timing } from "./timing.ts";

/** Milliseconds without a message after which a ping is sent: three fit into what ends it. */
export const PING_AFTER_MS = 30_000;

/** Milliseconds without a message after which a connection is dead (docs/protocol.md). */
export const DEAD_AFTER_MS = 90_000;

/** The answer to a ping, with the number by which a master knows it. */
function pongTo({ n }: Ring0Ping): Ring0Pong {
  return n === undefined ? { type: "pong" } : { type: "pong", n };
}

/**
 * An encrypted connection to a master, after its handshake.
 *
 * Pings are answered and sent as needed and never show up as messages; a master that sends nothing
 * whole for {@link DEAD_AFTER_MS} is given up. The master's `error` messages are messages like
 * others; messages of a type that is not known are ignored. Messages come in the order in which
 * they were sent; which answer belongs to which request is for the caller to know.
 *
 * @example
 * ```ts
 * await using connection = await SecureConnection.connect(
 *   { host: "master.example.org", port: 3040 },
 *   { crypto, ring: RING_2, keyPair },
 * );
 * await connection.send({ type: "masters" });
 * console.log(await connection.receive());
 * ```
 */
export class SecureConnection<Request extends RingRequest, Answer extends RingAnswer>
  implements AsyncDisposable {
  /** The master it was opened to. */
  readonly master: MasterAddress;
  /** IP address of the master that it goes to. */
  readonly remoteIp: string;
  /** The master's public key, 32 bytes. */
  readonly remoteKey: Uint8Array;
  /** Hash that names this very handshake, 32 bytes. */
  readonly handshakeHash: Uint8Array;
  /** Told once it has ended: why, or undefined when this side closed it. Never rejects. */
  readonly closed: Promise<ClientError | undefined>;

  readonly #tcp: Deno.TcpConn;
  readonly #channel: Channel;
  readonly #decode: (bytes: Uint8Array) => DecodedMessage<Answer>;
  readonly #timing: Timing;
  readonly #signal: AbortSignal | undefined;
  readonly #inbox = new Inbox<Exclude<Answer, Ping | Pong>>();
  readonly #over = new AbortController();
  readonly #closed = Promise.withResolvers<ClientError | undefined>();
  readonly #loops: Promise<unknown>;
  #end: { readonly reason: ClientError | undefined } | undefined;
  #writing: Promise<void> = Promise.resolve();
  #heardAt: number;
  #pinged = false;
  #isProven: boolean;

  private constructor(
    master: MasterAddress,
    { tcp, channel, remoteKey, handshakeHash, events }: OpenChannel,
    options: ConnectOptions<Request, Answer>,
  ) {
    this.master = master;
    const { hostname } = tcp.remoteAddr as Deno.NetAddr;
    this.remoteIp = canonicalAddress(hostname) ?? hostname;
    this.remoteKey = remoteKey;
    this.handshakeHash = handshakeHash;
    this.closed = this.#closed.promise;
    this.#tcp = tcp;
    this.#channel = channel;
    this.#decode = options.ring.decode;
    this.#isProven = options.ring.psk === undefined;
    this.#timing = options.timing ?? SYSTEM_TIMING;
    this.#heardAt = this.#timing.now();
    this.#signal = options.signal;
    this.#signal?.addEventListener("abort", this.#onAbort);
    this.#loops = Promise.all([this.#read(events), this.#watch()]);
  }

  /**
   * Connects and shakes hands. The master's key is compared with the pinned one before the master
   * learns who we are.
   *
   * @throws ClientError when that fails, in time or for good; the signal's reason when it aborts.
   */
  static async connect<Request extends RingRequest, Answer extends RingAnswer>(
    master: MasterAddress,
    options: ConnectOptions<Request, Answer>,
  ): Promise<SecureConnection<Request, Answer>> {
    const open = await openChannel(master, {
      crypto: options.crypto,
      keyPair: options.keyPair,
      prologue: options.ring.prologue,
      psk: options.ring.psk,
      timeoutMs: options.timeoutMs ?? CONNECT_TIMEOUT_MS,
      timing: options.timing ?? SYSTEM_TIMING,
      signal: options.signal,
      family: options.family,
      resolve: options.resolve ?? systemResolve,
    });
    return new SecureConnection(master, open, options);
  }

  /** Whether it has not ended. */
  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /**
   * Sends a message; settles once the system has taken it.
   *
   * @throws ClientError when the connection has ended. RangeError when the message is too long.
   */
  async send(message: Request): Promise<void> {
    const bytes = encodeMessage(message);
    if (this.#channel.isOpen) await this.#write(bytes);
    else await this.closed;
    if (this.#end) throw this.#endError();
  }

  /**
   * The next message, as soon as it is there; undefined once this side has closed the connection.
   *
   * @throws ClientError when the connection was lost or the master broke the protocol.
   */
  receive(): Promise<Exclude<Answer, Ping | Pong> | undefined> {
    return this.#inbox.receive();
  }

  /**
   * All messages, until this side closes the connection.
   *
   * @throws ClientError when the connection was lost or the master broke the protocol.
   */
  get messages(): AsyncIterableIterator<Exclude<Answer, Ping | Pong>> {
    return this.#messages();
  }

  /**
   * Ends the connection, once; settles when nothing of it is left.
   *
   * @param reason What {@link receive} throws from now on; nothing when it is not given.
   */
  async close(reason?: ClientError): Promise<void> {
    this.#finish(reason);
    await this.#loops;
  }

  /** The same as {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async *#messages(): AsyncIterableIterator<Exclude<Answer, Ping | Pong>> {
    for (;;) {
      const message = await this.receive();
      if (message === undefined) return;
      yield message;
    }
  }

  readonly #onAbort = (): void => this.#finish(undefined);

  #endError(): ClientError {
    return this.#end?.reason ??
      new ClientError("unavailable", `the connection with ${nameOf(this.master)} was closed`);
  }

  #finish(reason: ClientError | undefined): void {
    if (this.#end) return;
    this.#end = { reason };
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#over.abort();
    closeQuietly(this.#tcp);
    this.#channel[Symbol.dispose]();
    this.#inbox.end(reason);
    this.#closed.resolve(reason);
  }

  /** Seals and writes, in this order for each and all: frames are numbered. Never rejects. */
  #write(plaintext: Uint8Array): Promise<void> {
    // It is broken already when what came before the break has still to be taken.
    if (!this.#channel.isOpen) return Promise.resolve();
    const frame = this.#channel.seal(plaintext);
    this.#writing = this.#writing
      .then(() => writeAll(this.#tcp, frame))
      .catch((error) => this.#lose(error));
    return this.#writing;
  }

  async #read(early: readonly ChannelEvent[]): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    try {
      for (let events = early; !this.#end;) {
        for (const event of events) await this.#take(event);
        if (this.#inbox.isFull) {
          await this.#inbox.room();
          this.#hear();
        }
        const count = await this.#tcp.read(buffer);
        if (count === null) {
          throw new ClientError("unavailable", `${nameOf(this.master)} closed the connection`);
        }
        events = this.#channel.receive(buffer.subarray(0, count));
      }
    } catch (error) {
      this.#lose(error);
    }
  }

  #lose(error: unknown): void {
    this.#finish((this.#isProven ? connectionError : unprovenError)(this.master, error));
  }

  async #take(event: ChannelEvent): Promise<void> {
    if (this.#end) return;
    if (event.type === "failed") {
      throw brokenBy(this.master, `broke the encryption: ${event.reason}`);
    }
    if (event.type !== "message") return;
    this.#isProven = true;
    this.#hear();
    const decoded = this.#decode(event.plaintext);
    if (decoded.type === "malformed") {
      throw brokenBy(this.master, `sent what is no message: ${quote(decoded.reason)}`);
    }
    // A newer master may tell what this client does not know of.
    if (decoded.type === "refused") return;
    await this.#deliver(decoded.message);
  }

  async #deliver(message: Answer): Promise<void> {
    if (message.type === "ping") {
      // Waiting for the write keeps a master from making us hold more and more pongs.
      await this.#write(encodeMessage(pongTo(message)));
    } else if (message.type !== "pong") {
      this.#inbox.push(message as Exclude<Answer, Ping | Pong>);
    }
  }

  /** A message came, whole: single bytes of one do not keep a connection alive. */
  #hear(): void {
    this.#heardAt = this.#timing.now();
    this.#pinged = false;
  }

  async #watch(): Promise<void> {
    while (!this.#end) {
      // While nobody receives, reading pauses, and silence says nothing about the master.
      if (this.#inbox.isFull) this.#hear();
      const silence = this.#timing.now() - this.#heardAt;
      if (silence >= DEAD_AFTER_MS) {
        const seconds = DEAD_AFTER_MS / 1000;
        this.#finish(
          new ClientError(
            "unavailable",
            `${nameOf(this.master)} has sent nothing for ${seconds} s`,
          ),
        );
        return;
      }
      if (silence >= PING_AFTER_MS && !this.#pinged) {
        this.#pinged = true;
        void this.#write(encodeMessage({ type: "ping" }));
      }
      // After a ping it looks again as soon as the next one may be due, should the master answer.
      const next = this.#pinged
        ? Math.min(DEAD_AFTER_MS - silence, PING_AFTER_MS)
        : PING_AFTER_MS - silence;
      await this.#timing.sleep(next, this.#over.signal);
    }
  }
}
