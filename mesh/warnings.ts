/**
 * What the operator is told of other masters, each thing once in a while.
 *
 * @module
 */

import type { Hello } from "../protocol/mod.ts";
import type { MeshLogLevel, MeshOutput, MeshSource } from "./types.ts";

/** Milliseconds until the same warning is said again. */
const AGAIN_MS = 600_000;

/** Milliseconds until the same is noted again of one master: some come and go all the time. */
const NOTE_AGAIN_MS = 60_000;

/** Things remembered at most. */
const MAX_SAID = 1024;

/** Milliseconds that another master's clock may differ. */
const MAX_CLOCK_MS = 60_000;

/** Fields of a line of the log. */
type Fields = Readonly<Record<string, string | number | boolean>>;

/** When something was said last. */
interface Said {
  /** Monotonic milliseconds. */
  readonly at: number;
  /** How often it was not said since. */
  suppressed: number;
}

/** Says each thing once in a while. */
export class Warnings {
  readonly #source: MeshSource;
  readonly #output: MeshOutput;
  readonly #said = new Map<string, Said>();

  constructor(source: MeshSource, output: MeshOutput) {
    this.#source = source;
    this.#output = output;
  }

  /**
   * Something is not as it should be.
   *
   * @param about Whom it is about: an id or an address.
   */
  say(about: string, message: string, fields: Fields): void {
    if (this.#isNews(about, message, AGAIN_MS) !== undefined) {
      this.#output.log("warning", message, fields);
    }
  }

  /** Something has happened. */
  note(level: MeshLogLevel, about: string, message: string, fields: Fields): void {
    const suppressed = this.#isNews(about, message, NOTE_AGAIN_MS);
    if (suppressed === undefined) return;
    this.#output.log(level, message, { ...fields, ...(suppressed > 0 ? { suppressed } : {}) });
  }

  /** What another master says of itself should be much the same here. */
  compare(hello: Hello, aliveTimeout: number): void {
    const { name, id, time, alive } = hello;
    const master = name || id;
    this.clock(hello, time - this.#source.wall());
    if (alive === undefined || alive === aliveTimeout) return;
    this.say(id, "another master has another server-alive-timeout: set the same at all", {
      master,
      theirs_s: alive / 1000,
      ours_s: aliveTimeout / 1000,
    });
  }

  /** Another master's clock is ahead by so many milliseconds. */
  clock({ id, name }: Hello, ahead: number): void {
    if (Math.abs(ahead) <= MAX_CLOCK_MS) return;
    this.say(id, "the clock of another master is wrong, or this one's: let both follow NTP", {
      master: name || id,
      ahead_s: Math.round(ahead / 1000),
    });
  }

  /** How often something was held back since it was said last; undefined while it still is. */
  #isNews(about: string, message: string, quietMs: number): number | undefined {
    const now = this.#source.monotonic();
    const key = `${about} ${message}`;
    const last = this.#said.get(key);
    if (last && now - last.at < quietMs) {
      last.suppressed++;
      return undefined;
    }
    if (this.#said.size >= MAX_SAID) this.#said.clear();
    this.#said.set(key, { at: now, suppressed: 0 });
    return last?.suppressed ?? 0;
  }
}
