/**
 * A crowd of slow clients, run as a Worker so that whoever measures is not slowed down by it.
 *
 * @module
 */

import { connect, type Socket } from "node:net";

/** What the crowd is told. */
export interface CrowdOrder {
  readonly port: number;
  /** Addresses to come from. */
  readonly addresses: readonly string[];
  readonly perAddress: number;
  /** How many of all connections send one byte a second; the others say nothing. */
  readonly trickling: number;
}

/** What the crowd tells: once when all are connected, once when all have seen the end. */
export type CrowdReport =
  | { readonly type: "connected"; readonly connections: number }
  | { readonly type: "failed"; readonly reason: string }
  | {
    readonly type: "dropped";
    /** Milliseconds from each connection's start to its end, as its client saw it. */
    readonly lifetimes: readonly number[];
    /** What those that got any answer got. */
    readonly answers: readonly string[];
  };

interface Port {
  onmessage: ((event: MessageEvent<CrowdOrder>) => void) | null;
  postMessage(report: CrowdReport): void;
}

/** Connections that are opened at the same time: fewer than a listen queue holds. */
const OPENING_AT_ONCE = 50;

/** What the slow ones say, a byte at a time, and never get to the end of. */
const SLOW_REQUEST = "\\list\\gamename\\netpanzer\\".padEnd(1000, "a");

const port = self as unknown as Port;

port.onmessage = ({ data: order }) => {
  run(order).catch((error: unknown) => port.postMessage({ type: "failed", reason: String(error) }));
};

async function run({ port: target, addresses, perAddress, trickling }: CrowdOrder): Promise<void> {
  const answers: string[] = [];
  const lifetimes: Promise<number>[] = [];
  const sockets: Socket[] = [];
  const routes = Array.from({ length: perAddress }, () => addresses).flat();
  const opener = async (): Promise<void> => {
    for (let from = routes.pop(); from !== undefined; from = routes.pop()) {
      const socket = await open(target, from);
      const opened = performance.now();
      socket.on("data", (text: string) => answers.push(text));
      lifetimes.push(
        new Promise((resolve) => {
          const end = (): void => resolve(performance.now() - opened);
          socket.once("end", end);
          socket.once("close", end);
        }),
      );
      if (sockets.push(socket) <= trickling) trickle(socket);
    }
  };
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, opener));
  port.postMessage({ type: "connected", connections: sockets.length });
  const ended = await Promise.all(lifetimes);
  port.postMessage({ type: "dropped", lifetimes: ended, answers });
}

function open(target: number, from: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: target, localAddress: from });
    socket.setEncoding("latin1");
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      // A reset is an end, too, and "close" tells of it.
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

/** Sends a byte every second, the first of them at a random part of one. */
function trickle(socket: Socket): void {
  let sent = 0;
  const send = (): void => {
    if (!socket.destroyed && !socket.readableEnded) socket.write(SLOW_REQUEST.charAt(sent++));
  };
  const begin = setTimeout(() => {
    send();
    const timer = setInterval(send, 1000);
    socket.once("close", () => clearInterval(timer));
  }, Math.random() * 1000);
  socket.once("close", () => clearTimeout(begin));
}
