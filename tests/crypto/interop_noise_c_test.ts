/**
 * Channel against noise-c, an implementation in C, here compiled to WebAssembly. It knows no rekey;
 * that is tested against dissononce.
 */

import assert from "node:assert/strict";
import createNoise from "@richardhopton/noise-c.wasm";
import { Random } from "../_helpers.ts";
import {
  channelOf,
  concatenated,
  cryptoTest,
  delivered,
  dispose,
  framed,
  gcrypt,
  kinds,
  LENGTHS,
  pieces,
  randomBytes,
  type Ring,
  RING_0,
  RING_1,
  RING_2,
  type Role,
  ROLES,
  sent,
} from "./_wire.ts";

interface CipherState {
  EncryptWithAd(associated: Uint8Array, plaintext: Uint8Array): Uint8Array;
  DecryptWithAd(associated: Uint8Array, ciphertext: Uint8Array): Uint8Array;
  free(): void;
}

interface HandshakeState {
  Initialize(
    prologue: Uint8Array,
    staticKey: Uint8Array,
    remoteStaticKey: null,
    psk: Uint8Array | null,
  ): void;
  WriteMessage(): Uint8Array;
  ReadMessage(message: Uint8Array, payloadNeeded: boolean): Uint8Array | null;
  GetHandshakeHash(): Uint8Array;
  GetRemotePublicKey(): Uint8Array | null;
  /** What to send with, what to receive with; the state is freed. */
  Split(): [CipherState, CipherState];
  free(): void;
}

interface Noise {
  readonly constants: Readonly<Record<string, number>>;
  HandshakeState(protocolName: string, role: number | undefined): HandshakeState;
}

/** The package has no types of its own. */
const create: (use: (noise: Noise) => void) => void = createNoise;
const noise = await new Promise<Noise>((resolve) => create(resolve));

const NOTHING = new Uint8Array(0);

/** One end of a connection, by noise-c: frames' contents in and out. */
class NoiseC {
  #handshake: HandshakeState | undefined;
  #sending: CipherState | undefined;
  #receiving: CipherState | undefined;
  handshakeHash = NOTHING;
  remoteKey = NOTHING;

  constructor(ring: Ring, role: Role, staticKey: Uint8Array) {
    const number = noise.constants[`NOISE_ROLE_${role.toUpperCase()}`];
    this.#handshake = noise.HandshakeState(
      `Noise_${ring.pattern}_25519_ChaChaPoly_SHA256`,
      number,
    );
    this.#handshake.Initialize(ring.prologue, staticKey, null, ring.psk ?? null);
  }

  write(): Uint8Array {
    assert.ok(this.#handshake !== undefined);
    return this.#handshake.WriteMessage();
  }

  read(message: Uint8Array): void {
    assert.ok(this.#handshake !== undefined);
    assert.deepEqual(this.#handshake.ReadMessage(message, true), NOTHING);
  }

  split(): void {
    assert.ok(this.#handshake !== undefined);
    this.handshakeHash = Uint8Array.from(this.#handshake.GetHandshakeHash());
    this.remoteKey = Uint8Array.from(this.#handshake.GetRemotePublicKey() ?? []);
    [this.#sending, this.#receiving] = this.#handshake.Split();
    this.#handshake = undefined;
  }

  seal(plaintext: Uint8Array): Uint8Array {
    assert.ok(this.#sending !== undefined);
    return this.#sending.EncryptWithAd(NOTHING, plaintext);
  }

  open(ciphertext: Uint8Array): Uint8Array {
    assert.ok(this.#receiving !== undefined);
    return this.#receiving.DecryptWithAd(NOTHING, ciphertext);
  }

  [Symbol.dispose](): void {
    this.#handshake?.free();
    this.#sending?.free();
    this.#receiving?.free();
  }
}

/** What a frame holds, after checking that it is one whole frame. */
function contentOf(frame: Uint8Array | undefined): Uint8Array {
  assert.ok(frame !== undefined);
  assert.equal(((frame[0] ?? 0) << 8) | (frame[1] ?? 0), frame.length - 2);
  return frame.subarray(2);
}

for (const ring of [RING_0, RING_1, RING_2]) {
  for (const role of ROLES) {
    cryptoTest(`Channel: as ${role} it talks to noise-c (${ring.title})`, () => {
      const random = new Random(0x6e6f6973);
      const ours = gcrypt().keyPair();
      const theirs = gcrypt().keyPair();
      const channel = channelOf(ring, role, { staticKey: ours });
      using peer = new NoiseC(
        ring,
        role === "initiator" ? "responder" : "initiator",
        theirs.privateKey,
      );

      const events = [...channel.start()];
      if (role === "initiator") {
        peer.read(contentOf(sent(events)[0]));
        events.push(...channel.receive(framed(peer.write())));
        peer.read(contentOf(sent(events)[1]));
      } else {
        events.push(...channel.receive(framed(peer.write())));
        peer.read(contentOf(sent(events)[0]));
        events.push(...channel.receive(framed(peer.write())));
      }
      peer.split();
      assert.deepEqual(
        kinds(events),
        role === "initiator" ? ["send", "send", "open"] : ["send", "open"],
      );
      const open = events.find((event) => event.type === "open");
      assert.deepEqual(open?.handshakeHash, peer.handshakeHash);
      assert.deepEqual(open?.remoteKey, theirs.publicKey);
      assert.deepEqual(peer.remoteKey, ours.publicKey);

      const lengths = [...LENGTHS, ...Array.from({ length: 100 }, () => random.below(3000))];
      const messages = lengths.map((length) => randomBytes(random, length));
      for (const message of messages) {
        assert.deepEqual(peer.open(contentOf(channel.seal(message))), message);
      }
      const wire = concatenated(messages.map((message) => framed(peer.seal(message))));
      const received = pieces(wire, random).flatMap((piece) => channel.receive(piece));
      assert.deepEqual(delivered(received), messages);
      assert.equal(channel.pending, 0);
      dispose(channel);
    });
  }
}

cryptoTest("Channel: noise-c refuses what it sealed once it was changed on the way", () => {
  const channel = channelOf(RING_1, "initiator");
  using peer = new NoiseC(RING_1, "responder", gcrypt().keyPair().privateKey);
  peer.read(contentOf(sent(channel.start())[0]));
  peer.read(contentOf(sent(channel.receive(framed(peer.write())))[0]));
  peer.split();
  const sealed = contentOf(channel.seal(new Uint8Array(40))).slice();
  const changed = sealed.slice();
  changed[7] = (changed[7] ?? 0) ^ 1;
  assert.throws(() => peer.open(changed), /MAC_FAILURE/);
  assert.deepEqual(peer.open(sealed), new Uint8Array(40));
  dispose(channel);
});
