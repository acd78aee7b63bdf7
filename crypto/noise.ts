import { assertLength, KEY_BYTES, TAG_BYTES } from "./_sizes.ts";
import { SymmetricState } from "./_symmetric_state.ts";
import type {
  HandshakeFailure,
  HandshakeOptions,
  HandshakeRead,
  HandshakeWrite,
  TransportCiphers,
} from "./handshake_types.ts";
import { PATTERNS, type Token } from "./patterns.ts";
import type { KeyPair, NoisePrimitives } from "./primitives.ts";

/** No Noise message is longer (specification, section 3). */
export const MAX_NOISE_MESSAGE_BYTES = 65_535;

const LOW_ORDER = "a public key of low order, which would make the secret known to all";
const WRONG_STATIC_KEY = "a static key that cannot be decrypted: another prologue or other keys";
const WRONG_PAYLOAD = "a handshake message that cannot be decrypted: another prologue, another " +
  "pre-shared key or other keys";

/**
 * A handshake of the Noise Protocol Framework, revision 34, section 5.3, with the suite
 * `25519_ChaChaPoly_SHA256`.
 *
 * Nothing in here knows the time or takes chance from anywhere but `primitives`. Once a message
 * failed, every later one fails, too.
 */
export class HandshakeState implements Disposable {
  readonly #primitives: NoisePrimitives;
  readonly #isInitiator: boolean;
  readonly #messages: readonly (readonly Token[])[];
  readonly #symmetric: SymmetricState;
  readonly #staticKey: KeyPair | undefined;
  readonly #psk: Uint8Array | undefined;
  #ephemeralKey: KeyPair | undefined;
  #remoteStaticKey: Uint8Array | undefined;
  #remoteEphemeralKey: Uint8Array | undefined;
  /** How many messages were written or read. */
  #step = 0;
  #failure: HandshakeFailure | undefined;
  #isDisposed = false;

  /**
   * Starts a handshake.
   *
   * @throws RangeError when a key is missing or of a wrong length, or a psk is of no use.
   */
  constructor(options: HandshakeOptions) {
    const { primitives, pattern, role, prologue, staticKey, remoteStaticKey, psk } = options;
    const { messages, responderIsKnown } = PATTERNS[pattern];
    const isInitiator = role === "initiator";
    const ownTokens = messages.filter((_, step) => isWriter(isInitiator, step)).flat();
    assertKey(
      `the static key of ${pattern}'s ${role}`,
      staticKey?.privateKey,
      ownTokens.includes("s") || (responderIsKnown && !isInitiator),
    );
    assertKey(
      `the responder's static key, known beforehand to ${pattern}'s ${role},`,
      remoteStaticKey,
      responderIsKnown && isInitiator,
    );
    const hasPsk = messages.flat().includes("psk");
    assertKey(`the pre-shared key of ${pattern}`, psk, hasPsk);
    if (psk !== undefined && !hasPsk) throw new RangeError(`${pattern} has no pre-shared key`);
    this.#primitives = primitives;
    this.#isInitiator = isInitiator;
    this.#messages = messages;
    this.#staticKey = staticKey;
    this.#remoteStaticKey = remoteStaticKey;
    this.#psk = psk?.slice();
    this.#ephemeralKey = copyOf(options.ephemeralKey);
    this.#symmetric = new SymmetricState(primitives, `Noise_${pattern}_25519_ChaChaPoly_SHA256`);
    this.#symmetric.mixHash(prologue);
    const known = isInitiator ? remoteStaticKey : staticKey?.publicKey;
    if (responderIsKnown && known !== undefined) this.#symmetric.mixHash(known);
  }

  /** Whether it is this side's turn to write. */
  get isWriting(): boolean {
    return !this.isFinished && isWriter(this.#isInitiator, this.#step);
  }

  /** Whether all messages were written and read, so that it can be split. */
  get isFinished(): boolean {
    return this.#failure === undefined && this.#step === this.#messages.length;
  }

  /** How many bytes longer than its payload the next message is. */
  get overhead(): number {
    let isKeyed = this.#symmetric.isKeyed;
    let bytes = 0;
    for (const token of this.#messages[this.#step] ?? []) {
      if (token === "e") bytes += KEY_BYTES;
      else if (token === "s") bytes += KEY_BYTES + (isKeyed ? TAG_BYTES : 0);
      isKeyed ||= token === "e" ? this.#psk !== undefined : token !== "s";
    }
    return bytes + (isKeyed ? TAG_BYTES : 0);
  }

  /** The peer's static key, once it is known. */
  get remoteStaticKey(): Uint8Array | undefined {
    return this.#remoteStaticKey?.slice();
  }

  /** What is the same on both sides of this handshake and in no other: 32 bytes. */
  get handshakeHash(): Uint8Array {
    return this.#symmetric.handshakeHash;
  }

  /**
   * Writes the next message.
   *
   * @throws Error when it is not this side's turn or the handshake was disposed of, RangeError when
   * the message would be longer than 65,535 bytes.
   */
  writeMessage(payload: Uint8Array): HandshakeWrite {
    if (this.#failure !== undefined) return this.#failure;
    const tokens = this.#tokens(true);
    const length = this.overhead + payload.length;
    if (length > MAX_NOISE_MESSAGE_BYTES) {
      throw new RangeError(
        `a handshake message would have ${length} bytes, over ${MAX_NOISE_MESSAGE_BYTES}: its ` +
          `payload has ${payload.length}`,
      );
    }
    const message = new Uint8Array(length);
    let offset = 0;
    const append = (part: Uint8Array): void => {
      message.set(part, offset);
      offset += part.length;
    };
    for (const token of tokens) {
      if (token === "e") append(this.#makeEphemeralKey());
      else if (token === "s") {
        append(this.#symmetric.encryptAndHash(present(this.#staticKey).publicKey));
      } else if (!this.#mix(token)) return this.#fail(LOW_ORDER);
    }
    append(this.#symmetric.encryptAndHash(payload));
    this.#step++;
    return { type: "message", message };
  }

  /**
   * Reads the next message.
   *
   * @throws Error when it is this side's turn to write or the handshake was disposed of.
   */
  readMessage(message: Uint8Array): HandshakeRead {
    if (this.#failure !== undefined) return this.#failure;
    const tokens = this.#tokens(false);
    const { length } = message;
    if (length < this.overhead || length > MAX_NOISE_MESSAGE_BYTES) {
      return this.#fail(
        `handshake message ${this.#step + 1} has ${length} bytes, and not from ${this.overhead} ` +
          `to ${MAX_NOISE_MESSAGE_BYTES}`,
      );
    }
    let offset = 0;
    const take = (bytes: number): Uint8Array => message.subarray(offset, offset += bytes);
    for (const token of tokens) {
      if (token === "e") {
        this.#remoteEphemeralKey = take(KEY_BYTES).slice();
        this.#mixEphemeralKey(this.#remoteEphemeralKey);
      } else if (token === "s") {
        const key = this.#symmetric.decryptAndHash(take(KEY_BYTES + this.#symmetric.overhead));
        if (key === undefined) return this.#fail(WRONG_STATIC_KEY);
        this.#remoteStaticKey = key;
      } else if (!this.#mix(token)) return this.#fail(LOW_ORDER);
    }
    const payload = this.#symmetric.decryptAndHash(message.subarray(offset));
    if (payload === undefined) return this.#fail(WRONG_PAYLOAD);
    this.#step++;
    return { type: "payload", payload };
  }

  /**
   * The ciphers for what comes after the handshake; they belong to the caller.
   *
   * @throws Error unless the handshake is finished, and the second time.
   */
  split(): TransportCiphers {
    if (!this.isFinished || this.#isDisposed) {
      throw new Error("a handshake is split that is not finished or was split or disposed of");
    }
    const [ofInitiator, ofResponder] = this.#symmetric.split();
    this[Symbol.dispose]();
    return this.#isInitiator
      ? { sending: ofInitiator, receiving: ofResponder }
      : { sending: ofResponder, receiving: ofInitiator };
  }

  /** Wipes all keys that are not the caller's. What is known of the peer can still be asked. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#symmetric[Symbol.dispose]();
    this.#ephemeralKey?.privateKey.fill(0);
    this.#psk?.fill(0);
  }

  #tokens(isWriting: boolean): readonly Token[] {
    const tokens = this.#messages[this.#step];
    if (this.#isDisposed) throw new Error("a handshake is used after it was disposed of or split");
    if (tokens === undefined || this.isWriting !== isWriting) {
      throw new Error(
        `a handshake message is ${isWriting ? "written" : "read"} out of turn: ${this.#step} of ` +
          `${this.#messages.length} messages are done`,
      );
    }
    return tokens;
  }

  #makeEphemeralKey(): Uint8Array {
    this.#ephemeralKey ??= this.#primitives.keyPair();
    const { publicKey } = this.#ephemeralKey;
    this.#mixEphemeralKey(publicKey);
    return publicKey;
  }

  #mixEphemeralKey(publicKey: Uint8Array): void {
    this.#symmetric.mixHash(publicKey);
    // With a pre-shared key in play the ephemeral keys see to it that no key is used twice
    // (section 9.2).
    if (this.#psk !== undefined) this.#symmetric.mixKey(publicKey);
  }

  /** @returns False when the peer's key is of low order. */
  #mix(token: Token): boolean {
    if (token === "psk") {
      this.#symmetric.mixKeyAndHash(present(this.#psk));
      return true;
    }
    // The first letter stands for the initiator's key, the second one for the responder's.
    const isOwnStatic = token[this.#isInitiator ? 0 : 1] === "s";
    const isRemoteStatic = token[this.#isInitiator ? 1 : 0] === "s";
    const secret = this.#primitives.dh(
      present(isOwnStatic ? this.#staticKey : this.#ephemeralKey).privateKey,
      present(isRemoteStatic ? this.#remoteStaticKey : this.#remoteEphemeralKey),
    );
    if (secret === undefined) return false;
    this.#symmetric.mixKey(secret);
    secret.fill(0);
    return true;
  }

  #fail(reason: string): HandshakeFailure {
    this.#failure = { type: "failed", reason };
    this[Symbol.dispose]();
    return this.#failure;
  }
}

function isWriter(isInitiator: boolean, step: number): boolean {
  return isInitiator === (step % 2 === 0);
}

/** A pattern's tokens come in such an order that what they need is there. */
function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("a handshake pattern uses a key before it is there");
  return value;
}

function copyOf(keyPair: KeyPair | undefined): KeyPair | undefined {
  if (keyPair === undefined) return undefined;
  return { privateKey: keyPair.privateKey.slice(), publicKey: keyPair.publicKey.slice() };
}

function assertKey(what: string, key: Uint8Array | undefined, isNeeded: boolean): void {
  if (key === undefined && isNeeded) throw new RangeError(`${what} is missing`);
  if (key !== undefined) assertLength(what, key, KEY_BYTES);
}
