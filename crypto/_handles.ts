import { assertLength, KEY_BYTES, NONCE_BYTES, TAG_BYTES } from "./_sizes.ts";
import { forC, type Functions } from "./_symbols.ts";
import { check, codeOf, GcryptError } from "./gcrypt_error.ts";
import type { NoiseCipher } from "./primitives.ts";

/** GPG_ERR_CHECKSUM: a tag that does not fit. */
const WRONG_TAG = 10;

// As bigints, since a number for a `usize` leaves the fast way of calling.
const KEY_SIZE = BigInt(KEY_BYTES);
const NONCE_SIZE = BigInt(NONCE_BYTES);
const TAG_SIZE = BigInt(TAG_BYTES);

/** A handle for HMAC-SHA256, for as many messages one after the other as wanted. */
export class MacHandle implements Disposable {
  readonly #functions: Functions;
  readonly #release: () => void;
  readonly #size = new BigUint64Array(1);
  /** 0 once it is closed. */
  #handle: bigint;

  /** For `Gcrypt.openMac`. */
  constructor(functions: Functions, handle: bigint, release: () => void) {
    this.#functions = functions;
    this.#handle = handle;
    this.#release = release;
  }

  /** Sets the key of what comes next. */
  setKey(key: Uint8Array): void {
    const { gcry_mac_setkey } = this.#functions;
    check("gcry_mac_setkey", gcry_mac_setkey(this.#open(), forC(key), BigInt(key.length)));
  }

  write(data: Uint8Array): void {
    const { gcry_mac_write } = this.#functions;
    check("gcry_mac_write", gcry_mac_write(this.#open(), forC(data), BigInt(data.length)));
  }

  /** Ends a message; the next one needs its key set. */
  read(mac: Uint8Array): void {
    assertLength("an HMAC-SHA256", mac, KEY_BYTES);
    this.#size[0] = KEY_SIZE;
    check("gcry_mac_read", this.#functions.gcry_mac_read(this.#open(), forC(mac), this.#size));
  }

  [Symbol.dispose](): void {
    if (this.#handle === 0n) return;
    const handle = this.#handle;
    this.#handle = 0n;
    this.#functions.gcry_mac_close(handle);
    this.#release();
  }

  #open(): bigint {
    if (this.#handle === 0n) throw new Error("a MAC handle is used after it was disposed of");
    return this.#handle;
  }
}

/** A handle for ChaCha20-Poly1305, for as many messages one after the other as wanted. */
export class CipherHandle implements NoiseCipher {
  readonly #functions: Functions;
  readonly #release: () => void;
  readonly #tag = new Uint8Array(TAG_BYTES);
  readonly #handle: bigint;
  #isDisposed = false;

  /** For `Gcrypt.openCipher`. */
  constructor(functions: Functions, handle: bigint, release: () => void) {
    this.#functions = functions;
    this.#handle = handle;
    this.#release = release;
  }

  setKey(key: Uint8Array): void {
    assertLength("a ChaCha20-Poly1305 key", key, KEY_BYTES);
    const { gcry_cipher_setkey } = this.#functions;
    check("gcry_cipher_setkey", gcry_cipher_setkey(this.#open(), forC(key), KEY_SIZE));
  }

  /** Writes ciphertext and tag into `out` from `offset` on; the two must not overlap. */
  seal(
    nonce: Uint8Array,
    associatedData: Uint8Array,
    plaintext: Uint8Array,
    out: Uint8Array,
    offset: number,
  ): void {
    const length = plaintext.length;
    // So that NaN is refused, too.
    if (!(offset >= 0 && offset + length + TAG_BYTES <= out.length)) {
      throw new RangeError(
        `${length} bytes of plaintext and a tag at ${offset} do not fit into ${out.length} bytes`,
      );
    }
    const handle = this.#begin(nonce, associatedData);
    const functions = this.#functions;
    const size = BigInt(length);
    // A view costs less than a second copy of the ciphertext.
    const ciphertext = offset === 0 ? out : out.subarray(offset);
    check(
      "gcry_cipher_encrypt",
      functions.gcry_cipher_encrypt(handle, forC(ciphertext), size, forC(plaintext), size),
    );
    const tag = this.#tag;
    check("gcry_cipher_gettag", functions.gcry_cipher_gettag(handle, tag, TAG_SIZE));
    const end = offset + length;
    for (let index = 0; index < TAG_BYTES; index++) out[end + index] = tag[index] ?? 0;
  }

  /**
   * Writes the plaintext of a ciphertext with its tag behind it into `out`.
   *
   * @returns Whether the tag fits; if not, `out` is zero.
   */
  open(
    nonce: Uint8Array,
    associatedData: Uint8Array,
    sealed: Uint8Array,
    out: Uint8Array,
  ): boolean {
    const length = sealed.length - TAG_BYTES;
    assertLength("the memory for a plaintext", out, length);
    const handle = this.#begin(nonce, associatedData);
    const functions = this.#functions;
    const size = BigInt(length);
    check(
      "gcry_cipher_decrypt",
      functions.gcry_cipher_decrypt(handle, forC(out), size, forC(sealed), size),
    );
    const tag = this.#tag;
    for (let index = 0; index < TAG_BYTES; index++) tag[index] = sealed[length + index] ?? 0;
    const code = codeOf(functions.gcry_cipher_checktag(handle, tag, TAG_SIZE));
    if (code === 0) return true;
    // The plaintext stands there before its tag was looked at.
    out.fill(0);
    if (code === WRONG_TAG) return false;
    throw new GcryptError("gcry_cipher_checktag", code);
  }

  [Symbol.dispose](): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#functions.gcry_cipher_close(this.#handle);
    this.#release();
  }

  /** Every message needs its nonce set: the library would silently take zero. */
  #begin(nonce: Uint8Array, associatedData: Uint8Array): bigint {
    assertLength("a nonce", nonce, NONCE_BYTES);
    const handle = this.#open();
    const functions = this.#functions;
    check("gcry_cipher_setiv", functions.gcry_cipher_setiv(handle, forC(nonce), NONCE_SIZE));
    const length = associatedData.length;
    if (length > 0) {
      const { gcry_cipher_authenticate } = functions;
      const code = gcry_cipher_authenticate(handle, forC(associatedData), BigInt(length));
      check("gcry_cipher_authenticate", code);
    }
    return handle;
  }

  #open(): bigint {
    if (this.#isDisposed) throw new Error("a cipher handle is used after it was disposed of");
    return this.#handle;
  }
}
