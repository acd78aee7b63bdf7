import { hostKey } from "../protocol/mod.ts";
import { HostCounts } from "./_host_counts.ts";
import { socketAddress } from "./_sockets.ts";

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
  /** When its time is up, in milliseconds of `performance.now()`. */
  deadline: number;
}

class OpenConnection implements Connection {
  readonly tcp: Deno.TcpConn;
  readonly ip: string;
  /** What its host's connections are counted under. */
  readonly host: string;
  busy = false;
  deadline: number;
  /** Its place among the open ones; undefined once it is none of them. */
  place: number | undefined;

  constructor(tcp: Deno.TcpConn, ip: string, host: string, deadline: number) {
    this.tcp = tcp;
    this.ip = ip;
    this.host = host;
    this.deadline = deadline;
  }

  /** Looked up only when asked for, which lists of masters do. */
  get localIp(): string {
    return socketAddress(this.tcp.localAddr as Deno.NetAddr);
  }
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
  /** The system has no more open files to give: clients wait until others are gone. */
  exhausted(): void;
  /** A connection came to an end that nobody foresaw: a fault of this program. */
  failed(error: unknown): void;
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

function isOutOfFiles(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "EMFILE" || code === "ENFILE";
}

/** Whether an error is one that any connection may end with. */
function isOfTheNetwork(error: unknown): boolean {
  if (!(error instanceof Error) || "code" in error) return error instanceof Error;
  return ![Error, TypeError, RangeError, ReferenceError, SyntaxError].some((kind) =>
    Object.getPrototypeOf(error) === kind.prototype
  );
}

/** Accepts connections of a ring, bounds them in number and time, and closes them. */
export class Connections {
  readonly #listener: Deno.TcpListener;
  readonly #handler: ConnectionHandler;
  /** In no order. Not a Map or Set, for the reason that {@link HostCounts} tells. */
  readonly #open: OpenConnection[] = [];
  readonly #perHost = new HostCounts();
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

  /** Whether connections end as soon as nothing is in hand on them. */
  get stopping(): boolean {
    return this.#stopping;
  }

  get open(): number {
    return this.#open.length;
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
        if (isOutOfFiles(error)) this.#handler.exhausted();
        await new Promise((resolve) => setTimeout(resolve, EXHAUSTED_PAUSE_MS));
      }
    }
  }

  /** Starts a connection's time anew, because it completed a request. */
  touch(connection: Connection): void {
    connection.deadline = performance.now() + this.#handler.limits().timeoutMs;
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
    for (const connection of this.#open) {
      if (!connection.busy) closeQuietly(connection.tcp);
    }
    if (this.#open.length > 0) {
      const timer = setTimeout(() => this.#idle.resolve(), graceMs);
      await this.#idle.promise;
      clearTimeout(timer);
    }
    clearInterval(this.#sweepTimer);
    for (const connection of this.#open) closeQuietly(connection.tcp);
  }

  #admit(tcp: Deno.TcpConn): void {
    const ip = socketAddress(tcp.remoteAddr as Deno.NetAddr);
    const host = hostKey(ip);
    const limits = this.#handler.limits();
    if (this.#perHost.of(host) >= limits.perHost || this.#open.length >= MAX_CONNECTIONS) {
      this.refused++;
      void this.dismiss(tcp, this.#handler.refusal(ip));
      return;
    }
    this.accepted++;
    this.#perHost.enter(host);
    const deadline = performance.now() + limits.timeoutMs;
    const connection = new OpenConnection(tcp, ip, host, deadline);
    connection.place = this.#open.push(connection) - 1;
    void this.#serve(connection);
  }

  async #serve(connection: OpenConnection): Promise<void> {
    try {
      await this.#handler.serve(connection);
    } catch (error) {
      // Reset, timed out or closed by a stop: the connection is over either way.
      if (!isOfTheNetwork(error)) this.#handler.failed(error);
    } finally {
      closeQuietly(connection.tcp);
      this.#remove(connection);
      this.#perHost.leave(connection.host);
      if (this.#stopping && this.#open.length === 0) this.#idle.resolve();
    }
  }

  /** Takes a connection out of the open ones; the last one gets its place. */
  #remove(connection: OpenConnection): void {
    const { place } = connection;
    const last = this.#open.at(-1);
    if (place === undefined || !last) return;
    this.#open[place] = last;
    last.place = place;
    this.#open.pop();
    connection.place = undefined;
  }

  #sweep(): void {
    const now = performance.now();
    for (const connection of this.#open.filter(({ deadline }) => deadline <= now)) {
      this.timedOut++;
      this.#remove(connection);
      closeQuietly(connection.tcp);
    }
  }
}
