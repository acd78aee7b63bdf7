/**
 * A Noise handshake with both sides' keys in hand, token by token, so that every value in between
 * can be shown. Made of the primitives alone and not of the program's own handshake, with which it
 * is compared.
 *
 * @module
 */

import type { KeyPair, NoisePrimitives } from "../crypto/mod.ts";

/** One side's keys. */
export interface WalkedSide {
  /** Its identity. */
  readonly staticKey: KeyPair;
  /** Its key for this handshake. */
  readonly ephemeralKey: KeyPair;
}

/** What a handshake starts from. */
export interface WalkOptions {
  /** What does the cryptography. */
  readonly primitives: NoisePrimitives;
  /** `XX` or `XXpsk3`. */
  readonly pattern: "XX" | "XXpsk3";
  /** What both sides agree on beforehand. */
  readonly prologue: Uint8Array;
  /** 32 bytes, for XXpsk3. */
  readonly psk?: Uint8Array;
  /** The side that connects. */
  readonly initiator: WalkedSide;
  /** The other one. */
  readonly responder: WalkedSide;
}

/** The state behind a step; what the step left alone is undefined. */
export interface Step {
  /** A token of the pattern, `payload`, or what happens before the first message. */
  readonly name: string;
  /** The secret that two keys share, where the step makes one. */
  readonly dh: Uint8Array | undefined;
  /** The hash. */
  readonly h: Uint8Array | undefined;
  /** The chaining key. */
  readonly ck: Uint8Array | undefined;
  /** The cipher key. */
  readonly k: Uint8Array | undefined;
}

/** A whole handshake. */
export interface Walk {
  /** Name and prologue. */
  readonly start: readonly Step[];
  /** The three messages, the initiator's first. */
  readonly messages: readonly { readonly bytes: Uint8Array; readonly steps: readonly Step[] }[];
  /** Key of the initiator's messages. */
  readonly initiatorKey: Uint8Array;
  /** Key of the responder's messages. */
  readonly responderKey: Uint8Array;
  /** The hash at the end. */
  readonly handshakeHash: Uint8Array;
}

const TOKENS = [["e"], ["e", "ee", "s", "es"], ["s", "se", "psk"]] as const;

const NOTHING = new Uint8Array(0);

/** The highest number, which no message has and which the next key is made with. */
const REKEY_NUMBER = 2n ** 64n - 1n;

const encoder = new TextEncoder();

/** Parts one after the other. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** The nonce of a message: four zero bytes, then its number, least significant byte first. */
export function nonceOf(number: bigint): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, number, true);
  return nonce;
}

/** Encrypts and appends the tag. */
export function sealed(
  primitives: NoisePrimitives,
  key: Uint8Array,
  number: bigint,
  associatedData: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  const out = new Uint8Array(plaintext.length + 16);
  using cipher = primitives.cipher(key);
  cipher.seal(nonceOf(number), associatedData, plaintext, out, 0);
  return out;
}

/** The key that follows a key. */
export function rekeyed(primitives: NoisePrimitives, key: Uint8Array): Uint8Array {
  return sealed(primitives, key, REKEY_NUMBER, NOTHING, new Uint8Array(32)).slice(0, 32);
}

/** The outputs of Noise's HKDF. */
function derived(
  primitives: NoisePrimitives,
  chainingKey: Uint8Array,
  material: Uint8Array,
): readonly [Uint8Array, Uint8Array, Uint8Array] {
  const key = primitives.hmacSha256(chainingKey, material);
  const first = primitives.hmacSha256(key, Uint8Array.of(1));
  const second = primitives.hmacSha256(key, concat(first, Uint8Array.of(2)));
  const third = primitives.hmacSha256(key, concat(second, Uint8Array.of(3)));
  return [first, second, third];
}

class Walker {
  readonly #options: WalkOptions;
  #h: Uint8Array;
  #ck: Uint8Array;
  #k: Uint8Array | undefined;
  #number = 0n;
  #shown: Pick<Step, "h" | "ck" | "k"> = { h: undefined, ck: undefined, k: undefined };
  #secret: Uint8Array | undefined;

  constructor(options: WalkOptions) {
    const { pattern, primitives } = options;
    this.#options = options;
    const name = encoder.encode(`Noise_${pattern}_25519_ChaChaPoly_SHA256`);
    this.#h = name.length > 32 ? primitives.sha256(name) : concat(name, new Uint8Array(32))
      .slice(0, 32);
    this.#ck = this.#h;
  }

  walk(): Walk {
    const { primitives, prologue } = this.#options;
    const start = [this.#step("name")];
    this.#mixHash(prologue);
    start.push(this.#step("prologue"));
    const messages = TOKENS.map((tokens, index) => this.#message(tokens, index));
    const [initiatorKey, responderKey] = derived(primitives, this.#ck, NOTHING);
    return { start, messages, initiatorKey, responderKey, handshakeHash: this.#h };
  }

  #message(tokens: readonly string[], index: number): Walk["messages"][number] {
    const writer = index === 1 ? this.#options.responder : this.#options.initiator;
    const parts: Uint8Array[] = [];
    const steps: Step[] = [];
    for (const token of tokens) {
      if (token === "psk" && !this.#options.psk) continue;
      parts.push(this.#token(token, writer));
      steps.push(this.#step(token));
    }
    parts.push(this.#encryptAndHash(NOTHING));
    steps.push(this.#step("payload"));
    return { bytes: concat(...parts), steps };
  }

  /** Does what a token says; what it writes. */
  #token(token: string, writer: WalkedSide): Uint8Array {
    const { initiator, responder, psk = NOTHING, primitives } = this.#options;
    if (token === "s") return this.#encryptAndHash(writer.staticKey.publicKey);
    if (token === "e") {
      const { publicKey } = writer.ephemeralKey;
      this.#mixHash(publicKey);
      if (this.#options.psk) this.#mixKey(publicKey);
      return publicKey;
    }
    if (token === "psk") {
      const [ck, hash, k] = derived(primitives, this.#ck, psk);
      this.#ck = ck;
      this.#mixHash(hash);
      this.#takeKey(k);
      return NOTHING;
    }
    const mine = token[0] === "e" ? initiator.ephemeralKey : initiator.staticKey;
    const theirs = token[1] === "e" ? responder.ephemeralKey : responder.staticKey;
    const secret = primitives.dh(mine.privateKey, theirs.publicKey);
    if (!secret) throw new Error(`the token ${token} has a key of low order`);
    this.#secret = secret;
    this.#mixKey(secret);
    return NOTHING;
  }

  #encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const { primitives } = this.#options;
    const written = this.#k
      ? sealed(primitives, this.#k, this.#number++, this.#h, plaintext)
      : plaintext;
    this.#mixHash(written);
    return written;
  }

  #mixHash(data: Uint8Array): void {
    this.#h = this.#options.primitives.sha256(concat(this.#h, data));
  }

  #mixKey(material: Uint8Array): void {
    const [ck, k] = derived(this.#options.primitives, this.#ck, material);
    this.#ck = ck;
    this.#takeKey(k);
  }

  #takeKey(k: Uint8Array): void {
    this.#k = k;
    this.#number = 0n;
  }

  #step(name: string): Step {
    const { h, ck, k } = this.#shown;
    const dh = this.#secret;
    this.#shown = { h: this.#h, ck: this.#ck, k: this.#k };
    this.#secret = undefined;
    return {
      name,
      dh,
      h: h === this.#h ? undefined : this.#h,
      ck: ck === this.#ck ? undefined : this.#ck,
      k: k === this.#k ? undefined : this.#k,
    };
  }
}

/** Walks through a handshake. */
export function walkHandshake(options: WalkOptions): Walk {
  return new Walker(options).walk();
}
