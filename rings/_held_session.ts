import type { Channel, ChannelEvent } from "../crypto/mod.ts";
import type { ErrorMessage } from "../protocol/mod.ts";
import { type Connection, type Connections, writeAll } from "./_connections.ts";
import type { FramePool } from "./_frame_pool.ts";
import type { SecureSession } from "./_secure_session.ts";

/** Milliseconds of silence after which a connection is closed. */
export const SILENCE_MS = 90_000;

/**
 * Bytes that may wait for a session's other side. Who asks for more without reading it is cut off;
 * nothing that is sent unasked gets near it.
 */
const MAX_WAITING_BYTES = 1024 * 1024;

/**
 * Bytes of a long message. When the system has taken one, the other side lives: a long list takes
 * longer than the silence that ends a connection, and is not silent.
 */
const BULK_BYTES = 16 * 1024;

/** What comes of a session beside what it has to send. */
export type SessionMessage = Exclude<ChannelEvent, { readonly type: "send" }>;

const encoder = new TextEncoder();

/** One encrypted connection, from the side of the ring that holds it. */
export class HeldSession<Answer> implements SecureSession<Answer> {
  readonly connection: Connection;
  readonly #channel: Channel;
  readonly #pool: FramePool;
  /** Public key of the other side, base64; empty until the handshake is done. */
  key = "";
  /** Whether it was asked for a sign of life and has not given one. */
  wasPinged = false;
  /** Messages that were refused for coming too fast. */
  ignored = 0;
  #tail: Promise<void> = Promise.resolve();
  #waitingBytes = 0;
  #closed = false;

  constructor(connection: Connection, channel: Channel, pool: FramePool) {
    this.connection = connection;
    this.#channel = channel;
    this.#pool = pool;
  }

  get isDrained(): boolean {
    return this.#waitingBytes === 0;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Does the handshake, then gives each message, until either side has enough. */
  async *messages(connections: Connections): AsyncGenerator<SessionMessage> {
    const buffer = connections.takeBuffer();
    try {
      while (!this.#closed) {
        const count = await this.connection.tcp.read(buffer);
        if (count === null) return;
        for (const event of this.#channel.receive(buffer.subarray(0, count))) {
          if (event.type === "send") await this.#write(event.bytes);
          else yield event;
        }
      }
    } finally {
      connections.returnBuffer(buffer);
    }
  }

  send(message: Answer | ErrorMessage): Promise<void> {
    return this.sendText(JSON.stringify(message));
  }

  /** Sends a message that is JSON already. */
  sendText(json: string): Promise<void> {
    return this.sendBytes(encoder.encode(json));
  }

  sendBytes(plaintext: Uint8Array): Promise<void> {
    if (this.#closed || !this.#channel.isOpen) return Promise.resolve();
    return plaintext.length < BULK_BYTES
      ? this.#write(this.#channel.seal(plaintext))
      : this.#sendBulk(plaintext);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    void this.#tail.then(() => this.#hangUp());
  }

  /** The other side has given a sign of life. */
  heard(): void {
    this.wasPinged = false;
    this.connection.deadline = performance.now() + SILENCE_MS;
  }

  /** Nothing can be sent any more. */
  end(): void {
    this.#closed = true;
  }

  async #sendBulk(plaintext: Uint8Array): Promise<void> {
    const buffer = this.#pool.take();
    const end = this.#channel.sealInto(plaintext, buffer, 0);
    await this.#write(buffer.subarray(0, end));
    this.#pool.give(buffer);
  }

  #write(bytes: Uint8Array): Promise<void> {
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > MAX_WAITING_BYTES + bytes.length) {
      this.end();
      this.#hangUp();
      return Promise.resolve();
    }
    const isFirst = this.#waitingBytes === bytes.length;
    const written = isFirst ? this.#writeNow(bytes) : this.#tail.then(() => this.#writeNow(bytes));
    this.#tail = written;
    return written;
  }

  async #writeNow(bytes: Uint8Array): Promise<void> {
    try {
      await writeAll(this.connection.tcp, bytes);
      if (bytes.length >= BULK_BYTES) this.heard();
    } catch {
      // The other side went away: the read that waits for it notices, too.
      this.end();
    } finally {
      this.#waitingBytes -= bytes.length;
    }
  }

  #hangUp(): void {
    try {
      this.connection.tcp.close();
    } catch {
      // It was closed by the other side, or by its time.
    }
  }
}
