import type { Gcrypt } from "./_gcrypt.ts";
import type { MacHandle } from "./_handles.ts";
import { KEY_BYTES } from "./_sizes.ts";
import type { Crypto, ScryptCost } from "./crypto.ts";
import type { KeyPair, NoiseCipher } from "./primitives.ts";

/** The u-coordinate 9, X25519's base point (RFC 7748, section 4.1). */
const BASE_POINT = Uint8Array.of(9, ...new Array<number>(KEY_BYTES - 1).fill(0));

/** The block size of scrypt that libgcrypt has. */
const SCRYPT_BLOCK_SIZE = 8;

/** libgcrypt takes n as a C int. */
const MAX_SCRYPT_N = 2 ** 30;

/** What the project needs, on libgcrypt. */
export class Primitives implements Crypto {
  readonly path: string;
  readonly #gcrypt: Gcrypt;
  /** Kept, as opening one takes longer than a MAC does. */
  readonly #mac: MacHandle;

  constructor(gcrypt: Gcrypt, path: string) {
    this.path = path;
    this.#gcrypt = gcrypt;
    this.#mac = gcrypt.openMac();
  }

  get version(): string {
    return this.#gcrypt.version;
  }

  random(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.#gcrypt.randomize(bytes);
    return bytes;
  }

  keyPair(given?: Uint8Array): KeyPair {
    const privateKey = given?.slice() ?? this.random(KEY_BYTES);
    const publicKey = new Uint8Array(KEY_BYTES);
    this.#gcrypt.multiply(privateKey, BASE_POINT, publicKey);
    return { privateKey, publicKey };
  }

  dh(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
    const secret = new Uint8Array(KEY_BYTES);
    this.#gcrypt.multiply(privateKey, publicKey, secret);
    // All bytes are looked at, whatever they are: how long it takes tells nothing of the secret.
    let bits = 0;
    for (const byte of secret) bits |= byte;
    return bits === 0 ? undefined : secret;
  }

  cipher(key: Uint8Array): NoiseCipher {
    const cipher = this.#gcrypt.openCipher();
    try {
      cipher.setKey(key);
    } catch (error) {
      cipher[Symbol.dispose]();
      throw error;
    }
    return cipher;
  }

  sha256(data: Uint8Array): Uint8Array {
    const digest = new Uint8Array(KEY_BYTES);
    this.#gcrypt.sha256(data, digest);
    return digest;
  }

  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
    const mac = new Uint8Array(KEY_BYTES);
    this.#mac.setKey(key);
    this.#mac.write(data);
    this.#mac.read(mac);
    return mac;
  }

  scrypt(password: Uint8Array, salt: Uint8Array, cost: ScryptCost, length: number): Uint8Array {
    const { n, r, p } = cost;
    if (r !== SCRYPT_BLOCK_SIZE) {
      throw new RangeError(`scrypt's r is ${r}, and ${SCRYPT_BLOCK_SIZE} is all libgcrypt has`);
    }
    if (!Number.isInteger(Math.log2(n)) || n < 2 || n > MAX_SCRYPT_N) {
      throw new RangeError(`scrypt's n is ${n}, and not a power of two from 2 to ${MAX_SCRYPT_N}`);
    }
    if (!Number.isInteger(p) || p < 1) {
      throw new RangeError(`scrypt's p is ${p}, and not a whole number from 1 on`);
    }
    const key = new Uint8Array(length);
    this.#gcrypt.scrypt(password, salt, n, p, key);
    return key;
  }

  [Symbol.dispose](): void {
    this.#mac[Symbol.dispose]();
    this.#gcrypt[Symbol.dispose]();
  }
}
