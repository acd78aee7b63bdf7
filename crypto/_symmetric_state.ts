import { hkdf2, hkdf3 } from "./_hkdf.ts";
import { KEY_BYTES, TAG_BYTES } from "./_sizes.ts";
import { CipherState } from "./cipher_state.ts";
import type { NoisePrimitives } from "./primitives.ts";

/** The keys for what comes after a handshake: the initiator's messages, then the responder's. */
export type SplitCiphers = readonly [CipherState, CipherState];

/** The chaining key, the hash and the cipher of a handshake (Noise specification, section 5.2). */
export class SymmetricState implements Disposable {
  readonly #primitives: NoisePrimitives;
  readonly #hash: Uint8Array;
  readonly #chainingKey: Uint8Array;
  #cipher: CipherState | undefined;

  constructor(primitives: NoisePrimitives, protocolName: string) {
    this.#primitives = primitives;
    const name = new TextEncoder().encode(protocolName);
    this.#hash = new Uint8Array(KEY_BYTES);
    // A name that fits is its own hash, with zeros behind it.
    this.#hash.set(name.length <= KEY_BYTES ? name : primitives.sha256(name));
    this.#chainingKey = this.#hash.slice();
  }

  /** Whether there is a key by now, so that everything is encrypted. */
  get isKeyed(): boolean {
    return this.#cipher !== undefined;
  }

  /** How many bytes longer than a plaintext its ciphertext is by now. */
  get overhead(): number {
    return this.isKeyed ? TAG_BYTES : 0;
  }

  /** A copy of the hash of everything so far. */
  get handshakeHash(): Uint8Array {
    return this.#hash.slice();
  }

  mixHash(data: Uint8Array): void {
    const input = new Uint8Array(KEY_BYTES + data.length);
    input.set(this.#hash);
    input.set(data, KEY_BYTES);
    this.#hash.set(this.#primitives.sha256(input));
  }

  mixKey(material: Uint8Array): void {
    const [chainingKey, key] = hkdf2(this.#primitives, this.#chainingKey, material);
    this.#goOnWith(chainingKey, key);
  }

  mixKeyAndHash(material: Uint8Array): void {
    const [chainingKey, hash, key] = hkdf3(this.#primitives, this.#chainingKey, material);
    this.mixHash(hash);
    hash.fill(0);
    this.#goOnWith(chainingKey, key);
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const sealed = this.#cipher?.encryptWithAd(this.#hash, plaintext) ?? plaintext;
    this.mixHash(sealed);
    return sealed;
  }

  /** @returns The plaintext, or `undefined` when its tag does not fit. */
  decryptAndHash(sealed: Uint8Array): Uint8Array | undefined {
    const plaintext = this.#cipher === undefined
      ? sealed.slice()
      : this.#cipher.decryptWithAd(this.#hash, sealed);
    if (plaintext !== undefined) this.mixHash(sealed);
    return plaintext;
  }

  /** The keys for what comes after the handshake; this state is of no more use then. */
  split(): SplitCiphers {
    const [first, second] = hkdf2(this.#primitives, this.#chainingKey, new Uint8Array(0));
    try {
      const initiator = new CipherState(this.#primitives.cipher(first));
      try {
        return [initiator, new CipherState(this.#primitives.cipher(second))];
      } catch (error) {
        initiator[Symbol.dispose]();
        throw error;
      }
    } finally {
      first.fill(0);
      second.fill(0);
    }
  }

  [Symbol.dispose](): void {
    this.#cipher?.[Symbol.dispose]();
    this.#chainingKey.fill(0);
  }

  #goOnWith(chainingKey: Uint8Array, key: Uint8Array): void {
    this.#chainingKey.set(chainingKey);
    if (this.#cipher === undefined) this.#cipher = new CipherState(this.#primitives.cipher(key));
    else this.#cipher.setKey(key);
    chainingKey.fill(0);
    key.fill(0);
  }
}
