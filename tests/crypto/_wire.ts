/** Encrypted channels in pairs, what they put on the wire, and what they must not make of it. */

import assert from "node:assert/strict";
import {
  Channel,
  type ChannelEvent,
  type Crypto,
  findLibrary,
  type KeyPair,
  type NoisePrimitives,
  openCrypto,
  type Pattern,
  PROLOGUES,
} from "../../crypto/mod.ts";
import { bytes, type Random } from "../_helpers.ts";

/** More than this a channel must never hold of an unfinished frame: a length and its message. */
export const MAX_PENDING = 2 + 65_535;

/** Plaintext lengths around all that could matter: nothing, blocks, the longest. */
export const LENGTHS: readonly number[] = [0, 1, 15, 16, 17, 63, 64, 65, 1000, 4096, 65_519];

export type Role = "initiator" | "responder";
export const ROLES: readonly Role[] = ["initiator", "responder"];

/** One kind of encrypted connection. */
export interface Ring {
  readonly title: string;
  readonly pattern: Pattern;
  readonly prologue: Uint8Array;
  readonly psk?: Uint8Array;
}

export const RING_0: Ring = {
  title: "ring 0, XXpsk3",
  pattern: "XXpsk3",
  prologue: PROLOGUES.ring0,
  psk: new Uint8Array(32).fill(0x5a),
};
export const RING_1: Ring = { title: "ring 1, XX", pattern: "XX", prologue: PROLOGUES.ring1 };
export const RING_2: Ring = { title: "ring 2, XX", pattern: "XX", prologue: PROLOGUES.ring2 };

/** Everything that a channel can be told; random keys and our own primitives unless given. */
export interface ChannelSetup {
  readonly staticKey?: KeyPair;
  readonly ephemeralKey?: KeyPair;
  readonly primitives?: NoisePrimitives;
  readonly rekeyAfter?: number;
}

function opened(): Crypto | undefined {
  if (findLibrary() === undefined) return undefined;
  const outcome = openCrypto();
  assert.equal(outcome.type, "ready", outcome.type === "unavailable" ? outcome.message : "");
  return outcome.type === "ready" ? outcome.crypto : undefined;
}

const library = opened();

/** libgcrypt; only for tests that are ignored where it is missing. */
export function gcrypt(): Crypto {
  assert.ok(library !== undefined, "this test should have been ignored: libgcrypt is missing");
  return library;
}

/** A test that is ignored, with the reason in its title, where libgcrypt or something else is missing. */
export function cryptoTest(
  title: string,
  run: () => Promise<void> | void,
  missing: string | undefined = undefined,
): void {
  const reason = library === undefined ? "needs libgcrypt: apt-get install libgcrypt20" : missing;
  Deno.test({
    name: reason === undefined ? title : `${title} (${reason})`,
    ignore: reason !== undefined,
    fn: async () => await run(),
  });
}

/** A key pair that is the same in every run. */
export function keyOf(label: string): KeyPair {
  return gcrypt().keyPair(gcrypt().sha256(bytes(label)));
}

export function channelOf(ring: Ring, role: Role, setup: ChannelSetup = {}): Channel {
  return new Channel({
    primitives: gcrypt(),
    staticKey: gcrypt().keyPair(),
    role,
    pattern: ring.pattern,
    prologue: ring.prologue,
    ...(ring.psk === undefined ? {} : { psk: ring.psk }),
    ...setup,
  });
}

/** A responder that waits for the first frame. */
export function listening(ring: Ring, setup?: ChannelSetup): Channel {
  const channel = channelOf(ring, "responder", setup);
  assert.deepEqual(channel.start(), []);
  return channel;
}

/** What events put on the wire. */
export function sent(events: readonly ChannelEvent[]): Uint8Array[] {
  return events.flatMap((event) => event.type === "send" ? [event.bytes] : []);
}

/** Messages that events deliver. */
export function delivered(events: readonly ChannelEvent[]): Uint8Array[] {
  return events.flatMap((event) => event.type === "message" ? [event.plaintext] : []);
}

/** The types of events, in their order. */
export function kinds(events: readonly ChannelEvent[]): string[] {
  return events.map(({ type }) => type);
}

/** Bytes in a frame: their length in two bytes, then they. */
export function framed(content: Uint8Array): Uint8Array {
  return concatenated([Uint8Array.of(content.length >> 8, content.length & 0xff), content]);
}

export function concatenated(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function flipped(data: Uint8Array, bit: number): Uint8Array {
  const copy = data.slice();
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

export function randomBytes(random: Random, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** A text of bytes in pieces of random lengths, most of them short. */
export function pieces(data: Uint8Array, random: Random): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < data.length;) {
    const length = 1 + random.below(random.pick([2, 20, 200, 70_000]));
    parts.push(data.subarray(at, at + length));
    at += length;
  }
  return parts;
}

/** Both ends after a handshake, and what went over the wire meanwhile. */
export interface Session {
  readonly initiator: Channel;
  readonly responder: Channel;
  /** The handshake's three frames. */
  readonly handshake: readonly [Uint8Array, Uint8Array, Uint8Array];
  /** What each end has to say about it. */
  readonly events: Readonly<Record<Role, readonly ChannelEvent[]>>;
}

export function session(
  ring: Ring,
  setups: Partial<Record<Role, ChannelSetup>> = {},
): Session {
  const initiator = channelOf(ring, "initiator", setups.initiator);
  const responder = listening(ring, setups.responder);
  const [first] = sent(initiator.start());
  assert.ok(first !== undefined);
  const toInitiator = responder.receive(first);
  const [second] = sent(toInitiator);
  assert.ok(second !== undefined, JSON.stringify(toInitiator));
  const toResponder = initiator.receive(second);
  const [third] = sent(toResponder);
  assert.ok(third !== undefined, JSON.stringify(toResponder));
  const last = responder.receive(third);
  assert.ok(initiator.isOpen && responder.isOpen, JSON.stringify(last));
  return {
    initiator,
    responder,
    handshake: [first, second, third],
    events: { initiator: toResponder, responder: [...toInitiator, ...last] },
  };
}

export function dispose(...channels: readonly Channel[]): void {
  for (const channel of channels) channel[Symbol.dispose]();
}

/** Two new channels of a ring shake hands and exchange messages, whatever happened before. */
export function assertFreshChannelWorks(ring: Ring): void {
  const { initiator, responder } = session(ring);
  const request = bytes('{"type":"ping"}');
  const answer = bytes('{"type":"pong"}');
  assert.deepEqual(delivered(responder.receive(initiator.seal(request))), [request]);
  assert.deepEqual(delivered(initiator.receive(responder.seal(answer))), [answer]);
  dispose(initiator, responder);
}

/** What a channel says before it fails. */
export interface Before {
  /** Messages delivered. */
  readonly messages?: number;
  /** Whether it opens. */
  readonly opens?: boolean;
}

/**
 * Feeds a channel what must be its end and checks that it ends as it should: says so once, with a
 * reason, as the last thing it says, and is dead then. Returns what it said.
 */
export function assertFails(
  victim: Channel,
  wire: readonly Uint8Array[],
  { messages = 0, opens = false }: Before = {},
): readonly ChannelEvent[] {
  const events = wire.flatMap((part) => victim.receive(part));
  const failures = events.flatMap((event) => event.type === "failed" ? [event.reason] : []);
  assert.equal(failures.length, 1, `said: ${kinds(events)}`);
  assert.notEqual(failures[0], "");
  assert.equal(events.at(-1)?.type, "failed");
  assert.equal(kinds(events).includes("open"), opens);
  assert.equal(delivered(events).length, messages);
  assertDead(victim);
  return events;
}

/** Nothing comes out of a channel that failed, and disposing it twice is no matter. */
export function assertDead(victim: Channel): void {
  for (let round = 0; round < 2; round++) {
    assert.equal(victim.isOpen, false);
    assert.ok(victim.pending <= MAX_PENDING);
    assert.deepEqual(victim.receive(new Uint8Array(0)), []);
    assert.deepEqual(victim.receive(new Uint8Array(200)), []);
    assert.deepEqual(victim.receive(framed(new Uint8Array(32).fill(9))), []);
    assert.throws(() => victim.seal(new Uint8Array(1)), Error);
    victim[Symbol.dispose]();
  }
}
