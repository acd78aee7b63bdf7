import type { Finding, Question, ToThread } from "../threads/mod.ts";

/** Milliseconds until a database that did not answer is asked again. */
const RETRY_MS = 2000;

/** What a feed of players' names is made of. */
export interface UserFeedOptions {
  /** Asks the database. */
  readonly ask: (question: Question) => Promise<Finding>;
  /** Sends to ring 0. */
  readonly post: (message: ToThread) => void;
  /** Told when the database cannot be asked at all. */
  readonly failed: (error: unknown) => void;
}

/** Brings ring 0 all players' names from the database, page by page, each time that it comes up. */
export class UserFeed {
  readonly #options: UserFeedOptions;
  /** Which time this is: a ring that went down meanwhile is told no more. */
  #run = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: UserFeedOptions) {
    this.#options = options;
  }

  /** Ring 0 has come up. */
  up(): void {
    this.down();
    // Names that are claimed from now on are told beside the pages, so what there was ends here.
    this.#options.post({ type: "users", users: [], first: true, last: false });
    this.#next(this.#run, "");
  }

  /** Ring 0 is down. */
  down(): void {
    this.#run++;
    clearTimeout(this.#timer);
  }

  #next(run: number, after: string): void {
    this.#tell(run, after).catch((error: unknown) => this.#options.failed(error));
  }

  async #tell(run: number, after: string): Promise<void> {
    const finding = await this.#options.ask({ type: "users", after });
    if (run !== this.#run) return;
    if (finding.type !== "users") {
      this.#timer = setTimeout(() => this.#next(run, after), RETRY_MS);
      return;
    }
    const { users, last } = finding;
    this.#options.post({ type: "users", users, first: false, last });
    if (!last) this.#next(run, users.at(-1)?.user ?? after);
  }
}
