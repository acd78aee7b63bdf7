import { canonicalAddress, hostKey } from "../protocol/mod.ts";

/** Connections of one ring at a time; leaves room below the usual limit on open files. */
const MAX_CONNECTIONS = 16_000;

/** Refused connections that are still being told so; further ones are closed without a word. */
const MAX_LINGERING = 256;

/** Milliseconds for which a refused connection's last bytes are read, so that it sees the answer. */
const LINGER_MS = 1000;

/** Milliseconds between two looks for connections that are over their time. */
const SWEEP_MS = 500;

/** Milliseconds to wait when the system has no more sockets to give. */
const EXHAUSTED_PAUSE_MS = 100;

/** Bytes read at a time. */
const READ_BYTES = 2048;

/** One accepted connection. */
export interface Connection {
  readonly tcp: Deno.TcpConn;
  /** Canonical address of the other side. */
  readonly ip: string;
  /** Canonical address it connected to. */
  readonly localIp: string;
  /** Whether part of a request is in hand, so that a stop should wait for it. */
  busy: boolean;
}

/** Limits that may change while connections are open. */
export interface ConnectionLimits {
  /** Connections of one host at a time. */
  readonly perHost: number;
  /** Milliseconds until an idle or unfinished request is dropped. */
  readonly timeoutMs: number;
}

/** What happens with connections. */
export interface ConnectionHandler {
  /** Current limits. */
  limits(): ConnectionLimits;
  /** Serves one connection until it is over; it is closed afterwards. */
  serve(connection: Connection): Promise<void>;
  /** Bytes to tell a host that it has too many connections, and a chance to log it. */
  refusal(ip: string): Uint8Array;
}

/** Writes all of it. */
export async function writeAll(tcp: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  let written = await tcp.write(bytes);
  while (written < bytes.length) written += await tcp.write(bytes.subarray(written));
}

function closeQuietly(tcp: Deno.TcpConn): void {
  try {
    tcp.close();
  } catch {
    // Closed already, by the other path that ends a connection.
  }
}

/** Accepts connections of a ring, bounds them in number and time, and closes them. */
export class Connections {
  readonly #listener: Deno.TcpListener;
  readonly #handler: ConnectionHandler;
  /** In the order of their deadlines, which all are the same time away when set. */
  readonly #deadlines = new Map<Connection, number>();
  readonly #perHost = new Map<string, number>();
  readonly #spareBuffers: Uint8Array<ArrayBuffer>[] = [];
  #sweepTimer: ReturnType<typeof setInterval> | undefined;
  #idle = Promise.withResolvers<void>();
  #stopping = false;
  #lingering = 0;
  accepted = 0;
  refused = 0;
  timedOut = 0;

  constructor(listener: Deno.TcpListener, handler: ConnectionHandler) {
    this.#listener = listener;
    this.#handler = handler;
  }

  get open(): number {
    return this.#deadlines.size;
  }

  /** Accepts until stopped. */
  async run(): Promise<void> {
    this.#sweepTimer = setInterval(() => this.#sweep(), SWEEP_MS);
    while (!this.#stopping) {
      try {
        this.#admit(await this.#listener.accept());
      } catch (error) {
        if (this.#stopping || error instanceof Deno.errors.BadResource) return;
        // Out of file descriptors, or a connection that died in the queue: neither ends the ring.
        await new Promise((resolve) => setTimeout(resolve, EXHAUSTED_PAUSE_MS));
      }
    }
  }

  /** Starts a connection's time anew, because it completed a request. */
  touch(connection: Connection): void {
    this.#deadlines.delete(connection);
    this.#deadlines.set(connection, performance.now() + this.#handler.limits().timeoutMs);
  }

  /** A buffer to read into, returned with {@link returnBuffer}. */
  takeBuffer(): Uint8Array<ArrayBuffer> {
    return this.#spareBuffers.pop() ?? new Uint8Array(READ_BYTES);
  }

  returnBuffer(buffer: Uint8Array<ArrayBuffer>): void {
    if (this.#spareBuffers.length < MAX_LINGERING) this.#spareBuffers.push(buffer);
  }

  /** Says a last word and waits briefly for the other side to read it. */
  async dismiss(tcp: Deno.TcpConn, lastWord: Uint8Array): Promise<void> {
    if (this.#lingering >= MAX_LINGERING) return closeQuietly(tcp);
    this.#lingering++;
    const timer = setTimeout(() => closeQuietly(tcp), LINGER_MS);
    try {
      await writeAll(tcp, lastWord);
      await tcp.closeWrite();
      // Closing with unread bytes would reset the connection and take the answer along.
      const buffer = this.takeBuffer();
      while (await tcp.read(buffer) !== null);
      this.returnBuffer(buffer);
    } catch {
      // It went away by itself, or its time was up.
    } finally {
      clearTimeout(timer);
      this.#lingering--;
      closeQuietly(tcp);
    }
  }

  /** Stops accepting, closes what is idle, waits for what is in hand. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#listener.close();
    for (const connection of this.#deadlines.keys()) {
      if (!connection.busy) closeQuietly(connection.tcp);
    }
    if (this.#deadlines.size > 0) {
      const timer = setTimeout(() => this.#idle.resolve(), graceMs);
      await this.#idle.promise;
      clearTimeout(timer);
    }
    clearInterval(this.#sweepTimer);
    for (const connection of this.#deadlines.keys()) closeQuietly(connection.tcp);
  }

  #admit(tcp: Deno.TcpConn): void {
    const remote = tcp.remoteAddr as Deno.NetAddr;
    const ip = canonicalAddress(remote.hostname) ?? remote.hostname;
    const host = hostKey(ip);
    const count = this.#perHost.get(host) ?? 0;
    const limits = this.#handler.limits();
    if (count >= limits.perHost || this.#deadlines.size >= MAX_CONNECTIONS) {
      this.refused++;
      void this.dismiss(tcp, this.#handler.refusal(ip));
      return;
    }
    this.accepted++;
    this.#perHost.set(host, count + 1);
    const local = tcp.localAddr as Deno.NetAddr;
    const localIp = canonicalAddress(local.hostname) ?? local.hostname;
    const connection: Connection = { tcp, ip, localIp, busy: false };
    this.#deadlines.set(connection, performance.now() + limits.timeoutMs);
    void this.#serve(connection, host);
  }

  async #serve(connection: Connection, host: string): Promise<void> {
    try {
      await this.#handler.serve(connection);
    } catch {
      // Reset, timed out or closed by a stop: the connection is over either way.
    } finally {
      closeQuietly(connection.tcp);
      this.#deadlines.delete(connection);
      const count = this.#perHost.get(host) ?? 1;
      if (count > 1) this.#perHost.set(host, count - 1);
      else this.#perHost.delete(host);
      if (this.#stopping && this.#deadlines.size === 0) this.#idle.resolve();
    }
  }

  #sweep(): void {
    const now = performance.now();
    for (const [connection, deadline] of this.#deadlines) {
      if (deadline > now) return;
      this.timedOut++;
      this.#deadlines.delete(connection);
      closeQuietly(connection.tcp);
    }
  }
}
