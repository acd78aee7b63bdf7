/**
 * The masterserver's own cryptography at work, without sockets: the counterpart of noise.c, which
 * has the same arguments and tells what the work is. Besides, there is `seal-into`, which seals into
 * memory at hand.
 *
 * `deno run --allow-all noise.ts TASK COUNT …` prints one line of JSON: the CPU time of the work,
 * user and system, all threads, and so the compiler's and the collector's share too.
 *
 * @module
 */

import process from "node:process";
import {
  Channel,
  type ChannelEvent,
  type Crypto,
  FRAME_OVERHEAD_BYTES,
  openCrypto,
  PROLOGUES,
} from "../crypto/mod.ts";

/** Frames sealed at a time to be opened: noise.c has the same. */
const BATCH_BYTES = 4 * 1024 * 1024;

/** Parts of the work done before the work that is timed: by then the code is compiled. */
const WARM_UP = 0.5;

/** Microseconds of CPU time so far. */
function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function timed(work: () => void): number {
  const before = cpuMicroseconds();
  work();
  return cpuMicroseconds() - before;
}

function frame(message: Uint8Array): Uint8Array {
  return Uint8Array.of(message.length >> 8, message.length & 0xff, ...message);
}

function timeHandshakes(crypto: Crypto, count: number, recorded: readonly string[]): number {
  const [staticKey, ephemeralKey, first, last, hash] = recorded.map((text) =>
    Uint8Array.fromHex(text)
  );
  if (!staticKey || !ephemeralKey || !first || !last || !hash) {
    throw new Error("usage: noise.ts handshake COUNT STATIC EPHEMERAL FIRST LAST HASH");
  }
  const firstFrame = frame(first);
  const lastFrame = frame(last);
  const expected = hash.toHex();
  const options = {
    primitives: crypto,
    role: "responder",
    pattern: "XX",
    prologue: PROLOGUES.ring2,
    staticKey: crypto.keyPair(staticKey),
    ephemeralKey: crypto.keyPair(ephemeralKey),
  } as const;
  return timed(() => {
    for (let i = 0; i < count; i++) {
      crypto.keyPair();
      using channel = new Channel(options);
      channel.start();
      channel.receive(firstFrame);
      const [event] = channel.receive(lastFrame);
      if (event?.type !== "open" || event.handshakeHash.toHex() !== expected) {
        throw new Error(`the recorded handshake ends with ${JSON.stringify(event)}`);
      }
    }
  });
}

function framesOf(events: readonly ChannelEvent[]): Uint8Array[] {
  return events.flatMap((event) => event.type === "send" ? [event.bytes] : []);
}

/** Two open ends of a channel. */
export function openPair(primitives: Crypto): { sender: Channel; receiver: Channel } {
  const common = { primitives, pattern: "XX", prologue: PROLOGUES.ring2 } as const;
  const end = (role: "initiator" | "responder") =>
    new Channel({ ...common, role, staticKey: primitives.keyPair() });
  const [sender, receiver] = [end("initiator"), end("responder")];
  receiver.start();
  let frames = framesOf(sender.start());
  for (let to = receiver; frames.length > 0; to = to === receiver ? sender : receiver) {
    frames = frames.flatMap((bytes) => framesOf(to.receive(bytes)));
  }
  return { sender, receiver };
}

function timeSealing(crypto: Crypto, count: number, bytes: number): number {
  const { sender } = openPair(crypto);
  const plaintext = new Uint8Array(bytes).fill(0x5a);
  return timed(() => {
    for (let i = 0; i < count; i++) sender.seal(plaintext);
  });
}

function timeSealingInto(crypto: Crypto, count: number, bytes: number): number {
  const { sender } = openPair(crypto);
  const plaintext = new Uint8Array(bytes).fill(0x5a);
  const out = new Uint8Array(bytes + FRAME_OVERHEAD_BYTES);
  return timed(() => {
    for (let i = 0; i < count; i++) sender.sealInto(plaintext, out, 0);
  });
}

function timeOpening(crypto: Crypto, count: number, bytes: number): number {
  const { sender, receiver } = openPair(crypto);
  const plaintext = new Uint8Array(bytes).fill(0x5a);
  const size = bytes + FRAME_OVERHEAD_BYTES;
  const memory = new Uint8Array(BATCH_BYTES);
  const batch = Array.from(
    { length: Math.floor(BATCH_BYTES / size) },
    (_, i) => memory.subarray(i * size, (i + 1) * size),
  );
  let took = 0;
  for (let done = 0; done < count; done += batch.length) {
    const frames = batch.slice(0, count - done);
    for (const out of frames) sender.sealInto(plaintext, out, 0);
    took += timed(() => {
      for (const sealed of frames) {
        const [event] = receiver.receive(sealed);
        if (event?.type !== "message") throw new Error(`opening gives ${JSON.stringify(event)}`);
      }
    });
  }
  return took;
}

function main([task, countText, ...rest]: readonly string[]): void {
  const opened = openCrypto();
  if (opened.type === "unavailable") throw new Error(opened.message);
  const { crypto } = opened;
  const count = Number(countText);
  const work = (times: number): number => {
    switch (task) {
      case "handshake":
        return timeHandshakes(crypto, times, rest);
      case "seal":
        return timeSealing(crypto, times, Number(rest[0]));
      case "seal-into":
        return timeSealingInto(crypto, times, Number(rest[0]));
      case "open":
        return timeOpening(crypto, times, Number(rest[0]));
      default:
        throw new Error(`unknown task "${task}": give handshake, seal, seal-into or open`);
    }
  };
  work(Math.ceil(count * WARM_UP));
  const microseconds = work(count);
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify({ microseconds })}\n`));
}

if (import.meta.main) main(Deno.args);
