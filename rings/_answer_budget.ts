/** Answers in a row that one network gets before it has to wait. */
const BURST_ANSWERS = 5;

/** Answers a second that one network gets for long. */
const ANSWERS_PER_SECOND = 1;

/**
 * Bytes that all networks together get at once, and then each second. There are two such rings, and
 * no second may see more than 16 KiB of both: a full burst and what flows in meanwhile.
 */
const TOTAL_BYTES = 4 * 1024;

/** Networks remembered. Forgetting one gives it a new burst, within the bound on the total. */
const MAX_NETWORKS = 4096;

interface Bucket {
  tokens: number;
  at: number;
}

function refill(bucket: Bucket, now: number, perSecond: number, most: number): void {
  bucket.tokens = Math.min(most, bucket.tokens + (now - bucket.at) / 1000 * perSecond);
  bucket.at = now;
}

/**
 * How much may be sent to sources that have not proved their address, so that nobody can use this
 * host to flood another: token buckets per network and over all.
 */
export class AnswerBudget {
  readonly #networks = new Map<string, Bucket>();
  readonly #total: Bucket;

  /** @param now Milliseconds of a clock that never goes back. */
  constructor(now: number) {
    this.#total = { tokens: TOTAL_BYTES, at: now };
  }

  /** Takes an answer of this many bytes off the budget; false when there is no room for it. */
  take(network: string, bytes: number, now: number): boolean {
    refill(this.#total, now, TOTAL_BYTES, TOTAL_BYTES);
    const bucket = this.#networks.get(network) ?? { tokens: BURST_ANSWERS, at: now };
    refill(bucket, now, ANSWERS_PER_SECOND, BURST_ANSWERS);
    if (bucket.tokens < 1 || this.#total.tokens < bytes) return false;
    bucket.tokens--;
    this.#total.tokens -= bytes;
    this.#networks.delete(network);
    this.#networks.set(network, bucket);
    if (this.#networks.size > MAX_NETWORKS) {
      const [oldest] = this.#networks.keys();
      this.#networks.delete(oldest as string);
    }
    return true;
  }
}
