import type { ServerId } from "../registry/mod.ts";
import { RateLimiter } from "./_rate_limiter.ts";

/**
 * Changes of one server: each goes to every subscriber and into the database. Reports of a game in
 * which much happens come every two seconds.
 */
const CHANGES = { burst: 3, perSecond: 0.5 };

/** A server, and whose. A neighbour with another key must not use up what is another's. */
export interface Changing {
  readonly id: ServerId;
  readonly key: string;
}

interface Kept {
  /** What is done when the time has come. */
  action: () => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

function nameOf({ id, key }: Changing): string {
  return `${id} ${key}`;
}

/** How often servers change, and what has to wait. */
export class ChangeRate {
  readonly #limiter = new RateLimiter(CHANGES);
  readonly #kept = new Map<string, Kept>();
  /** Changes that had to wait. */
  delayed = 0;

  /** Whether a server may change now, which then counts as a change. */
  take(server: Changing): boolean {
    return this.#limiter.take(nameOf(server), performance.now());
  }

  /** Seconds, rounded up, until it may change again. */
  wait(server: Changing): number {
    return Math.max(1, this.#limiter.wait(nameOf(server), performance.now()));
  }

  /** Does something once a server may change again, in place of what waits for that already. */
  keep(server: Changing, action: () => void): void {
    const name = nameOf(server);
    const kept = this.#kept.get(name);
    if (kept) {
      kept.action = action;
      return;
    }
    this.delayed++;
    const timer = setTimeout(() => this.#act(name), this.wait(server) * 1000);
    this.#kept.set(name, { action, timer });
  }

  /** What waits is of no use any more. */
  drop(server: Changing): void {
    const name = nameOf(server);
    clearTimeout(this.#kept.get(name)?.timer);
    this.#kept.delete(name);
  }

  /** Does at once all that waits. */
  flush(): void {
    for (const [name, { timer }] of [...this.#kept]) {
      clearTimeout(timer);
      this.#act(name);
    }
  }

  #act(name: string): void {
    const kept = this.#kept.get(name);
    this.#kept.delete(name);
    if (!kept) return;
    this.#limiter.take(name, performance.now());
    kept.action();
  }
}
