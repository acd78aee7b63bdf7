import { type ErrorMessage, hostKey, type User, type Welcome } from "../protocol/mod.ts";
import type { Finding, FromThread, Question } from "../threads/mod.ts";
import { LoginLimiter } from "./_login_limiter.ts";
import { firstRequest } from "./_registry_client.ts";
import type { Rosters } from "./_rosters.ts";
import type { SecureSession } from "./_secure_session.ts";

/** Milliseconds after which the database does not answer any more. */
const PATIENCE_MS = 10_000;

/** Seconds to wait before trying again when it did not. */
const RETRY_S = 5;

const BUSY: ErrorMessage = {
  type: "error",
  code: "busy",
  message: "The database of this master does not answer: try again soon, or try another master",
  retry_after: RETRY_S,
};

/** A claim's version is given on its way to the database, in the order of this master's changes. */
const UNVERSIONED = { hlc: 0, origin: "" };

interface Asked {
  readonly settle: (finding: Finding) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** A ring's way to the database, which is the main thread's to reach. */
export class Questions {
  readonly #post: (message: FromThread) => void;
  readonly #patienceMs: number;
  readonly #waiting = new Map<number, Asked>();
  #lastRequest = firstRequest();

  constructor(post: (message: FromThread) => void, patienceMs = PATIENCE_MS) {
    this.#post = post;
    this.#patienceMs = patienceMs;
  }

  /** Asks; `busy` when no answer comes in time. */
  ask(question: Question): Promise<Finding> {
    const request = ++this.#lastRequest;
    return new Promise((settle) => {
      const timer = setTimeout(() => this.settle(request, { type: "busy" }), this.#patienceMs);
      this.#waiting.set(request, { settle, timer });
      this.#post({ type: "question", request, question });
    });
  }

  /** Takes an answer; one that comes too late is nobody's. */
  settle(request: number, finding: Finding): void {
    const asked = this.#waiting.get(request);
    if (!asked) return;
    this.#waiting.delete(request);
    clearTimeout(asked.timer);
    asked.settle(finding);
  }

  /** No more answers will come. */
  stop(): void {
    for (const request of [...this.#waiting.keys()]) this.settle(request, { type: "busy" });
  }
}

/** A session that someone may log in on. */
export type UserSession = Pick<SecureSession<never>, "connection" | "key" | "isClosed">;

/** Who has a name, and who is there. */
export class Users {
  readonly #questions: Questions;
  readonly #rosters: Pick<Rosters, "serverOf">;
  readonly #names = new Map<UserSession, string>();
  /** Sessions of each user who is logged in here. */
  readonly #present = new Map<string, number>();
  readonly #limiter = new LoginLimiter();

  constructor(questions: Questions, rosters: Pick<Rosters, "serverOf">) {
    this.#questions = questions;
    this.#rosters = rosters;
  }

  /** Users who are logged in here. */
  get present(): number {
    return this.#present.size;
  }

  /** Logs a user in on a session, in place of whoever was before. */
  async login(user: string, session: UserSession): Promise<Welcome | ErrorMessage> {
    const { key, connection: { ip } } = session;
    const host = hostKey(ip);
    const refused = this.#limiter.take(host, user, performance.now());
    if (refused) return { type: "error", code: "too_many", ...refused };
    const place = { country: "", netName: "" };
    const finding = await this.#questions.ask({
      type: "claim",
      claim: { user, key, ip, ...place, at: Date.now(), ...UNVERSIONED },
    });
    const outcome = finding.type === "claimed" ? finding.outcome : undefined;
    if (outcome?.type === "welcome") {
      this.#limiter.remember(host, user);
      this.leave(session);
      if (!session.isClosed) this.#enter(session, user);
      return { type: "welcome", number: outcome.number, user };
    }
    if (outcome?.type !== "name_taken") return BUSY;
    const message = `The name "${user}" belongs to another key: choose another name`;
    return { type: "error", code: "name_taken", message };
  }

  /** What is known of a user. */
  async whois(name: string): Promise<User | ErrorMessage> {
    const finding = await this.#questions.ask({ type: "find-user", user: name });
    if (finding.type !== "user") return BUSY;
    if (!finding.user) {
      const message = `There is no user "${name}": look at how it is spelt`;
      return { type: "error", code: "bad_request", message };
    }
    const { number, user, country } = finding.user;
    const server = this.#rosters.serverOf(user);
    const online = server !== undefined || this.#present.has(user);
    return { type: "user", number, user, country, online, ...(server && { server }) };
  }

  /** A session is over. */
  leave(session: UserSession): void {
    const user = this.#names.get(session);
    if (user === undefined) return;
    this.#names.delete(session);
    const others = (this.#present.get(user) ?? 1) - 1;
    if (others > 0) this.#present.set(user, others);
    else this.#present.delete(user);
  }

  #enter(session: UserSession, user: string): void {
    this.#names.set(session, user);
    this.#present.set(user, (this.#present.get(user) ?? 0) + 1);
  }
}
