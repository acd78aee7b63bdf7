/**
 * Connections between masters as TCP gives them: in order, late, stuck, broken. What a handshake
 * would prove is handed out.
 */

import type { Target } from "../../mesh/mod.ts";
import type { Timeline } from "./_clock.ts";
import { type Carrier, End, FRAME_BYTES, type Item, type Station } from "./_link.ts";
import type { SimRandom } from "./_random.ts";

/** Milliseconds after which a dial that nobody answers is given up. */
const DIAL_PATIENCE_MS = [3000, 10_000] as const;

/** Milliseconds on the way from which on a message is late. */
const LATE_MS = 1000;

/** What every connection made from now on does to messages; the real channel never does. */
export interface Roughness {
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
}

/** Milliseconds on the way from one machine to another. */
export interface Delays {
  readonly least: number;
  readonly most: number;
}

/** What the network is made of. */
export interface NetworkOptions {
  readonly timeline: Timeline;
  readonly random: SimRandom;
  readonly delays: Delays;
  readonly trace: ((line: () => string) => void) | undefined;
}

/** All machines, and the connections between them. */
export class Network implements Carrier {
  readonly timeline: Timeline;
  readonly #random: SimRandom;
  readonly #delays: Delays;
  readonly #trace: NetworkOptions["trace"];
  readonly #stations: Station[] = [];
  readonly #byAddress = new Map<string, Station>();
  readonly #ends = new Set<End>();
  /** Directions in which nothing goes through. */
  readonly #cut = new Set<number>();
  /** Milliseconds more, by direction. */
  readonly #slow = new Map<number, number>();
  /** Milliseconds on the way, by direction. */
  readonly #base = new Map<number, number>();
  rough: Roughness | undefined;
  /** Messages that arrived late because nothing went through: when, and by how much. */
  readonly held: { readonly at: number; readonly by: number }[] = [];
  messages = 0;
  bytes = 0;

  constructor({ timeline, random, delays, trace }: NetworkOptions) {
    this.timeline = timeline;
    this.#random = random;
    this.#delays = delays;
    this.#trace = trace;
  }

  get now(): number {
    return this.timeline.now;
  }

  /** A machine is plugged in. */
  add(station: Station): void {
    this.#stations.push(station);
    this.#byAddress.set(`${station.host}:${station.port}`, station);
    this.#byAddress.set(`${station.ip}:${station.port}`, station);
  }

  /** Nothing goes through from one machine to another. */
  cut(from: number, to: number): void {
    this.#cut.add(direction(from, to));
  }

  /** Everything takes longer from one machine to another. */
  slow(from: number, to: number, milliseconds: number): void {
    this.#slow.set(direction(from, to), milliseconds);
  }

  /**
   * Cables are whole again: connections go on with what they hold, or turn out to be broken.
   *
   * @param breaks How likely they are broken.
   * @param which From whom to whom; everything when left out.
   */
  mend(breaks: number, which?: readonly (readonly [from: number, to: number])[]): void {
    const mended = new Set(which?.map(([from, to]) => direction(from, to)) ?? this.#cut);
    for (const place of mended) if (!this.#cut.delete(place)) mended.delete(place);
    if (!which) this.#slow.clear();
    for (const end of [...this.#ends]) {
      if (!mended.has(direction(end.station.index, end.peer.station.index))) continue;
      if (this.#random.chance(breaks)) this.#reset(end, "connection timed out");
      else this.pump(end);
    }
  }

  /** Connections of a machine break; all, or those with another. */
  break(index: number, other?: number): void {
    for (const end of [...this.#ends]) {
      if (end.station.index !== index || !this.#ends.has(end)) continue;
      if (other === undefined || end.peer.station.index === other) {
        this.#reset(end, "connection reset by peer");
      }
    }
  }

  /**
   * A process ends.
   *
   * @param isSilent Its machine has no power: nobody is told.
   */
  vanish(index: number, isSilent: boolean): void {
    for (const end of [...this.#ends]) {
      if (end.station.index !== index) continue;
      end.isOver = true;
      end.out.length = 0;
      if (isSilent) this.#ends.delete(end);
      else end.put({ type: "end", reason: "connection reset by peer" }, 0);
    }
  }

  /** A machine wants a connection. */
  dial(station: Station, target: Target): void {
    const { timeline } = this;
    const found = this.#byAddress.get(`${target.host}:${target.port}`);
    const { epoch } = station;
    const isOver = (): boolean => station.epoch !== epoch || station.reach() !== "open";
    const fail = (reason: string, wait: number): void =>
      timeline.after(wait, () => {
        if (!isOver()) station.dialFailed(target, reason);
      });
    if (!found) return fail("no such host", this.#random.between(1, 200));
    const there = this.delay(station.index, found.index);
    const back = this.delay(found.index, station.index);
    const patience = this.#random.between(...DIAL_PATIENCE_MS);
    timeline.after(there + back, () => {
      if (isOver()) return;
      const reach = found.reach();
      if (reach === "silent" || this.#isCut(station.index, found.index, true)) {
        return fail("connection timed out", patience);
      }
      if (reach === "refusing") return fail("connection refused", 0);
      this.#connect(station, found, target);
    });
  }

  /** Milliseconds that something sent now is on its way. */
  delay(from: number, to: number): number {
    const place = direction(from, to);
    const { least, most } = this.#delays;
    let base = this.#base.get(place);
    if (base === undefined) this.#base.set(place, base = this.#random.between(least, most));
    return base * (0.8 + this.#random.next() * 0.4) + (this.#slow.get(place) ?? 0);
  }

  /** Takes a message from one end to the other, or what a rough sea makes of it. */
  carry(from: End, bytes: Uint8Array): void {
    const size = bytes.length + FRAME_BYTES;
    this.messages++;
    this.bytes += size;
    const { rough } = this;
    if (rough && this.#random.chance(rough.lost)) return;
    from.put({ type: "message", bytes }, size);
    if (!rough) return;
    if (this.#random.chance(rough.doubled)) from.put({ type: "message", bytes }, size);
    if (from.out.length > 1 && this.#random.chance(rough.reordered)) this.#shuffle(from.out);
  }

  /** Delivers what is due, and comes back for the rest. */
  pump(from: End): void {
    if (from.pumping || from.out.length === 0) return;
    if (this.#isCut(from.station.index, from.peer.station.index)) return;
    from.pumping = true;
    this.timeline.at((from.out[0] as Item).at, () => {
      from.pumping = false;
      if (this.#isCut(from.station.index, from.peer.station.index)) return;
      const { now } = this;
      while (from.out[0] && from.out[0].at <= now) this.#deliver(from, from.out.shift() as Item);
      this.pump(from);
    });
  }

  #connect(station: Station, found: Station, target: Target): void {
    const here = new End(this, station, target);
    const there = new End(this, found, undefined);
    [here.peer, there.peer] = [there, here];
    this.#ends.add(here).add(there);
    this.#trace?.(() => `link ${station.index}->${found.index} opened`);
    here.isOpened = true;
    // Whoever dialled is done with the handshake one message before the other.
    here.put({ type: "opened" }, 0);
    station.opened(here);
  }

  #deliver(from: End, item: Item): void {
    const { peer: end } = from;
    const { now } = this;
    if (item.type === "message") from.outBytes -= item.bytes.length + FRAME_BYTES;
    if (now - item.sentAt > LATE_MS) this.#hold(now, now - item.sentAt);
    if (item.type === "end") this.#ends.delete(from);
    if (end.isOver) return this.#answerGhost(from, end, item);
    switch (item.type) {
      case "opened":
        if (end.station.reach() !== "open") return this.#reset(end, "connection reset by peer");
        end.isOpened = true;
        return end.station.opened(end);
      case "message":
        // What overtook the handshake could not be read.
        if (!end.isOpened) return;
        end.receivedBytes += item.bytes.length + FRAME_BYTES;
        this.#trace?.(() => {
          return `m${from.station.index} > m${end.station.index} ${spell(item.bytes)}`;
        });
        return end.station.received(end, item.bytes);
      case "end":
        return this.#over(end, item.reason);
    }
  }

  /** A message for an end that is over: the machine, if it runs, says so. */
  #answerGhost(from: End, end: End, item: Item): void {
    if (item.type === "end") {
      this.#over(from, item.reason);
      return;
    }
    if (end.station.reach() === "silent" || from.isOver) return;
    const [index, other] = [end.station.index, from.station.index];
    this.timeline.after(this.delay(index, other), () => {
      if (!this.#isCut(index, other)) this.#over(from, "connection reset by peer");
    });
  }

  #reset(end: End, reason: string): void {
    for (const each of [end, end.peer]) {
      each.out.length = 0;
      const { station, peer } = each;
      this.timeline.after(this.delay(station.index, peer.station.index), () => {
        this.#over(each, reason);
      });
    }
  }

  #over(end: End, reason: string): void {
    this.#ends.delete(end);
    if (end.isOver) return;
    end.isOver = true;
    if (!end.isOpened) return;
    this.#trace?.(() => `link ${end.station.index}-${end.peer.station.index} closed: ${reason}`);
    end.station.closed(end, reason);
  }

  #isCut(from: number, to: number, either = false): boolean {
    if (this.#cut.size === 0) return false;
    return this.#cut.has(direction(from, to)) || (either && this.#cut.has(direction(to, from)));
  }

  #hold(at: number, by: number): void {
    const last = this.held.at(-1);
    if (last && at - last.at < 1000 && by <= last.by) return;
    this.held.push({ at, by });
  }

  /** The last message and another one change places. */
  #shuffle(items: Item[]): void {
    const [a, b] = [items.length - 1, this.#random.below(items.length - 1)];
    const [last, other] = [items[a] as Item, items[b] as Item];
    if (last.type !== "message" || other.type !== "message") return;
    [last.at, other.at] = [other.at, last.at];
    [items[a], items[b]] = [other, last];
  }
}

/** A message as a trace shows it. */
function spell(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  return text.length <= MAX_TRACED ? text : `${text.slice(0, MAX_TRACED)}… ${text.slice(-60)}`;
}

const decoder = new TextDecoder();

/** Characters of a message that a trace shows. */
const MAX_TRACED = 300;

/** Machines of the largest network. */
const MAX_STATIONS = 1024;

function direction(from: number, to: number): number {
  return from * MAX_STATIONS + to;
}
