import { type Channel, MAX_MESSAGE_BYTES } from "../crypto/mod.ts";
import type { Link, Target } from "../mesh/mod.ts";
import type { FramePool } from "./_frame_pool.ts";

/** Bytes from which on a message is sealed into memory that is used again and again. */
const BULK_BYTES = 16 * 1024;

/**
 * Bytes that may wait for the other side at most: several times what a hundred thousand servers
 * take. The mesh holds back long before; this is for what it did not foresee.
 */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** Milliseconds in which the other side takes none of what waits, after which it is given up. */
const STALL_MS = 30_000;

/** Milliseconds of silence after which a connection is closed. The mesh asks for signs of life. */
const SILENCE_MS = 90_000;

/**
 * Bytes waiting for the other side that are much: when less wait, more can be sent, long before the
 * other side has nothing to do.
 */
const MUCH_BYTES = 256 * 1024;

/** Milliseconds that the last messages have to get out. */
const FAREWELL_MS = 5000;

/** Milliseconds for which last bytes are read, so that the other side sees the last messages. */
const LINGER_MS = 1000;

/** Limits that tests make smaller. */
export interface LinkLimits {
  /** Bytes that may wait for the other side. */
  readonly waitingBytes: number;
  /** Milliseconds in which nothing of what waits is taken. */
  readonly stallMs: number;
  /** Milliseconds of silence. */
  readonly silenceMs: number;
}

/** The limits of the program itself. */
export const LINK_LIMITS: LinkLimits = {
  waitingBytes: MAX_WAITING_BYTES,
  stallMs: STALL_MS,
  silenceMs: SILENCE_MS,
};

/** What a link is made of. */
export interface LinkParts {
  readonly tcp: Deno.TcpConn;
  /** Canonical address of the other side. */
  readonly ip: string;
  /** What was dialled; undefined when the other side connected. */
  readonly dialed: Target | undefined;
  readonly channel: Channel;
  readonly pool: FramePool;
  readonly limits: LinkLimits;
  /** Called when much was waiting and is not any more. */
  readonly drained: () => void;
}

/** Sealed bytes on their way, and the memory to give back once they are out. */
interface Frame {
  readonly bytes: Uint8Array;
  readonly memory: Uint8Array | undefined;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

/** Why a connection ended, in words for an operator. */
function breakReason(error: unknown): string {
  if (error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe) {
    return "the other side broke the connection off";
  }
  return `the connection broke: ${error instanceof Error ? error.message : String(error)}`;
}

/** One connection with another master, its handshake included. */
export class MeshLink implements Link {
  readonly tcp: Deno.TcpConn;
  readonly ip: string;
  readonly dialed: Target | undefined;
  readonly channel: Channel;
  readonly #pool: FramePool;
  readonly #limits: LinkLimits;
  readonly #drained: () => void;
  /** Public key of the other side, base64; empty until the handshake is done. */
  key = "";
  /** Messages received so far: the first one proves that the other side knows the password. */
  messages = 0;
  /** What the channel had against the other side; undefined when nothing. */
  failure: string | undefined;
  sentBytes = 0;
  receivedBytes = 0;
  #waiting = 0;
  #queue: Frame[] = [];
  #isWriting = false;
  #isClosing = false;
  #endReason: string | undefined;
  #heardAt = performance.now();
  /** When some of what waits was taken last, or began to wait. */
  #takenAt = 0;
  #farewellTimer: ReturnType<typeof setTimeout> | undefined;

  constructor({ tcp, ip, dialed, channel, pool, limits, drained }: LinkParts) {
    this.tcp = tcp;
    this.ip = ip;
    this.dialed = dialed;
    this.channel = channel;
    this.#pool = pool;
    this.#limits = limits;
    this.#drained = drained;
    // Changes are small, and none may wait for the one before to be acknowledged.
    tcp.setNoDelay(true);
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Whether the mesh has closed it, and so is not told of its end. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Why it is over; undefined while it is not. */
  get endReason(): string | undefined {
    return this.#endReason;
  }

  send(plaintext: Uint8Array): void {
    if (this.#isClosing || this.#endReason !== undefined || !this.channel.isOpen) return;
    if (plaintext.length > MAX_MESSAGE_BYTES) {
      // An exception would take all other links along.
      return this.end(`a fault of this program: a message of ${plaintext.length} bytes`);
    }
    if (plaintext.length < BULK_BYTES) return this.write(this.channel.seal(plaintext));
    const memory = this.#pool.take();
    this.#enqueue({
      bytes: memory.subarray(0, this.channel.sealInto(plaintext, memory, 0)),
      memory,
    });
  }

  /** Sends bytes as they are, for the handshake. */
  write(bytes: Uint8Array): void {
    this.#enqueue({ bytes, memory: undefined });
  }

  close(): void {
    if (this.#isClosing || this.#endReason !== undefined) return;
    this.#isClosing = true;
    this.#endAfter(FAREWELL_MS);
    if (!this.#isWriting) this.#halfClose();
  }

  /** Ends it at once; what waits is dropped. The first reason counts. */
  end(reason: string): void {
    if (this.#endReason !== undefined) return;
    this.#endReason = reason;
    clearTimeout(this.#farewellTimer);
    for (const { memory } of this.#queue) if (memory) this.#pool.give(memory);
    this.#queue = [];
    this.#waiting = 0;
    try {
      this.tcp.close();
    } catch {
      // Closed already, by its time or by a stop.
    }
  }

  /** Bytes that came next; null at the end of the connection, which ends the link. */
  async read(buffer: Uint8Array): Promise<number | null> {
    let count: number | null = null;
    try {
      count = await this.tcp.read(buffer);
      if (count === null) this.end("the other side closed the connection");
    } catch (error) {
      this.end(breakReason(error));
    }
    this.receivedBytes += count ?? 0;
    this.#heardAt = performance.now();
    return count;
  }

  /** Ends it when the other side has been silent, or has taken nothing, for too long. */
  checkLife(now: number): void {
    const { stallMs, silenceMs } = this.#limits;
    if (this.#waiting > 0 && now - this.#takenAt > stallMs) {
      this.end(`the other side took nothing for ${seconds(stallMs)}`);
    } else if (now - this.#heardAt > silenceMs) {
      this.end(`the other side was silent for ${seconds(silenceMs)}`);
    }
  }

  #enqueue(frame: Frame): void {
    const { waitingBytes } = this.#limits;
    if (this.#waiting === 0) this.#takenAt = performance.now();
    this.#waiting += frame.bytes.length;
    this.#queue.push(frame);
    if (this.#waiting > waitingBytes) {
      this.end(`the other side is too slow: more than ${waitingBytes} bytes wait for it`);
    } else if (!this.#isWriting) void this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    try {
      while (this.#queue.length > 0) {
        const frames = this.#queue;
        this.#queue = [];
        for (const { bytes, memory } of frames) {
          await this.#writeFrame(bytes);
          if (memory) this.#pool.give(memory);
        }
      }
    } catch (error) {
      this.end(breakReason(error));
    }
    this.#isWriting = false;
    if (this.#isClosing && this.#endReason === undefined) this.#halfClose();
  }

  async #writeFrame(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length && this.#endReason === undefined;) {
      const count = await this.tcp.write(bytes.subarray(written));
      written += count;
      this.sentBytes += count;
      const wasMuch = this.#waiting >= MUCH_BYTES;
      this.#waiting = Math.max(0, this.#waiting - count);
      this.#takenAt = performance.now();
      if (wasMuch && this.#waiting < MUCH_BYTES) this.#drained();
    }
  }

  /** All is out: whoever reads on meets the other side's end, or the time is over. */
  #halfClose(): void {
    this.#endAfter(LINGER_MS);
    // Closed with bytes unread, the connection would take the last messages with it.
    this.tcp.closeWrite().catch((error: unknown) => this.end(breakReason(error)));
  }

  #endAfter(ms: number): void {
    clearTimeout(this.#farewellTimer);
    this.#farewellTimer = setTimeout(() => this.end("this master closed the connection"), ms);
  }
}
