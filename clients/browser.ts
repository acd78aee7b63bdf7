/**
 * A game client's side of ring 2.
 *
 * @module
 */

import type { Crypto, KeyPair } from "../crypto/mod.ts";
import {
  decodeRing2Request,
  type Filter,
  type MasterEntry,
  type ServerEntry,
  type User,
  type Welcome,
} from "../protocol/mod.ts";
import { checkRequest } from "./_check_request.ts";
import { tell } from "./_keep_connected.ts";
import { LiveSubscription } from "./_live_subscription.ts";
import { expecting, listOf, loginOf, type Question } from "./_questions.ts";
import { RequestLine } from "./_request_line.ts";
import { MasterRotation } from "./_rotation.ts";
import type { ClientError } from "./errors.ts";
import type { MasterAddress } from "./master_address.ts";
import { RING_2 } from "./ring_protocol.ts";
import type { ClientState } from "./state.ts";
import type { Subscription, SubscriptionHandlers } from "./subscription.ts";
import { SYSTEM_TIMING, type Timing } from "./timing.ts";

/** Which of a browser's connections a {@link ClientState} is about. */
export type BrowserPurpose = "requests" | "subscription";

/** How a {@link BrowserClient} works, and whom it tells. */
export interface BrowserOptions {
  /** What `openCrypto` gives; it must stay open for as long as the client is used. */
  readonly crypto: Crypto;
  /** Who asks: a user's name belongs to this key. */
  readonly keyPair: KeyPair;
  /** Masters in order of preference, with their ring 2 ports (3040). */
  readonly masters: readonly MasterAddress[];
  /** Told how it stands with the masters; `closed` comes once for every connection's end. */
  readonly onState?: ((state: ClientState, purpose: BrowserPurpose) => void) | undefined;
  /** Told when a user who was logged in is refused at another login after a lost connection. */
  readonly onLoginLost?: ((error: ClientError) => void) | undefined;
  /** Clock, timers and chance; the system's when not given. */
  readonly timing?: Timing | undefined;
}

/**
 * Asks masters for servers, masters and users.
 *
 * Requests go over one connection, one after the other, so whatever comes there is part of the
 * answer to the one request in hand. Each subscription has a connection of its own, on which
 * nothing but its list is asked for; so no list is ever taken for a change of a subscription.
 * Connections are opened when they are first needed and stay open until {@link close}.
 *
 * A request that one master does not answer goes to the next, once around; a list that breaks off
 * is asked for again and never given in part. What a master refuses for a reason that any other
 * would have too (`bad_request`, `name_taken`, `unauthorized`, …) is thrown at once.
 *
 * @example
 * ```ts
 * await using browser = new BrowserClient({
 *   crypto,
 *   keyPair,
 *   masters: [{ host: "master.example.org", port: 3040 }],
 * });
 * for (const server of await browser.list({ gamename: "netpanzer", not_full: true })) {
 *   console.log(server.name, server.map, `${server.players}/${server.max_players}`);
 * }
 * ```
 */
export class BrowserClient implements AsyncDisposable {
  readonly #options: BrowserOptions;
  readonly #requests: RequestLine;
  readonly #subscriptions = new Set<LiveSubscription>();
  #closed = false;

  /**
   * Connects to nobody yet.
   *
   * @throws RangeError without masters.
   */
  constructor(options: BrowserOptions) {
    this.#options = options;
    this.#requests = new RequestLine({
      ...this.#context("requests"),
      onLoginLost: (error) => tell(options.onLoginLost, error),
    });
  }

  /**
   * The servers that pass a filter, all of them when there is none.
   *
   * @throws ClientError when no master answers, or the filter is none.
   */
  async list(filter: Filter = {}): Promise<readonly ServerEntry[]> {
    return await this.#ask(listOf(filter));
  }

  /**
   * The masters of the network.
   *
   * @throws ClientError when no master answers.
   */
  async masters(): Promise<readonly MasterEntry[]> {
    const answer = await this.#ask({ request: { type: "masters" }, collect: expecting("masters") });
    return answer.masters;
  }

  /**
   * Makes a user present. The name belongs to the key that first used it. The user stays present
   * until {@link close}: a connection that is lost is opened again, and the login repeated.
   *
   * @throws ClientError when no master answers; with the code `name_taken` when the name is
   * another key's.
   */
  async login(user: string): Promise<Welcome> {
    checkRequest(decodeRing2Request, loginOf(user).request);
    return await this.#requests.login(user);
  }

  /**
   * What the network knows of a user.
   *
   * @throws ClientError when no master answers, or there is no such user.
   */
  async whois(user: string): Promise<User> {
    return await this.#ask({ request: { type: "whois", user }, collect: expecting("user") });
  }

  /**
   * A list that keeps itself up to date, over lost connections and from master to master: what
   * happened in between is asked for by cursor, and a part of an answer never shows.
   *
   * @example
   * ```ts
   * const subscription = browser.subscribe({ not_empty: true }, {
   *   changed: ({ servers, removed }) => {
   *     for (const server of servers) console.log("+", server.name, server.players);
   *     for (const endpoint of removed) console.log("-", endpoint);
   *   },
   *   view: (view) => console.log(`the list is ${view}`),
   * });
   * // …
   * await subscription.close();
   * ```
   *
   * @throws ClientError when the filter is none; Error after {@link close}.
   */
  subscribe(filter: Filter, handlers: SubscriptionHandlers): Subscription {
    if (this.#closed) throw new Error("This client was closed, make a new one");
    checkRequest(decodeRing2Request, { type: "subscribe", filter });
    const subscription = new LiveSubscription(filter, handlers, {
      ...this.#context("subscription"),
      onClosed: () => this.#subscriptions.delete(subscription),
    });
    this.#subscriptions.add(subscription);
    return subscription;
  }

  /** Ends everything, subscriptions included; settles when nothing is left. Again does no harm. */
  async close(): Promise<void> {
    this.#closed = true;
    const subscriptions = [...this.#subscriptions].map((subscription) => subscription.close());
    await Promise.all([this.#requests.close(), ...subscriptions]);
  }

  /** The same as {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #ask<Answer>(question: Question<Answer>): Promise<Answer> {
    checkRequest(decodeRing2Request, question.request);
    return await this.#requests.ask(question);
  }

  #context(purpose: BrowserPurpose) {
    const { crypto, keyPair, masters, onState, timing = SYSTEM_TIMING } = this.#options;
    return {
      connect: { crypto, keyPair, ring: RING_2 },
      rotation: new MasterRotation(masters, timing),
      timing,
      onState: (state: ClientState) => tell(onState, state, purpose),
    };
  }
}
