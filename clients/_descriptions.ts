/** What an error of a master means for what is said of a server. */
export type Refused =
  /** No description waits for an answer: the error is about something else. */
  | "none"
  /** A description that was new: the one before it, or the one after it, is what counts. */
  | "update"
  /** The only one that there is, or one that was accepted before. */
  | "all";

/**
 * What is to be said of a server, what a master accepted of it last, and what is still to be
 * answered: a master answers each description, in the order in which they came.
 */
export class Descriptions<Description> {
  #wanted: Description;
  #accepted: Description | undefined;
  #inFlight: Description[] = [];

  constructor(wanted: Description) {
    this.#wanted = wanted;
  }

  /** What is to be said. */
  get wanted(): Description {
    return this.#wanted;
  }

  /** Something else is to be said. */
  want(description: Description): void {
    this.#wanted = description;
  }

  /** A connection begins: what was under way on the one before is never answered. */
  begin(): void {
    this.#inFlight = [];
  }

  /** Takes what is wanted as sent, and gives it. */
  send(): Description {
    this.#inFlight.push(this.#wanted);
    return this.#wanted;
  }

  /** A master accepted what it was sent first. */
  accept(): void {
    this.#accepted = this.#inFlight.shift() ?? this.#accepted;
  }

  /** A master's error answered what it was sent first, whatever it was. */
  drop(): void {
    this.#inFlight.shift();
  }

  /** A master refused what it was sent first. */
  refuse(): Refused {
    const refused = this.#inFlight.shift();
    if (refused === undefined) return "none";
    if (this.#wanted !== refused) return "update";
    if (this.#accepted === undefined || refused === this.#accepted) return "all";
    // A master that refused an update still has what it accepted before.
    this.#wanted = this.#accepted;
    return "update";
  }

  /** Whether something is still to be answered. */
  get isPending(): boolean {
    return this.#inFlight.length > 0;
  }

  /** Whether what is wanted is what was sent last, or accepted when nothing is under way. */
  get isSaid(): boolean {
    return this.#wanted === (this.#inFlight.at(-1) ?? this.#accepted);
  }
}
