import { decodeStatus, encodeEcho, type GameStatus, STATUS_QUERY } from "../protocol/mod.ts";
import {
  type Challenge,
  ExpiryQueue,
  MASTER_GAMENAME,
  type ServerId,
  type ServerRecord,
} from "../registry/mod.ts";

/** Milliseconds within which the answer to a status poll counts. */
const POLL_PATIENCE_MS = 5000;

/** Milliseconds for which a challenge's answer is waited for: all its tries and a little more. */
const CHALLENGE_PATIENCE_MS = 15_000;

/** Polls without an answer after which a server counts as not reached: a datagram may be lost. */
const REACH_TRIES = 3;

/** Milliseconds between two looks for what is due, and how late a poll may be. */
export const PROBE_TICK_MS = 250;

const utf8 = new TextDecoder();

/** What comes of probing. */
export interface ProberOutput {
  send(ip: string, port: number, bytes: Uint8Array): void;
  /** The token of a challenge came back from where it was sent. */
  answered(id: ServerId, token: string): void;
  /** A poll was answered. */
  status(id: ServerId, status: GameStatus): void;
  /** It was found out whether a server is reached that another master polls. */
  reached(id: ServerId, reached: boolean): void;
}

/** Whose a server is. */
export interface Share {
  /** Whether another master polls it: here it is only found out whether it is reached. */
  readonly isForeign: boolean;
  /** Milliseconds between two polls; 0 for never. */
  readonly interval: number;
}

/** A poll whose answer is waited for. */
interface Awaited {
  readonly isForeign: boolean;
  readonly tries: number;
}

/**
 * Asks servers over UDP: sends challenges, polls their status, and knows which answers it waits
 * for, so that nothing else gets further than this.
 */
export class Prober {
  readonly #output: ProberOutput;
  readonly #challenges = new Map<ServerId, string>();
  readonly #challengeEnds: ExpiryQueue<ServerId>;
  readonly #polls: ExpiryQueue<ServerId>;
  readonly #awaited = new Map<ServerId, Awaited>();
  readonly #awaitedEnds: ExpiryQueue<ServerId>;
  challengesSent = 0;
  pollsSent = 0;
  pollsAnswered = 0;

  constructor(output: ProberOutput, now: number) {
    this.#output = output;
    this.#challengeEnds = new ExpiryQueue(now, PROBE_TICK_MS);
    this.#polls = new ExpiryQueue(now, PROBE_TICK_MS);
    this.#awaitedEnds = new ExpiryQueue(now, PROBE_TICK_MS);
  }

  /** Sends a challenge and waits for its token. */
  challenge({ id, ip, port, token }: Challenge, now: number): void {
    this.#challenges.set(id, token);
    this.#challengeEnds.set(id, now + CHALLENGE_PATIENCE_MS);
    this.challengesSent++;
    this.#output.send(ip, port, encodeEcho(token));
  }

  /** Polls a server from now on, first after a wait in milliseconds. */
  watch(record: ServerRecord, wait: number, now: number): void {
    if (record.gamename !== MASTER_GAMENAME) this.#polls.set(record.id, now + wait);
  }

  /** Stops polling a server, and waiting for what it answers to a poll. */
  unwatch(id: ServerId): void {
    this.#polls.delete(id);
    this.#awaited.delete(id);
    this.#awaitedEnds.delete(id);
  }

  /**
   * Sends the polls that are due.
   *
   * @param find The record of a listed server.
   * @param shareOf Whose a server is.
   */
  tick(
    find: (id: ServerId) => ServerRecord | undefined,
    shareOf: (record: ServerRecord) => Share,
    now: number,
  ): void {
    for (const id of this.#challengeEnds.takeDue(now)) this.#challenges.delete(id);
    for (const id of this.#awaitedEnds.takeDue(now)) this.#missed(id, find(id), now);
    for (const id of this.#polls.takeDue(now)) {
      const record = find(id);
      if (!record) continue;
      const { isForeign, interval } = shareOf(record);
      this.#polls.set(id, now + (interval || POLLING_OFF_MS));
      if (interval > 0) this.#poll(record, { isForeign, tries: 1 }, now);
    }
  }

  /** Takes a datagram that is waited for; false when it is not. */
  take(id: ServerId, bytes: Uint8Array): boolean {
    const token = this.#challenges.get(id);
    if (token !== undefined && utf8.decode(bytes) === token) {
      this.#challenges.delete(id);
      this.#challengeEnds.delete(id);
      this.#output.answered(id, token);
      return true;
    }
    const awaited = this.#awaited.get(id);
    if (!awaited) return false;
    const status = decodeStatus(bytes);
    if (!status) return false;
    // One answer a poll: a flood of them goes no further.
    this.#awaited.delete(id);
    this.#awaitedEnds.delete(id);
    this.pollsAnswered++;
    if (awaited.isForeign) this.#output.reached(id, true);
    else this.#output.status(id, status);
    return true;
  }

  #poll({ id, ip, port }: ServerRecord, awaited: Awaited, now: number): void {
    this.#awaited.set(id, awaited);
    this.#awaitedEnds.set(id, now + POLL_PATIENCE_MS);
    this.pollsSent++;
    this.#output.send(ip, port, STATUS_QUERY);
  }

  #missed(id: ServerId, record: ServerRecord | undefined, now: number): void {
    const awaited = this.#awaited.get(id);
    this.#awaited.delete(id);
    if (!awaited?.isForeign || !record) return;
    const { tries } = awaited;
    if (tries < REACH_TRIES) this.#poll(record, { isForeign: true, tries: tries + 1 }, now);
    else this.#output.reached(id, false);
  }
}

/** Milliseconds after which a server is looked at again while polling is off. */
const POLLING_OFF_MS = 60_000;
