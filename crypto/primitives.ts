/** A pair of X25519 keys. */
export interface KeyPair {
  /** 32 bytes, secret. */
  readonly privateKey: Uint8Array;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/**
 * ChaCha20-Poly1305 (RFC 8439) under one key at a time.
 *
 * It holds memory outside of JavaScript until it is disposed of; then every method throws.
 */
export interface NoiseCipher extends Disposable {
  /** Puts another key of 32 bytes in the place of the one so far. */
  setKey(key: Uint8Array): void;
  /**
   * Writes a plaintext's ciphertext and its tag of 16 bytes into `out`, from `offset` on.
   *
   * @param nonce 12 bytes, never the same twice under one key.
   * @throws RangeError when `out` is too short.
   */
  seal(
    nonce: Uint8Array,
    associatedData: Uint8Array,
    plaintext: Uint8Array,
    out: Uint8Array,
    offset: number,
  ): void;
  /**
   * Writes the plaintext of a ciphertext and its tag into `out`, which has 16 bytes less.
   *
   * @returns Whether the tag fits. If not, `out` is all zero.
   */
  open(
    nonce: Uint8Array,
    associatedData: Uint8Array,
    sealed: Uint8Array,
    out: Uint8Array,
  ): boolean;
}

/** What the Noise protocol needs done: X25519, ChaCha20-Poly1305 and SHA-256. */
export interface NoisePrimitives {
  /** A new pair of keys, for one handshake. */
  keyPair(): KeyPair;
  /** The secret that two keys share: 32 bytes, or `undefined` for a public key of low order. */
  dh(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
  /** Opens a cipher under a key of 32 bytes. */
  cipher(key: Uint8Array): NoiseCipher;
  /** SHA-256: 32 bytes. */
  sha256(data: Uint8Array): Uint8Array;
  /** HMAC-SHA256 under a key of any length: 32 bytes. */
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
}
