import {
  canonicalAddress,
  decodeStatus,
  type GameStatus,
  isIpv6,
  MAX_STATUS_BYTES,
  STATUS_QUERY,
  statusPairs,
} from "../protocol/mod.ts";
import {
  addressesOf,
  type AddressFamily,
  familyOf,
  type Resolve,
  systemResolve,
} from "./resolve.ts";

/** Where a game server answers over UDP. */
export interface GameAddress {
  /** Host name or address. */
  readonly host: string;
  /** Port that players connect to. */
  readonly port: number;
}

/** How long and how often a server is asked. */
export interface AskTiming {
  /** Milliseconds after which a question without an answer is lost. */
  readonly answerMs: number;
  /** How often it is asked again. */
  readonly retries: number;
}

/** A server's own words: what was understood of them, and every pair as it came. */
export interface AnsweredStatus {
  readonly status: GameStatus;
  readonly values: ReadonlyMap<string, string>;
}

/** An answer, and how it came. */
export interface StatusAnswer extends AnsweredStatus {
  /** Family of the address that the server answered at. */
  readonly family: AddressFamily;
}

/** What comes of asking. */
export type AskedStatus =
  | ({ readonly type: "answered" } & StatusAnswer)
  | { readonly type: "silent"; readonly reason: string };

/** IPv4 first: netPanzer 0.8.7 answers over nothing else. */
const FAMILIES: readonly AddressFamily[] = [4, 6];

/** Receives until the server's status comes; undefined when the socket is closed before that. */
async function receiveStatus(
  socket: Deno.DatagramConn,
  ip: string,
  port: number,
): Promise<AnsweredStatus | undefined> {
  // One byte more than a status may have, so that a longer one is seen to be too long.
  const buffer = new Uint8Array(MAX_STATUS_BYTES + 1);
  try {
    for (;;) {
      const [bytes, from] = await socket.receive(buffer);
      const sender = from as Deno.NetAddr;
      if (sender.port !== port || canonicalAddress(sender.hostname) !== ip) continue;
      const status = decodeStatus(bytes);
      if (status) return { status, values: statusPairs(bytes) };
    }
  } catch {
    return undefined;
  }
}

/**
 * Asks a game server for its status, from a port of its own each time so that no late answer counts
 * for a later question.
 *
 * @param signal Ends it early, as silence.
 * @param resolve Finds the server's address.
 */
export async function askStatus(
  { host, port }: GameAddress,
  { answerMs, retries }: AskTiming,
  signal: AbortSignal,
  resolve: Resolve = systemResolve,
): Promise<AskedStatus> {
  const silent: AskedStatus = { type: "silent", reason: "it does not answer" };
  let ip: string | undefined;
  try {
    [ip] = await addressesOf(host, FAMILIES, resolve, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    return silent;
  }
  if (ip === undefined) return { type: "silent", reason: `the host ${host} is unknown` };
  let socket: Deno.DatagramConn;
  try {
    const hostname = isIpv6(ip) ? "::" : "0.0.0.0";
    socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { type: "silent", reason: `it cannot be asked: ${reason}` };
  }
  let closed = false;
  const close = (): void => {
    if (!closed) socket.close();
    closed = true;
  };
  let asked = 0;
  const ask = (): void => {
    if (asked++ > retries) return close();
    // What cannot be sent is lost, as any datagram may be.
    socket.send(STATUS_QUERY, { transport: "udp", hostname: ip, port }).catch(() => {});
  };
  const timer = setInterval(ask, answerMs);
  signal.addEventListener("abort", close);
  try {
    ask();
    const answer = await receiveStatus(socket, ip, port);
    return answer ? { type: "answered", ...answer, family: familyOf(ip) } : silent;
  } finally {
    clearInterval(timer);
    signal.removeEventListener("abort", close);
    close();
  }
}
