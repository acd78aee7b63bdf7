/**
 * What the operator is told of other masters, each thing once in a while.
 *
 * @module
 */

import type { Hello } from "../protocol/mod.ts";
import type { MeshOutput, MeshSource } from "./types.ts";

/** Milliseconds until the same is said again. */
const AGAIN_MS = 600_000;

/** Things remembered at most. */
const MAX_SAID = 1024;

/** Milliseconds that another master's clock may differ. */
const MAX_CLOCK_MS = 60_000;

/** Says each thing once in a while. */
export class Warnings {
  readonly #source: MeshSource;
  readonly #output: MeshOutput;
  readonly #saidAt = new Map<string, number>();

  constructor(source: MeshSource, output: MeshOutput) {
    this.#source = source;
    this.#output = output;
  }

  /** Something is not as it should be. */
  say(message: string, fields: Readonly<Record<string, string | number | boolean>>): void {
    const now = this.#source.monotonic();
    const key = `${message} ${String(fields["master"] ?? fields["address"] ?? "")}`;
    if (now - (this.#saidAt.get(key) ?? -Infinity) < AGAIN_MS) return;
    if (this.#saidAt.size >= MAX_SAID) this.#saidAt.clear();
    this.#saidAt.set(key, now);
    this.#output.log("warning", message, fields);
  }

  /** What another master says of itself should be much the same here. */
  compare({ name, id, time, alive }: Hello, aliveTimeout: number): void {
    const master = name || id;
    this.clock(master, time - this.#source.wall());
    if (alive === undefined || alive === aliveTimeout) return;
    this.say("another master has another server-alive-timeout: set the same at all", {
      master,
      theirs_s: alive / 1000,
      ours_s: aliveTimeout / 1000,
    });
  }

  /** Another master's clock is ahead by so many milliseconds. */
  clock(master: string, ahead: number): void {
    if (Math.abs(ahead) <= MAX_CLOCK_MS) return;
    this.say("the clock of another master is wrong, or this one's: let both follow NTP", {
      master,
      ahead_s: Math.round(ahead / 1000),
    });
  }
}
