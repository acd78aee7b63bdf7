/**
 * How far this master knows the changes of each master: what its readers may rely on.
 *
 * @module
 */

import type { Departures, Tombstone, Version } from "./types.ts";
import { hlcAt, raise } from "./versions.ts";

/** A master of which changes are known, but not all up to the latest of them. */
interface Stranger {
  /** Time of the latest change known. */
  hlc: number;
  /** Monotonic milliseconds at which the first of them came. */
  readonly since: number;
}

/** What is known of changes, by master. */
export class Knowledge {
  readonly #origin: string;
  readonly #vector = new Map<string, number>();
  readonly #horizon = new Map<string, number>();
  readonly #strangers = new Map<string, Stranger>();
  /** Time of this master's last change that was stored before this start; 0 for none. */
  #stored = 0;
  /** Hybrid logical time before which a server that is gone may have been forgotten. */
  #forgotten = 0;

  /** @param origin This master's id. */
  constructor(origin: string) {
    this.#origin = origin;
  }

  /** How far every change is known, by master. */
  get vector(): ReadonlyMap<string, number> {
    return this.#vector;
  }

  /** This master made a change that readers are told of. */
  told(version: Version): void {
    raise(this.#vector, version);
  }

  /**
   * A change came from the database.
   *
   * @param now Monotonic milliseconds.
   */
  restored(version: Version, now: number): void {
    if (version.origin !== this.#origin) return this.heard(version, now);
    raise(this.#vector, version);
    this.#stored = Math.max(this.#stored, version.hlc);
  }

  /**
   * A change of another master came, and there may be earlier ones that have not.
   *
   * @param now Monotonic milliseconds.
   */
  heard({ hlc, origin }: Version, now: number): void {
    if (origin === this.#origin || hlc <= (this.#vector.get(origin) ?? 0)) return;
    const stranger = this.#strangers.get(origin);
    if (!stranger) this.#strangers.set(origin, { hlc, since: now });
    else stranger.hlc = Math.max(stranger.hlc, hlc);
  }

  /** All changes of another master up to here have come; whether that is news. */
  synced(version: Version): boolean {
    const { hlc, origin } = version;
    if (origin === this.#origin || hlc <= (this.#vector.get(origin) ?? 0)) return false;
    raise(this.#vector, version);
    const stranger = this.#strangers.get(origin);
    if (stranger && stranger.hlc <= hlc) this.#strangers.delete(origin);
    return true;
  }

  /**
   * Masters that have not said for a long time how far their changes are known: they are not coming
   * back, and what there is of theirs is all that there will be. Without this their changes would be
   * told to every reader again and again.
   *
   * @param before Monotonic milliseconds.
   */
  takeLost(before: number): Version[] {
    const lost: Version[] = [];
    for (const [origin, { hlc, since }] of this.#strangers) {
      if (since >= before) continue;
      this.#strangers.delete(origin);
      raise(this.#vector, { origin, hlc });
      lost.push({ origin, hlc });
    }
    return lost;
  }

  /** A tombstone from before a restart is not kept: readers who know less need everything. */
  lost(version: Version): void {
    raise(this.#horizon, version);
    this.#forgotten = Math.max(this.#forgotten, version.hlc);
  }

  /**
   * A tombstone is forgotten.
   *
   * @param wall Milliseconds since 1970 at which it was surely there.
   */
  forgot(version: Version, wall: number): void {
    raise(this.#horizon, version);
    // No reader could ever know more, if its master were never to be heard of again.
    raise(this.#vector, version);
    // Whatever the clock of its master said.
    this.#forgotten = Math.max(this.#forgotten, Math.min(version.hlc, hlcAt(wall)));
  }

  /** Whether a tombstone was forgotten here, or one that its master made later. */
  hasForgotten({ hlc, origin }: Version): boolean {
    return hlc <= (this.#horizon.get(origin) ?? 0);
  }

  /** Whether a server that is not known here may have been, and be gone. */
  mayBeGone({ hlc }: Version): boolean {
    return hlc <= this.#forgotten;
  }

  /**
   * What copies need to know beside the records.
   *
   * @param beginning Time of the first change since this start.
   */
  departures(tombstones: readonly Tombstone[], beginning: number): Departures {
    const origin = this.#origin;
    raise(this.#vector, { origin, hlc: beginning });
    // Without anything stored nobody can say what was told before.
    const birth = this.#stored === 0 ? [[origin, beginning] as const] : [];
    return {
      origin,
      tombstones,
      vector: [...this.#vector],
      horizon: [...this.#horizon, ...birth],
      gap: { origin, after: this.#stored, before: beginning },
    };
  }
}
