/** One connection between masters, as each of its ends has it. */

import type { Link, Target } from "../../mesh/mod.ts";

/** Bytes that the channel adds to a message: its length and its tag. */
export const FRAME_BYTES = 18;

/** Bytes that the systems of both sides take before a sender has to wait. */
const SYSTEM_BUFFER_BYTES = 262_144;

/** Bytes of a millisecond, some 100 Mbit/s. */
const BYTES_PER_MS = 12_500;

/** How a machine stands to the network. */
export type Reach =
  /** Its ring 0 listens. */
  | "open"
  /** It runs, and nobody listens: the system says so at once. */
  | "refusing"
  /** It has no power: nothing comes back. */
  | "silent";

/** One machine at the network. */
export interface Station {
  readonly index: number;
  /** Public key, base64. */
  readonly key: string;
  readonly ip: string;
  readonly host: string;
  readonly port: number;
  /** Another number for each start of its ring 0. */
  readonly epoch: number;
  reach(): Reach;
  opened(link: Link): void;
  received(link: Link, plaintext: Uint8Array): void;
  closed(link: Link, reason: string): void;
  dialFailed(target: Target, reason: string): void;
}

/** What ends use of the network. */
export interface Carrier {
  /** Virtual time. */
  readonly now: number;
  /** Milliseconds that something sent now is on its way. */
  delay(from: number, to: number): number;
  /** Takes a message from one end to the other. */
  carry(from: End, bytes: Uint8Array): void;
  /** Delivers what is due, and comes back for the rest. */
  pump(from: End): void;
}

/** Something on its way. */
export type Item =
  | { readonly type: "opened"; at: number; readonly sentAt: number }
  | { readonly type: "message"; at: number; readonly sentAt: number; readonly bytes: Uint8Array }
  | { readonly type: "end"; at: number; readonly sentAt: number; readonly reason: string };

/** One end of a connection. */
export class End implements Link {
  readonly station: Station;
  readonly dialed: Target | undefined;
  readonly #network: Carrier;
  peer!: End;
  /** What is on its way from here. */
  readonly out: Item[] = [];
  pumping = false;
  /** Whether the machine's mesh has it. */
  isOpened = false;
  /** Whether this side has ended it, or knows that it is over. */
  isOver = false;
  outBytes = 0;
  sentBytes = 0;
  receivedBytes = 0;
  #lastAt = 0;

  constructor(network: Carrier, station: Station, dialed: Target | undefined) {
    this.#network = network;
    this.station = station;
    this.dialed = dialed;
  }

  get key(): string {
    return this.peer.station.key;
  }

  get ip(): string {
    return this.peer.station.ip;
  }

  get waiting(): number {
    return Math.max(0, this.outBytes - SYSTEM_BUFFER_BYTES);
  }

  send(plaintext: Uint8Array): void {
    if (this.isOver) return;
    const size = plaintext.length + FRAME_BYTES;
    this.sentBytes += size;
    // As the channel does, so that nobody can change it afterwards.
    this.#network.carry(this, plaintext.slice());
  }

  close(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.put({ type: "end", reason: "the other side has closed the connection" }, 0);
  }

  /** Sends something after all before it. */
  put(
    item:
      | { type: "opened" }
      | { type: "message"; bytes: Uint8Array }
      | { type: "end"; reason: string },
    size: number,
  ): void {
    const network = this.#network;
    const now = network.now;
    const arrival = now + network.delay(this.station.index, this.peer.station.index);
    this.#lastAt = Math.max(this.#lastAt, arrival) + size / BYTES_PER_MS;
    this.outBytes += size;
    this.out.push({ ...item, at: this.#lastAt, sentAt: now });
    network.pump(this);
  }
}
