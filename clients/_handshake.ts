import { Channel, type ChannelEvent, type KeyPair, type NoisePrimitives } from "../crypto/mod.ts";
import { brokenBy, connectionError, nameOf, wrongKey } from "./_failures.ts";
import { ClientError } from "./errors.ts";
import type { MasterAddress } from "./master_address.ts";
import { addressesOf, type AddressFamily, type Resolve } from "./resolve.ts";
import type { Timing } from "./timing.ts";

/** Bytes taken off a socket at once: the largest frame fits. */
export const READ_BYTES = 64 * 1024;

/** What a handshake takes. */
export interface HandshakeOptions {
  readonly crypto: NoisePrimitives;
  readonly keyPair: KeyPair;
  readonly prologue: Uint8Array;
  /** The key of an XXpsk3 handshake; without it the handshake is XX. */
  readonly psk: Uint8Array | undefined;
  /** Milliseconds for connecting and the handshake together. */
  readonly timeoutMs: number;
  readonly timing: Timing;
  readonly signal: AbortSignal | undefined;
  /** Which addresses of the master to prefer; as the system does when undefined. */
  readonly family: AddressFamily | undefined;
  readonly resolve: Resolve;
}

/** A connection after its handshake. */
export interface OpenChannel {
  readonly tcp: Deno.TcpConn;
  readonly channel: Channel;
  readonly remoteKey: Uint8Array;
  readonly handshakeHash: Uint8Array;
  /** What came together with the handshake's end. */
  readonly events: readonly ChannelEvent[];
}

export function closeQuietly(tcp: Deno.TcpConn | undefined): void {
  try {
    tcp?.close();
  } catch {
    // It was closed before.
  }
}

export async function writeAll(tcp: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await tcp.write(bytes.subarray(sent));
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/**
 * Looks for the handshake's end among what a read gave, and at whose key it ended with.
 *
 * @throws ClientError when the handshake failed or the key is another than the pinned one.
 */
function findOpen(
  master: MasterAddress,
  events: readonly ChannelEvent[],
): Extract<ChannelEvent, { type: "open" }> | undefined {
  for (const event of events) {
    if (event.type === "failed") {
      throw brokenBy(
        master,
        `does not complete the handshake (${event.reason}): is this the ring's own port?`,
      );
    }
    if (event.type !== "open") continue;
    if (master.key && !equalBytes(master.key, event.remoteKey)) {
      throw wrongKey(master, master.key, event.remoteKey);
    }
    return event;
  }
  return undefined;
}

async function shakeHands(
  master: MasterAddress,
  tcp: Deno.TcpConn,
  channel: Channel,
): Promise<OpenChannel> {
  const buffer = new Uint8Array(READ_BYTES);
  let events = channel.start();
  for (let received = 0;;) {
    const open = findOpen(master, events);
    // Only now: the last message of the handshake holds who we are, and is not for strangers.
    for (const event of events) if (event.type === "send") await writeAll(tcp, event.bytes);
    if (open) {
      const { remoteKey, handshakeHash } = open;
      const rest = events.slice(events.indexOf(open) + 1).filter(({ type }) => type !== "send");
      return { tcp, channel, remoteKey, handshakeHash, events: rest };
    }
    const count = await tcp.read(buffer);
    if (count === null) {
      throw received === 0
        ? new ClientError("unavailable", `${nameOf(master)} closed the connection at once`)
        : brokenBy(master, "closed the connection during the handshake");
    }
    received += count;
    events = channel.receive(buffer.subarray(0, count));
  }
}

/** Connects to the first address of a master that answers. */
async function connectTo(
  { host, port }: MasterAddress,
  { family, resolve }: Pick<HandshakeOptions, "family" | "resolve">,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const found = family === undefined ? [] : await addressesOf(host, [family], resolve, signal);
  // Without an address of that family, any other is better than none.
  const addresses = found.length > 0 ? found : [host];
  let failure: unknown;
  for (const hostname of addresses) {
    try {
      return await Deno.connect({ hostname, port, signal });
    } catch (error) {
      if (signal.aborted) throw error;
      failure = error;
    }
  }
  throw failure;
}

/**
 * Connects and shakes hands; whatever fails, nothing stays open.
 *
 * @throws ClientError, or the signal's reason.
 */
export async function openChannel(
  master: MasterAddress,
  options: HandshakeOptions,
): Promise<OpenChannel> {
  const { timeoutMs, timing, crypto, keyPair, prologue, psk } = options;
  options.signal?.throwIfAborted();
  const channel = new Channel({
    primitives: crypto,
    role: "initiator",
    prologue,
    staticKey: keyPair,
    ...(psk === undefined ? { pattern: "XX" } : { pattern: "XXpsk3", psk }),
  });
  const settled = new AbortController();
  const late = new AbortController();
  const timeout = timing.sleep(timeoutMs, settled.signal).then(() => {
    if (settled.signal.aborted) return;
    late.abort(
      new ClientError(
        "unavailable",
        `${nameOf(master)} did not complete a handshake within ${timeoutMs / 1000} s`,
      ),
    );
  });
  const signal = AbortSignal.any(options.signal ? [options.signal, late.signal] : [late.signal]);
  let tcp: Deno.TcpConn | undefined;
  // Closing the socket is what ends a read or a write that waits.
  const close = () => closeQuietly(tcp);
  signal.addEventListener("abort", close);
  try {
    tcp = await connectTo(master, options, signal);
    signal.throwIfAborted();
    tcp.setNoDelay();
    return await shakeHands(master, tcp, channel);
  } catch (error) {
    close();
    channel[Symbol.dispose]();
    throw signal.aborted ? signal.reason : connectionError(master, error);
  } finally {
    signal.removeEventListener("abort", close);
    settled.abort();
    await timeout;
  }
}
