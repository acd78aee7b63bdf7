/** Sessions that have a limited time to do what they came for. */
export class Newcomers<Session> {
  readonly #timers = new Map<Session, ReturnType<typeof setTimeout>>();
  readonly #patienceMs: () => number;
  readonly #overdue: (session: Session) => void;

  /**
   * @param patienceMs Milliseconds that each has.
   * @param overdue Told of one whose time is over.
   */
  constructor(patienceMs: () => number, overdue: (session: Session) => void) {
    this.#patienceMs = patienceMs;
    this.#overdue = overdue;
  }

  /** The time of a session begins, unless it has begun. */
  enter(session: Session): void {
    if (this.#timers.has(session)) return;
    const timer = setTimeout(() => {
      this.#timers.delete(session);
      this.#overdue(session);
    }, this.#patienceMs());
    this.#timers.set(session, timer);
  }

  /** A session has done it, or is over. */
  leave(session: Session): void {
    clearTimeout(this.#timers.get(session));
    this.#timers.delete(session);
  }

  /** Nobody's time ends any more. */
  stop(): void {
    for (const session of [...this.#timers.keys()]) this.leave(session);
  }
}
