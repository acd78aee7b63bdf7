/**
 * Finding out where two masters differ, and asking for what is missing.
 *
 * A round begins with a digest of one side. The other answers with all that it has in the buckets
 * that differ, the first with what of these the other lacks. Then each asks for what it lacks, a
 * slice at a time, and knows in the end all that the other had changed when the round began.
 *
 * @module
 */

import {
  type Compare,
  type Digest,
  encodeCompare,
  encodeMessage,
  encodeWant,
  type KeyVersion,
} from "../protocol/mod.ts";
import { isEarlier, type Version } from "../registry/mod.ts";
import { bucketOf } from "./digest.ts";
import { versionOf } from "./entries.ts";
import type { Ledger } from "./ledger.ts";
import { Turns } from "./turns.ts";

/** Entries asked for at a time; what is under way is bounded by that. */
const WANTED_AT_ONCE = 4096;

/** Milliseconds in which nothing comes of a round after which it is given up. */
const ROUND_MS = 60_000;

/** Milliseconds without any answer to a digest after which the next one may be sent. */
const ASKED_MS = 20_000;

/** Milliseconds between two answers to digests: one may take a good part of a second to make. */
const ANSWER_MS = 1000;

/** Entries of the other side at most; twice what the largest network has. */
const MAX_ENTRIES = 2_000_000;

/** Entries from which on an answer is a large one, which takes several messages. */
const LARGE_ANSWER = 1000;

/** Rounds begun at a time that are not answered yet. */
const ASKED_AT_ONCE = 4;

/**
 * Large rounds at a time. Who comes back after a cut differs from everyone, and is as everyone else
 * after the first; two, since one of the others may be slow.
 */
const LARGE_AT_ONCE = 2;

/** What rounds with all other masters share. */
export interface Courses {
  /** Rounds that wait for their answer. */
  readonly asked: Turns;
  /** Large ones. */
  readonly large: Turns;
}

/** What rounds with all other masters share; of each mesh its own. */
export function makeCourses(monotonic: () => number): Courses {
  return {
    asked: new Turns(ASKED_AT_ONCE, monotonic),
    large: new Turns(LARGE_AT_ONCE, monotonic),
  };
}

/** A round under way. */
interface Round {
  readonly number: number;
  /** Whether this side has begun it. */
  readonly isOurs: boolean;
  /** What the other side will have told when it is over. */
  upto: number;
  /** Entries of the other side so far, by bucket, until all have come. */
  readonly theirs: Map<number, KeyVersion[]>;
  /** How many these are. */
  entries: number;
  /** Whether the other side has said anything of what it has. */
  isAnswered: boolean;
  /** What is yet to be asked for; undefined until that is known. */
  wanted: KeyVersion[] | undefined;
  /** When something last came of it, monotonic milliseconds. */
  at: number;
}

/** What a comparison uses. */
export interface ComparisonOptions {
  readonly ledger: Ledger;
  readonly courses: Courses;
  readonly monotonic: () => number;
  /** Whether of two rounds that begin at once the one of this side goes on, not that of the other. */
  readonly prevails: boolean;
  /** Sends messages, in order. */
  readonly send: (messages: readonly Uint8Array[]) => void;
  /** All that the other side had changed up to a time is here. */
  readonly synced: (upto: number) => void;
}

/** Rounds between this master and one other, one at a time. */
export class Comparison {
  readonly #options: ComparisonOptions;
  #round: Round | undefined;
  /** What is to be answered. */
  #asked: Digest | undefined;
  #answeredAt = -Infinity;
  /** Number of the latest round of this side: odd at one side, even at the other. */
  #number: number;
  /** Rounds begun by this side. */
  begun = 0;
  /** Rounds in which something differed. */
  unequal = 0;

  constructor(options: ComparisonOptions) {
    this.#options = options;
    this.#number = options.prevails ? -1 : 0;
  }

  /** Whether no round is under way. */
  get isIdle(): boolean {
    return !this.#asked && !this.#round;
  }

  /** Lets time pass: gives up a round that does not go on. */
  tick(): void {
    if (!this.#round) return;
    const { at, isOurs, isAnswered } = this.#round;
    const patience = isOurs && !isAnswered ? ASKED_MS : ROUND_MS;
    if (this.#options.monotonic() - at > patience) this.#end();
  }

  /** Begins a round; false when others have to be waited for. */
  begin(): boolean {
    const { ledger, send, courses } = this.#options;
    if (courses.large.isFull || !courses.asked.take(this)) return false;
    this.begun++;
    const round = this.#number += 2;
    this.#start(round, true, 0);
    const { own } = ledger;
    send([encodeMessage({ type: "digest", round, upto: own, hashes: ledger.digest() })]);
    return true;
  }

  /** The other side begins a round, which {@link answer} will answer. */
  onDigest(digest: Digest): void {
    const round = this.#round;
    // Of two rounds that begin at once one is enough, and both sides know which.
    if (round?.isOurs && !round.isAnswered && this.#options.prevails) return;
    this.#asked = digest;
  }

  /** Answers a round that the other side has begun. To be called when nothing waits to be sent. */
  answer(): void {
    const { ledger, send, synced, monotonic, courses } = this.#options;
    // What was a large answer is out.
    if (!this.#round?.isAnswered) courses.large.leave(this);
    const now = monotonic();
    if (!this.#asked || now - this.#answeredAt < ANSWER_MS) return;
    const { round, upto, hashes } = this.#asked;
    const ours = ledger.digest();
    const differing = [...ours.keys()].filter((bucket) => ours[bucket] !== hashes[bucket]);
    const size = differing.reduce((sum, bucket) => sum + ledger.sizeOf(bucket), 0);
    if (size >= LARGE_ANSWER && !courses.large.take(this)) return;
    this.#asked = undefined;
    this.#answeredAt = now;
    const equal = differing.length === 0;
    const buckets = differing.map((bucket) => ({ bucket, entries: ledger.bucket(bucket) }));
    send(encodeCompare({ round, upto: ledger.own, equal, buckets }));
    // Whatever was under way is a part of this one, or was begun at the same time.
    courses.asked.leave(this);
    this.#round = undefined;
    if (equal) return synced(upto);
    this.unequal++;
    this.#start(round, false, upto);
  }

  /** The other side tells what it has, or what this one lacks. */
  onCompare({ round: number, upto, equal, buckets, more }: Compare): void {
    const { monotonic, courses, ledger } = this.#options;
    const round = this.#round;
    if (round?.number !== number || round.wanted) return;
    courses.asked.leave(this);
    if (more && !courses.large.take(this)) return this.#end();
    round.at = monotonic();
    round.isAnswered = true;
    for (const { bucket, entries } of buckets) {
      round.entries += entries.length;
      const before = round.theirs.get(bucket);
      if (before) { for (const entry of entries) before.push(entry); }
      else round.theirs.set(bucket, [...entries]);
    }
    if (round.entries > MAX_ENTRIES) return this.#end();
    if (more) return;
    if (round.isOurs) {
      round.upto = upto;
      if (!equal) this.#offer(round);
    }
    round.wanted = [...round.theirs].flatMap(([bucket, entries]) =>
      entries.filter((entry) => bucketOf(entry.key) === bucket && isMissing(ledger, entry))
    );
    round.theirs.clear();
    this.#want(round);
  }

  /** All that was asked for last has come. */
  onAnswer(number: number): void {
    const round = this.#round;
    if (round?.number !== number || !round.wanted) return;
    round.at = this.#options.monotonic();
    this.#want(round);
  }

  /** The connection is over. */
  stop(): void {
    this.#asked = undefined;
    this.#end();
  }

  #start(number: number, isOurs: boolean, upto: number): void {
    const at = this.#options.monotonic();
    this.#round = {
      number,
      isOurs,
      upto,
      theirs: new Map(),
      entries: 0,
      isAnswered: false,
      wanted: undefined,
      at,
    };
  }

  #end(): void {
    const { asked, large } = this.#options.courses;
    this.#round = undefined;
    asked.leave(this);
    large.leave(this);
  }

  /** Tells what the other side lacks, or has in an earlier version. */
  #offer({ number, theirs }: Round): void {
    const { ledger, send } = this.#options;
    this.unequal++;
    const buckets = [...theirs].map(([bucket, entries]) => {
      const known = new Map<string, Version>(entries.map((entry) => [entry.key, entry]));
      const news = ledger.bucket(bucket).filter((ours) => {
        const version = known.get(ours.key);
        return !version || isNews(ours.key, version, ours);
      });
      return { bucket, entries: news };
    });
    const told = buckets.filter(({ entries }) => entries.length > 0);
    send(encodeCompare({ round: number, upto: ledger.own, equal: false, buckets: told }));
  }

  #want(round: Round): void {
    const { send, synced, ledger } = this.#options;
    const slice: string[] = [];
    for (let entry = round.wanted?.pop(); entry; entry = round.wanted?.pop()) {
      // Much of it may have come from elsewhere meanwhile.
      if (isMissing(ledger, entry)) slice.push(entry.key);
      if (slice.length === WANTED_AT_ONCE) break;
    }
    if (slice.length > 0) return send(encodeWant(slice, round.number));
    this.#end();
    synced(round.upto);
  }
}

/** Of names and users the earliest claim counts, of servers the latest change. */
function isNews(key: string, known: Version, other: Version): boolean {
  return key.startsWith("s:") ? isEarlier(known, other) : isEarlier(other, known);
}

/** Whether an entry is not here, or only as it was before. */
function isMissing(ledger: Ledger, entry: KeyVersion): boolean {
  const ours = ledger.get(entry.key);
  return !ours || isNews(entry.key, versionOf(ours), entry);
}
