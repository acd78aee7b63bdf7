import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import {
  CipherState,
  type Crypto,
  type HandshakeOptions,
  type HandshakePattern,
  HandshakeState,
  type NoisePrimitives,
  type Role,
} from "../../crypto/mod.ts";
import { bytes, text } from "../_helpers.ts";
import { concat, crypto, toHex } from "./_helpers.ts";

const NOTHING = new Uint8Array(0);

/** A test with libgcrypt, which is closed afterwards. */
function test(title: string, use: (primitives: Crypto) => void): void {
  Deno.test(title, () => {
    using primitives = crypto();
    use(primitives);
  });
}

/** Both sides of a handshake, with all the keys that they may need. */
function twoStates(
  primitives: Crypto,
  pattern: HandshakePattern,
  options: Partial<Record<Role, Partial<HandshakeOptions>>> = {},
): { readonly initiator: HandshakeState; readonly responder: HandshakeState } {
  const ofResponder = primitives.keyPair();
  const psk = pattern === "XXpsk3" ? { psk: new Uint8Array(32).fill(5) } : {};
  const known = pattern === "IK" ? { remoteStaticKey: ofResponder.publicKey } : {};
  const common = { primitives, pattern, prologue: bytes("a prologue"), ...psk };
  return {
    initiator: new HandshakeState({
      ...common,
      role: "initiator",
      staticKey: primitives.keyPair(),
      ...known,
      ...options.initiator,
    }),
    responder: new HandshakeState({
      ...common,
      role: "responder",
      staticKey: ofResponder,
      ...options.responder,
    }),
  };
}

/** A message that must be there. */
function write(state: HandshakeState, payload: Uint8Array = NOTHING): Uint8Array {
  const outcome = state.writeMessage(payload);
  assert.ok(outcome.type === "message", JSON.stringify(outcome));
  return outcome.message;
}

/** A payload that must be there. */
function read(state: HandshakeState, message: Uint8Array): Uint8Array {
  const outcome = state.readMessage(message);
  assert.ok(outcome.type === "payload", JSON.stringify(outcome));
  return outcome.payload;
}

/** All messages of a handshake, with a payload each. */
function finish(initiator: HandshakeState, responder: HandshakeState): void {
  for (let step = 0; !initiator.isFinished; step++) {
    const [writer, reader] = step % 2 === 0 ? [initiator, responder] : [responder, initiator];
    assert.ok(writer.isWriting && !reader.isWriting);
    assert.equal(text(read(reader, write(writer, bytes(`payload ${step}`)))), `payload ${step}`);
  }
  assert.ok(responder.isFinished && !initiator.isWriting && !responder.isWriting);
}

function dispose(...ciphers: readonly Disposable[]): void {
  for (const cipher of ciphers) cipher[Symbol.dispose]();
}

for (const pattern of ["XX", "XXpsk3", "NX", "IK"] as const) {
  test(`HandshakeState: ${pattern} gives both sides the same keys and hash`, (primitives) => {
    const { initiator, responder } = twoStates(primitives, pattern);
    finish(initiator, responder);
    assert.deepEqual(initiator.handshakeHash, responder.handshakeHash);
    assert.equal(initiator.remoteStaticKey === undefined, false);
    // The initiator of NX stays nameless.
    assert.equal(responder.remoteStaticKey === undefined, pattern === "NX");
    const [one, other] = [initiator.split(), responder.split()];
    for (const [from, to] of [[one, other], [other, one]] as const) {
      const sealed = from.sending.encryptWithAd(bytes("data"), bytes("a message"));
      assert.equal(to.receiving.decryptWithAd(bytes("date"), sealed), undefined);
      const plaintext = to.receiving.decryptWithAd(bytes("data"), sealed);
      assert.equal(plaintext && text(plaintext), "a message");
    }
    assert.notDeepEqual(
      one.sending.encryptWithAd(NOTHING, NOTHING),
      other.sending.encryptWithAd(NOTHING, NOTHING),
    );
    dispose(one.sending, one.receiving, other.sending, other.receiving);
  });
}

test("HandshakeState: tells the peer's static key only once it is decrypted", (primitives) => {
  const { initiator, responder } = twoStates(primitives, "XX");
  const lengths = () => [initiator, responder].map((state) => state.remoteStaticKey?.length);
  read(responder, write(initiator));
  assert.deepEqual(lengths(), [undefined, undefined]);
  read(initiator, write(responder));
  assert.deepEqual(lengths(), [32, undefined]);
  read(responder, write(initiator));
  assert.deepEqual(lengths(), [32, 32]);
  dispose(initiator, responder);
});

test("HandshakeState: two handshakes of the same keys have nothing in common", (primitives) => {
  const staticKey = primitives.keyPair();
  const messages = [1, 2].map(() => {
    const { initiator, responder } = twoStates(primitives, "XX", { responder: { staticKey } });
    read(responder, write(initiator));
    const message = toHex(write(responder));
    dispose(initiator, responder);
    return message;
  });
  assert.notEqual(messages[0]?.slice(0, 64), messages[1]?.slice(0, 64));
  assert.notEqual(messages[0]?.slice(64), messages[1]?.slice(64));
});

const DIFFERENCES: Readonly<Record<string, Partial<HandshakeOptions>>> = {
  "another prologue": { prologue: bytes("a Prologue") },
  "another pre-shared key": { psk: new Uint8Array(32).fill(6) },
};

for (const [what, different] of Object.entries(DIFFERENCES)) {
  test(`HandshakeState: fails for ${what}, for good`, (primitives) => {
    const { initiator, responder } = twoStates(primitives, "XXpsk3", { responder: different });
    let failed: HandshakeState | undefined;
    for (let step = 0; failed === undefined; step++) {
      const [writer, reader] = step % 2 === 0 ? [initiator, responder] : [responder, initiator];
      if (reader.readMessage(write(writer)).type === "failed") failed = reader;
      assert.equal(initiator.isFinished && responder.isFinished, false);
    }
    const reasons = [failed.readMessage(new Uint8Array(96)), failed.writeMessage(NOTHING)]
      .map((outcome) => outcome.type === "failed" && outcome.reason);
    assert.match(String(reasons[0]), /cannot be decrypted/);
    assert.equal(reasons[1], reasons[0]);
    assert.equal(failed.isFinished, false);
    assert.throws(() => failed.split(), /not finished/);
    dispose(initiator, responder);
  });
}

test("HandshakeState: a message that was changed fails it for good", (primitives) => {
  for (const position of [0, 31, 32, 79, 80, 95]) {
    const { initiator, responder } = twoStates(primitives, "XX");
    read(responder, write(initiator));
    const message = write(responder);
    const changed = message.slice();
    changed[position] = (changed[position] ?? 0) ^ 1;
    assert.equal(initiator.readMessage(changed).type, "failed");
    assert.equal(initiator.readMessage(message).type, "failed");
    dispose(initiator, responder);
  }
});

test("HandshakeState: refuses messages that are too short or too long", (primitives) => {
  for (const length of [0, 31, 65_536]) {
    const { responder, initiator } = twoStates(primitives, "XX");
    const outcome = responder.readMessage(new Uint8Array(length));
    assert.ok(outcome.type === "failed");
    assert.equal(
      outcome.reason,
      `handshake message 1 has ${length} bytes, and not from 32 to 65535`,
    );
    dispose(initiator, responder);
  }
});

test("HandshakeState: takes payloads up to the longest message", (primitives) => {
  const { initiator, responder } = twoStates(primitives, "XX");
  assert.throws(() => initiator.writeMessage(new Uint8Array(65_504)), {
    name: "RangeError",
    message: /would have 65536 bytes, over 65535: its payload has 65504/,
  });
  const payload = new Uint8Array(65_503).fill(7);
  assert.deepEqual(read(responder, write(initiator, payload)), payload);
  dispose(initiator, responder);
});

test("HandshakeState: refuses a peer's key of low order, when writing, too", (primitives) => {
  const { initiator, responder } = twoStates(primitives, "XX");
  // The point of order 2, as good as zero.
  read(responder, new Uint8Array(32));
  const outcome = responder.writeMessage(NOTHING);
  assert.ok(outcome.type === "failed");
  assert.match(outcome.reason, /low order/);
  dispose(initiator, responder);
});

test("HandshakeState: wants one message after the other, each from its side", (primitives) => {
  const { initiator, responder } = twoStates(primitives, "XX");
  assert.throws(() => initiator.readMessage(new Uint8Array(32)), /read out of turn: 0 of 3/);
  assert.throws(() => responder.writeMessage(NOTHING), /written out of turn: 0 of 3/);
  assert.throws(() => initiator.split(), /not finished/);
  finish(initiator, responder);
  assert.throws(() => initiator.writeMessage(NOTHING), /out of turn: 3 of 3/);
  const { sending, receiving } = initiator.split();
  assert.throws(() => initiator.split(), /was split/);
  assert.throws(() => initiator.writeMessage(NOTHING), /after it was disposed of or split/);
  dispose(sending, receiving, responder);
  assert.throws(() => responder.split(), /disposed of/);
});

test("HandshakeState: says which key is missing, wrong or of no use", (primitives) => {
  const staticKey = primitives.keyPair();
  const make = (pattern: HandshakePattern, role: Role, rest: Partial<HandshakeOptions>) => () =>
    new HandshakeState({ primitives, pattern, role, prologue: NOTHING, ...rest });
  const psk = new Uint8Array(32);
  for (
    const [call, message] of [
      [make("XX", "initiator", {}), /the static key of XX's initiator is missing/],
      [make("XX", "responder", {}), /the static key of XX's responder is missing/],
      [make("NX", "responder", {}), /the static key of NX's responder is missing/],
      [make("IK", "responder", {}), /the static key of IK's responder is missing/],
      [make("IK", "initiator", { staticKey }), /known beforehand to IK's initiator, is missing/],
      [make("XXpsk3", "initiator", { staticKey }), /the pre-shared key of XXpsk3 is missing/],
      [
        make("XXpsk3", "initiator", { staticKey, psk: psk.subarray(1) }),
        /the pre-shared key of XXpsk3 has 32 bytes, not 31/,
      ],
      [make("XX", "initiator", { staticKey, psk }), /XX has no pre-shared key/],
      [
        make("IK", "initiator", { staticKey, remoteStaticKey: new Uint8Array(33) }),
        /has 32 bytes, not 33/,
      ],
    ] as const
  ) {
    assert.throws(call, { name: "RangeError", message });
  }
  dispose(make("NX", "initiator", {})());
});

test("HandshakeState: wipes what is its own, and nothing of the caller's", (primitives) => {
  const made: Uint8Array[] = [];
  const recording: NoisePrimitives = {
    dh: (privateKey, publicKey) => {
      const secret = primitives.dh(privateKey, publicKey);
      if (secret !== undefined) made.push(secret);
      return secret;
    },
    keyPair: () => {
      const pair = primitives.keyPair();
      made.push(pair.privateKey);
      return pair;
    },
    cipher: (key) => primitives.cipher(key),
    sha256: (data) => primitives.sha256(data),
    hmacSha256: (key, data) => {
      const mac = primitives.hmacSha256(key, data);
      made.push(mac);
      return mac;
    },
  };
  const staticKey = primitives.keyPair();
  const ephemeralKey = primitives.keyPair();
  const psk = new Uint8Array(32).fill(5);
  const { initiator, responder } = twoStates(primitives, "XXpsk3", {
    initiator: { primitives: recording, psk, staticKey },
    responder: { primitives: recording, psk, ephemeralKey },
  });
  finish(initiator, responder);
  const ciphers = [initiator.split(), responder.split()];
  // On each side an ephemeral key or none, three secrets, and three MACs for each of five keys and
  // for the split, four for the pre-shared key.
  assert.equal(made.length, 1 + 2 * (3 + 3 * 6 + 4));
  assert.ok(made.every((secret) => secret.every((byte) => byte === 0)));
  for (const kept of [psk, staticKey.privateKey, ephemeralKey.privateKey]) {
    assert.ok(kept.some((byte) => byte !== 0));
  }
  for (const { sending, receiving } of ciphers) dispose(sending, receiving);
});

/** ChaCha20-Poly1305 of another implementation, with Noise's nonce. */
function sealElsewhere(key: Uint8Array, counter: bigint, plaintext: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, counter, true);
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
  return concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

test("CipherState: numbers its messages as Noise does, over each carry", (primitives) => {
  const key = primitives.random(32);
  using state = new CipherState(primitives.cipher(key));
  assert.equal(state.nonce, 0n);
  for (const start of [0n, 254n, 65_534n, 2n ** 24n - 2n, 2n ** 32n - 2n, 2n ** 63n - 2n]) {
    state.setNonce(start);
    for (let step = 0n; step < 4n; step++) {
      assert.equal(state.nonce, start + step);
      assert.deepEqual(
        state.encryptWithAd(NOTHING, bytes("a message")),
        sealElsewhere(key, start + step, bytes("a message")),
      );
    }
  }
});

test("CipherState: refuses a message numbered 2^64-1, both ways", (primitives) => {
  const key = primitives.random(32);
  using state = new CipherState(primitives.cipher(key));
  const last = 2n ** 64n - 2n;
  state.setNonce(last);
  assert.equal(state.isExhausted, false);
  const sealed = state.encryptWithAd(NOTHING, bytes("the last"));
  assert.deepEqual(sealed, sealElsewhere(key, last, bytes("the last")));
  assert.equal(state.isExhausted, true);
  const expected = { name: "Error", message: /2\^64-1 messages .* close the connection/ };
  assert.throws(() => state.encryptWithAd(NOTHING, NOTHING), expected);
  assert.throws(() => state.encryptInto(NOTHING, new Uint8Array(16), 0), expected);
  assert.throws(
    () => state.decryptWithAd(NOTHING, sealElsewhere(key, last + 1n, NOTHING)),
    expected,
  );
  assert.equal(state.nonce, 2n ** 64n - 1n);
  state.setNonce(last);
  assert.equal(text(state.decryptWithAd(NOTHING, sealed) ?? NOTHING), "the last");
  assert.equal(state.isExhausted, true);
});

test("CipherState.setNonce: takes numbers of 64 bits only", (primitives) => {
  using state = new CipherState(primitives.cipher(primitives.random(32)));
  for (const wrong of [-1n, 2n ** 64n]) {
    assert.throws(() => state.setNonce(wrong), {
      name: "RangeError",
      message: new RegExp(`a nonce is ${wrong},`),
    });
  }
  assert.equal(state.nonce, 0n);
});

test("CipherState: counts only what it could decrypt", (primitives) => {
  using state = new CipherState(primitives.cipher(new Uint8Array(32)));
  for (const length of [0, 15, 16, 40]) {
    assert.equal(state.decryptWithAd(NOTHING, new Uint8Array(length)), undefined);
    assert.equal(state.nonce, 0n);
  }
  const sealed = sealElsewhere(new Uint8Array(32), 0n, bytes("fine"));
  assert.equal(text(state.decryptWithAd(NOTHING, sealed) ?? NOTHING), "fine");
  assert.equal(state.nonce, 1n);
});

test("CipherState.rekey: makes the next key as Noise says, and counts on", (primitives) => {
  let key: Uint8Array = primitives.random(32);
  using sending = new CipherState(primitives.cipher(key));
  using receiving = new CipherState(primitives.cipher(key));
  for (let counter = 0n; counter < 5n; counter++) {
    const sealed = sending.encryptWithAd(NOTHING, bytes("a message"));
    assert.deepEqual(sealed, sealElsewhere(key, counter, bytes("a message")));
    assert.deepEqual(receiving.decryptWithAd(NOTHING, sealed), bytes("a message"));
    key = sealElsewhere(key, 2n ** 64n - 1n, new Uint8Array(32)).subarray(0, 32);
    sending.rekey();
    receiving.rekey();
    assert.equal(sending.nonce, counter + 1n);
  }
});

test("CipherState.setKey: begins to count anew", (primitives) => {
  const [first, second] = [primitives.random(32), primitives.random(32)];
  using state = new CipherState(primitives.cipher(first));
  state.setNonce(7n);
  state.setKey(second);
  assert.deepEqual(state.encryptWithAd(NOTHING, NOTHING), sealElsewhere(second, 0n, NOTHING));
});
