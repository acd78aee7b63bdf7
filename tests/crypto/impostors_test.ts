/** Channel against those who are not who they should be, or sit in between. */

import assert from "node:assert/strict";
import { bytes, Random } from "../_helpers.ts";
import { Recording, reframed } from "./_recording.ts";
import {
  assertDead,
  assertFails,
  assertFreshChannelWorks,
  channelOf,
  concatenated,
  cryptoTest,
  dispose,
  flipped,
  framed,
  gcrypt,
  kinds,
  listening,
  randomBytes,
  type Ring,
  RING_0,
  RING_1,
  RING_2,
  ROLES,
  sent,
  session,
} from "./_wire.ts";

const MESSAGES = [bytes('{"type":"ping"}'), bytes('{"type":"pong"}')];

/** What the two say when each has another idea of the connection. */
function assertStrangers(ours: Ring, theirs: Ring): void {
  const initiator = channelOf(ours, "initiator");
  const responder = listening(theirs);
  const [first] = sent(initiator.start());
  assert.ok(first !== undefined);
  const said = responder.receive(first);
  const [second] = sent(said);
  if (second === undefined) {
    assert.deepEqual(kinds(said), ["failed"]);
    assertDead(responder);
  } else {
    assert.deepEqual(kinds(said), ["send"]);
    assertFails(initiator, [second]);
    assert.equal(responder.isOpen, false);
  }
  dispose(initiator, responder);
}

cryptoTest("Channel: another ring's prologue or pattern fails the handshake", () => {
  const patterns = [RING_1, RING_0];
  const prologues = [RING_0, RING_1, RING_2].map(({ prologue }) => prologue);
  const all = patterns.flatMap((ring) => prologues.map((prologue) => ({ ...ring, prologue })));
  for (const ours of all) {
    for (const theirs of all) {
      if (ours !== theirs) assertStrangers(ours, theirs);
    }
    assertFreshChannelWorks(ours);
  }
  const near = new Uint8Array([...RING_1.prologue, 0]);
  assertStrangers(RING_1, { ...RING_1, prologue: near });
  assertStrangers(RING_1, { ...RING_1, prologue: new Uint8Array(0) });
});

cryptoTest("Channel: frames recorded on another ring are the end", () => {
  for (const ours of [RING_0, RING_1, RING_2]) {
    for (const theirs of [RING_0, RING_1, RING_2]) {
      if (ours === theirs) continue;
      const recording = new Recording(ours, "rings", MESSAGES);
      // The same keys even for the ephemeral ones: the prologue alone has to tell.
      const twin = new Recording(theirs, "rings", MESSAGES);
      const other = new Recording(theirs, "other keys", MESSAGES);
      for (const role of ROLES) {
        assertFails(recording.victim(role), twin.frames(role));
        assertFails(recording.openVictim(role), other.to[role].transport);
      }
    }
    assertFreshChannelWorks(ours);
  }
});

cryptoTest("Channel: without the psk of the responder nobody gets in", () => {
  const psk = (RING_0.psk ?? new Uint8Array(32)).slice();
  for (const bit of [0, 100, 255]) {
    const initiator = channelOf({ ...RING_0, psk: flipped(psk, bit) }, "initiator");
    const responder = listening(RING_0);
    const [second] = sent(responder.receive(concatenated(sent(initiator.start()))));
    assert.ok(second !== undefined);
    const [third] = sent(initiator.receive(second));
    assert.ok(third !== undefined);
    assertFails(responder, [third, initiator.seal(Uint8Array.of(1))]);
    dispose(initiator);
  }
  assertFreshChannelWorks(RING_0);
});

cryptoTest("Channel: without the psk of the initiator nothing is said to it or understood", () => {
  const stranger = { ...RING_0, psk: new Uint8Array(32) };
  const initiator = channelOf(RING_0, "initiator");
  const impostor = listening(stranger);
  const [second] = sent(impostor.receive(concatenated(sent(initiator.start()))));
  assert.ok(second !== undefined);
  const [third] = sent(initiator.receive(second));
  assert.ok(third !== undefined && initiator.isOpen);
  // It cannot know better until something comes back; only the psk's owner can read or say it.
  const secret = initiator.seal(bytes("secret"));
  assertFails(impostor, [third, secret]);
  assertFails(initiator, [framed(randomBytes(new Random(1), 40))]);
  assertFreshChannelWorks(RING_0);
});

cryptoTest("Channel: a man in the middle cannot put in an ephemeral key of his own", () => {
  for (const ring of [RING_0, RING_1]) {
    const mallory = gcrypt().keyPair();
    const recording = new Recording(ring, "in the middle", MESSAGES);
    const [first, third] = recording.to.responder.handshake;
    const [second] = recording.to.initiator.handshake;
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    const swapped = (frame: Uint8Array) =>
      reframed(frame, (content) => concatenated([mallory.publicKey, content.subarray(32)]));
    assertFails(recording.victim("initiator"), [swapped(second)]);
    assertFails(recording.victim("responder"), [swapped(first), third]);
    // A whole first message needs nobody's secret: here it is of his own making.
    const own = channelOf(ring, "initiator", { ephemeralKey: mallory });
    const events = assertFails(recording.victim("responder"), [...sent(own.start()), third]);
    const [answer] = sent(events);
    assert.ok(answer !== undefined);
    assertFails(recording.victim("initiator"), [answer]);
    assertFails(recording.victim("initiator"), [swapped(answer)]);
    dispose(own);
    assertFreshChannelWorks(ring);
  }
});

cryptoTest("Channel: a man in the middle with a key of his own is known by that key", () => {
  const mallory = gcrypt().keyPair();
  const server = gcrypt().keyPair();
  const near = session(RING_1, { responder: { staticKey: mallory } });
  const far = session(RING_1, {
    initiator: { staticKey: mallory },
    responder: { staticKey: server },
  });
  const toClient = near.events.initiator.find((event) => event.type === "open");
  const toServer = far.events.responder.find((event) => event.type === "open");
  assert.deepEqual(toClient?.remoteKey, mallory.publicKey);
  assert.deepEqual(toServer?.remoteKey, mallory.publicKey);
  assert.notDeepEqual(toClient?.handshakeHash, toServer?.handshakeHash);
  // What he passes on unopened is of no use.
  assertFails(far.responder, [near.initiator.seal(bytes("hello"))]);
  assertFails(far.initiator, [near.responder.seal(bytes("hello"))]);
  dispose(near.initiator, near.responder);
  assertFreshChannelWorks(RING_1);
});
