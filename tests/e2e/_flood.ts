import { connect, type Socket } from "node:net";
import { gameAddress } from "./_network.ts";
import { pause } from "./_until.ts";

/** Milliseconds for which each connection is held open that the other side does not close. */
const HELD_MS = 2000;

/** Bytes of a first message of a handshake: its length, and a key. */
const FIRST_MESSAGE_BYTES = 34;

/** Bytes of garbage. */
const GARBAGE_BYTES = 300;

const encoder = new TextEncoder();

function randomBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** What strangers say. */
const SAYINGS: readonly (() => Uint8Array)[] = [
  () => new Uint8Array(),
  () => randomBytes(GARBAGE_BYTES),
  // A handshake that begins well, and so costs the other side its part.
  () => Uint8Array.of(0, 32, ...randomBytes(FIRST_MESSAGE_BYTES - 2)),
  () => Uint8Array.of(0, 32, ...randomBytes(FIRST_MESSAGE_BYTES - 2 + GARBAGE_BYTES)),
  // The longest message there is, which never comes.
  () => Uint8Array.of(255, 255, 0),
  () => encoder.encode("\\heartbeat\\gamename\\master\\port\\28900\\password\\guess\\final\\"),
  () => encoder.encode('GET / HTTP/1.1\r\nHost: example.org\r\n\r\n{"type":"hello"}'),
];

/**
 * Connections of strangers to one port, from many addresses; nobody waits for answers.
 *
 * @returns How many the other side took.
 */
export async function flood(
  { host, port, count, perSecond }: {
    readonly host: string;
    readonly port: number;
    readonly count: number;
    readonly perSecond: number;
  },
): Promise<number> {
  const sockets: Socket[] = [];
  let taken = 0;
  for (let number = 0; number < count; number++) {
    // A tenth of them comes from one address.
    const from = gameAddress(number % 10 === 0 ? 40_000 : 40_000 + number);
    const socket = connect({ host, port, localAddress: from });
    socket.on("error", () => {});
    socket.once("connect", () => {
      taken++;
      socket.write((SAYINGS[number % SAYINGS.length] as () => Uint8Array)());
    });
    socket.resume();
    sockets.push(socket);
    if (number % 20 === 19) await pause(20_000 / perSecond);
  }
  await pause(HELD_MS);
  await Promise.all(sockets.map((socket) => {
    if (socket.closed) return;
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.destroy();
    return closed;
  }));
  return taken;
}
