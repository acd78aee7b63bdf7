/**
 * Ring 2: game clients ask here for servers over an encrypted channel, follow how they change, and
 * log in under a name that belongs to their key.
 *
 * @module
 */

import { PROLOGUES } from "../crypto/mod.ts";
import {
  decodeRing2Request,
  type ErrorMessage,
  hostKey,
  type ListRequest,
  type Ring2Answer,
  type Ring2Request,
} from "../protocol/mod.ts";
import { Changes, type RegistryEvent } from "../registry/mod.ts";
import type { ThreadBody, ThreadContext, ThreadSettings, ToThread } from "../threads/mod.ts";
import { decodeCursor, withFewUnknown } from "./_cursor.ts";
import { tellMasters } from "./_masters.ts";
import { ServerLists } from "./_pages.ts";
import { Questions, Users } from "./_questions.ts";
import { RateLimiter } from "./_rate_limiter.ts";
import { Rosters } from "./_rosters.ts";
import { SecureRing } from "./_secure_ring.ts";
import type { SecureRingParts, SecureRole, SecureSession } from "./_secure_session.ts";
import { ServerEntries } from "./_server_entry.ts";
import { type Since, Subscriptions } from "./_subscriptions.ts";
import type { Timing } from "./_turns.ts";

/**
 * Requests of one host that look at all servers, or ask the database: each may cost milliseconds
 * of this ring's time, other messages some hundredths of one.
 */
const COSTLY_REQUESTS = { burst: 150, perSecond: 20 };

const BAD_CURSOR: ErrorMessage = {
  type: "error",
  code: "bad_request",
  message: "since is no cursor of this network: leave it out to get the whole list",
};

const TIMING: Timing = {
  now: () => performance.now(),
  after: (ms, action) => {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};

type Session = SecureSession<Ring2Answer>;

class Browser implements SecureRole<Ring2Request, Ring2Answer> {
  readonly decode = decodeRing2Request;
  readonly #parts: SecureRingParts;
  readonly #changes: Changes;
  readonly #entries = new ServerEntries();
  readonly #subscriptions: Subscriptions;
  readonly #questions: Questions;
  readonly #users: Users;
  readonly #rosters: Rosters;
  readonly #costly = new RateLimiter(COSTLY_REQUESTS);
  /** Masters whose earliest changes are forgotten. */
  readonly #horizon = new Set<string>();
  #lists = 0;
  #logins = 0;
  #whois = 0;
  #refused = 0;

  constructor(parts: SecureRingParts) {
    const { replica, context } = parts;
    this.#parts = parts;
    this.#changes = new Changes(replica);
    this.#subscriptions = new Subscriptions({
      changes: this.#changes,
      lists: new ServerLists(replica, this.#entries, TIMING.now),
      entries: this.#entries,
      timing: TIMING,
    });
    this.#questions = new Questions((message) => context.post(message));
    this.#rosters = new Rosters(replica);
    this.#users = new Users(this.#questions, this.#rosters);
  }

  async answer(request: Ring2Request, session: Session): Promise<void> {
    switch (request.type) {
      case "list":
      case "subscribe":
        if (!await this.#afford(session)) return;
        return await this.#list(request, session);
      case "unsubscribe":
        return await this.#subscriptions.unsubscribe(session);
      case "masters": {
        const masters = tellMasters(this.#parts.settings(), session.connection.localIp);
        return await session.send({ type: "masters", masters });
      }
      case "login":
        this.#logins++;
        return await session.send(await this.#users.login(request.user, session));
      case "whois":
        if (!await this.#afford(session)) return;
        this.#whois++;
        return await session.send(await this.#users.whois(request.user));
    }
  }

  closed(session: Session): void {
    this.#subscriptions.forget(session);
    this.#users.leave(session);
  }

  receive(message: ToThread): void {
    if (message.type === "found") this.#questions.settle(message.request, message.finding);
  }

  loaded({ departures }: ToThread & { readonly type: "snapshot" }): void {
    if (!departures) throw new TypeError("a snapshot for ring 2 that ends without departures");
    this.#changes.load(departures);
    this.#rosters.load();
    this.#horizon.clear();
    for (const [origin] of departures.horizon) this.#horizon.add(origin);
    this.#subscriptions.reloaded();
  }

  applying(event: RegistryEvent): void {
    this.#changes.apply(event);
    this.#rosters.apply(event);
    if (event.type === "forgotten") this.#horizon.add(event.origin);
  }

  applied(): void {
    this.#subscriptions.changed();
  }

  counters(): Record<string, number> {
    return {
      lists: this.#lists,
      subscribers: this.#subscriptions.size,
      batches_sent: this.#subscriptions.sent,
      batches_skipped: this.#subscriptions.skipped,
      entries_encoded: this.#entries.encodedCount,
      users_present: this.#users.present,
      logins: this.#logins,
      whois: this.#whois,
      requests_refused: this.#refused,
    };
  }

  stop(): void {
    this.#subscriptions.stop();
    this.#questions.stop();
  }

  async #list({ type, filter, since }: ListRequest, session: Session): Promise<void> {
    const known = this.#readSince(since);
    if (known && "type" in known) return await session.send(known);
    this.#lists++;
    if (type === "list") await this.#subscriptions.list(session, filter, known);
    else await this.#subscriptions.subscribe(session, filter, known);
  }

  /** What a cursor says; undefined for none, an error for one that says nothing. */
  #readSince(cursor = ""): Since | ErrorMessage | undefined {
    if (cursor === "") return undefined;
    const told = decodeCursor(cursor);
    if (!told) return BAD_CURSOR;
    const { vector } = this.#changes;
    const isKnown = (origin: string) => vector.has(origin) || this.#horizon.has(origin);
    return { cursor, known: withFewUnknown(told, isKnown) };
  }

  /** Whether a host may ask for something costly now; it is told when it may not. */
  async #afford(session: Session): Promise<boolean> {
    const [host, now] = [hostKey(session.connection.ip), performance.now()];
    if (this.#costly.take(host, now)) return true;
    this.#refused++;
    const message = "Too many lists and questions about users from this address: wait a little, " +
      "and subscribe to a list that is to be looked at for longer";
    const retry_after = Math.max(1, this.#costly.wait(host, now));
    await session.send({ type: "error", code: "too_many", message, retry_after });
    return false;
  }
}

/** Makes the thread of ring 2. */
export function ring2(settings: ThreadSettings, context: ThreadContext): ThreadBody {
  return new SecureRing<Ring2Request, Ring2Answer>(settings, context, {
    key: "[network] cmport",
    prologue: PROLOGUES.ring2,
    makeRole: (parts) => new Browser(parts),
  });
}
