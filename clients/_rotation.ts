import { type MasterAddress, masterName } from "./master_address.ts";
import type { Timing } from "./timing.ts";

/** The first wait once every master has failed, in milliseconds; each further one may be double. */
const FIRST_BACK_OFF_MS = 1000;

/** The longest wait: masters that come back are found within a minute. */
const MAX_BACK_OFF_MS = 60_000;

/** The longest that a master can make us stay away: a typo there must not lose us for good. */
const MAX_HOLD_MS = 3_600_000;

/** Extra wait, as a part of what was asked for, so that not all who were told come back at once. */
const HOLD_JITTER = 0.1;

/** Masters that are taken over from what another one tells: some of them will be there. */
const MAX_LEARNED = 16;

/** Which master to try, and how long to wait before. */
export interface Attempt {
  readonly master: MasterAddress;
  readonly waitMs: number;
}

/**
 * The order in which masters are tried: as given, each at once in the first round, then with a
 * wait that doubles and is random up to its bound (full jitter), and no master sooner than it
 * asked for. Pure but for the clock and the chance that are handed in.
 */
export class MasterRotation {
  readonly #given: readonly MasterAddress[];
  readonly #timing: Timing;
  readonly #heldUntil = new Map<string, number>();
  #masters: readonly MasterAddress[];
  #next = 0;
  #failures = 0;

  /** @throws RangeError when there are no masters. */
  constructor(masters: readonly MasterAddress[], timing: Timing) {
    if (masters.length === 0) {
      throw new RangeError("There is no master to turn to, name at least one");
    }
    this.#given = [...masters];
    this.#masters = this.#given;
    this.#timing = timing;
  }

  /** The next master to try. */
  next(): Attempt {
    const backOff = this.#backOff();
    const now = this.#timing.now();
    let best: MasterAddress | undefined;
    let bestWait = Infinity;
    for (const master of this.#inOrder()) {
      const wait = Math.max(0, this.#heldFor(master, now));
      if (wait < bestWait) [best, bestWait] = [master, wait];
    }
    return { master: best as MasterAddress, waitMs: Math.max(backOff, bestWait) };
  }

  /** Those that may be tried now, in order. */
  available(): readonly MasterAddress[] {
    const now = this.#timing.now();
    return this.#inOrder().filter((master) => this.#heldFor(master, now) <= 0);
  }

  /** Milliseconds until one of them may be tried. */
  heldForMs(): number {
    const now = this.#timing.now();
    return Math.max(0, Math.min(...this.#masters.map((master) => this.#heldFor(master, now))));
  }

  /** A master did not do. */
  failed(master: MasterAddress): void {
    this.#failures++;
    this.#goOnAfter(master);
  }

  /** A connection that had lasted is gone: a first round begins. */
  lost(master: MasterAddress): void {
    this.#failures = 0;
    this.#goOnAfter(master);
  }

  /** A master is there: it is the first to be tried from now on. */
  prefer(master: MasterAddress): void {
    this.#next = Math.max(0, this.#indexOf(master));
  }

  /** Keeps away from a master for at least so long, or for longer when that was said before. */
  hold(master: MasterAddress, ms: number): void {
    const name = masterName(master.host, master.port);
    const held = Math.min(ms, MAX_HOLD_MS) * (1 + HOLD_JITTER * this.#timing.random());
    const until = this.#timing.now() + held;
    this.#heldUntil.set(name, Math.max(until, this.#heldUntil.get(name) ?? until));
  }

  /** Keeps away from all of them. */
  holdAll(ms: number): void {
    for (const master of this.#masters) this.hold(master, ms);
  }

  /**
   * Takes over masters that one of the others told of. They come after the given ones, in an order
   * of chance: those who lose a master together should not all turn to the same one.
   */
  learn(masters: readonly MasterAddress[]): void {
    const current = this.#masters[this.#next];
    const names = new Set(this.#given.map(({ host, port }) => masterName(host, port)));
    const learned: MasterAddress[] = [];
    for (const master of this.#shuffled(masters)) {
      const name = masterName(master.host, master.port);
      if (!names.has(name)) learned.push(master);
      names.add(name);
    }
    this.#masters = [...this.#given, ...learned.slice(0, MAX_LEARNED)];
    this.#next = Math.max(0, current ? this.#indexOf(current) : 0);
  }

  #shuffled(masters: readonly MasterAddress[]): readonly MasterAddress[] {
    return masters.map((master) => ({ master, place: this.#timing.random() }))
      .sort((a, b) => a.place - b.place)
      .map(({ master }) => master);
  }

  #inOrder(): readonly MasterAddress[] {
    return [...this.#masters.slice(this.#next), ...this.#masters.slice(0, this.#next)];
  }

  #backOff(): number {
    const rounds = this.#failures - this.#masters.length;
    if (rounds < 0) return 0;
    return this.#timing.random() * Math.min(MAX_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** rounds);
  }

  #heldFor(master: MasterAddress, now: number): number {
    return (this.#heldUntil.get(masterName(master.host, master.port)) ?? now) - now;
  }

  #indexOf({ host, port }: MasterAddress): number {
    const name = masterName(host, port);
    return this.#masters.findIndex((master) => masterName(master.host, master.port) === name);
  }

  #goOnAfter(master: MasterAddress): void {
    this.#next = (this.#indexOf(master) + 1) % this.#masters.length;
  }
}
