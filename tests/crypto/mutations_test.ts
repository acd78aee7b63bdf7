/** Channel against random changes of recorded sessions. */

import assert from "node:assert/strict";
import { bytes, Random } from "../_helpers.ts";
import { Recording } from "./_recording.ts";
import {
  concatenated,
  cryptoTest,
  delivered,
  dispose,
  flipped,
  framed,
  kinds,
  MAX_PENDING,
  pieces,
  randomBytes,
  RING_0,
  RING_1,
  RING_2,
  ROLES,
} from "./_wire.ts";

/** A round's own seed is this and its number, so a round that fails can be run alone. */
const SEED = 0x6d757461;
const ROUNDS = 10_000;

const MESSAGES = [
  bytes('{"type":"ping"}'),
  new Uint8Array(0),
  bytes('{"type":"pong"}'),
  Uint8Array.of(0),
  new Uint8Array(300).fill(0x61),
  bytes("the last one"),
];

/** Small, so that changes hit what comes after new keys as well. */
const REKEY_AFTER = 2;

type Frames = readonly Uint8Array[];

/** Changes whole frames; `other` are those of another session. */
const OF_FRAMES: readonly ((frames: Frames, other: Frames, random: Random) => Frames)[] = [
  (frames, _, random) => frames.toSpliced(random.below(frames.length), 1),
  (frames, _, random) => {
    const at = random.below(frames.length);
    return frames.toSpliced(at, 0, ...frames.slice(at, at + 1 + random.below(3)));
  },
  (frames, _, random) => {
    const [moved] = frames.slice(random.below(frames.length));
    return moved === undefined ? frames : frames.toSpliced(random.below(frames.length), 0, moved);
  },
  (frames, other, random) => {
    const at = random.below(frames.length);
    return frames.toSpliced(at, 1, ...other.slice(at, at + 1));
  },
  (frames, _, random) => {
    const at = random.below(frames.length);
    const content = (frames[at] ?? new Uint8Array(2)).subarray(2);
    return frames.toSpliced(at, 1, framed(content.subarray(0, random.below(content.length + 1))));
  },
  (frames, _, random) => {
    const garbage = framed(randomBytes(random, random.below(200)));
    return frames.toSpliced(random.below(frames.length + 1), 0, garbage);
  },
];

/** Changes bytes, the lengths of frames among them. */
const OF_BYTES: readonly ((wire: Uint8Array, random: Random) => Uint8Array)[] = [
  (wire, random) => flipped(wire, random.below(wire.length * 8)),
  (wire, random) => {
    const changed = wire.slice();
    changed[random.below(wire.length)] = random.below(256);
    return changed;
  },
  (wire, random) => wire.slice(0, random.below(wire.length)),
  (wire, random) => without(wire, random.below(wire.length), 1 + random.below(40)),
  (wire, random) => inserted(wire, random, randomBytes(random, 1 + random.below(40))),
  (wire, random) => {
    const at = random.below(wire.length);
    return inserted(wire, random, wire.subarray(at, at + 1 + random.below(100)));
  },
  (wire, random) => {
    const at = random.below(wire.length);
    return wire.slice().fill(random.pick([0, 0xff]), at, at + 1 + random.below(20));
  },
  (wire, random) => {
    const long = new Uint8Array(1 + random.below(70_000)).fill(random.below(256));
    return inserted(wire, random, long);
  },
];

function without(wire: Uint8Array, at: number, length: number): Uint8Array {
  return concatenated([wire.subarray(0, at), wire.subarray(at + length)]);
}

function inserted(wire: Uint8Array, random: Random, part: Uint8Array): Uint8Array {
  const at = random.below(wire.length + 1);
  return concatenated([wire.subarray(0, at), part, wire.subarray(at)]);
}

function mutated(frames: Frames, other: Frames, random: Random): Uint8Array {
  let wire: Uint8Array;
  if (random.below(3) === 0) {
    wire = concatenated(random.pick(OF_FRAMES)(frames, other, random));
  } else {
    wire = concatenated(frames);
    for (let left = 1 + random.below(2); left > 0 && wire.length > 0; left--) {
      wire = random.pick(OF_BYTES)(wire, random);
    }
  }
  return wire;
}

cryptoTest(`Channel: ${ROUNDS} changed sessions, seed ${SEED}`, () => {
  const recordings = [RING_0, RING_1, RING_2].map((ring) => ({
    recording: new Recording(ring, "one", MESSAGES, REKEY_AFTER),
    other: new Recording(ring, "other", MESSAGES, REKEY_AFTER),
  }));
  /** How many rounds delivered so many messages. */
  const tally = new Array<number>(MESSAGES.length + 1).fill(0);
  let failures = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const where = `round ${round}`;
    const random = new Random(SEED + round);
    const { recording, other } = random.pick(recordings);
    const role = random.pick(ROLES);
    const victim = recording.victim(role);
    const wire = mutated(recording.frames(role), other.frames(role), random);
    const events = [];
    for (const piece of pieces(wire, random)) {
      events.push(...victim.receive(piece));
      assert.ok(victim.pending <= MAX_PENDING, where);
    }
    const failed = kinds(events).indexOf("failed");
    assert.ok(failed === -1 || failed === events.length - 1, `${where}: ${kinds(events)}`);
    const messages = delivered(events);
    assert.deepEqual(messages, MESSAGES.slice(0, messages.length), where);
    for (const event of events) {
      if (event.type !== "open") continue;
      assert.deepEqual(event.handshakeHash, recording.handshakeHash, where);
      const peer = role === "initiator" ? "responder" : "initiator";
      assert.deepEqual(event.remoteKey, recording.publicKey(peer), where);
    }
    assert.equal(victim.isOpen, failed === -1 && kinds(events).includes("open"), where);
    dispose(victim);
    if (failed !== -1) failures++;
    tally[messages.length] = (tally[messages.length] ?? 0) + 1;
  }
  // Changes were everywhere, and most of them were noticed before the wire ended.
  assert.ok(tally.every((count) => count > ROUNDS / 200), tally.join());
  assert.ok(failures > ROUNDS / 2, `${failures} failed`);
});
