/** Bytes of X25519 keys and secrets, cipher keys, pre-shared keys, SHA-256 digests and HMACs. */
export const KEY_BYTES = 32;

/** Bytes of the nonce of ChaCha20-Poly1305 (RFC 8439). */
export const NONCE_BYTES = 12;

/** Bytes of the tag of ChaCha20-Poly1305 (RFC 8439), which stands behind the ciphertext. */
export const TAG_BYTES = 16;

/** Foreign calls know no lengths and would read or write past the end of what is too short. */
export function assertLength(what: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) {
    throw new RangeError(`${what} has ${length} bytes, not ${bytes.length}`);
  }
}
