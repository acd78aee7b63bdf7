import type { KeyPair, NoisePrimitives } from "./primitives.ts";

/** What scrypt is to cost (RFC 7914). */
export interface ScryptCost {
  /** Processor and memory: a power of two above 1. Takes 1,024 × n bytes. */
  readonly n: number;
  /** The block size: 8 is the only one libgcrypt has. */
  readonly r: number;
  /** Repetitions, from 1 on. */
  readonly p: number;
}

/**
 * Everything of libgcrypt that the project uses.
 *
 * Every method throws an `Error` after it was disposed of, a `RangeError` on memory of a wrong
 * length, and a `GcryptError` when the library fails. What was opened with `cipher` works on until
 * it is disposed of itself.
 */
export interface Crypto extends NoisePrimitives, Disposable {
  /** The library's version, such as "1.10.1". */
  readonly version: string;
  /** The library's file. */
  readonly path: string;
  /** Bytes as random as keys have to be. */
  random(length: number): Uint8Array;
  /** A new random pair of X25519 keys, or the one of a private key of 32 bytes. */
  keyPair(privateKey?: Uint8Array): KeyPair;
  /** scrypt (RFC 7914), which takes time and memory on purpose. */
  scrypt(password: Uint8Array, salt: Uint8Array, cost: ScryptCost, length: number): Uint8Array;
}
