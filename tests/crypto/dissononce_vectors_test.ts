/** Vectors that dissononce made: their origin, and our handshakes and channels against them. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  type Channel,
  type CipherState,
  HandshakeState,
  networkKey,
  type Pattern,
  PROLOGUES,
} from "../../crypto/mod.ts";
import { text } from "../_helpers.ts";
import { missingDissononce, PYTHON } from "./_python.ts";
import {
  channelOf,
  cryptoTest,
  delivered,
  dispose,
  framed,
  gcrypt,
  type Role,
  sent,
} from "./_wire.ts";

const SCRIPT = fileURLToPath(new URL("../../tools/noise_vectors.py", import.meta.url));
const VECTORS = new URL("fixtures/noise_vectors.json", import.meta.url);

/** Texts are hexadecimal. */
interface Vector {
  readonly name: string;
  readonly protocol_name: string;
  readonly password?: string;
  readonly rekey_after?: number;
  readonly init_prologue: string;
  readonly init_static: string;
  readonly init_ephemeral: string;
  readonly init_psks?: readonly string[];
  readonly resp_prologue: string;
  readonly resp_static: string;
  readonly resp_ephemeral: string;
  readonly resp_psks?: readonly string[];
  readonly handshake_hash: string;
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
}

const { vectors }: { vectors: readonly Vector[] } = JSON.parse(await Deno.readTextFile(VECTORS));

/** Messages of the handshake; the rest is transport. */
const HANDSHAKE = 3;

/** What a vector says that one side starts from. */
function side(vector: Vector, role: Role) {
  const prefix = role === "initiator" ? "init" : "resp";
  const psk = vector[`${prefix}_psks`]?.[0];
  const pattern: Pattern = vector.protocol_name.includes("XXpsk3") ? "XXpsk3" : "XX";
  return {
    pattern,
    prologue: Uint8Array.fromHex(vector[`${prefix}_prologue`]),
    staticKey: gcrypt().keyPair(Uint8Array.fromHex(vector[`${prefix}_static`])),
    ephemeralKey: gcrypt().keyPair(Uint8Array.fromHex(vector[`${prefix}_ephemeral`])),
    ...(psk === undefined ? {} : { psk: Uint8Array.fromHex(psk) }),
  };
}

cryptoTest("noise_vectors.py: makes the committed vectors, byte for byte", async () => {
  const { success, stdout, stderr } = await new Deno.Command(PYTHON, { args: ["-B", SCRIPT] })
    .output();
  assert.ok(success, text(stderr));
  assert.equal(text(stdout), await Deno.readTextFile(VECTORS));
}, missingDissononce);

cryptoTest("noise_vectors.json: shows each ring, payloads, and new keys", () => {
  for (const [ring, prologue] of Object.entries(PROLOGUES)) {
    assert.ok(vectors.some((each) => each.init_prologue === prologue.toHex()), ring);
  }
  assert.ok(vectors.some(({ messages }) => messages[0]?.payload !== ""));
  assert.deepEqual(vectors.flatMap(({ rekey_after }) => rekey_after ?? []), [1, 2, 3]);
});

for (const vector of vectors) {
  const transport = vector.messages.slice(HANDSHAKE);
  const handshake = vector.messages.slice(0, HANDSHAKE);

  cryptoTest(`HandshakeState: agrees with dissononce (${vector.name})`, () => {
    const start = (role: Role) => {
      return new HandshakeState({ primitives: gcrypt(), role, ...side(vector, role) });
    };
    const states = [start("initiator"), start("responder")] as const;
    handshake.forEach(({ payload, ciphertext }, index) => {
      const [writer, reader] = index % 2 === 0 ? states : states.toReversed();
      const written = writer?.writeMessage(Uint8Array.fromHex(payload));
      assert.ok(written?.type === "message");
      assert.equal(written.message.toHex(), ciphertext);
      const read = reader?.readMessage(written.message);
      assert.ok(read?.type === "payload");
      assert.equal(read.payload.toHex(), payload);
    });
    for (const state of states) assert.equal(state.handshakeHash.toHex(), vector.handshake_hash);
    const [initiator, responder] = states.map((state) => state.split());
    assert.ok(initiator !== undefined && responder !== undefined);
    transport.forEach(({ payload, ciphertext }, index) => {
      // The responder speaks first after the handshake.
      const [from, to] = index % 2 === 0 ? [responder, initiator] : [initiator, responder];
      const sealed = from.sending.encryptWithAd(new Uint8Array(0), Uint8Array.fromHex(payload));
      assert.equal(sealed.toHex(), ciphertext);
      assert.equal(to.receiving.decryptWithAd(new Uint8Array(0), sealed)?.toHex(), payload);
      if (isRekeyed(vector, index)) rekey(from.sending, to.receiving);
    });
    for (const ciphers of [initiator, responder]) {
      ciphers.sending[Symbol.dispose]();
      ciphers.receiving[Symbol.dispose]();
    }
  });

  if (handshake.some(({ payload }) => payload !== "")) {
    cryptoTest(`Channel: refuses a payload in the handshake (${vector.name})`, () => {
      for (const [role, wire] of [["responder", [0, 2]], ["initiator", [1]]] as const) {
        const channel = channelOfVector(vector, role);
        channel.start();
        const events = wire.flatMap((index) => channel.receive(frame(vector, index)));
        assert.deepEqual(events.map(({ type }) => type), ["failed"]);
        dispose(channel);
      }
    });
    continue;
  }

  cryptoTest(`Channel: agrees with dissononce (${vector.name})`, () => {
    const initiator = channelOfVector(vector, "initiator");
    const responder = channelOfVector(vector, "responder");
    const wire = (index: number) => [frame(vector, index)];
    assert.deepEqual(sent(initiator.start()), wire(0));
    assert.deepEqual(responder.start(), []);
    assert.deepEqual(sent(responder.receive(frame(vector, 0))), wire(1));
    const toInitiator = initiator.receive(frame(vector, 1));
    assert.deepEqual(sent(toInitiator), wire(2));
    const toResponder = responder.receive(frame(vector, 2));
    for (
      const [events, peer] of [[toInitiator, "responder"], [toResponder, "initiator"]] as const
    ) {
      const open = events.find(({ type }) => type === "open");
      assert.ok(open?.type === "open");
      assert.equal(open.handshakeHash.toHex(), vector.handshake_hash);
      assert.deepEqual(open.remoteKey, side(vector, peer).staticKey.publicKey);
    }
    transport.forEach(({ payload }, index) => {
      const [from, to] = index % 2 === 0 ? [responder, initiator] : [initiator, responder];
      const sealed = from.seal(Uint8Array.fromHex(payload));
      assert.deepEqual(sealed, frame(vector, HANDSHAKE + index));
      assert.deepEqual(delivered(to.receive(sealed)), [Uint8Array.fromHex(payload)]);
    });
    dispose(initiator, responder);
  });

  const { password } = vector;
  if (password === undefined) continue;
  cryptoTest(`networkKey: agrees with Python's scrypt (${vector.name})`, () => {
    assert.equal(networkKey(gcrypt(), password).toHex(), vector.init_psks?.[0]);
  });
}

/** Whether the direction of a transport message gets its next key after it. */
function isRekeyed({ rekey_after }: Vector, index: number): boolean {
  const inItsDirection = Math.floor(index / 2) + 1;
  return rekey_after !== undefined && inItsDirection % rekey_after === 0;
}

function rekey(...ciphers: readonly CipherState[]): void {
  for (const cipher of ciphers) cipher.rekey();
}

function channelOfVector(vector: Vector, role: Role): Channel {
  const { pattern, prologue, staticKey, ephemeralKey, psk } = side(vector, role);
  const ring = { title: vector.name, pattern, prologue, ...(psk === undefined ? {} : { psk }) };
  return channelOf(ring, role, {
    staticKey,
    ephemeralKey,
    ...(vector.rekey_after === undefined ? {} : { rekeyAfter: vector.rekey_after }),
  });
}

function frame({ messages }: Vector, index: number): Uint8Array {
  return framed(Uint8Array.fromHex(messages[index]?.ciphertext ?? ""));
}
