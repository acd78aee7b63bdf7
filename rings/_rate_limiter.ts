/** Hosts that are remembered at most; those whose bucket is full need no remembering. */
const MAX_HOSTS = 65_536;

/** How much a host may do. */
export interface Rate {
  /** At once, after a rest. */
  readonly burst: number;
  /** In the long run. */
  readonly perSecond: number;
}

interface Bucket {
  tokens: number;
  /** When it was last counted, milliseconds. */
  at: number;
}

/** A token bucket for each host. */
export class RateLimiter {
  readonly #rate: Rate;
  #buckets = new Map<string, Bucket>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Hosts that are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a token of a host; false when it has none left. */
  take(host: string, now: number): boolean {
    const bucket = this.#bucketOf(host, now);
    bucket.tokens = this.#filled(bucket, now);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  /** Seconds, rounded up, until a host has a token. */
  wait(host: string, now: number): number {
    const bucket = this.#buckets.get(host);
    if (!bucket) return 0;
    return Math.max(0, Math.ceil((1 - this.#filled(bucket, now)) / this.#rate.perSecond));
  }

  #filled({ tokens, at }: Bucket, now: number): number {
    return Math.min(this.#rate.burst, tokens + (now - at) / 1000 * this.#rate.perSecond);
  }

  #bucketOf(host: string, now: number): Bucket {
    const known = this.#buckets.get(host);
    if (known) return known;
    if (this.#buckets.size >= MAX_HOSTS) this.#forget(now);
    const bucket = { tokens: this.#rate.burst, at: now };
    this.#buckets.set(host, bucket);
    return bucket;
  }

  /** Forgets who has rested; and, should that not be enough, the older half of the others. */
  #forget(now: number): void {
    const tired = [...this.#buckets].filter(([, bucket]) =>
      this.#filled(bucket, now) < this.#rate.burst
    );
    this.#buckets = new Map(tired.slice(-MAX_HOSTS / 2));
  }
}
