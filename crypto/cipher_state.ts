import { KEY_BYTES, NONCE_BYTES, TAG_BYTES } from "./_sizes.ts";
import type { NoiseCipher } from "./primitives.ts";

/** Where the counter stands in a nonce: behind four zero bytes (Noise specification, section 12). */
const COUNTER_OFFSET = 4;

/** 2^64-1, the nonce that no message may have (Noise specification, section 5.1). */
const MAX_NONCE = 2n ** 64n - 1n;

const NOTHING = new Uint8Array(0);
const ZEROS = new Uint8Array(KEY_BYTES);

/** The nonce of section 4.2's REKEY: the counter is 2^64-1. */
const REKEY_NONCE = new Uint8Array(NONCE_BYTES).fill(0xff, COUNTER_OFFSET);

/**
 * A key and the number of its next message (Noise specification, section 5.1).
 *
 * Its owner disposes of it.
 */
export class CipherState implements Disposable {
  readonly #cipher: NoiseCipher;
  /** Counts in place, least significant byte first, so that a message takes no new memory. */
  readonly #nonce = new Uint8Array(NONCE_BYTES);
  #isExhausted = false;

  /**
   * Starts with message number 0.
   *
   * @param cipher With its key set; belongs to this from now on.
   */
  constructor(cipher: NoiseCipher) {
    this.#cipher = cipher;
  }

  /** The number of the next message. */
  get nonce(): bigint {
    return new DataView(this.#nonce.buffer).getBigUint64(COUNTER_OFFSET, true);
  }

  /** Whether all numbers are used up, so that the connection has to close. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  /** Goes on with another key, from message number 0 on. */
  setKey(key: Uint8Array): void {
    this.#cipher.setKey(key);
    this.setNonce(0n);
  }

  /** Goes on with another message number, from 0 to 2^64-1. */
  setNonce(nonce: bigint): void {
    if (nonce < 0n || nonce > MAX_NONCE) {
      throw new RangeError(`a nonce is ${nonce}, and not from 0 to ${MAX_NONCE}`);
    }
    new DataView(this.#nonce.buffer).setBigUint64(COUNTER_OFFSET, nonce, true);
    this.#isExhausted = nonce === MAX_NONCE;
  }

  /** Encrypts a message: its ciphertext with the tag behind it. @throws Error when exhausted. */
  encryptWithAd(associatedData: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
    if (this.#isExhausted) throw exhausted();
    this.#cipher.seal(this.#nonce, associatedData, plaintext, sealed, 0);
    this.#count();
    return sealed;
  }

  /** Encrypts a message without associated data into memory at hand. @throws Error when exhausted. */
  encryptInto(plaintext: Uint8Array, out: Uint8Array, offset: number): void {
    if (this.#isExhausted) throw exhausted();
    this.#cipher.seal(this.#nonce, NOTHING, plaintext, out, offset);
    this.#count();
  }

  /**
   * Decrypts a message.
   *
   * @returns Its plaintext, or `undefined` when it is too short or its tag does not fit; then the
   * message number stays as it is.
   * @throws Error when exhausted.
   */
  decryptWithAd(associatedData: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    if (this.#isExhausted) throw exhausted();
    if (sealed.length < TAG_BYTES) return undefined;
    const plaintext = new Uint8Array(sealed.length - TAG_BYTES);
    if (!this.#cipher.open(this.#nonce, associatedData, sealed, plaintext)) return undefined;
    this.#count();
    return plaintext;
  }

  /** Replaces the key by one made of it; messages are numbered on (section 11.3). */
  rekey(): void {
    const sealed = new Uint8Array(KEY_BYTES + TAG_BYTES);
    this.#cipher.seal(REKEY_NONCE, NOTHING, ZEROS, sealed, 0);
    this.#cipher.setKey(sealed.subarray(0, KEY_BYTES));
    sealed.fill(0);
  }

  /** Wipes the key. */
  [Symbol.dispose](): void {
    this.#cipher[Symbol.dispose]();
  }

  #count(): void {
    const nonce = this.#nonce;
    const digit = (nonce[COUNTER_OFFSET] ?? 0) + 1;
    nonce[COUNTER_OFFSET] = digit;
    // All but two of 256 times there is nothing to carry and the end cannot be reached.
    if (digit < 0xff) return;
    if (digit === 0x100) this.#carry();
    this.#isExhausted = this.nonce === MAX_NONCE;
  }

  #carry(): void {
    const nonce = this.#nonce;
    for (let index = COUNTER_OFFSET + 1; index < NONCE_BYTES; index++) {
      const digit = ((nonce[index] ?? 0) + 1) & 0xff;
      nonce[index] = digit;
      if (digit !== 0) return;
    }
  }
}

function exhausted(): Error {
  return new Error("all 2^64-1 messages of this key are used up: close the connection");
}
