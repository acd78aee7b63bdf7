import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import {
  Channel,
  type ChannelEvent,
  type Crypto,
  encodeKey,
  type KeyPair,
  openCrypto,
  PROLOGUES,
} from "../../crypto/mod.ts";
import type { ChannelSettings, RingSettings } from "../../threads/mod.ts";
import { bytes, text, until } from "../_helpers.ts";
import { THIS_MASTER } from "./_helpers.ts";

function opened(): Crypto {
  const outcome = openCrypto();
  if (outcome.type === "unavailable") throw new Error(outcome.message);
  return outcome.crypto;
}

/** libgcrypt, for all tests of a file. */
export const CRYPTO: Crypto = opened();

/** The key of the master on trial. */
export const MASTER_KEY: KeyPair = CRYPTO.keyPair();

/** What an encrypted ring needs. */
export const CHANNEL: ChannelSettings = {
  library: CRYPTO.path,
  privateKey: MASTER_KEY.privateKey,
};

/** What makes a ring an encrypted one that knows its own key. */
export const SECURE: Pick<RingSettings, "channel" | "masters"> = {
  channel: CHANNEL,
  masters: [{ ...THIS_MASTER, key: encodeKey(MASTER_KEY.publicKey) }],
};

/** A message of a ring, as it is on the wire. */
export type Wire = { readonly type: string; readonly [member: string]: unknown };

/** What a client may want to be unlike others. */
export interface SecureClientOptions {
  readonly ring?: "ring1" | "ring2";
  /** Address of this machine to come from. */
  readonly from?: string;
  readonly keyPair?: KeyPair;
}

/** A client of an encrypted ring that says what a test wants it to say. */
export class SecureClient implements Disposable {
  readonly key: string;
  readonly received: Wire[] = [];
  readonly #socket: Socket;
  readonly #channel: Channel;
  /** Key that the master proved to have. */
  masterKey = "";
  /** Whether the connection has ended. */
  closed = false;

  private constructor(socket: Socket, ring: "ring1" | "ring2", keyPair: KeyPair) {
    this.#socket = socket;
    this.key = encodeKey(keyPair.publicKey);
    this.#channel = new Channel({
      primitives: CRYPTO,
      role: "initiator",
      pattern: "XX",
      prologue: PROLOGUES[ring],
      staticKey: keyPair,
    });
    socket.setNoDelay(true);
    socket.on("data", (data: Uint8Array) => this.#read(data));
    socket.on("error", () => this.closed = true);
    socket.on("close", () => this.closed = true);
  }

  /** Connects and does the handshake; a master that wants none of it ends in `closed`. */
  static async connect(port: number, options: SecureClientOptions = {}): Promise<SecureClient> {
    const { ring = "ring1", from, keyPair = CRYPTO.keyPair() } = options;
    const local = from === undefined ? {} : { localAddress: from };
    const socket = connect({ host: "127.0.0.1", port, ...local });
    const client = new SecureClient(socket, ring, keyPair);
    client.#take(client.#channel.start());
    await until("the handshake", () => client.closed || client.masterKey !== "");
    return client;
  }

  /** Sends a message. */
  send(message: unknown): Promise<void> {
    return this.sendText(JSON.stringify(message));
  }

  /** Sends what need not be JSON, sealed. */
  sendText(plaintext: string): Promise<void> {
    return this.raw(this.seal(bytes(plaintext)));
  }

  /** A frame with a sealed message. */
  seal(plaintext: Uint8Array): Uint8Array {
    return this.#channel.seal(plaintext);
  }

  /** Sends bytes as they are; settles once the system has them, or the connection is over. */
  raw(data: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.closed || !this.#socket.writable) resolve();
      else this.#socket.write(data, () => resolve());
    });
  }

  /** Reads nothing more until {@link resume}. */
  pause(): void {
    this.#socket.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#socket.resume();
  }

  /** Waits for the next message. */
  async next(): Promise<Wire> {
    await until("a message", () => this.received.length > 0 || this.closed);
    const message = this.received.shift();
    assert.ok(message, "the master closed the connection");
    return message;
  }

  /** Sends a message and waits for the next one. */
  async ask(message: unknown): Promise<Wire> {
    await this.send(message);
    return await this.next();
  }

  /** Waits until the master has closed the connection. */
  async end(): Promise<void> {
    await until("the end of the connection", () => this.closed);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
    this.closed = true;
    this.#channel[Symbol.dispose]();
  }

  #read(data: Uint8Array): void {
    this.#take(this.#channel.receive(data));
  }

  #take(events: readonly ChannelEvent[]): void {
    for (const event of events) {
      if (event.type === "send") void this.raw(event.bytes);
      if (event.type === "open") this.masterKey = encodeKey(event.remoteKey);
      if (event.type === "message") this.received.push(JSON.parse(text(event.plaintext)));
      // Nothing that comes from there can be trusted.
      if (event.type === "failed") this[Symbol.dispose]();
    }
  }
}
