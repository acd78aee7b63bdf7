/**
 * Serves a list of ring 2 in the old style, so that a client which knows nothing of encryption
 * gets it over an encrypted line from this machine to the master.
 *
 * @module
 */

import {
  encodeError,
  gamespyListHead,
  isIpv6,
  listEntry,
  type ServerEntry,
  type TextMessage,
} from "../protocol/mod.ts";
import {
  type OldStyleAnswer,
  OldStyleServer,
  type OldStyleServerLimits,
  type OldStyleSession,
} from "./_old_style_server.ts";
import { RelayedList, type RelayQuery } from "./_relayed_list.ts";
import type { Subscription, SubscriptionHandlers } from "./subscription.ts";
import { SYSTEM_TIMING } from "./timing.ts";

export type { OldStyleServerLimits } from "./_old_style_server.ts";

/** Milliseconds that a client waits for the first list; the game itself allows 12 s. */
const FIRST_LIST_MS = 5000;

/**
 * Milliseconds without a master after which that is told: when another one takes over at once,
 * there is nothing to tell.
 */
const AWAY_MS = 5000;

/** Which game's servers masters are. */
const MASTER_GAMENAME = "master";

/** A key whose value nobody may guess at: it makes no difference. */
const SECRET_KEY = "password";

const encoder = new TextEncoder();
const UNKNOWN_REQUEST = encodeError("Unknown request");
const NO_GAMENAME = encodeError("A list request needs gamename");
const NO_LIST = encodeError("No master could be reached so far, try again later");
const CLIENTS_ONLY = encodeError(
  "This is a relay for clients, game servers register with a master: see masterserver agent",
);

/** What happens to a {@link Relay}. */
export type RelayEvent =
  /** A whole list came from a master, with so many servers. */
  | { readonly type: "list"; readonly servers: number }
  /** No master has answered since then; the last list is served on, if there is one. */
  | { readonly type: "away"; readonly since: Date; readonly servers: number | undefined }
  /** A master answers again. */
  | { readonly type: "back" };

/** Where a {@link Relay} listens, and where its list comes from. */
export interface RelayOptions {
  /** IP address and TCP port; port 0 takes any free one. */
  readonly listen: { readonly hostname: string; readonly port: number };
  /** Subscribes to all servers of all games, as `BrowserClient.subscribe` does. */
  readonly subscribe: (handlers: SubscriptionHandlers) => Subscription;
  /** Told of what happens to the list. */
  readonly onEvent: (event: RelayEvent) => void;
  /** Bounds, where they differ from the usual. */
  readonly limits?: Partial<
    OldStyleServerLimits & { readonly firstListMs: number; readonly awayMs: number }
  >;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** A master of the old style with somebody else's list. */
export class Relay implements AsyncDisposable {
  readonly #options: RelayOptions;
  readonly #server: OldStyleServer;
  readonly #subscription: Subscription;
  readonly #list = new RelayedList();
  readonly #first = Promise.withResolvers<void>();
  #hasList = false;
  #awaySince = new Date();
  #awayTimer: ReturnType<typeof setTimeout> | undefined;
  #awayTold = false;

  /**
   * Listens and subscribes at once.
   *
   * @throws What the system says when the port cannot be had.
   */
  constructor(options: RelayOptions) {
    const { listen, limits, subscribe } = options;
    this.#options = options;
    this.#server = new OldStyleServer(
      listen,
      (message, session) => this.#answer(message, session),
      limits,
    );
    this.#goAway();
    this.#subscription = subscribe({
      changed: ({ servers, removed, full }) => this.#change(servers, removed, full),
      view: (view) => view === "live" ? this.#comeBack() : this.#goAway(),
    });
  }

  /** Port that clients connect to. */
  get port(): number {
    return this.#server.port;
  }

  /** Stops listening and ends the subscription; settles when nothing is left. */
  async stop(): Promise<void> {
    clearTimeout(this.#awayTimer);
    this.#first.resolve();
    await Promise.all([this.#server.stop(), this.#subscription.close()]);
    // It may have gone stale by being closed.
    clearTimeout(this.#awayTimer);
  }

  /** The same as {@link stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #change(servers: readonly ServerEntry[], removed: readonly string[], full: boolean): void {
    if (full) this.#list.replace(servers);
    else this.#list.change(servers, removed);
    this.#hasList = true;
    this.#first.resolve();
    if (full) this.#options.onEvent({ type: "list", servers: this.#list.size });
  }

  #goAway(): void {
    this.#awaySince = new Date();
    clearTimeout(this.#awayTimer);
    this.#awayTimer = setTimeout(() => {
      this.#awayTold = true;
      const servers = this.#hasList ? this.#list.size : undefined;
      this.#options.onEvent({ type: "away", since: this.#awaySince, servers });
    }, this.#options.limits?.awayMs ?? AWAY_MS);
  }

  #comeBack(): void {
    clearTimeout(this.#awayTimer);
    if (this.#awayTold) this.#options.onEvent({ type: "back" });
    this.#awayTold = false;
  }

  #answer(
    message: TextMessage,
    session: OldStyleSession,
  ): OldStyleAnswer | Promise<OldStyleAnswer> {
    switch (message.command) {
      case "list":
        return this.#answerList(message, session);
      case "gamename":
        session.gamespy = true;
        return { bytes: undefined, close: false };
      case "heartbeat":
      case "quit":
        return { bytes: CLIENTS_ONLY, close: true };
      default:
        return { bytes: UNKNOWN_REQUEST, close: false };
    }
  }

  async #answerList(
    { values }: TextMessage,
    { gamespy, remoteIp, localIp }: OldStyleSession,
  ): Promise<OldStyleAnswer> {
    const gamename = values.get("gamename");
    if (gamename === undefined) return { bytes: NO_GAMENAME, close: gamespy };
    const query: RelayQuery = {
      filter: values,
      style: gamespy ? "gamespy" : "plain",
      ipv6: isIpv6(remoteIp),
    };
    // The relay knows of itself without any master.
    const isOfMasters = gamename === MASTER_GAMENAME;
    if (!this.#hasList && !isOfMasters) await this.#waitForList();
    if (!this.#hasList && !isOfMasters) return { bytes: NO_LIST, close: true };
    const head = gamespy ? [gamespyListHead()] : [];
    const own = isOfMasters ? [this.#ownEntry(query, localIp)] : [];
    return { bytes: concat(...head, ...own, this.#list.encode(query)), close: gamespy };
  }

  async #waitForList(): Promise<void> {
    const enough = new AbortController();
    const patience = this.#options.limits?.firstListMs ?? FIRST_LIST_MS;
    await Promise.race([this.#first.promise, SYSTEM_TIMING.sleep(patience, enough.signal)]);
    enough.abort();
  }

  /** The relay in a list of masters, so that clients come back to it. */
  #ownEntry({ filter, style }: RelayQuery, localIp: string): Uint8Array {
    const own = new Map([["gamename", MASTER_GAMENAME], ["port", String(this.port)]]);
    for (const [key, value] of filter) {
      if (key.toLowerCase() !== SECRET_KEY && own.get(key) !== value) return new Uint8Array(0);
    }
    return encoder.encode(listEntry(localIp, this.port, style));
  }
}
