/**
 * Clients of ring 2 for measurements, each from an address of its own, since the masterserver limits
 * what one address may do.
 *
 * They read with as little ado as can be: what they cost is no part of any figure but of the time
 * that they see pass.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { Channel, type ChannelEvent, type Crypto, PROLOGUES } from "../crypto/mod.ts";
import { encodeMessage, type Ring2Request } from "../protocol/mod.ts";
import { addressOf } from "./_population.ts";

/** Milliseconds after which a server that does not listen yet is tried again. */
const RETRY_MS = 20;

/** Milliseconds after which whatever was waited for is given up. */
const PATIENCE_MS = 10_000;

/** Connections that are opened at a time: fewer than wait for a server's accept without loss. */
const OPENING_AT_ONCE = 50;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Waits for something, not for ever.
 *
 * @param what For the message: what did not come.
 * @throws Error when it takes more than 10 s.
 */
export async function patiently<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`${what} did not come within ${PATIENCE_MS / 1000} s`);
    timer = setTimeout(() => reject(error), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function tryOpen(port: number, from: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, localAddress: from });
    socket.once("error", () => resolve(undefined));
    socket.once("connect", () => resolve(socket));
  });
}

/** A TCP connection from the address of a client of that number, which may be refused for a while. */
export async function openSocket(port: number, client: number): Promise<Socket> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const socket = await tryOpen(port, addressOf(client));
    if (socket) {
      // Whoever waits for bytes of it gives up by itself.
      socket.on("error", () => {});
      return socket;
    }
    if (performance.now() > deadline) {
      throw new Error(`port ${port} takes no connection from ${addressOf(client)}`);
    }
    await pause(RETRY_MS);
  }
}

/** An encrypted connection to a ring 2. */
export class Browser {
  readonly socket: Socket;
  /** Takes each message. */
  onMessage: (plaintext: Uint8Array) => void = () => {};
  readonly #channel: Channel;
  readonly #open = Promise.withResolvers<void>();
  readonly #onData = (bytes: Uint8Array): void => this.#take(this.#channel.receive(bytes));

  private constructor(socket: Socket, primitives: Crypto) {
    this.socket = socket;
    this.#channel = new Channel({
      primitives,
      role: "initiator",
      pattern: "XX",
      prologue: PROLOGUES.ring2,
      staticKey: primitives.keyPair(),
    });
    socket.on("data", this.#onData);
    this.#take(this.#channel.start());
  }

  /** Connects and shakes hands. */
  static async connect(port: number, client: number, crypto: Crypto): Promise<Browser> {
    const browser = new Browser(await openSocket(port, client), crypto);
    await patiently(browser.#open.promise, "the end of a handshake");
    return browser;
  }

  /** Sends a request. */
  send(request: Ring2Request): void {
    this.socket.write(this.#channel.seal(encodeMessage(request)));
  }

  /** Reads no more, so that someone else can take the bytes as they are. */
  release(): void {
    this.socket.off("data", this.#onData);
  }

  close(): void {
    this.socket.destroy();
    this.#channel[Symbol.dispose]();
  }

  #take(events: readonly ChannelEvent[]): void {
    for (const event of events) {
      switch (event.type) {
        case "send":
          this.socket.write(event.bytes);
          break;
        case "open":
          this.#open.resolve();
          break;
        case "message":
          this.onMessage(event.plaintext);
          break;
        case "failed":
          this.#open.reject(new Error(`the masterserver broke the channel: ${event.reason}`));
          this.socket.destroy();
      }
    }
  }
}

/** Opens something for each of so many clients, some at a time, in their order. */
export async function openAll<T>(
  clients: number,
  open: (client: number) => Promise<T>,
): Promise<T[]> {
  const opened: T[] = [];
  for (let first = 0; first < clients; first += OPENING_AT_ONCE) {
    const length = Math.min(OPENING_AT_ONCE, clients - first);
    opened.push(...await Promise.all(Array.from({ length }, (_, i) => open(first + i))));
  }
  return opened;
}
