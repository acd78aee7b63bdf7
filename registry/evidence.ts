/**
 * Who has heard of a server, and how lately: by this master itself, and by any.
 *
 * @module
 */

import type { ServerId } from "./types.ts";

interface Evidence {
  /** Until when this master's own hearing of it counts, monotonic milliseconds. */
  until: number;
  /** When anyone was last known to have heard of it, monotonic milliseconds. */
  word: number;
  /** When another master last told of it, monotonic milliseconds. */
  told: number;
}

/** Evidence of life, by server. */
export class EvidenceBook {
  readonly #byId = new Map<ServerId, Evidence>();

  /** This master has heard of a server, which counts until then. */
  hear(id: ServerId, now: number, until: number): void {
    const evidence = this.#byId.get(id);
    if (!evidence) this.#byId.set(id, { until, word: now, told: -Infinity });
    else {
      evidence.until = until;
      evidence.word = now;
    }
  }

  /** Another master has heard of a server. */
  tell(id: ServerId, now: number): void {
    const evidence = this.#byId.get(id);
    if (!evidence) this.#byId.set(id, { until: -Infinity, word: now, told: now });
    else evidence.word = evidence.told = now;
  }

  /** Whether this master has heard of a server, not long ago. */
  isHeard(id: ServerId, now: number): boolean {
    return (this.#byId.get(id)?.until ?? -Infinity) > now;
  }

  /** When anyone was last known to have heard of a server: now, where nobody ever was. */
  lastWord(id: ServerId, now: number): number {
    const evidence = this.#byId.get(id);
    if (evidence) return evidence.word;
    this.#byId.set(id, { until: -Infinity, word: now, told: -Infinity });
    return now;
  }

  /** When another master last told that somebody has heard of a server. */
  lastTold(id: ServerId): number | undefined {
    return this.#byId.get(id)?.told;
  }

  /** A server is gone. */
  delete(id: ServerId): void {
    this.#byId.delete(id);
  }
}
