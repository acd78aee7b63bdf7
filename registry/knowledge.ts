/**
 * How far this master knows the changes of each master: what its readers may rely on.
 *
 * @module
 */

import type { Departures, Tombstone, Version } from "./types.ts";
import { hlcAt, includes, raise } from "./versions.ts";

/** A master of which changes are known, but not all up to the latest of them. */
interface Stranger {
  /** Monotonic milliseconds at which it was last looked at. */
  readonly since: number;
  /** Time of the latest change that was known then. */
  readonly ripe: number;
  /** Time of the latest change known. */
  hlc: number;
}

/** What is known of changes, by master. */
export class Knowledge {
  readonly #origin: string;
  readonly #vector = new Map<string, number>();
  readonly #horizon = new Map<string, number>();
  /** The same of the time before this start. */
  readonly #past = new Map<string, number>();
  readonly #strangers = new Map<string, Stranger>();
  /** When it was last said of each master how far it is known, monotonic milliseconds. */
  readonly #syncedAt = new Map<string, number>();
  /** Since when this master has been there, a short absence left out, monotonic milliseconds. */
  #awakeSince: number;
  /** Whether it has been there before its start. */
  #hasMemory = false;
  /** Time of this master's last change that was stored before this start; 0 for none. */
  #stored = 0;
  /** The latest of the servers that are gone and forgotten, by the master that changed them last. */
  readonly #buried = new Map<string, number>();
  /** Hybrid logical time before which a server that is gone may have been forgotten. */
  #forgotten = 0;

  /**
   * Knows nothing.
   *
   * @param origin This master's id.
   * @param now Monotonic milliseconds.
   */
  constructor(origin: string, now: number) {
    this.#origin = origin;
    this.#awakeSince = now;
  }

  /** How far every change is known, by master. */
  get vector(): ReadonlyMap<string, number> {
    return this.#vector;
  }

  /** Time of this master's last change that was stored before this start; 0 for none. */
  get stored(): number {
    return this.#stored;
  }

  /** This master made a change that readers are told of. */
  told(version: Version): void {
    raise(this.#vector, version);
  }

  /**
   * There is a database, of a time when this master was there before its start.
   *
   * @param at Monotonic milliseconds; minus infinity when that is not known.
   */
  remembers(at: number): void {
    this.#awakeSince = Math.max(at, this.#hasMemory ? this.#awakeSince : -Infinity);
    this.#hasMemory = true;
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
    if (!stranger) this.#strangers.set(origin, { since: now, ripe: hlc, hlc });
    else stranger.hlc = Math.max(stranger.hlc, hlc);
  }

  /**
   * Whether readers may take a change of another master for one that they know, though it is new
   * here: this master has said that it knows all up to there, or made it before it lost its memory.
   */
  isLate(version: Version): boolean {
    return version.origin === this.#origin || includes(this.#vector, version);
  }

  /**
   * All changes of another master up to here have come, but for those that it has forgotten.
   *
   * @param now Monotonic milliseconds.
   * @param kept How long tombstones are kept, in milliseconds.
   * @returns Whether that is news, and some may have been forgotten that readers know nothing of.
   */
  synced(version: Version, now: number, kept: number): "known" | "new" | "patchy" {
    const { hlc, origin } = version;
    const before = this.#syncedAt.get(origin) ?? this.#awakeSince;
    if (origin === this.#origin) return "known";
    this.#syncedAt.set(origin, now);
    if (includes(this.#vector, version)) return "known";
    raise(this.#vector, version);
    const stranger = this.#strangers.get(origin);
    if (stranger && stranger.hlc <= hlc) this.#strangers.delete(origin);
    if (now - before < kept) return "new";
    raise(this.#horizon, version);
    return "patchy";
  }

  /**
   * Masters that have not said for a long time how far their changes are known: they are not coming
   * back, and what there was of theirs then is all that there will be. Without this their changes
   * would be told to every reader again and again.
   *
   * @param now Monotonic milliseconds.
   * @param patience How long that is, in milliseconds.
   */
  takeLost(now: number, patience: number): Version[] {
    const lost: Version[] = [];
    for (const [origin, { since, ripe, hlc }] of this.#strangers) {
      if (since >= now - patience) continue;
      this.#strangers.delete(origin);
      // Of what others told since then, something earlier may be on its way yet.
      if (hlc > ripe) this.#strangers.set(origin, { since: now, ripe: hlc, hlc });
      const version = { origin, hlc: ripe };
      if (includes(this.#vector, version)) continue;
      raise(this.#vector, version);
      lost.push(version);
    }
    return lost;
  }

  /**
   * A tombstone from before a restart is not kept: readers who know less need everything, unless
   * they have been here since.
   *
   * @param wall Milliseconds since 1970 before which it was set up.
   */
  lost(version: Version, wall: number): void {
    if (version.origin === this.#origin) {
      raise(this.#vector, version);
      this.#stored = Math.max(this.#stored, version.hlc);
    }
    raise(this.#past, version);
    this.#pass(version, wall);
  }

  /**
   * A tombstone is forgotten.
   *
   * @param of The last version of the server that it was of, if it was listed here.
   * @param wall Milliseconds since 1970 at which it was surely there.
   */
  forgot(version: Version, wall: number, of?: Version): void {
    if (of) raise(this.#buried, of);
    raise(this.#horizon, version);
    // No reader could ever know more, if its master were never to be heard of again.
    raise(this.#vector, version);
    this.#pass(version, wall);
  }

  /** Whether a tombstone was forgotten here, or one that its master made later. */
  hasForgotten(version: Version): boolean {
    return includes(this.#horizon, version) || includes(this.#past, version);
  }

  /** Whether a server that is not known here may have been, and be gone. */
  mayBeGone(version: Version): boolean {
    // Where its master's clock is wrong, only that master's own times tell.
    return version.hlc <= this.#forgotten || this.hasForgotten(version) ||
      includes(this.#buried, version);
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
      past: [...this.#past],
      gap: { origin, after: this.#stored, before: beginning },
    };
  }

  #pass({ hlc, origin }: Version, wall: number): void {
    // Whatever the clock of another master said; this one's own times are later than what they ended.
    const bound = origin === this.#origin ? hlc : hlcAt(wall);
    this.#forgotten = Math.max(this.#forgotten, Math.min(hlc, bound));
  }
}
