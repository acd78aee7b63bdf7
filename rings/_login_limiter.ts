import { RateLimiter } from "./_rate_limiter.ts";

/** Logins of one host: a household comes back after a cut at once. */
const LOGINS = { burst: 20, perSecond: 0.1 };

/**
 * Logins of one host under names that it has not logged in under: each may become a row of the
 * database for good, so a hoarder of names is slow.
 */
const NEW_NAMES = { burst: 10, perSecond: 1 / 60 };

/** Names that are remembered of a host: those of a large household. */
const MAX_NAMES = 32;

/** Hosts whose names are remembered; who has not logged in for the longest time is forgotten. */
const MAX_HOSTS = 16_384;

const TOO_MANY_LOGINS = "Too many logins from this address: wait a little";

const TOO_MANY_NAMES = "Too many names from this address: keep to those you have, or wait a little";

/** Why nobody may log in now, and how many seconds that lasts. */
export interface LoginRefusal {
  readonly message: string;
  readonly retry_after: number;
}

/** How often hosts log in, and under how many names. */
export class LoginLimiter {
  readonly #logins = new RateLimiter(LOGINS);
  readonly #newNames = new RateLimiter(NEW_NAMES);
  readonly #names = new Map<string, Set<string>>();

  /** Hosts whose names are remembered. */
  get size(): number {
    return this.#names.size;
  }

  /** Counts a login that is about to be tried; undefined when it may be. */
  take(host: string, name: string, now: number): LoginRefusal | undefined {
    if (!this.#logins.take(host, now)) {
      return { message: TOO_MANY_LOGINS, retry_after: this.#logins.wait(host, now) };
    }
    if (this.#names.get(host)?.has(name) || this.#newNames.take(host, now)) return undefined;
    return { message: TOO_MANY_NAMES, retry_after: this.#newNames.wait(host, now) };
  }

  /** A host has logged in under a name. */
  remember(host: string, name: string): void {
    const names = this.#names.get(host) ?? new Set();
    this.#names.delete(host);
    this.#names.set(host, names);
    names.delete(name);
    names.add(name);
    if (names.size > MAX_NAMES) deleteFirst(names);
    if (this.#names.size > MAX_HOSTS) deleteFirst(this.#names);
  }
}

function deleteFirst(collection: Set<string> | Map<string, unknown>): void {
  const [first] = collection.keys();
  if (first !== undefined) collection.delete(first);
}
