/** Channel against those who change, cut, reorder, repeat and forge what is on the wire. */

import assert from "node:assert/strict";
import { bytes, Random } from "../_helpers.ts";
import { handshakeFrames, Recording, reframed, replaced } from "./_recording.ts";
import {
  assertDead,
  assertFails,
  assertFreshChannelWorks,
  channelOf,
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
  ROLES,
  sent,
} from "./_wire.ts";

const MESSAGES = [bytes('{"type":"ping"}'), new Uint8Array(0), Uint8Array.of(7), bytes("last")];

for (const ring of [RING_0, RING_1]) {
  cryptoTest(`Channel: no bit of a handshake can be changed (${ring.title})`, () => {
    const recording = new Recording(ring, "bits", MESSAGES);
    let flips = 0;
    for (const { role, index, frame } of handshakeFrames(recording)) {
      for (let bit = 0; bit < (frame.length - 2) * 8; bit++, flips++) {
        const changed = reframed(frame, (content) => flipped(content, bit));
        const victim = recording.victim(role);
        const events = assertFails(victim, replaced(recording.frames(role), index, changed));
        // Where it could not be noticed at once, the honest other side notices from the answer.
        const [answer] = role === "responder" && index === 0 ? sent(events) : [];
        if (answer !== undefined) assertFails(recording.victim("initiator"), [answer]);
      }
    }
    assert.equal(flips, ((ring.psk === undefined ? 32 : 48) + 96 + 64) * 8);
    assertFreshChannelWorks(ring);
  });

  cryptoTest(`Channel: no bit of a message can be changed (${ring.title})`, () => {
    const recording = new Recording(ring, "transport bits", MESSAGES);
    for (const role of ROLES) {
      recording.to[role].transport.forEach((frame, index) => {
        for (let bit = 0; bit < (frame.length - 2) * 8; bit++) {
          const changed = reframed(frame, (content) => flipped(content, bit));
          const wire = replaced(recording.to[role].transport, index, changed);
          assertFails(recording.openVictim(role), wire, { messages: index });
        }
      });
    }
    assertFreshChannelWorks(ring);
  });

  cryptoTest(`Channel: a frame cut short or made longer is the end (${ring.title})`, () => {
    const recording = new Recording(ring, "lengths", MESSAGES);
    const more = [1, 16, 1000, 60_000].map((length) => new Uint8Array(length).fill(0x20));
    for (const role of ROLES) {
      const frames = recording.frames(role);
      const opening = recording.to[role].handshake.length;
      frames.forEach((frame, index) => {
        const content = frame.subarray(2);
        const others = [
          ...Array.from(content, (_, length) => content.subarray(0, length)),
          ...more.map((tail) => concatenated([content, tail])),
        ];
        for (const other of others) {
          const wire = replaced(frames, index, framed(other));
          const messages = Math.max(0, index - opening);
          assertFails(recording.victim(role), wire, { messages, opens: index >= opening });
        }
      });
    }
    assertFreshChannelWorks(ring);
  });

  cryptoTest(`Channel: a wire cut at any byte delivers what was whole (${ring.title})`, () => {
    const recording = new Recording(ring, "cuts", MESSAGES);
    for (const role of ROLES) {
      const frames = recording.frames(role);
      const opening = recording.to[role].handshake.length;
      const wire = concatenated(frames);
      for (let length = 0; length < wire.length; length++) {
        const victim = recording.victim(role);
        const events = victim.receive(wire.subarray(0, length));
        let whole = 0;
        let left = length;
        while (left >= (frames[whole]?.length ?? Infinity)) left -= frames[whole++]?.length ?? 0;
        assert.equal(kinds(events).includes("failed"), false);
        assert.equal(victim.isOpen, whole >= opening);
        assert.equal(victim.pending, left);
        assert.deepEqual(
          delivered(events),
          MESSAGES.slice(0, Math.max(0, whole - opening)),
        );
        dispose(victim);
        assertDead(victim);
      }
    }
  });

  cryptoTest(
    `Channel: messages come in their order and once, or not at all (${ring.title})`,
    () => {
      const recording = new Recording(ring, "order", MESSAGES);
      const other = new Recording(ring, "another session", MESSAGES);
      const orders = [[1], [3], [1, 0], [0, 0], [0, 2], [0, 1, 0], [0, 1, 1], [0, 1, 3], [
        3,
        2,
        1,
        0,
      ]];
      for (const role of ROLES) {
        const { handshake, transport } = recording.to[role];
        for (const order of orders) {
          const before = order.findIndex((index, at) => index !== at);
          const wire = order.map((index) => transport[index] ?? new Uint8Array(0));
          assertFails(recording.openVictim(role), wire, { messages: before });
        }
        const back = recording.to[role === "initiator" ? "responder" : "initiator"];
        for (
          const [title, frames] of Object.entries({
            "its own messages sent back": back.transport,
            "its own handshake sent back": back.handshake,
            "the handshake again": handshake,
            "messages of another session": other.to[role].transport,
            "the handshake of another session": other.to[role].handshake,
          })
        ) {
          for (const frame of frames) {
            const first = transport[0] ?? new Uint8Array(0);
            assert.ok(assertFails(recording.openVictim(role), [frame]), title);
            assert.ok(
              assertFails(recording.openVictim(role), [first, frame], { messages: 1 }),
              title,
            );
          }
        }
      }
      assertFreshChannelWorks(ring);
    },
  );

  cryptoTest(`Channel: a handshake cannot be repeated or sent back (${ring.title})`, () => {
    const recording = new Recording(ring, "handshakes", MESSAGES);
    const [first, third] = recording.to.responder.handshake;
    const [second] = recording.to.initiator.handshake;
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    for (const wire of [[first, first], [first, second], [second], [third], [third, first]]) {
      assertFails(recording.victim("responder"), wire);
    }
    for (const wire of [[first], [third]]) assertFails(recording.victim("initiator"), wire);
    for (const role of ROLES) {
      assertFails(recording.victimWithNewEphemeral(role), recording.frames(role));
    }
    assertFreshChannelWorks(ring);
  });

  cryptoTest(`Channel: frames of nothing, of zeros and of anything fail (${ring.title})`, () => {
    const recording = new Recording(ring, "garbage", MESSAGES);
    const random = new Random(0x67617262);
    for (const role of ROLES) {
      for (const start of ["victim", "openVictim"] as const) {
        for (const length of [0, 1, 15, 16, 17, 31, 32, 33, 48, 64, 96, 1000, 65_534, 65_535]) {
          for (const content of [new Uint8Array(length), randomBytes(random, length)]) {
            // Thirty-two bytes of anything but a point of low order do begin a handshake.
            assertFails(recording[start](role), [framed(content), ...recording.frames(role)]);
          }
        }
      }
    }
    assertFreshChannelWorks(ring);
  });

  cryptoTest(`Channel: a length of 65,535 holds no more than a frame (${ring.title})`, () => {
    const recording = new Recording(ring, "long", MESSAGES);
    for (const role of ROLES) {
      for (const start of ["victim", "openVictim"] as const) {
        const victim = recording[start](role);
        const events = [...victim.receive(Uint8Array.of(0xff, 0xff))];
        const part = new Uint8Array(1000).fill(0xff);
        for (let count = 0; count < 140; count++) {
          events.push(...victim.receive(part));
          assert.ok(victim.pending <= MAX_PENDING, `holds ${victim.pending} bytes`);
        }
        assert.deepEqual(kinds(events), ["failed"]);
        assertDead(victim);
      }
    }
    assertFreshChannelWorks(ring);
  });
}

cryptoTest("Channel: random bytes in random pieces never open it", () => {
  const random = new Random(0x72616e64);
  for (let round = 0; round < 500; round++) {
    const victim = channelOf(random.pick([RING_0, RING_1]), random.pick(ROLES));
    const events = [...victim.start()].slice(1);
    for (const piece of pieces(randomBytes(random, random.below(5000)), random)) {
      events.push(...victim.receive(piece));
      assert.ok(victim.pending <= MAX_PENDING);
    }
    const said = kinds(events).filter((kind) => kind !== "send");
    assert.ok(said.length === 0 || said.join() === "failed", said.join());
    assert.equal(victim.isOpen, false);
    dispose(victim);
  }
  assertFreshChannelWorks(RING_1);
});
