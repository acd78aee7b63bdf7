import { hostKey } from "../protocol/mod.ts";
import { HostCounts } from "./_host_counts.ts";
import { RateLimiter } from "./_rate_limiter.ts";

/**
 * Handshakes of one host: each costs this ring half a millisecond. A hundred masters may stand
 * behind one address, and all come back at once after a cut.
 */
const HANDSHAKES = { burst: 128, perSecond: 8 };

/** Handshakes of all hosts together that are not known: some hundredth part of this ring's time. */
const UNKNOWN_HANDSHAKES = { burst: 200, perSecond: 50 };

/** Connections of one host at a time that have not proved to know the password. */
const MAX_PER_HOST = 32;

/** Connections of all unknown hosts together that have not proved to know the password. */
const MAX_UNKNOWN = 256;

/** Hosts remembered for having proved to know the password: more than the largest network has. */
const MAX_KNOWN_HOSTS = 1024;

/** What the limits of all unknown hosts together are counted under. */
const EVERYBODY = "";

/** A connection that has not proved to know the password. */
export interface Stranger {
  /** Canonical address of the other side. */
  readonly ip: string;
  /** Ends it at once. */
  end(reason: string): void;
}

/**
 * Who may do a handshake. A flood of strangers costs them, and those that come for the first time,
 * but not the masters that are connected, nor those that were before.
 */
export class Strangers {
  readonly #handshakes = new RateLimiter(HANDSHAKES);
  readonly #unknownHandshakes = new RateLimiter(UNKNOWN_HANDSHAKES);
  readonly #perHost = new HostCounts();
  /** Of unknown hosts, the one that came first at the beginning. */
  readonly #unknown = new Set<Stranger>();
  readonly #knownHosts = new Set<string>();
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /**
   * Asks whether somebody may do a handshake.
   *
   * @param ip Canonical address.
   * @param now Monotonic milliseconds.
   * @returns Undefined, or why not.
   */
  admit(ip: string, now: number): string | undefined {
    const host = hostKey(ip);
    if (this.#perHost.of(host) >= MAX_PER_HOST) {
      return `more than ${MAX_PER_HOST} handshakes under way from this address`;
    }
    if (!this.#handshakes.take(host, now)) return "too many handshakes from this address";
    if (this.#knownHosts.has(host) || this.#unknownHandshakes.take(EVERYBODY, now)) {
      return undefined;
    }
    return "too many handshakes from addresses that are not known";
  }

  /** Somebody begins a handshake. */
  enter(stranger: Stranger): void {
    const host = hostKey(stranger.ip);
    this.#perHost.enter(host);
    this.#size++;
    if (this.#knownHosts.has(host)) return;
    this.#unknown.add(stranger);
    const [oldest] = this.#unknown;
    if (this.#unknown.size <= MAX_UNKNOWN || !oldest) return;
    this.#unknown.delete(oldest);
    // A master's handshake takes a blink: who has waited longest has no mind to finish.
    oldest.end(`more than ${MAX_UNKNOWN} handshakes under way from addresses that are not known`);
  }

  /** One that entered is over, or is a stranger no more. */
  leave(stranger: Stranger): void {
    this.#size--;
    this.#perHost.leave(hostKey(stranger.ip));
    this.#unknown.delete(stranger);
  }

  /** A host has proved to know the password. */
  trust(ip: string): void {
    const host = hostKey(ip);
    this.#knownHosts.delete(host);
    this.#knownHosts.add(host);
    const [oldest] = this.#knownHosts;
    if (this.#knownHosts.size > MAX_KNOWN_HOSTS && oldest !== undefined) {
      this.#knownHosts.delete(oldest);
    }
  }
}
