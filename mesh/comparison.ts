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
import { type Ledger, versionOf } from "./ledger.ts";

/** Entries asked for at a time; what is under way is bounded by that. */
const WANTED_AT_ONCE = 4096;

/** Milliseconds without an answer after which a round is given up. */
const ROUND_MS = 60_000;

/** A round under way. */
interface Round {
  readonly number: number;
  /** Whether this side has begun it. */
  readonly isOurs: boolean;
  /** What the other side will have told when it is over. */
  upto: number;
  /** Entries of the other side so far, by bucket, until all have come. */
  readonly theirs: Map<number, KeyVersion[]>;
  /** What is yet to be asked for; undefined until that is known. */
  wanted: string[] | undefined;
  /** When something last came of it, monotonic milliseconds. */
  at: number;
}

/** What a comparison uses. */
export interface ComparisonOptions {
  readonly ledger: Ledger;
  readonly monotonic: () => number;
  /** Sends messages, in order. */
  readonly send: (messages: readonly Uint8Array[]) => void;
  /** All that the other side had changed up to a time is here. */
  readonly synced: (upto: number) => void;
}

/** Rounds between this master and one other, one at a time. */
export class Comparison {
  readonly #options: ComparisonOptions;
  #round: Round | undefined;
  #number = 0;
  /** Rounds begun by this side. */
  begun = 0;
  /** Rounds in which something differed. */
  unequal = 0;

  constructor(options: ComparisonOptions) {
    this.#options = options;
  }

  /** Whether no round is under way. */
  get isIdle(): boolean {
    const { monotonic } = this.#options;
    return !this.#round || monotonic() - this.#round.at > ROUND_MS;
  }

  /** Begins a round. */
  begin(): void {
    const { ledger, send } = this.#options;
    this.begun++;
    const round = ++this.#number;
    this.#start(round, true, 0);
    const { own } = ledger;
    send([encodeMessage({ type: "digest", round, upto: own, hashes: ledger.digest() })]);
  }

  /** The other side begins a round. */
  onDigest({ round, upto, hashes }: Digest): void {
    const { ledger, send, synced } = this.#options;
    const ours = ledger.digest();
    const differing = [...ours.keys()].filter((bucket) => ours[bucket] !== hashes[bucket]);
    const equal = differing.length === 0;
    const buckets = differing.map((bucket) => ({ bucket, entries: ledger.bucket(bucket) }));
    send(encodeCompare({ round, upto: ledger.own, equal, buckets }));
    if (equal) return synced(upto);
    this.unequal++;
    // Of two rounds that begin at once one is enough; the one that is not answered is forgotten.
    this.#start(round, false, upto);
  }

  /** The other side tells what it has, or what this one lacks. */
  onCompare({ round: number, upto, equal, buckets, more }: Compare): void {
    const round = this.#round;
    if (round?.number !== number || round.wanted) return;
    round.at = this.#options.monotonic();
    for (const { bucket, entries } of buckets) {
      const before = round.theirs.get(bucket);
      if (before) { for (const entry of entries) before.push(entry); }
      else round.theirs.set(bucket, [...entries]);
    }
    if (more) return;
    if (round.isOurs) {
      round.upto = upto;
      if (!equal) this.#offer(round);
    }
    round.wanted = this.#missing(round);
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

  #start(number: number, isOurs: boolean, upto: number): void {
    const at = this.#options.monotonic();
    this.#round = { number, isOurs, upto, theirs: new Map(), wanted: undefined, at };
  }

  /** Tells what the other side lacks, or has in an earlier version. */
  #offer({ number, theirs, upto }: Round): void {
    this.unequal++;
    const buckets = [...theirs].map(([bucket, entries]) => {
      const known = new Map<string, Version>(entries.map((entry) => [entry.key, entry]));
      const news = this.#options.ledger.bucket(bucket).filter((ours) => {
        const version = known.get(ours.key);
        return !version || this.#isNews(ours.key, version, ours);
      });
      return { bucket, entries: news };
    });
    const told = buckets.filter(({ entries }) => entries.length > 0);
    const compare = { round: number, upto, equal: false, buckets: told };
    this.#options.send(encodeCompare(compare));
  }

  /** Of names and users the earliest claim counts, of servers the latest change. */
  #isNews(key: string, known: Version, other: Version): boolean {
    return key.startsWith("s:") ? isEarlier(known, other) : isEarlier(other, known);
  }

  #missing({ theirs }: Round): string[] {
    const { ledger } = this.#options;
    const missing: string[] = [];
    for (const [bucket, entries] of theirs) {
      for (const entry of entries) {
        const ours = ledger.get(entry.key);
        const isHere = bucketOf(entry.key) === bucket;
        if (isHere && (!ours || this.#isNews(entry.key, versionOf(ours), entry))) {
          missing.push(entry.key);
        }
      }
    }
    return missing;
  }

  #want(round: Round): void {
    const { send, synced } = this.#options;
    const slice = round.wanted?.splice(0, WANTED_AT_ONCE) ?? [];
    if (slice.length > 0) return send(encodeWant(slice, round.number));
    this.#round = undefined;
    synced(round.upto);
  }
}
