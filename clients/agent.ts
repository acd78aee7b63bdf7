/**
 * Registers a game server that knows nothing of ring 1: asks it for its status as players do, and
 * speaks for it to the masters.
 *
 * @module
 */

import {
  decodeRing1Request,
  encodeMessage,
  type Listed,
  type Registered,
} from "../protocol/mod.ts";
import type { GameAddress, StatusAnswer } from "./_ask_status.ts";
import { describeServer, type OperatorWords } from "./_describe_server.ts";
import { POLL_TIMING, type PollTiming, StatusPoller } from "./_status_poller.ts";
import { ClientError } from "./errors.ts";
import { type MasterAddress, masterName } from "./master_address.ts";
import type { RegistrationClient } from "./registration.ts";
import type { RegistrationOptions } from "./registration_options.ts";
import { type AddressFamily, familyOf } from "./resolve.ts";
import type { ClientState } from "./state.ts";

export type { AskTiming, GameAddress } from "./_ask_status.ts";
export type { OperatorWords } from "./_describe_server.ts";
export type { PollTiming } from "./_status_poller.ts";

/**
 * Milliseconds between two registrations of a server that answers: one whose settings change with
 * every poll must not have the whole network hear of it all the time.
 */
const REGISTER_AGAIN_MS = 60_000;

/** What happens to an {@link Agent}. */
export type AgentEvent =
  /** The game server answers from now on. */
  | { readonly type: "answers"; readonly name: string; readonly map: string }
  /** It does not answer, or no longer; it leaves the list until it does. */
  | { readonly type: "silent"; readonly reason: string; readonly answeredBefore: boolean }
  /** It has no name, and its operator gave it none: it cannot be registered. */
  | { readonly type: "nameless" }
  /** Its name or its settings changed: the master is told. */
  | { readonly type: "changed" }
  /** A master registered it. */
  | { readonly type: "registered"; readonly registered: Registered; readonly master: MasterAddress }
  /**
   * A master was reached by an address of another family than the one that the server answers
   * over (`family`), as it has none of that: it will ask the server over a family which that may
   * not answer over. Told once a master.
   */
  | {
    readonly type: "other-family";
    readonly family: AddressFamily;
    readonly master: MasterAddress;
  }
  /** Players see it from now on, or no more; not told again while nothing of it changes. */
  | { readonly type: "listed"; readonly listed: Listed; readonly master: MasterAddress }
  /** What it says of itself is refused, by a master or before any was asked. */
  | { readonly type: "refused"; readonly error: ClientError }
  /** How it stands with the masters. */
  | { readonly type: "state"; readonly state: ClientState }
  /** It said good-bye to the master. */
  | { readonly type: "left" };

/** The part of a {@link RegistrationClient} that an agent uses. */
export type Registration = Pick<
  RegistrationClient,
  "start" | "report" | "update" | "stop"
>;

/** What an agent hands to whoever makes its registrations. */
export type RegistrationRequest = Pick<
  RegistrationOptions,
  "server" | "family" | "onRegistered" | "onListed" | "onRefused" | "onState"
>;

/** Which server an {@link Agent} speaks for, and how. */
export interface AgentOptions {
  /** Where the game server answers over UDP. */
  readonly server: GameAddress;
  /** What its operator says of it. */
  readonly words: OperatorWords;
  /** Makes a registration: a {@link RegistrationClient} of these options. */
  readonly register: (request: RegistrationRequest) => Registration;
  /** Told of everything that happens, in order. */
  readonly onEvent: (event: AgentEvent) => void;
  /** Milliseconds between polls and the like, where they differ from the usual. */
  readonly timing?: Partial<PollTiming & { readonly registerAgainMs: number }>;
}

/**
 * What a master would find wrong with an operator's words.
 *
 * @returns A text for people, which may quote the words; undefined when nothing is wrong.
 */
export function problemOfWords(words: OperatorWords): string | undefined {
  const { protocol, name = "?", port, admin, country, netname } = words;
  const decoded = decodeRing1Request(encodeMessage({
    type: "register",
    gamename: "netpanzer",
    name,
    port,
    protocol,
    admin,
    ...(country === undefined ? {} : { country }),
    ...(netname === undefined ? {} : { netname }),
    settings: {},
  }));
  if (decoded.type === "message") return undefined;
  return decoded.type === "refused" ? decoded.error.message : decoded.reason;
}

/**
 * Speaks for a game server: polls it, keeps it registered while it answers, says what is played on
 * it, and says good-bye when it falls silent or the agent is stopped.
 */
export class Agent implements AsyncDisposable {
  readonly #options: AgentOptions;
  readonly #poller: StatusPoller;
  readonly #registerAgainMs: number;
  #registration: Registration | undefined;
  /** The description that was registered last, or refused. */
  #described: string | undefined;
  #registeredAt = 0;
  #answering = false;
  #answeredBefore = false;
  #nameless = false;
  /** What was told last of whether the server is listed, and why not. */
  #listedTold: string | undefined;
  /** Masters of which it was told that they are reached over another family. */
  readonly #otherFamily = new Set<string>();
  /** Registrations begin and end one after the other: a late good-bye would end the next one. */
  #work: Promise<void> = Promise.resolve();

  /** Does nothing before {@link start}. */
  constructor(options: AgentOptions) {
    const { registerAgainMs = REGISTER_AGAIN_MS, ...timing } = options.timing ?? {};
    this.#options = options;
    this.#registerAgainMs = registerAgainMs;
    this.#poller = new StatusPoller({
      server: options.server,
      timing: { ...POLL_TIMING, ...timing },
      onStatus: (answer) => this.#after(() => this.#take(answer)),
      onSilent: (reason) => this.#after(() => this.#fallSilent(reason)),
    });
  }

  /** Begins to poll the server. A second call does nothing. */
  start(): void {
    this.#poller.start();
  }

  /** Says good-bye for the server and ends everything; settles when nothing is left. */
  async stop(): Promise<void> {
    await this.#poller.stop();
    this.#after(() => this.#leave());
    await this.#work;
  }

  /** The same as {@link stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #after(step: () => void | Promise<void>): void {
    this.#work = this.#work.then(step);
  }

  async #take(answer: StatusAnswer): Promise<void> {
    const { onEvent, words } = this.#options;
    const described = describeServer(answer, words);
    if (described.type === "nameless") {
      if (!this.#nameless) onEvent({ type: "nameless" });
      this.#nameless = true;
      return await this.#leave();
    }
    const { server, report } = described;
    if (!this.#answering) onEvent({ type: "answers", name: server.name, map: report.map });
    this.#answering = true;
    this.#answeredBefore = true;
    this.#nameless = false;
    const wanted = JSON.stringify(server);
    const isNew = wanted !== this.#described && this.#mayRegister();
    const known = this.#registration;
    if (isNew) {
      this.#described = wanted;
      this.#registeredAt = performance.now();
      if (known) onEvent({ type: "changed" });
      this.#orRefused(() => {
        if (known) known.update(server);
        else this.#registration = this.#register(server, answer.family);
      });
    }
    this.#orRefused(() => this.#registration?.report(report));
    // After the first report, which goes along with the registration.
    if (!known) this.#registration?.start();
  }

  #mayRegister(): boolean {
    return !this.#registration ||
      performance.now() - this.#registeredAt >= this.#registerAgainMs;
  }

  #register(server: RegistrationRequest["server"], family: AddressFamily): Registration {
    const { register, onEvent } = this.#options;
    return register({
      server,
      family,
      onRegistered: (registered, master) => {
        this.#isNews(registered);
        onEvent({ type: "registered", registered, master });
      },
      onListed: (listed, master) => {
        if (this.#isNews(listed)) onEvent({ type: "listed", listed, master });
      },
      onRefused: (error) => onEvent({ type: "refused", error }),
      onState: (state) => {
        if (state.type !== "closed") onEvent({ type: "state", state });
        if (state.type === "connected") this.#checkFamily(state, family);
      },
    });
  }

  /** Whether it is another word than the last one, which it is from now on. */
  #isNews({ listed, reason }: Pick<Listed, "listed" | "reason">): boolean {
    const last = this.#listedTold;
    this.#listedTold = listed ? "" : `not listed: ${reason}`;
    return this.#listedTold !== last;
  }

  #checkFamily(
    { master, ip }: Extract<ClientState, { type: "connected" }>,
    family: AddressFamily,
  ): void {
    const name = masterName(master.host, master.port);
    if (familyOf(ip) === family || this.#otherFamily.has(name)) return;
    this.#otherFamily.add(name);
    this.#options.onEvent({ type: "other-family", family, master });
  }

  /** What no master would accept is told, and the next answer of the server may be better. */
  #orRefused(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.#options.onEvent({ type: "refused", error });
    }
  }

  async #fallSilent(reason: string): Promise<void> {
    this.#options.onEvent({ type: "silent", reason, answeredBefore: this.#answeredBefore });
    this.#answering = false;
    await this.#leave();
  }

  async #leave(): Promise<void> {
    const registration = this.#registration;
    this.#registration = undefined;
    this.#described = undefined;
    if (!registration) return;
    await registration.stop();
    this.#options.onEvent({ type: "left" });
  }
}
