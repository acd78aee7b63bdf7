import assert from "node:assert/strict";
import {
  Channel,
  type ChannelEvent,
  type Crypto,
  type KeyPair,
  openCrypto,
} from "../../crypto/mod.ts";
import { type MasterAddress, RING_2 } from "../../clients/mod.ts";
import type { Ring1Answer, Ring2Answer, ServerEntry, Servers } from "../../protocol/mod.ts";
import { bytes, text } from "../_helpers.ts";

function open(): Crypto {
  const outcome = openCrypto();
  assert.equal(outcome.type, "ready", "libgcrypt is needed");
  if (outcome.type !== "ready") throw new Error("libgcrypt is needed");
  return outcome.crypto;
}

/** The library, open for as long as the tests run. */
export const gcrypt: Crypto = open();

/** Any message of a client. */
export interface Received {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** The master's end of one connection. */
export class FakePeer {
  /** Which connection of its master this is, from 1. */
  readonly number: number;
  /** The client's key. */
  clientKey = new Uint8Array(0);
  /** How many pings came. */
  pings = 0;
  /** Pongs that came. */
  readonly pongs: Received[] = [];
  /** Whether pings get their pongs. */
  answersPings = true;
  readonly #tcp: Deno.TcpConn;
  readonly #channel: Channel;
  readonly #messages: Received[] = [];

  constructor(tcp: Deno.TcpConn, channel: Channel, number: number) {
    this.#tcp = tcp;
    this.#channel = channel;
    this.number = number;
  }

  /** Waits for the handshake's end; false when the client leaves before. */
  async shakeHands(): Promise<boolean> {
    for (const event of this.#channel.start()) await this.#take(event);
    while (!this.#channel.isOpen) if (!await this.#read()) return false;
    return true;
  }

  /** The next message of any type but ping and pong; undefined when the client has closed. */
  async receive(): Promise<Received | undefined> {
    while (this.#messages.length === 0) if (!await this.#read()) return undefined;
    return this.#messages.shift();
  }

  /** The next message, which has to be of this type. */
  async expect(type: string): Promise<Received> {
    const message = await this.receive();
    assert.equal(message?.type, type);
    return message as Received;
  }

  /** Waits until the client closes. */
  async waitForClose(): Promise<void> {
    while (await this.receive() !== undefined);
  }

  send(message: Ring1Answer | Ring2Answer | Received): Promise<void> {
    return this.sendPlain(bytes(JSON.stringify(message)));
  }

  /** Sends any plaintext. */
  sendPlain(plaintext: Uint8Array): Promise<void> {
    return this.sendRaw(this.#channel.seal(plaintext));
  }

  /** A frame as it would be sent, to be sent in pieces. */
  seal(message: Ring1Answer | Ring2Answer): Uint8Array {
    return this.#channel.seal(bytes(JSON.stringify(message)));
  }

  /** Puts bytes on the wire as they are. */
  async sendRaw(data: Uint8Array): Promise<void> {
    for (let sent = 0; sent < data.length;) sent += await this.#tcp.write(data.subarray(sent));
  }

  close(): void {
    this.#channel[Symbol.dispose]();
    try {
      this.#tcp.close();
    } catch {
      // It was closed before.
    }
  }

  async #read(): Promise<boolean> {
    const buffer = new Uint8Array(16 * 1024);
    const count = await this.#tcp.read(buffer).catch(() => null);
    if (count === null) return false;
    for (const event of this.#channel.receive(buffer.subarray(0, count))) await this.#take(event);
    return true;
  }

  async #take(event: ChannelEvent): Promise<void> {
    if (event.type === "failed") throw new Error(`a client broke the channel: ${event.reason}`);
    if (event.type === "send") await this.sendRaw(event.bytes);
    if (event.type === "open") this.clientKey = event.remoteKey.slice();
    if (event.type !== "message") return;
    const message: Received = JSON.parse(text(event.plaintext));
    if (message.type === "ping") {
      this.pings++;
      if (this.answersPings) await this.send({ type: "pong" });
    } else if (message.type !== "pong") this.#messages.push(message);
    else this.pongs.push(message);
  }
}

/** What a fake master does with a connection after its handshake; then it closes it. */
export type Script = (peer: FakePeer) => Promise<void> | void;

/** How a fake master is. */
export interface FakeMasterOptions {
  readonly prologue?: Uint8Array;
  /** For ring 0, whose handshake has one. */
  readonly psk?: Uint8Array;
  readonly keyPair?: KeyPair;
  /** Port; any free one when not given. */
  readonly port?: number;
}

/** A master that does as it is told, on a port of its own. */
export class FakeMaster implements AsyncDisposable {
  readonly keyPair: KeyPair;
  /** Connections that were accepted. */
  accepted = 0;
  /** What the script does; may be changed for later connections. */
  script: Script;
  /** Why scripts failed; nothing when all went as told. */
  readonly failures: unknown[] = [];
  readonly #listener: Deno.TcpListener;
  readonly #prologue: Uint8Array;
  readonly #psk: Uint8Array | undefined;
  readonly #peers = new Set<FakePeer>();
  readonly #served: Promise<void>[] = [];
  readonly #accepting: Promise<void>;

  constructor(script: Script, options: FakeMasterOptions = {}) {
    this.script = script;
    this.keyPair = options.keyPair ?? gcrypt.keyPair();
    this.#prologue = options.prologue ?? RING_2.prologue;
    this.#psk = options.psk;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: options.port ?? 0 });
    this.#accepting = this.#accept();
  }

  /** Where it is, with its key unless told otherwise. */
  get address(): MasterAddress {
    return { host: "127.0.0.1", port: this.port, key: this.keyPair.publicKey };
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const peer of this.#peers) peer.close();
  }

  /** Stops it, and throws what a script threw. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#accepting;
    await Promise.all(this.#served);
    if (this.failures.length > 0) throw this.failures[0];
  }

  async #accept(): Promise<void> {
    try {
      for await (const tcp of this.#listener) this.#served.push(this.#serve(tcp));
    } catch {
      // It was stopped.
    }
  }

  async #serve(tcp: Deno.TcpConn): Promise<void> {
    const channel = new Channel({
      primitives: gcrypt,
      role: "responder",
      prologue: this.#prologue,
      staticKey: this.keyPair,
      ...(this.#psk === undefined ? { pattern: "XX" } : { pattern: "XXpsk3", psk: this.#psk }),
    });
    const peer = new FakePeer(tcp, channel, ++this.accepted);
    this.#peers.add(peer);
    try {
      if (await peer.shakeHands()) await this.script(peer);
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource || isGone(error))) this.failures.push(error);
    } finally {
      peer.close();
      this.#peers.delete(peer);
    }
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.Interrupted;
}

/** A server of a list. */
export function server(port: number, more: Partial<ServerEntry> = {}): ServerEntry {
  return {
    ip: "192.0.2.1",
    port,
    gamename: "netpanzer",
    name: `Server ${port}`,
    protocol: 1122,
    country: "FR",
    map: "Two clans",
    players: 1,
    max_players: 8,
    number: port,
    verified: true,
    last_seen: "2026-01-01T00:00:00.000Z",
    settings: {},
    ...more,
  };
}

/** A message of a list. */
export function servers(
  cursor: string,
  list: readonly ServerEntry[],
  more: Partial<Omit<Servers, "type">> = {},
): Servers {
  return { type: "servers", servers: list, removed: [], last: true, cursor, ...more };
}
