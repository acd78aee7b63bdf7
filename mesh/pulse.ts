/**
 * Whether the other side of a connection lives, how far away it is, and what its clock says.
 *
 * @module
 */

import type { Ring0Ping, Ring0Pong } from "../protocol/mod.ts";
import type { MeshSource } from "./types.ts";

/**
 * Milliseconds between two pings: a network that is cut, or whole again, is to be noticed long before
 * TCP does.
 */
const PING_MS = 5000;

/** Milliseconds of silence after which a connection is given up. */
const SILENCE_MS = 20_000;

/** Share of a new measurement in the average. */
const SMOOTHING = 0.25;

/** Pings of one connection. */
export class Pulse {
  readonly #source: MeshSource;
  readonly #send: (message: Ring0Ping | Ring0Pong) => void;
  #lastHeard: number;
  #lastPing: number;
  #number = 0;
  #lag: number | undefined;
  #clock: number | undefined;

  constructor(source: MeshSource, send: (message: Ring0Ping | Ring0Pong) => void) {
    this.#source = source;
    this.#send = send;
    this.#lastHeard = source.monotonic();
    this.#lastPing = this.#lastHeard;
  }

  /** Milliseconds that a message takes to the other side and back. */
  get lag(): number | undefined {
    return this.#lag;
  }

  /** Milliseconds that the other side's clock is ahead. */
  get clock(): number | undefined {
    return this.#clock;
  }

  /** Something came from the other side. */
  heard(): void {
    this.#lastHeard = this.#source.monotonic();
  }

  /** The other side told its time as it began. */
  onHello(time: number): void {
    this.#clock = time - this.#source.wall();
    this.#ping();
  }

  /** The other side asks for a sign of life. */
  onPing({ n }: Ring0Ping): void {
    const time = this.#source.wall();
    this.#send(n === undefined ? { type: "pong", time } : { type: "pong", n, time });
  }

  /** The other side gives a sign of life. */
  onPong({ n, time }: Ring0Pong): void {
    if (n !== this.#number) return;
    const lag = this.#source.monotonic() - this.#lastPing;
    this.#lag = this.#lag === undefined ? lag : this.#lag + SMOOTHING * (lag - this.#lag);
    if (time !== undefined) this.#clock = Math.round(time + lag / 2 - this.#source.wall());
  }

  /** Lets time pass; why the connection is to be ended, if it is. */
  tick(): string | undefined {
    const now = this.#source.monotonic();
    if (now - this.#lastHeard > SILENCE_MS) {
      return `it has been silent for ${SILENCE_MS / 1000} s`;
    }
    if (now - this.#lastPing >= PING_MS) this.#ping();
    return undefined;
  }

  #ping(): void {
    this.#lastPing = this.#source.monotonic();
    this.#number++;
    this.#send({ type: "ping", n: this.#number, time: this.#source.wall() });
  }
}
