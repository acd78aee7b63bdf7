/**
 * Challenges under way: who has been asked to prove that it hears what is sent to its address.
 *
 * @module
 */

import { ExpiryQueue } from "./expiry.ts";
import type { ServerId } from "./types.ts";

/** Times a challenge is sent again when no answer comes. */
export const CHALLENGE_RETRIES = 3;

/** Milliseconds between two challenges to one server. */
export const CHALLENGE_INTERVAL_MS = 2000;

/** Lateness in milliseconds with which a retry may be noticed. */
const RETRY_BUCKET_MS = 100;

/** One try of a challenge. */
export interface Try {
  /** Whom it is for. */
  readonly id: ServerId;
  /** What must come back. */
  readonly token: string;
  /** Which try this is, from 1. */
  readonly attempt: number;
}

/** What is due: tries to be sent, and servers that have used up theirs. */
export interface DueTries {
  /** To be sent again. */
  readonly again: readonly Try[];
  /** Without an answer to the last try. */
  readonly failed: readonly ServerId[];
}

/** The challenges under way, each tied to one server and good for one answer. */
export class Verification {
  readonly #pending = new Map<ServerId, Try>();
  readonly #due: ExpiryQueue<ServerId>;
  readonly #makeToken: () => string;

  /**
   * @param now Monotonic milliseconds.
   * @param makeToken 128 unguessable bits as 32 hexadecimal digits.
   */
  constructor(now: number, makeToken: () => string) {
    this.#due = new ExpiryQueue(now, RETRY_BUCKET_MS);
    this.#makeToken = makeToken;
  }

  /** Whether a server's answer is awaited. */
  has(id: ServerId): boolean {
    return this.#pending.has(id);
  }

  /** Starts a challenge with a new token. */
  start(id: ServerId, now: number): Try {
    return this.#send({ id, token: this.#makeToken(), attempt: 1 }, now);
  }

  /** Ends a challenge by its token; undefined when the token is not the awaited one. */
  answer(id: ServerId, token: string): Try | undefined {
    const pending = this.#pending.get(id);
    if (pending?.token !== token) return undefined;
    this.cancel(id);
    return pending;
  }

  /** Forgets a challenge. */
  cancel(id: ServerId): void {
    this.#pending.delete(id);
    this.#due.delete(id);
  }

  /** Takes what is due. */
  takeDue(now: number): DueTries {
    const again: Try[] = [];
    const failed: ServerId[] = [];
    for (const id of this.#due.takeDue(now)) {
      const pending = this.#pending.get(id);
      if (!pending) continue;
      if (pending.attempt <= CHALLENGE_RETRIES) {
        again.push(this.#send({ ...pending, attempt: pending.attempt + 1 }, now));
      } else {
        this.#pending.delete(id);
        failed.push(id);
      }
    }
    return { again, failed };
  }

  #send(next: Try, now: number): Try {
    this.#pending.set(next.id, next);
    this.#due.set(next.id, now + CHALLENGE_INTERVAL_MS);
    return next;
  }
}
