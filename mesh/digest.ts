/**
 * Short hashes by which two masters find out where what they hold differs. Not for secrets: both
 * sides know all of it.
 *
 * @module
 */

import { DIGEST_BUCKETS } from "../protocol/mod.ts";
import type { Version } from "../registry/mod.ts";

/** Digits of a hash on the wire: two halves of 26 bits. */
const HALF_DIGITS = 13;

/** FNV-1a, 32 bits, over UTF-16 code units. */
function fnv(text: string, basis: number): number {
  let hash = basis;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash;
}

/** Spreads each bit over all: the last step of MurmurHash3. */
function spread(hash: number): number {
  let bits = hash ^ (hash >>> 16);
  bits = Math.imul(bits, 0x85ebca6b);
  bits ^= bits >>> 13;
  bits = Math.imul(bits, 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

/** FNV's own beginning, and another for the second half. */
const BASIS = 0x811c9dc5;
const SECOND_BASIS = 0x1b873593;

/** Bits of half a hash. */
const HALF_BITS = 26;

/** The bucket of a key. */
export function bucketOf(key: string): number {
  return spread(fnv(key, BASIS)) & (DIGEST_BUCKETS - 1);
}

/** A hash for each bucket: of all that is in it, in any order. */
export class Digests {
  readonly #high = new Int32Array(DIGEST_BUCKETS);
  readonly #low = new Int32Array(DIGEST_BUCKETS);

  /** Puts an entry into a bucket that it is not in, or takes out one that is. */
  toggle(bucket: number, key: string, { hlc, origin }: Version): void {
    const text = `${key} ${hlc} ${origin}`;
    const shift = 32 - HALF_BITS;
    this.#high[bucket] = (this.#high[bucket] ?? 0) ^ (spread(fnv(text, BASIS)) >>> shift);
    this.#low[bucket] = (this.#low[bucket] ?? 0) ^ (spread(fnv(text, SECOND_BASIS)) >>> shift);
  }

  /** The hash of each bucket, 13 hexadecimal digits. */
  all(): string[] {
    const hashes: string[] = [];
    for (let i = 0; i < DIGEST_BUCKETS; i++) {
      const value = (this.#high[i] ?? 0) * 2 ** HALF_BITS + (this.#low[i] ?? 0);
      hashes.push(value.toString(16).padStart(HALF_DIGITS, "0"));
    }
    return hashes;
  }
}
