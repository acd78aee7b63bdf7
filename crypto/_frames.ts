/** Bytes of the length that stands before every message. */
export const LENGTH_BYTES = 2;

/** Memory set aside for a frame that begins, so that a length alone takes no 64 KiB. */
const FIRST_MEMORY_BYTES = 4096;

const NOTHING = new Uint8Array(0);

/**
 * Cuts a stream of bytes into messages, each behind its length in two bytes, big end first.
 *
 * A message that stands whole in a chunk is not copied. One that does not is gathered in memory
 * that grows as its bytes arrive, never beyond its length.
 */
export class FrameReader {
  #chunk: Uint8Array = NOTHING;
  #offset = 0;
  /** The length's first byte, while the second one is missing. */
  #firstByte: number | undefined;
  /** The length of the message under way. */
  #length: number | undefined;
  /** The beginning of the message under way, and how much of it is there. */
  #memory: Uint8Array = NOTHING;
  #filled = 0;
  #refusedLength: number | undefined;

  /** How many bytes of an unfinished frame are held. */
  get pending(): number {
    if (this.#length !== undefined) return LENGTH_BYTES + this.#filled;
    return this.#firstByte === undefined ? 0 : 1;
  }

  /** The length that was out of bounds, after which nothing more can be read. */
  get refusedLength(): number | undefined {
    return this.#refusedLength;
  }

  /** Goes on with another chunk, which stays the caller's, once the one before it is used up. */
  feed(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /**
   * The next message, when all of it is there; the memory is good until the next call.
   *
   * @param minimum Bytes a message has at least.
   * @param maximum Bytes a message has at most. Lengths are judged as soon as they are known.
   */
  next(minimum: number, maximum: number): Uint8Array | undefined {
    if (this.#refusedLength !== undefined) return undefined;
    const length = this.#length ??= this.#readLength();
    if (length === undefined) return this.#await();
    if (length < minimum || length > maximum) {
      this.clear();
      this.#refusedLength = length;
      return undefined;
    }
    const chunk = this.#chunk;
    const start = this.#offset;
    const missing = length - this.#filled;
    if (chunk.length - start < missing) {
      this.#gather(chunk.subarray(start), length);
      return this.#await();
    }
    this.#offset = start + missing;
    let message = chunk.subarray(start, this.#offset);
    if (this.#filled > 0) {
      this.#gather(message, length);
      message = this.#memory.subarray(0, length);
    }
    this.#length = undefined;
    this.#memory = NOTHING;
    this.#filled = 0;
    return message;
  }

  /** Lets go of everything held. */
  clear(): void {
    this.#chunk = NOTHING;
    this.#offset = 0;
    this.#firstByte = undefined;
    this.#length = undefined;
    this.#memory = NOTHING;
    this.#filled = 0;
  }

  #readLength(): number | undefined {
    const first = this.#firstByte ?? this.#chunk[this.#offset++];
    const second = this.#chunk[this.#offset++];
    const isWhole = first !== undefined && second !== undefined;
    this.#firstByte = isWhole ? undefined : first;
    return isWhole ? first << 8 | second : undefined;
  }

  /** The chunk is used up, and must not be kept alive while its sender is silent. */
  #await(): undefined {
    this.#chunk = NOTHING;
    this.#offset = 0;
  }

  #gather(part: Uint8Array, length: number): void {
    const needed = this.#filled + part.length;
    if (this.#memory.length < needed) {
      const size = Math.max(needed, 2 * this.#memory.length, FIRST_MEMORY_BYTES);
      const memory = new Uint8Array(Math.min(size, length));
      memory.set(this.#memory.subarray(0, this.#filled));
      this.#memory = memory;
    }
    this.#memory.set(part, this.#filled);
    this.#filled = needed;
  }
}

/** A message behind its length. */
export function frameOf(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(LENGTH_BYTES + message.length);
  writeLength(frame, 0, message.length);
  frame.set(message, LENGTH_BYTES);
  return frame;
}

/** Writes the length that stands before a message. */
export function writeLength(out: Uint8Array, offset: number, length: number): void {
  out[offset] = length >> 8;
  out[offset + 1] = length;
}
