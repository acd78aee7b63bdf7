import { FRAME_OVERHEAD_BYTES, MAX_MESSAGE_BYTES } from "../crypto/mod.ts";

/** Buffers kept for later: as many long messages as are likely to be on their way at once. */
const MAX_SPARE = 64;

/** Buffers for long frames: making and clearing one anew takes longer than sealing into it. */
export class FramePool {
  readonly #spare: Uint8Array[] = [];

  /** A buffer that holds any frame. */
  take(): Uint8Array {
    return this.#spare.pop() ?? new Uint8Array(MAX_MESSAGE_BYTES + FRAME_OVERHEAD_BYTES);
  }

  /** Gives a buffer back that nobody reads any more. */
  give(buffer: Uint8Array): void {
    if (this.#spare.length < MAX_SPARE) this.#spare.push(buffer);
  }
}
