import { formatEndpoint } from "../protocol/mod.ts";
import type { Registry, ServerId } from "../registry/mod.ts";
import type {
  Finding,
  NumberedCommand,
  Question,
  Reply,
  RingName,
  ToThread,
} from "../threads/mod.ts";
import type { Feed } from "./_feed.ts";
import { log } from "./_log.ts";
import type { Locator } from "./_locator.ts";
import type { Persistence } from "./_persistence.ts";

/** What a desk works with. */
export interface RingDeskOptions {
  readonly registry: Registry;
  readonly feed: Pick<Feed, "flush" | "reply">;
  readonly persistence: Pick<Persistence, "ask" | "durable" | "numbered">;
  readonly locator: Pick<Locator, "glance">;
  /** Sends to a ring; lost when it is not up. */
  readonly post: (ring: RingName, message: ToThread) => void;
}

/** Takes what rings want done, and answers them. */
export class RingDesk {
  readonly #options: RingDeskOptions;

  constructor(options: RingDeskOptions) {
    this.#options = options;
  }

  /** Carries out a ring's commands, and tells it what became of those that it asks about. */
  carryOut(ring: RingName, commands: readonly NumberedCommand[]): void {
    const { registry, feed, persistence } = this.#options;
    const replies: Reply[] = [];
    const announced: (readonly [number, ServerId])[] = [];
    for (const { request, command } of commands) {
      const outcome = registry.apply(command);
      if (request === undefined) continue;
      if (command.type === "announce" && outcome.type === "accepted") {
        announced.push([request, formatEndpoint(command.ip, command.port)]);
      } else replies.push({ request, outcome });
    }
    feed.flush();
    // Who is told that it is registered, or gone, stays so whatever happens to this process.
    if (replies.length > 0) void persistence.durable().then(() => feed.reply(ring, replies));
    for (const [request, id] of announced) void this.#replyStanding(ring, request, id);
  }

  /** Answers a ring's question for the database. */
  async answer(ring: RingName, request: number, question: Question): Promise<void> {
    let finding: Finding = { type: "busy" };
    try {
      finding = question.type === "claim"
        ? await this.#claim(question)
        : await this.#options.persistence.ask(question);
    } catch (error) {
      log("error", "a question of a ring could not be answered", { reason: String(error) });
    }
    this.#options.post(ring, { type: "found", request, finding });
  }

  /** Answers an announcement once the database has given the server its Number. */
  async #replyStanding(ring: RingName, request: number, id: ServerId): Promise<void> {
    const { registry, feed, persistence } = this.#options;
    await persistence.durable();
    if (!registry.get(id)?.number) await persistence.numbered(id);
    const standing = registry.standing(id);
    const outcome = { type: "accepted" } as const;
    feed.reply(ring, [{ request, outcome, ...(standing ? { standing } : {}) }]);
  }

  /** A name that was nobody's before is told to the other masters. */
  async #claim(question: Question & { readonly type: "claim" }): Promise<Finding> {
    const { registry, persistence, locator, post } = this.#options;
    const place = await locator.glance(question.claim.ip);
    const claim = { ...question.claim, ...place, ...registry.stamp() };
    const finding = await persistence.ask({ type: "claim", claim });
    const outcome = finding.type === "claimed" ? finding.outcome : undefined;
    if (outcome?.type === "welcome" && outcome.isNew) {
      const { user, key, country, hlc, origin } = claim;
      post("ring0", { type: "users", users: [{ user, key, country, hlc, origin }] });
    }
    return finding;
  }
}
