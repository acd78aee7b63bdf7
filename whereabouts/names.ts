/**
 * DNS names of addresses.
 *
 * @module
 */

import ipaddr from "ipaddr.js";

/** Asks for the names of a reverse-lookup name; an exception means that there is none. */
export type ResolvePtr = (query: string, signal: AbortSignal) => Promise<readonly string[]>;

/** Milliseconds to wait for a name. Nobody waits for it, so it may take its time. */
const TIMEOUT_MS = 10_000;

/** Lookups under way at a time. */
const MAX_PARALLEL = 8;

/** Addresses that may wait for their turn; further ones go without a name until they come again. */
const MAX_WAITING = 10_000;

/** Addresses remembered. */
const MAX_REMEMBERED = 20_000;

/** Milliseconds for which an answer, or that there is none, is remembered. */
const REMEMBERED_MS = 86_400_000;

/** Characters of a DNS name at most. */
const MAX_NAME = 253;

/** The name under which an address's own name stands in the DNS. */
export function reverseName(ip: string): string {
  const address = ipaddr.parse(ip);
  const bytes = address.toByteArray();
  if (address.kind() === "ipv4") return `${bytes.reverse().join(".")}.in-addr.arpa`;
  const nibbles = bytes.flatMap((byte) => [byte >> 4, byte & 15]).reverse();
  return `${nibbles.map((nibble) => nibble.toString(16)).join(".")}.ip6.arpa`;
}

function cleanName(name: string | undefined): string {
  const clean = (name ?? "").replace(/\.$/, "").toLowerCase();
  // Whoever owns an address writes its name: take only what a host name may hold.
  return clean.length <= MAX_NAME && /^[a-z0-9._-]+$/.test(clean) ? clean : "";
}

/** Finds out names, a few at a time, and remembers them. */
export class NameFinder {
  readonly #resolve: ResolvePtr;
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly name: string; readonly until: number }>();
  readonly #waiting = new Map<string, ((name: string) => void)[]>();
  readonly #queue: string[] = [];
  #running = 0;

  /**
   * Starts with nothing known.
   *
   * @param resolve How to ask the DNS.
   * @param now Milliseconds of a clock that never goes back.
   */
  constructor(resolve: ResolvePtr, now: () => number) {
    this.#resolve = resolve;
    this.#now = now;
  }

  /** The name of a canonical address; empty when it has none, or nobody could say. */
  find(ip: string): Promise<string> {
    const known = this.#known.get(ip);
    if (known && known.until > this.#now()) return Promise.resolve(known.name);
    return new Promise((resolve) => {
      const others = this.#waiting.get(ip);
      if (others) others.push(resolve);
      else if (this.#waiting.size >= MAX_WAITING) resolve("");
      else {
        this.#waiting.set(ip, [resolve]);
        this.#queue.push(ip);
        this.#startNext();
      }
    });
  }

  #startNext(): void {
    while (this.#running < MAX_PARALLEL) {
      const ip = this.#queue.shift();
      if (ip === undefined) return;
      this.#running++;
      void this.#lookUp(ip).finally(() => {
        this.#running--;
        this.#startNext();
      });
    }
  }

  async #lookUp(ip: string): Promise<void> {
    let name = "";
    try {
      const names = await this.#resolve(reverseName(ip), AbortSignal.timeout(TIMEOUT_MS));
      name = cleanName(names[0]);
    } catch {
      // Most addresses of players have no name.
    }
    this.#known.delete(ip);
    this.#known.set(ip, { name, until: this.#now() + REMEMBERED_MS });
    if (this.#known.size > MAX_REMEMBERED) {
      const [oldest] = this.#known.keys();
      this.#known.delete(oldest as string);
    }
    for (const tell of this.#waiting.get(ip) ?? []) tell(name);
    this.#waiting.delete(ip);
  }
}

/** Asks the DNS servers of this machine, as {@link ResolvePtr} says. */
export function resolvePtr(query: string, signal: AbortSignal): Promise<readonly string[]> {
  return Deno.resolveDns(query, "PTR", { signal });
}
