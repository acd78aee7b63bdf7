/**
 * Foreign calls to libgcrypt: the only file that opens the library.
 *
 * Nothing here takes the address of memory or reads a C string, so that permission to load this one
 * library is enough. Handles come back through an out-parameter and go in as numbers, and the
 * version is found out by asking whether the library is at least some version.
 *
 * @module
 */

import { CipherHandle, MacHandle } from "./_handles.ts";
import { assertLength, KEY_BYTES } from "./_sizes.ts";
import { forC, type Functions, SYMBOLS } from "./_symbols.ts";
import { check } from "./gcrypt_error.ts";

/** The oldest version with X25519 in its interface, `gcry_ecc_mul_point`. */
export const OLDEST_VERSION = "1.9.0";

// Numbers of gcrypt.h.
const GCRY_CIPHER_CHACHA20 = 316;
const GCRY_CIPHER_MODE_POLY1305 = 10;
const GCRY_MAC_HMAC_SHA256 = 101;
const GCRY_MD_SHA256 = 8;
const GCRY_KDF_SCRYPT = 48;
const GCRY_ECC_CURVE25519 = 1;
const GCRY_STRONG_RANDOM = 1;
const GCRYCTL_DISABLE_SECMEM = 37;
const GCRYCTL_INITIALIZATION_FINISHED = 38;
const GCRYCTL_INITIALIZATION_FINISHED_P = 39;
const GCRYCTL_FIPS_MODE_P = 55;

type Library = Deno.DynamicLibrary<typeof SYMBOLS>;
type Multiply = NonNullable<Functions["gcry_ecc_mul_point"]>;

/** What opening the library gives. */
export type GcryptOutcome =
  | { readonly type: "open"; readonly gcrypt: Gcrypt }
  | { readonly type: "unloadable"; readonly cause: unknown }
  | { readonly type: "too-old"; readonly version: string }
  | { readonly type: "fips"; readonly version: string };

/** Opens the library at a path and starts it, unless another thread has done that already. */
export function openGcrypt(path: string): GcryptOutcome {
  let library: Library;
  try {
    library = Deno.dlopen(path, SYMBOLS);
  } catch (cause) {
    return { type: "unloadable", cause };
  }
  const { gcry_check_version, gcry_control, gcry_ecc_mul_point } = library.symbols;
  // The first call of all has to be gcry_check_version: it sets the library up.
  const version = findVersion((candidate) => gcry_check_version(cString(candidate)) !== 0n);
  if (gcry_check_version(cString(OLDEST_VERSION)) === 0n || gcry_ecc_mul_point === null) {
    library.close();
    return { type: "too-old", version };
  }
  if (gcry_control(GCRYCTL_FIPS_MODE_P, 0) !== 0) {
    library.close();
    return { type: "fips", version };
  }
  // All threads of the process share what is started here.
  if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P, 0) === 0) {
    // Keys lie in JavaScript's memory anyway; locked memory would be one more thing to run out of.
    check("gcry_control", gcry_control(GCRYCTL_DISABLE_SECMEM, 0));
    check("gcry_control", gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0));
  }
  return { type: "open", gcrypt: new Gcrypt(library, gcry_ecc_mul_point, version) };
}

/**
 * The highest version 1.MINOR.MICRO that the library says it is at least.
 *
 * Major version 1 is given by the file's name, libgcrypt.so.20.
 */
export function findVersion(isAtLeast: (version: string) => boolean): string {
  /** Far above any version there will be, so that a library that says yes to all ends the search. */
  const highest = 99;
  let minor = 0;
  while (minor < highest && isAtLeast(`1.${minor + 1}.0`)) minor++;
  let micro = 0;
  while (micro < highest && isAtLeast(`1.${minor}.${micro + 1}`)) micro++;
  return `1.${minor}.${micro}`;
}

/** The library, opened by one thread and for it alone. */
export class Gcrypt implements Disposable {
  readonly version: string;
  readonly #library: Library;
  readonly #functions: Functions;
  readonly #multiply: Multiply;
  /** Handles that are open; the library's code stays loaded until the last one is closed. */
  #handles = 0;
  #isDisposed = false;

  /** For `openGcrypt`. */
  constructor(library: Library, multiply: Multiply, version: string) {
    this.#library = library;
    this.#functions = library.symbols;
    this.#multiply = multiply;
    this.version = version;
  }

  /** Fills memory with random bytes good enough for keys. */
  randomize(out: Uint8Array): void {
    this.#assertOpen();
    this.#functions.gcry_randomize(forC(out), BigInt(out.length), GCRY_STRONG_RANDOM);
  }

  sha256(data: Uint8Array, digest: Uint8Array): void {
    this.#assertOpen();
    assertLength("a SHA-256 digest", digest, KEY_BYTES);
    const { gcry_md_hash_buffer } = this.#functions;
    gcry_md_hash_buffer(GCRY_MD_SHA256, forC(digest), forC(data), BigInt(data.length));
  }

  /**
   * X25519: a private key times a point.
   *
   * The library says that all is well with a point of low order; its product is all zero.
   */
  multiply(privateKey: Uint8Array, point: Uint8Array, product: Uint8Array): void {
    this.#assertOpen();
    assertLength("an X25519 private key", privateKey, KEY_BYTES);
    assertLength("an X25519 public key", point, KEY_BYTES);
    assertLength("an X25519 product", product, KEY_BYTES);
    const multiply = this.#multiply;
    const code = multiply(GCRY_ECC_CURVE25519, forC(product), forC(privateKey), forC(point));
    check("gcry_ecc_mul_point", code);
  }

  /** scrypt with r = 8, the only one the library has. */
  scrypt(
    password: Uint8Array,
    salt: Uint8Array,
    n: number,
    p: number,
    key: Uint8Array,
  ): void {
    this.#assertOpen();
    const code = this.#functions.gcry_kdf_derive(
      forC(password),
      BigInt(password.length),
      GCRY_KDF_SCRYPT,
      n,
      forC(salt),
      BigInt(salt.length),
      BigInt(p),
      BigInt(key.length),
      forC(key),
    );
    check("gcry_kdf_derive", code);
  }

  /** A handle for HMAC-SHA256. */
  openMac(): MacHandle {
    this.#assertOpen();
    const handle = new BigUint64Array(1);
    const code = this.#functions.gcry_mac_open(handle, GCRY_MAC_HMAC_SHA256, 0, 0n);
    check("gcry_mac_open", code);
    this.#handles++;
    return new MacHandle(this.#functions, handle[0] ?? 0n, () => this.#released());
  }

  /** A handle for ChaCha20-Poly1305. */
  openCipher(): CipherHandle {
    this.#assertOpen();
    const handle = new BigUint64Array(1);
    const { gcry_cipher_open } = this.#functions;
    const code = gcry_cipher_open(handle, GCRY_CIPHER_CHACHA20, GCRY_CIPHER_MODE_POLY1305, 0);
    check("gcry_cipher_open", code);
    this.#handles++;
    return new CipherHandle(this.#functions, handle[0] ?? 0n, () => this.#released());
  }

  /** Nothing can be done or opened any more; open handles go on until they are disposed of. */
  [Symbol.dispose](): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    if (this.#handles === 0) this.#library.close();
  }

  #released(): void {
    this.#handles--;
    if (this.#isDisposed && this.#handles === 0) this.#library.close();
  }

  #assertOpen(): void {
    if (this.#isDisposed) throw new Error("libgcrypt is used after it was disposed of");
  }
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
