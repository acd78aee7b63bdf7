import { lookup } from "node:dns/promises";
import { canonicalAddress, type OldStyleListDecoder } from "../protocol/mod.ts";
import type { HostPort } from "../threads/mod.ts";
import { writeAll } from "./_connections.ts";
import { socketAddress } from "./_sockets.ts";

/** Bytes of an answer at most: a list of some 300,000 servers. */
const MAX_PEER_ANSWER_BYTES = 16 * 1024 * 1024;

/** Bytes taken off a socket at once. */
const PEER_READ_BYTES = 64 * 1024;

/** One request to an old-style master. */
export interface PeerRequest {
  /** Whom to ask. */
  readonly target: HostPort;
  /** What to ask. */
  readonly bytes: Uint8Array;
  /** Takes the answer. */
  readonly decoder: OldStyleListDecoder;
  /** Port of this master's ring 1 bis, by which it knows itself. */
  readonly ownPort: number;
  /** Milliseconds for all of it. */
  readonly timeoutMs: number;
  /** Ends it at once. */
  readonly signal: AbortSignal;
}

/** What came of a request. */
export type Exchange =
  /** The decoder holds the whole answer. */
  | {
    readonly type: "answered";
    /** Canonical address of this end. */
    readonly localIp: string;
    /** Canonical address of the other end. */
    readonly remoteIp: string;
  }
  /** Nobody takes a connection there. */
  | { readonly type: "unreachable"; readonly reason: string }
  /** There was a connection, and no answer that makes sense, or not all of it. */
  | { readonly type: "unanswered"; readonly reason: string }
  /** The other end is this master itself, which was asked nothing. */
  | { readonly type: "own" };

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function closeQuietly(tcp: Deno.TcpConn): void {
  try {
    tcp.close();
  } catch {
    // The end of the waiting closed it.
  }
}

/** Settles as the work does, or rejects when the signal aborts: a name may take a minute. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** An address to connect to. Where there is a choice it is IPv4: old-style lists hold no other. */
async function addressOf(host: string): Promise<string> {
  const address = canonicalAddress(host);
  if (address !== undefined) return address;
  try {
    return (await lookup(host, { family: 4 })).address;
  } catch {
    return host;
  }
}

async function connect({ host, port }: HostPort, signal: AbortSignal): Promise<Deno.TcpConn> {
  const hostname = await unlessAborted(addressOf(host), signal);
  return await Deno.connect({ hostname, port, signal });
}

/** Reads an answer; gives why there is none. */
async function readAnswer(
  tcp: Deno.TcpConn,
  decoder: OldStyleListDecoder,
): Promise<string | undefined> {
  const buffer = new Uint8Array(PEER_READ_BYTES);
  for (let received = 0; received <= MAX_PEER_ANSWER_BYTES;) {
    const count = await tcp.read(buffer);
    if (count === null) {
      if (decoder.end()) return undefined;
      return received === 0
        ? "it closed the connection without an answer"
        : "it closed the connection before the answer was complete";
    }
    received += count;
    if (decoder.push(buffer.subarray(0, count))) return undefined;
  }
  return `its answer is longer than ${MAX_PEER_ANSWER_BYTES / 1024 / 1024} MiB`;
}

async function converse(tcp: Deno.TcpConn, request: PeerRequest): Promise<Exchange> {
  const localIp = socketAddress(tcp.localAddr as Deno.NetAddr);
  const remoteIp = socketAddress(tcp.remoteAddr as Deno.NetAddr);
  if (localIp === remoteIp && request.target.port === request.ownPort) return { type: "own" };
  await writeAll(tcp, request.bytes);
  const reason = await readAnswer(tcp, request.decoder);
  return reason === undefined
    ? { type: "answered", localIp, remoteIp }
    : { type: "unanswered", reason };
}

/**
 * Asks an old-style master for one thing, on a connection of its own, as such masters expect.
 *
 * @throws The signal's reason when it aborts.
 */
export async function exchange(request: PeerRequest): Promise<Exchange> {
  const { signal, timeoutMs } = request;
  signal.throwIfAborted();
  const ending = new AbortController();
  const abort = () => ending.abort(signal.reason);
  signal.addEventListener("abort", abort);
  const timer = setTimeout(() => ending.abort(), timeoutMs);
  let tcp: Deno.TcpConn | undefined;
  try {
    tcp = await connect(request.target, ending.signal);
    const connection = tcp;
    ending.signal.addEventListener("abort", () => closeQuietly(connection));
    return await converse(tcp, request);
  } catch (error) {
    signal.throwIfAborted();
    const late = `it did not answer within ${timeoutMs / 1000} s`;
    const reason = ending.signal.aborted ? late : reasonOf(error);
    return { type: tcp ? "unanswered" : "unreachable", reason };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    if (tcp) closeQuietly(tcp);
  }
}
