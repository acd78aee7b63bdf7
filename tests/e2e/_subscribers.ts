/** A Worker with many subscribers of ring 2, each of which notes when it hears of a server. */

import { connect, type Socket } from "node:net";
import { Channel, type Crypto, openCrypto, PROLOGUES } from "../../crypto/mod.ts";

/** What the Worker is told. */
export type SubscribersOrder =
  | {
    readonly type: "subscribe";
    readonly port: number;
    /** Addresses of this machine to come from, one subscriber each. */
    readonly from: readonly string[];
  }
  | { readonly type: "report" };

/** What the Worker tells. */
export type SubscribersReport =
  | { readonly type: "subscribed" }
  | {
    readonly type: "heard";
    /** By server's port: when each subscriber first heard of it, milliseconds since 1970. */
    readonly at: ReadonlyMap<number, readonly number[]>;
  }
  | { readonly type: "failed"; readonly reason: string };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Handshakes at a time, so that none waits for the others for too long. */
const AT_ONCE = 20;

const at = new Map<number, number[]>();

function report(message: SubscribersReport): void {
  (self as unknown as Worker).postMessage(message);
}

/** Connects and subscribes; settles with the first list. */
function subscribe(crypto: Crypto, port: number, localAddress: string): Promise<void> {
  const socket: Socket = connect({ host: "127.0.0.1", port, localAddress });
  socket.setNoDelay(true);
  const channel = new Channel({
    primitives: crypto,
    role: "initiator",
    pattern: "XX",
    prologue: PROLOGUES.ring2,
    staticKey: crypto.keyPair(),
  });
  const first = Promise.withResolvers<void>();
  const known = new Set<number>();
  for (const event of channel.start()) if (event.type === "send") socket.write(event.bytes);
  socket.on("data", (bytes: Uint8Array) => {
    const now = performance.timeOrigin + performance.now();
    for (const event of channel.receive(bytes)) {
      if (event.type === "send") socket.write(event.bytes);
      if (event.type === "open") {
        socket.write(channel.seal(encoder.encode('{"type":"subscribe"}')));
      }
      if (event.type === "failed") first.reject(new Error(event.reason));
      if (event.type !== "message") continue;
      const message = JSON.parse(decoder.decode(event.plaintext));
      if (message.type !== "servers") continue;
      for (const server of message.servers) {
        // A server is told again when its Number or its country is known.
        if (known.has(server.port)) continue;
        known.add(server.port);
        const heard = at.get(server.port);
        if (heard) heard.push(now);
        else at.set(server.port, [now]);
      }
      if (message.last) first.resolve();
    }
  });
  socket.on("error", (error) => first.reject(error));
  socket.on("close", () => first.reject(new Error("the master closed a connection")));
  return first.promise;
}

self.onmessage = async ({ data }: MessageEvent<SubscribersOrder>) => {
  if (data.type === "report") return report({ type: "heard", at });
  try {
    const outcome = openCrypto();
    if (outcome.type === "unavailable") throw new Error(outcome.message);
    for (let i = 0; i < data.from.length; i += AT_ONCE) {
      const some = data.from.slice(i, i + AT_ONCE);
      await Promise.all(some.map((address) => subscribe(outcome.crypto, data.port, address)));
    }
    report({ type: "subscribed" });
  } catch (error) {
    report({ type: "failed", reason: String(error) });
  }
};
