import type { Filter, Ring2Answer, Ring2Request, ServerEntry } from "../protocol/mod.ts";
import { keepConnected, type KeepOptions, tell } from "./_keep_connected.ts";
import { type ServerChange, ServerView } from "./_server_view.ts";
import { answerInTime } from "./_within.ts";
import type { SecureConnection } from "./connection.ts";
import { ClientError } from "./errors.ts";
import type { Subscription, SubscriptionHandlers, ViewState } from "./subscription.ts";

type Connection = SecureConnection<Ring2Request, Ring2Answer>;

/** What a subscription takes beside its filter and whom to tell. */
export interface SubscriptionContext
  extends Omit<KeepOptions<Ring2Request, Ring2Answer>, "signal" | "session" | "onRefused"> {
  /** Called once when it is closed. */
  readonly onClosed: () => void;
}

/** A {@link Subscription} over a connection of its own, which is opened again as often as needed. */
export class LiveSubscription implements Subscription {
  readonly #filter: Filter;
  readonly #handlers: SubscriptionHandlers;
  readonly #context: SubscriptionContext;
  readonly #over = new AbortController();
  readonly #list = new ServerView();
  readonly #running: Promise<void>;
  #view: ViewState = "empty";

  constructor(filter: Filter, handlers: SubscriptionHandlers, context: SubscriptionContext) {
    this.#filter = filter;
    this.#handlers = handlers;
    this.#context = context;
    this.#running = keepConnected({
      ...context,
      signal: this.#over.signal,
      onRefused: (error, master) => tell(handlers.refused, error, master),
      session: (connection) => this.#session(connection),
    });
  }

  get servers(): ReadonlyMap<string, ServerEntry> {
    return this.#list.servers;
  }

  get view(): ViewState {
    return this.#view;
  }

  async close(): Promise<void> {
    this.#over.abort();
    await this.#running;
    this.#context.onClosed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #session(connection: Connection): Promise<void> {
    const { timing } = this.#context;
    try {
      let change = await answerInTime(connection, timing, this.#subscribe(connection));
      if (change) this.#turn("live");
      while (change) {
        if (change.full) tell(this.#handlers.list, this.servers);
        tell(this.#handlers.changed, change);
        change = await this.#nextChange(connection);
      }
    } finally {
      if (this.#view === "live") this.#turn("stale");
    }
  }

  /** Asks for all that is new, and gives it; undefined when this is closed before. */
  async #subscribe(connection: Connection): Promise<ServerChange | undefined> {
    const { cursor } = this.#list;
    this.#list.begin();
    await connection.send({
      type: "subscribe",
      filter: this.#filter,
      ...(cursor !== undefined && { since: cursor }),
    });
    try {
      return await this.#nextChange(connection);
    } catch (error) {
      const isRefused = error instanceof ClientError && error.code === "bad_request";
      if (!isRefused || cursor === undefined) throw error;
      // It may be the cursor that this master cannot read; the whole list does as well.
      this.#list.cursor = undefined;
      return await this.#subscribe(connection);
    }
  }

  /** What the next whole answer changes; undefined when this is closed before. */
  async #nextChange(connection: Connection): Promise<ServerChange | undefined> {
    for await (const message of connection.messages) {
      const change = this.#list.take(message, connection.master);
      if (change) return change;
    }
    return undefined;
  }

  #turn(view: ViewState): void {
    this.#view = view;
    tell(this.#handlers.view, view);
  }
}
