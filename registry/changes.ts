/**
 * What has changed since a moment that a reader remembers: by version, for one who comes back to
 * any master of the network; by place in a log, for one who stays.
 *
 * @module
 */

import type { Replica } from "./replica.ts";
import {
  type Departures,
  type Gap,
  MASTER_GAMENAME,
  type RegistryEvent,
  type ServerId,
  type ServerRecord,
  type Tombstone,
  type Vector,
  type Version,
} from "./types.ts";
import { covers, includes, raise } from "./versions.ts";

/** What one reader has missed. */
export type Missed =
  /** Servers that are new or have changed, and servers that are gone. */
  | {
    readonly type: "changes";
    readonly changed: readonly ServerRecord[];
    readonly removed: readonly ServerId[];
  }
  /** It has been away for too long: everything is new to it. */
  | { readonly type: "everything" };

/** One change of a listed server. */
export interface LoggedChange {
  /** Which server. */
  readonly id: ServerId;
  /** Its record before; undefined when it was not listed. */
  readonly before: ServerRecord | undefined;
}

/**
 * Changes kept in the log, at least; a reader that is further behind gets everything. Twice this
 * many are kept at most.
 */
const LOG_LENGTH = 32_768;

/** Follows a replica's events beside it. */
export class Changes {
  readonly #replica: Replica;
  #tombstones = new Map<ServerId, Tombstone>();
  #vector = new Map<string, number>();
  #horizon = new Map<string, number>();
  #past = new Map<string, number>();
  /** Times of this master by which readers are told of what is late. */
  #late = new Map<ServerId, number>();
  #gap: Gap | undefined;
  #origin = "";
  #log: LoggedChange[] = [];
  /** Place of the first change in the log. */
  #start = 0;

  /**
   * Knows of no change yet.
   *
   * @param replica Gets each event right after this.
   */
  constructor(replica: Replica) {
    this.#replica = replica;
  }

  /** Every change up to here is known, by origin. */
  get vector(): Vector {
    return this.#vector;
  }

  /** Place in the log behind the latest change. */
  get end(): number {
    return this.#start + this.#log.length;
  }

  /** Tombstones known. */
  get tombstones(): number {
    return this.#tombstones.size;
  }

  /** Starts anew from a snapshot: whoever followed the log has to get everything. */
  load({ origin, tombstones, vector, horizon, past = [], gap }: Departures): void {
    this.#origin = origin;
    this.#gap = gap;
    this.#tombstones = new Map(tombstones.map((tombstone) => [tombstone.id, tombstone]));
    this.#vector = new Map(vector);
    this.#horizon = new Map(horizon);
    this.#past = new Map(past);
    this.#late = new Map();
    this.#start = this.end + 1;
    this.#log = [];
  }

  /** Takes over one change, before the replica does. */
  apply(event: RegistryEvent): void {
    if (this.#isOfMaster(event)) return;
    switch (event.type) {
      case "put":
        if (event.record.state === "listed") {
          this.#raiseOwn(event.record);
          this.#delay(event.record.id, event.late);
          this.#tombstones.delete(event.record.id);
          this.#append(event.record.id);
        } else if (this.#replica.get(event.record.id)) this.#append(event.record.id);
        break;
      case "status":
        this.#raiseOwn(event);
        this.#delay(event.id, undefined);
        if (this.#replica.get(event.id)) this.#append(event.id);
        break;
      case "number":
        if (this.#replica.get(event.id)) this.#append(event.id);
        break;
      case "reach":
        for (const { id } of event.servers) if (this.#replica.get(id)) this.#append(id);
        break;
      case "removed": {
        if (!event.wasListed) break;
        this.#raiseOwn(event);
        this.#delay(event.id, event.late);
        const { id, hlc, origin } = event;
        const cause = event.cause === "expired" ? "expired" : "quit";
        this.#tombstones.set(id, { id, hlc, origin, cause });
        this.#append(id);
        break;
      }
      case "synced":
        raise(this.#vector, event);
        if (event.origin === this.#origin) this.#widenGap(event.hlc);
        if (event.isPatchy) raise(this.#horizon, event);
        break;
      case "forgotten":
        raise(this.#horizon, event);
        // No reader could ever know more, if its master were never to be heard of again.
        raise(this.#vector, event);
        if (this.#tombstones.delete(event.id)) this.#delay(event.id, undefined);
        break;
      case "disputed": {
        // One that is listed here may be so for good. Whoever knows another from elsewhere has to
        // hear that it went.
        if (this.#replica.get(event.id)) break;
        this.#raiseOwn(event);
        this.#delay(event.id, event.late);
        const { id, hlc, origin, cause } = event;
        this.#tombstones.set(id, { id, hlc, origin, cause });
        break;
      }
      case "name":
      case "seen":
        // Nothing that is listed.
        break;
    }
  }

  /** What a reader has missed that knew all changes up to a vector, of whichever master. */
  since(known: Vector): Missed {
    if (!covers(known, this.#horizon) || this.#isLost(known) || this.#isOfPast(known)) {
      return { type: "everything" };
    }
    const own = known.get(this.#origin) ?? 0;
    const isNews = (change: Version & { readonly id: ServerId }) =>
      !includes(known, change) || (this.#late.get(change.id) ?? 0) > own;
    const changed: ServerRecord[] = [];
    for (const block of this.#replica.blocks) {
      for (const record of block.records.values()) {
        if (record.gamename !== MASTER_GAMENAME && isNews(record)) changed.push(record);
      }
    }
    const removed: ServerId[] = [];
    for (const tombstone of this.#tombstones.values()) {
      if (isNews(tombstone)) removed.push(tombstone.id);
    }
    return { type: "changes", changed, removed };
  }

  /**
   * Changes from one place in the log to another, in order, a server as often as it changed.
   *
   * @returns Undefined when the log does not reach back so far.
   */
  between(from: number, to: number): readonly LoggedChange[] | undefined {
    if (from < this.#start) return undefined;
    return this.#log.slice(from - this.#start, to - this.#start);
  }

  /** Earlier changes of another master may be on their way yet: it is said when all have come. */
  #raiseOwn(version: Version): void {
    if (version.origin === this.#origin) raise(this.#vector, version);
  }

  /** Something comes late, or has changed since. */
  #delay(id: ServerId, late: number | undefined): void {
    if (late === undefined) {
      this.#late.delete(id);
      return;
    }
    this.#late.set(id, late);
    raise(this.#vector, { origin: this.#origin, hlc: late });
  }

  /** What this master has told up to a time may be lost. */
  #widenGap(hlc: number): void {
    if (this.#gap) this.#gap = { ...this.#gap, before: Math.max(this.#gap.before, hlc) };
  }

  /** Masters are in no reader's list. */
  #isOfMaster(event: RegistryEvent): boolean {
    const record = event.type === "put"
      ? event.record
      : "id" in event
      ? this.#replica.get(event.id)
      : undefined;
    return record?.gamename === MASTER_GAMENAME;
  }

  /** Whether a reader knows of something that this master has forgotten with its last end. */
  #isLost(known: Vector): boolean {
    if (!this.#gap) return false;
    const { origin, after, before } = this.#gap;
    const hlc = known.get(origin) ?? 0;
    return hlc > after && hlc < before;
  }

  /** Whether a reader may not know of something that this master had forgotten before it started. */
  #isOfPast(known: Vector): boolean {
    // Who knows a change that was made here since has been told what there is, here or by a master
    // that had compared with this one.
    if (this.#gap && (known.get(this.#origin) ?? 0) >= this.#gap.before) return false;
    return !covers(known, this.#past);
  }

  #append(id: ServerId): void {
    this.#log.push({ id, before: this.#replica.get(id) });
    if (this.#log.length <= 2 * LOG_LENGTH) return;
    this.#log = this.#log.slice(LOG_LENGTH);
    this.#start += LOG_LENGTH;
  }
}
