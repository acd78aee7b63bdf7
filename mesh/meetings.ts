/**
 * Who is connected with whom: one connection with each other master, and attempts at those that are
 * missing.
 *
 * @module
 */

import type { Hello, KnownMaster, Peer } from "../protocol/mod.ts";
import { Dialer } from "./dialer.ts";
import type { Ledger } from "./ledger.ts";
import { reportPeers } from "./peer_report.ts";
import { idOfKey, Roster } from "./roster.ts";
import type { Session } from "./session.ts";
import type { MasterView, MeshOutput, MeshSettings, MeshSource, Target } from "./types.ts";
import type { Warnings } from "./warnings.ts";

/** Milliseconds between two times that all masters are told of to all. */
const MEMBERS_MS = 30_000;

/** What meetings are made of. */
export interface MeetingsOptions {
  readonly source: MeshSource;
  readonly output: MeshOutput;
  readonly warnings: Warnings;
  /** What tells this start of this master from others. */
  readonly instance: number;
  readonly settings: MeshSettings;
  /** A connection is to be ended. */
  readonly end: (session: Session, reason: string) => void;
}

/** Connections with other masters, by master. */
export class Meetings {
  readonly #options: MeetingsOptions;
  readonly #roster: Roster;
  readonly #dialer: Dialer;
  /** The one connection of each master. */
  readonly #byId = new Map<string, Session>();
  #settings: MeshSettings;
  #membersAt: number;

  constructor(options: MeetingsOptions) {
    const { source, settings } = options;
    this.#options = options;
    this.#settings = settings;
    this.#roster = new Roster(settings.id, source);
    this.#dialer = new Dialer(source);
    this.#membersAt = source.monotonic();
    this.#look();
  }

  /** The connections, by the master's id. */
  get connected(): ReadonlyMap<string, Session> {
    return this.#byId;
  }

  /** How many masters are known. */
  get known(): number {
    return this.#roster.size;
  }

  /** Takes over other settings. */
  reconfigure(settings: MeshSettings): void {
    this.#settings = settings;
    this.#look();
  }

  /** A connection that was wanted cannot be had. */
  dialFailed(target: Target, reason: string): void {
    this.#dialer.failed(target, reason);
  }

  /** A connection's other side has said who it is; why it is not wanted, if it is not. */
  greeted(session: Session, hello: Hello): string | undefined {
    const { link } = session;
    const { warnings } = this.#options;
    if (idOfKey(link.key) !== hello.id) {
      return "it says that it is another master than its key says";
    }
    if (hello.observer) return undefined;
    if (link.dialed) this.#dialer.reached(link.dialed, hello.id);
    if (hello.id === this.#settings.id) return this.#meetSelf(session, hello);
    const before = this.#byId.get(hello.id);
    if (before && !this.#isBetter(session, hello, before)) return "there is a connection already";
    this.#byId.set(hello.id, session);
    const isNews = this.#roster.connected(link, hello);
    this.#look();
    if (before) this.#options.end(before, "there is a newer connection");
    else {
      const fields = fieldsOf(session, hello);
      warnings.note("info", hello.id, "connected with another master", fields);
    }
    if (isNews) this.#introduce(hello.id);
    warnings.compare(hello, this.#settings.aliveTimeout);
    return undefined;
  }

  /** A connection is over. */
  parted(session: Session, reason: string): void {
    const { link, hello, id } = session;
    const { warnings, source } = this.#options;
    const lasted = source.monotonic() - session.begun;
    if (link.dialed) this.#dialer.failed(link.dialed, reason, lasted);
    if (this.#byId.get(id) !== session) return;
    this.#byId.delete(id);
    this.#roster.disconnected(id, session.hasStopped);
    const fields = { ...fieldsOf(session, hello), reason };
    warnings.note("warning", id, "lost the connection with another master", fields);
    // Whoever had connected may be looked for, too.
    for (const target of this.#roster.targetsOf(id)) {
      if (!isSame(target, link.dialed)) this.#dialer.failed(target, reason, lasted);
    }
  }

  /** Another master tells of masters. */
  met(masters: readonly KnownMaster[]): void {
    this.#roster.met(masters);
    this.#look();
  }

  /** Masters to be told of to the one with an id. */
  members(except: string): KnownMaster[] {
    return this.#roster.members(except);
  }

  /** Lets time pass. */
  tick(): void {
    const { output, source } = this.#options;
    const isConnected = (id: string) => id === this.#settings.id || this.#byId.has(id);
    for (const target of this.#dialer.takeDue(isConnected)) output.dial(target);
    const now = source.monotonic();
    if (now - this.#membersAt < MEMBERS_MS) return;
    this.#membersAt = now;
    this.#roster.tick();
    this.#look();
    for (const [id, session] of this.#byId) session.pushMembers(this.#roster.members(id));
  }

  /** All masters, for others; undefined when there is nothing new since the last time. */
  takeViews(): MasterView[] | undefined {
    return this.#roster.takeViews();
  }

  /** How this master stands to each of the others. */
  report(ledger: Ledger): Peer[] {
    return reportPeers({
      sessions: this.#byId,
      places: this.#dialer.places(),
      roster: this.#roster,
      ledger,
      self: this.#settings.id,
      now: this.#options.source.monotonic(),
    });
  }

  /** There are no connections any more. */
  clear(): void {
    this.#byId.clear();
  }

  #look(): void {
    const { peers, neighbors } = this.#settings;
    this.#dialer.look([...peers, ...neighbors], this.#roster.targets());
  }

  #meetSelf({ link }: Session, { instance }: Hello): string {
    if (instance === this.#options.instance) return "it is this master itself";
    const warning = "another master has this master's key: give one of them a key of its own";
    this.#options.warnings.say(link.ip, warning, { address: link.ip });
    return "it has this master's key";
  }

  /** Of two connections both sides keep the same one: that of the lower id, or the newer one. */
  #isBetter(session: Session, hello: Hello, before: Session): boolean {
    // It has started anew, and the other connection is its earlier life's.
    if (hello.instance !== before.hello?.instance) return true;
    const isOurs = (one: Session) => one.link.dialed !== undefined;
    if (isOurs(session) === isOurs(before)) return true;
    return isOurs(session) === this.#settings.id < hello.id;
  }

  #introduce(id: string): void {
    const newcomer = this.#roster.member(id);
    if (!newcomer) return;
    for (const [other, session] of this.#byId) if (other !== id) session.pushMembers([newcomer]);
  }
}

function isSame(a: Target, b: Target | undefined): boolean {
  return a.host === b?.host && a.port === b.port;
}

function fieldsOf({ link }: Session, hello: Hello | undefined) {
  return { master: hello?.name || (hello?.id ?? ""), address: link.ip };
}
