import { encodeListRequest, formatEndpoint, OldStyleListDecoder } from "../protocol/mod.ts";
import { MASTER_GAMENAME } from "../registry/mod.ts";
import type { HostPort, RingSettings, ThreadContext } from "../threads/mod.ts";
import { type Hearsay, hearsayOf, type PeerList } from "./_old_peers_entries.ts";
import { type Exchange, exchange } from "./_old_peers_exchange.ts";
import { encodeMasterHeartbeat, encodeMasterQuit, isSendable } from "./_old_peers_messages.ts";
import * as report from "./_old_peers_report.ts";

/** Milliseconds for one request to an old-style master; the game itself waits as long for a list. */
const PEER_TIMEOUT_MS = 12_000;

/** Milliseconds that a goodbye may take: nobody waits long for another master's sake. */
export const PEER_QUIT_MS = 1000;

/** Milliseconds before the first request, by when this ring's own port is surely known. */
const FIRST_ROUND_MS = 250;

/** Milliseconds until a master that failed is asked again; twice as many each time. */
const FIRST_RETRY_MS = 5000;

/** Part of an interval by which a round may come early, so that masters do not move in step. */
const JITTER = 0.1;

/** Entries of one list that are used; a network of the old style has a few hundred servers. */
const MAX_PEER_SERVERS = 20_000;

/** Entries that are told to the registry at once, and milliseconds until the next ones are. */
const TOLD_AT_ONCE = 500;
const TOLD_EVERY_MS = 20;

/** The one game of this network. */
const GAME = "netpanzer";

/** What talking to old-style masters takes of its ring. */
export interface OldPeersParts {
  readonly log: ThreadContext["log"];
  settings(): RingSettings;
  /** Takes what an old-style master lists. */
  hear(hearsay: Hearsay): void;
}

/**
 * Milliseconds until an old-style master is asked again.
 *
 * @param failures How often in a row it has failed.
 * @param interval Milliseconds between two rounds that go well.
 * @param chance From 0 up to but not including 1.
 */
export function restAfter(failures: number, interval: number, chance: number): number {
  const full = failures === 0
    ? interval
    : Math.min(interval, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 30));
  return full * (1 - JITTER * chance);
}

/** One old-style master: told of this one, and asked for what it knows, until it is left. */
export class OldPeer {
  readonly #target: HostPort;
  readonly #name: string;
  readonly #parts: OldPeersParts;
  readonly #report: report.PeerReport;
  readonly #ended = new AbortController();
  #wake: (() => void) | undefined;
  #isHurried = false;
  /** What it was told last, and has not refused. */
  #announced: { readonly port: number; readonly password: string } | undefined;
  #running: Promise<void> | undefined;
  /** Whether the last round went well; undefined before the first. */
  isOk: boolean | undefined;
  /** Entries of its lists that were used in the last round. */
  heard = 0;

  constructor(target: HostPort, parts: OldPeersParts) {
    this.#target = target;
    this.#name = formatEndpoint(target.host, target.port);
    this.#parts = parts;
    this.#report = new report.PeerReport(parts.log, this.#name);
  }

  /** Begins. */
  start(): void {
    this.#running = this.#run();
  }

  /** What this master says of itself has changed: the next round begins at once. */
  hurry(): void {
    this.#isHurried = true;
    this.#wake?.();
  }

  /** Ends all talk at once, and says goodbye where this master has been announced. */
  async leave(timeoutMs: number): Promise<void> {
    this.#ended.abort();
    this.#wake?.();
    await this.#running;
    await this.#quit(timeoutMs, new AbortController().signal);
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    await this.#rest(FIRST_ROUND_MS);
    for (let failures = 0; !signal.aborted;) {
      let isOk = false;
      try {
        isOk = await this.#round();
      } catch (error) {
        if (signal.aborted) break;
        this.#tellFault(error);
      }
      this.isOk = isOk;
      failures = isOk ? 0 : failures + 1;
      const { heartbeatInterval } = this.#parts.settings();
      await this.#rest(restAfter(failures, heartbeatInterval, Math.random()));
    }
  }

  /** Says that this master lives, and takes over what the other lists. */
  async #round(): Promise<boolean> {
    const { masterPassword } = this.#parts.settings();
    const announcing = await this.#announce();
    const lists: PeerList[] = [];
    const issues = announcing ? [announcing] : [];
    let route: Extract<Exchange, { type: "answered" }> | undefined;
    for (const gamename of [MASTER_GAMENAME, GAME]) {
      // One that takes no connection, or is this master, has no list either.
      if (issues.some(({ kind }) => kind === "unreachable" || kind === "own")) break;
      const decoder = new OldStyleListDecoder(MAX_PEER_SERVERS);
      const answer = await this.#ask(encodeListRequest(gamename), decoder);
      issues.push(...issuesOfList(gamename, answer, decoder));
      if (answer.type !== "answered" || decoder.refusal !== undefined) continue;
      route = answer;
      lists.push({ gamename, servers: decoder.servers });
    }
    const told = route ? await this.#tellRegistry(lists, route) : [];
    this.heard = told.length;
    const countOf = (gamename: string): number | undefined =>
      lists.some((list) => list.gamename === gamename)
        ? told.filter((hearsay) => hearsay.gamename === gamename).length
        : undefined;
    this.#report.tell(
      { issues, servers: countOf(GAME), masters: countOf(MASTER_GAMENAME) },
      masterPassword,
    );
    return !issues.some(({ isFailure }) => isFailure);
  }

  /** Sends a heartbeat, where there is a password to send with it; gives what went wrong. */
  async #announce(): Promise<report.Issue | undefined> {
    const { oldServerPort: port, masterPassword: password } = this.#parts.settings();
    if (this.#announced && this.#announced.port !== port) {
      await this.#quit(PEER_QUIT_MS, this.#ended.signal);
    }
    if (!isSendable(password)) return undefined;
    const before = this.#announced;
    // Even if its answer is lost, the other may have taken it.
    this.#announced = { port, password };
    const decoder = new OldStyleListDecoder(0);
    const answer = await this.#ask(encodeMasterHeartbeat(port, password), decoder);
    switch (answer.type) {
      case "own":
        this.#announced = undefined;
        return report.ownAddress();
      case "unreachable":
        this.#announced = before;
        return report.unreachable(answer.reason);
      case "unanswered":
        return report.heartbeatUnanswered(answer.reason);
      case "answered":
        if (decoder.refusal === undefined) return undefined;
        this.#announced = undefined;
        return report.heartbeatRefused(decoder.refusal || "it gives no reason");
    }
  }

  async #tellRegistry(
    lists: readonly PeerList[],
    { localIp, remoteIp }: { readonly localIp: string; readonly remoteIp: string },
  ): Promise<readonly Hearsay[]> {
    const { publicAddress, oldServerPort } = this.#parts.settings();
    const told = hearsayOf(lists, {
      localIp,
      remoteIp,
      publicIp: publicAddress,
      ownPort: oldServerPort,
      via: this.#name,
    });
    for (const [i, hearsay] of told.entries()) {
      // Nothing else is to wait for a long list, neither here nor in the registry's thread.
      if (i > 0 && i % TOLD_AT_ONCE === 0) await this.#pause(TOLD_EVERY_MS);
      this.#ended.signal.throwIfAborted();
      this.#parts.hear(hearsay);
    }
    return told;
  }

  #ask(bytes: Uint8Array, decoder: OldStyleListDecoder): Promise<Exchange> {
    return exchange({
      target: this.#target,
      bytes,
      decoder,
      ownPort: this.#parts.settings().oldServerPort,
      timeoutMs: PEER_TIMEOUT_MS,
      signal: this.#ended.signal,
    });
  }

  /** Takes back what was announced. What comes of it does not matter: the other forgets in time. */
  async #quit(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#announced) return;
    const { port, password } = this.#announced;
    this.#announced = undefined;
    await exchange({
      target: this.#target,
      bytes: encodeMasterQuit(port, password),
      decoder: new OldStyleListDecoder(0),
      ownPort: port,
      timeoutMs,
      signal,
    });
  }

  /** Waits between two rounds. */
  async #rest(ms: number): Promise<void> {
    if (!this.#isHurried) await this.#pause(ms);
    this.#isHurried = false;
  }

  #pause(ms: number): Promise<void> {
    if (this.#ended.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #tellFault(error: unknown): void {
    const reason = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#parts.log("error", "asking an old-style master failed for a fault of this program", {
      peer: this.#name,
      reason,
      advice: "please report it",
    });
  }
}

function issuesOfList(
  gamename: string,
  answer: Exchange,
  decoder: OldStyleListDecoder,
): report.Issue[] {
  switch (answer.type) {
    case "own":
      return [report.ownAddress()];
    case "unreachable":
      return [report.unreachable(answer.reason)];
    case "unanswered":
      return [report.noList(gamename, answer.reason)];
    case "answered":
      break;
  }
  if (decoder.refusal !== undefined) {
    return [report.noList(gamename, decoder.refusal || "it gives no reason")];
  }
  return [
    ...(decoder.nonsense === undefined ? [] : [report.nonsense(gamename, decoder.nonsense)]),
    ...(decoder.isTruncated ? [report.tooMany(gamename, MAX_PEER_SERVERS)] : []),
  ];
}
