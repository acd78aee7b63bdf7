import {
  canonicalAddress,
  encodeError,
  TextDecoderStream,
  type TextMessage,
} from "../protocol/mod.ts";

/** Connections at a time. A relay serves a house, not the world. */
const MAX_CONNECTIONS = 256;

/** Milliseconds until a connection that completes no request is closed. */
const IDLE_MS = 30_000;

/** Connections that are being told why they are closed; further ones are closed without a word. */
const MAX_DISMISSED = 32;

/** Milliseconds for which a connection's last bytes are read, so that its peer sees the answer. */
const LINGER_MS = 1000;

/** Milliseconds to wait when the system cannot accept a connection, before trying again. */
const ACCEPT_PAUSE_MS = 100;

/** Bytes read at a time. */
const READ_BYTES = 2048;

const TOO_MANY = encodeError("Too many connections at once, try again later");

/** One connection, as its messages see it. */
export interface OldStyleSession {
  /** Canonical address of the client. */
  readonly remoteIp: string;
  /** Canonical address that the client connected to. */
  readonly localIp: string;
  /** Whether a GameSpy preamble came, which changes how lists look. */
  gamespy: boolean;
}

/** What a message is answered with. */
export interface OldStyleAnswer {
  /** Bytes to send; undefined for a message without an answer. */
  readonly bytes: Uint8Array | undefined;
  /** Whether the connection closes after it. */
  readonly close: boolean;
}

/** Answers one message. */
export type AnswerOldStyle = (
  message: TextMessage,
  session: OldStyleSession,
) => OldStyleAnswer | Promise<OldStyleAnswer>;

/** Bounds that tests draw tighter. */
export interface OldStyleServerLimits {
  /** Connections at a time. */
  readonly connections: number;
  /** Milliseconds until a connection that completes no request is closed. */
  readonly idleMs: number;
}

async function writeAll(tcp: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await tcp.write(bytes.subarray(written));
  }
}

function closeQuietly(tcp: Deno.TcpConn): void {
  try {
    tcp.close();
  } catch {
    // Closed already, by the other path that ends a connection.
  }
}

function addressOf({ hostname }: Deno.NetAddr): string {
  return canonicalAddress(hostname) ?? hostname;
}

/** Accepts connections that speak the old-style text protocol, and bounds them. */
export class OldStyleServer {
  readonly #listener: Deno.TcpListener;
  readonly #answer: AnswerOldStyle;
  readonly #limits: OldStyleServerLimits;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #served = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  #dismissed = 0;
  #stopping = false;

  /**
   * Listens at once.
   *
   * @param port 0 takes any free one.
   * @throws What the system says when the port cannot be had.
   */
  constructor(
    { hostname, port }: { readonly hostname: string; readonly port: number },
    answer: AnswerOldStyle,
    limits: Partial<OldStyleServerLimits> = {},
  ) {
    this.#listener = Deno.listen({ hostname, port });
    this.#answer = answer;
    this.#limits = { connections: MAX_CONNECTIONS, idleMs: IDLE_MS, ...limits };
    this.#accepting = this.#accept();
  }

  /** Port that clients connect to. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Closes everything; what is being answered is cut off. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#listener.close();
    for (const tcp of this.#open) closeQuietly(tcp);
    await this.#accepting;
    await Promise.all(this.#served);
  }

  async #accept(): Promise<void> {
    while (!this.#stopping) {
      try {
        this.#admit(await this.#listener.accept());
      } catch {
        // No more open files, or a connection that died in the queue: neither ends the relay.
        if (!this.#stopping) await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
      }
    }
  }

  #admit(tcp: Deno.TcpConn): void {
    const full = this.#open.size - this.#dismissed >= this.#limits.connections;
    if (full && this.#dismissed >= MAX_DISMISSED) return closeQuietly(tcp);
    this.#open.add(tcp);
    const serving = full ? this.#dismiss(tcp, TOO_MANY) : this.#serve(tcp);
    const served = serving.catch(() => {
      // Reset, timed out or closed by a stop: the connection is over either way.
    }).finally(() => {
      closeQuietly(tcp);
      this.#open.delete(tcp);
      this.#served.delete(served);
    });
    this.#served.add(served);
  }

  async #serve(tcp: Deno.TcpConn): Promise<void> {
    const session: OldStyleSession = {
      remoteIp: addressOf(tcp.remoteAddr as Deno.NetAddr),
      localIp: addressOf(tcp.localAddr as Deno.NetAddr),
      gamespy: false,
    };
    const decoder = new TextDecoderStream();
    const buffer = new Uint8Array(READ_BYTES);
    let idle = setTimeout(() => closeQuietly(tcp), this.#limits.idleMs);
    try {
      for (;;) {
        const count = await tcp.read(buffer);
        for (
          const item of count === null ? decoder.end() : decoder.push(buffer.subarray(0, count))
        ) {
          if (item.type === "refused") return await this.#dismiss(tcp, encodeError(item.reason));
          const { bytes, close } = await this.#answer(item.message, session);
          if (bytes) await writeAll(tcp, bytes);
          if (close) return;
          clearTimeout(idle);
          idle = setTimeout(() => closeQuietly(tcp), this.#limits.idleMs);
        }
        if (count === null) return;
      }
    } finally {
      clearTimeout(idle);
    }
  }

  /** Says a last word and waits briefly for the other side to read it. */
  async #dismiss(tcp: Deno.TcpConn, lastWord: Uint8Array): Promise<void> {
    this.#dismissed++;
    const timer = setTimeout(() => closeQuietly(tcp), LINGER_MS);
    try {
      await writeAll(tcp, lastWord);
      await tcp.closeWrite();
      // Closing with unread bytes would reset the connection and take the last word along.
      const buffer = new Uint8Array(READ_BYTES);
      while (await tcp.read(buffer) !== null);
    } finally {
      clearTimeout(timer);
      this.#dismissed--;
    }
  }
}
