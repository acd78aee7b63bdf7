import type { Target } from "../mesh/mod.ts";
import { formatEndpoint } from "../protocol/mod.ts";
import { LineLimiter, type ThreadContext } from "../threads/mod.ts";

/** What the operator can do about most handshakes that fail. */
export const WRONG_PASSWORD = "the other side has another masterserver-password, or is no master";

/** Milliseconds until the same is said again of one address: masters try again all the time. */
const QUIET_MS = 600_000;

/** Attempts in a row that may fail before it is said: a master that starts anew is back by then. */
const PATIENCE = 5;

/** Milliseconds until it is said again that a master cannot be reached. */
const UNREACHABLE_QUIET_MS = 3_600_000;

/** Addresses of which it is remembered what was said, or what to say. */
const MAX_ADDRESSES = 1024;

/** Keeps a map from growing for ever. */
function limit(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (map.size > MAX_ADDRESSES && oldest !== undefined) map.delete(oldest);
}

/** Says what is wrong with other masters, and with those who only seem to be some. */
export class MeshWarnings {
  readonly #context: ThreadContext;
  readonly #lines = new LineLimiter(performance.now());
  /** What was said last of each address, and when, in milliseconds. */
  readonly #said = new Map<string, { readonly reason: string; readonly at: number }>();
  /** How often each address was dialled in vain, and when that was said. */
  readonly #failures = new Map<string, { count: number; saidAt: number }>();

  constructor(context: ThreadContext) {
    this.#context = context;
  }

  /** Says why there is no link with an address, unless it was said not long ago. */
  tell(message: string, address: string, reason: string): void {
    const now = performance.now();
    const last = this.#said.get(address);
    if (last?.reason === reason && now - last.at < QUIET_MS) return;
    if (!this.#say(message, address, reason, now)) return;
    this.#said.delete(address);
    this.#said.set(address, { reason, at: now });
    limit(this.#said);
  }

  /** Says why there is no link with what was dialled; the reason. */
  tellTarget({ host, port }: Target, reason: string): string {
    this.tell("no connection with another master", formatEndpoint(host, port), reason);
    return reason;
  }

  /** A connection was made. */
  reached({ host, port }: Target): void {
    this.#failures.delete(formatEndpoint(host, port));
  }

  /** No connection could be made; said now and then when that goes on. */
  unreachable({ host, port }: Target, reason: string): string {
    const now = performance.now();
    const address = formatEndpoint(host, port);
    const failures = this.#failures.get(address) ?? { count: 0, saidAt: -Infinity };
    failures.count++;
    this.#failures.set(address, failures);
    limit(this.#failures);
    if (failures.count >= PATIENCE && now - failures.saidAt > UNREACHABLE_QUIET_MS) {
      failures.saidAt = now;
      this.#say("another master cannot be reached", address, reason, now);
    }
    return reason;
  }

  #say(message: string, address: string, reason: string, now: number): boolean {
    const suppressed = this.#lines.admit(now);
    if (suppressed === undefined) return false;
    this.#context.log("warning", message, {
      address,
      reason,
      ...(suppressed > 0 ? { suppressed } : {}),
    });
    return true;
  }
}
