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
  type ListRequest,
  type Ring2Answer,
  type Ring2Request,
} from "../protocol/mod.ts";
import { Changes, type RegistryEvent } from "../registry/mod.ts";
import type { ThreadBody, ThreadContext, ThreadSettings, ToThread } from "../threads/mod.ts";
import { decodeCursor } from "./_cursor.ts";
import { tellMasters } from "./_masters.ts";
import { ServerLists } from "./_pages.ts";
import { Questions, Users } from "./_questions.ts";
import { SecureRing } from "./_secure_ring.ts";
import type { SecureRingParts, SecureRole, SecureSession } from "./_secure_session.ts";
import { ServerEntries } from "./_server_entry.ts";
import { type Since, Subscriptions, type Timing } from "./_subscriptions.ts";

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

/** What a cursor says; undefined for none, an error for one that says nothing. */
function readSince(cursor = ""): Since | ErrorMessage | undefined {
  if (cursor === "") return undefined;
  const known = decodeCursor(cursor);
  return known ? { cursor, known } : BAD_CURSOR;
}

class Browser implements SecureRole<Ring2Request, Ring2Answer> {
  readonly decode = decodeRing2Request;
  readonly #parts: SecureRingParts;
  readonly #changes: Changes;
  readonly #entries = new ServerEntries();
  readonly #subscriptions: Subscriptions;
  readonly #questions: Questions;
  readonly #users: Users;
  #lists = 0;
  #logins = 0;
  #whois = 0;

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
    this.#users = new Users(this.#questions, replica);
  }

  async answer(request: Ring2Request, session: Session): Promise<void> {
    switch (request.type) {
      case "list":
      case "subscribe":
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
    this.#subscriptions.reloaded();
  }

  applying(event: RegistryEvent): void {
    this.#changes.apply(event);
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
    };
  }

  stop(): void {
    this.#subscriptions.stop();
    this.#questions.stop();
  }

  async #list({ type, filter, since }: ListRequest, session: Session): Promise<void> {
    const known = readSince(since);
    if (known && "type" in known) return await session.send(known);
    this.#lists++;
    if (type === "list") await this.#subscriptions.list(session, filter, known);
    else await this.#subscriptions.subscribe(session, filter, known);
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
