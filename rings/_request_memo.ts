import type { Decoded } from "../protocol/mod.ts";

/** Longest request that is remembered, in bytes. The game's own have 31 and about 60. */
const MAX_BYTES = 256;

interface Remembered {
  readonly bytes: Uint8Array;
  readonly decoded: readonly Decoded[];
}

/**
 * Requests that came whole and alone, as they were decoded. Nearly all that one game sends are the
 * same to the byte: comparing them takes a tenth of the time of reading them again. One of each
 * length is kept.
 */
export class RequestMemo {
  readonly #byLength = new Map<number, Remembered>();

  /** What these bytes were decoded to, if they are the ones remembered. */
  recall(bytes: Uint8Array): readonly Decoded[] | undefined {
    const remembered = this.#byLength.get(bytes.length);
    if (!remembered) return undefined;
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] !== remembered.bytes[i]) return undefined;
    }
    return remembered.decoded;
  }

  /**
   * Takes note of bytes that were decoded.
   *
   * @param bytes All that came, from a message's first byte to its last; copied.
   */
  remember(bytes: Uint8Array, decoded: readonly Decoded[]): void {
    if (bytes.length > MAX_BYTES || decoded.length !== 1 || decoded[0]?.type !== "message") return;
    this.#byLength.set(bytes.length, { bytes: bytes.slice(), decoded });
  }
}
