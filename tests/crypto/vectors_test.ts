import assert from "node:assert/strict";
import {
  type CipherState,
  type Crypto,
  type HandshakePattern,
  HandshakeState,
  type Role,
} from "../../crypto/mod.ts";
import { crypto, fromHex, toHex } from "./_helpers.ts";

/** One vector in the form that most implementations publish theirs in. */
interface Vector {
  readonly _source: string;
  /** One of the two stands there. */
  readonly protocol_name?: string;
  readonly name?: string;
  readonly init_prologue?: string;
  readonly init_static?: string;
  readonly init_ephemeral: string;
  readonly init_remote_static?: string;
  readonly init_psks?: readonly string[];
  readonly resp_prologue?: string;
  readonly resp_static?: string;
  readonly resp_ephemeral: string;
  readonly resp_psks?: readonly string[];
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
  readonly handshake_hash?: string;
}

const PATTERN_NAMES: readonly HandshakePattern[] = ["XX", "XXpsk3", "NX", "IK"];

/** They lie beside the project where it is developed; the project's own are tested elsewhere. */
const PUBLISHED = new URL("../../../shared/noise/vectors.json", import.meta.url);

function publishedVectors(): readonly Vector[] {
  try {
    return JSON.parse(Deno.readTextFileSync(PUBLISHED)).vectors;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function nameOf(vector: Vector): string {
  return vector.protocol_name ?? vector.name ?? "no name";
}

function patternOf(vector: Vector): HandshakePattern {
  const [, name, ...suite] = nameOf(vector).split("_");
  assert.deepEqual(suite, ["25519", "ChaChaPoly", "SHA256"]);
  const pattern = PATTERN_NAMES.find((candidate) => candidate === name);
  assert.ok(pattern !== undefined, nameOf(vector));
  return pattern;
}

function handshakeOf(primitives: Crypto, vector: Vector, role: Role): HandshakeState {
  const side = role === "initiator"
    ? {
      prologue: vector.init_prologue,
      staticKey: vector.init_static,
      ephemeralKey: vector.init_ephemeral,
      remoteStaticKey: vector.init_remote_static,
      psk: vector.init_psks?.[0],
    }
    : {
      prologue: vector.resp_prologue,
      staticKey: vector.resp_static,
      ephemeralKey: vector.resp_ephemeral,
      remoteStaticKey: undefined,
      psk: vector.resp_psks?.[0],
    };
  return new HandshakeState({
    primitives,
    pattern: patternOf(vector),
    role,
    prologue: fromHex(side.prologue ?? ""),
    ephemeralKey: primitives.keyPair(fromHex(side.ephemeralKey)),
    ...side.staticKey !== undefined && {
      staticKey: primitives.keyPair(fromHex(side.staticKey)),
    },
    ...side.remoteStaticKey !== undefined && { remoteStaticKey: fromHex(side.remoteStaticKey) },
    ...side.psk !== undefined && { psk: fromHex(side.psk) },
  });
}

/** Checks one message of a handshake, written by the one and read by the other. */
function checkHandshakeMessage(
  writer: HandshakeState,
  reader: HandshakeState,
  payload: string,
  ciphertext: string,
): void {
  assert.equal(writer.overhead, (ciphertext.length - payload.length) / 2);
  const written = writer.writeMessage(fromHex(payload));
  assert.ok(written.type === "message");
  assert.equal(toHex(written.message), ciphertext);
  const read = reader.readMessage(fromHex(ciphertext));
  assert.ok(read.type === "payload");
  assert.equal(toHex(read.payload), payload);
}

function checkTransportMessage(
  sending: CipherState,
  receiving: CipherState,
  payload: string,
  ciphertext: string,
): void {
  const nothing = new Uint8Array(0);
  assert.equal(toHex(sending.encryptWithAd(nothing, fromHex(payload))), ciphertext);
  const plaintext = receiving.decryptWithAd(nothing, fromHex(ciphertext));
  assert.equal(plaintext && toHex(plaintext), payload);
}

function check(primitives: Crypto, vector: Vector): void {
  const initiator = handshakeOf(primitives, vector, "initiator");
  const responder = handshakeOf(primitives, vector, "responder");
  const messages = [...vector.messages];
  let isInitiators = true;
  while (!initiator.isFinished) {
    const { payload, ciphertext } = messages.shift() ?? assert.fail("too few messages");
    const [writer, reader] = isInitiators ? [initiator, responder] : [responder, initiator];
    checkHandshakeMessage(writer, reader, payload, ciphertext);
    isInitiators = !isInitiators;
  }
  const hash = toHex(initiator.handshakeHash);
  assert.equal(toHex(responder.handshakeHash), hash);
  if (vector.handshake_hash !== undefined) assert.equal(hash, vector.handshake_hash);
  // Only this source lets the initiator begin after every handshake; the others go on in turns.
  if (vector._source.startsWith("flynn/noise")) isInitiators = true;
  const ofInitiator = initiator.split();
  const ofResponder = responder.split();
  for (const { payload, ciphertext } of messages) {
    const [writer, reader] = isInitiators ? [ofInitiator, ofResponder] : [ofResponder, ofInitiator];
    checkTransportMessage(writer.sending, reader.receiving, payload, ciphertext);
    isInitiators = !isInitiators;
  }
  for (const { sending, receiving } of [ofInitiator, ofResponder]) {
    sending[Symbol.dispose]();
    receiving[Symbol.dispose]();
  }
}

for (const [index, vector] of publishedVectors().entries()) {
  Deno.test(`HandshakeState: published vector ${index + 1}, ${nameOf(vector)}`, () => {
    using primitives = crypto();
    check(primitives, vector);
  });
}
