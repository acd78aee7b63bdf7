/**
 * Servers whose time is almost over and that this master does not hear of itself. Whoever hears of
 * them may be out of its reach, and yet in that of another.
 *
 * @module
 */

import { DIGEST_BUCKETS } from "../protocol/mod.ts";
import type { ServerId } from "../registry/mod.ts";
import type { Ledger } from "./ledger.ts";
import type { MeshSource } from "./types.ts";

/** Milliseconds before its time is over that a server is asked for. */
const ASK_BEFORE_MS = 15_000;

/** Milliseconds in which all servers are looked at once. */
const CYCLE_MS = 5000;

/** Servers asked for at a time. */
const MAX_ASKED = 4096;

/** Looks through all servers bit by bit. */
export class Watch {
  readonly #ledger: Ledger;
  readonly #source: MeshSource;
  #bucket = 0;
  #lookedAt: number;

  constructor(ledger: Ledger, source: MeshSource) {
    this.#ledger = ledger;
    this.#source = source;
    this.#lookedAt = source.monotonic();
  }

  /** Servers to ask another master for. */
  take(): ServerId[] {
    const now = this.#source.monotonic();
    const share = Math.min(1, (now - this.#lookedAt) / CYCLE_MS);
    const buckets = Math.floor(share * DIGEST_BUCKETS);
    if (buckets === 0) return [];
    this.#lookedAt = now;
    const dying: ServerId[] = [];
    for (let i = 0; i < buckets; i++) {
      this.#bucket = (this.#bucket + 1) % DIGEST_BUCKETS;
      for (const held of this.#ledger.serversOf(this.#bucket)) {
        if (held.due - now > ASK_BEFORE_MS || held.heardUntil > now) continue;
        if (dying.length < MAX_ASKED) dying.push(held.record.id);
      }
    }
    return dying;
  }
}
