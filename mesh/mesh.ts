/**
 * This master's part in the network: connections with all others, changes told to them and taken
 * from them.
 *
 * @module
 */

import { encodeReach, encodeWant, type Hello, type Peer } from "../protocol/mod.ts";
import type { RegistryEvent, Snapshot, UserClaim } from "../registry/mod.ts";
import { makeCourses } from "./comparison.ts";
import { serverKey } from "./entries.ts";
import { Ledger } from "./ledger.ts";
import { Meetings } from "./meetings.ts";
import { tell, tellLeases } from "./outbox.ts";
import { idOfKey } from "./roster.ts";
import { PROTOCOL_VERSION, Session } from "./session.ts";
import type { SessionHost } from "./session_host.ts";
import type { Link, MeshCounters, MeshOutput, MeshSettings, MeshSource, Target } from "./types.ts";
import { Warnings } from "./warnings.ts";
import { Watch } from "./watch.ts";

/** Milliseconds for which it is gathered who was heard of. */
const LEASES_MS = 2000;

/** Instances are told apart by a number below this. */
const MAX_INSTANCE = 2 ** 48;

/** What a mesh is made of. */
export interface MeshOptions {
  /** What it knows of its own master. */
  readonly settings: MeshSettings;
  /** Time and chance. */
  readonly source: MeshSource;
  /** Where its output goes. Called synchronously, in order. */
  readonly output: MeshOutput;
}

/**
 * One master among others. Nobody is dialled or listened to before the first snapshot. Never throws
 * on what a peer sends.
 */
export class Mesh {
  readonly #options: MeshOptions;
  readonly #instance: number;
  readonly #ledger: Ledger;
  readonly #meetings: Meetings;
  readonly #watch: Watch;
  readonly #warnings: Warnings;
  readonly #host: SessionHost;
  readonly #sessions = new Map<Link, Session>();
  /** How far all that each master has changed is known. */
  readonly #known = new Map<string, number>();
  #settings: MeshSettings;
  #isOpen = false;
  /** Own changes to be told. */
  #changed = new Set<string>();
  /** Own changes up to this hybrid logical time have been handed to every session. */
  #told = 0;
  #heard = new Set<string>();
  #leasesAt: number;
  readonly #counts = { links: 0, changes_received: 0, changes_sent: 0, rounds: 0, unequal: 0 };

  /** Makes a mesh that knows nobody yet. */
  constructor(options: MeshOptions) {
    const { source, settings, output } = options;
    this.#options = options;
    this.#settings = settings;
    this.#instance = Math.floor(source.random() * MAX_INSTANCE);
    this.#ledger = new Ledger(settings.id, () => source.monotonic());
    this.#watch = new Watch(this.#ledger, source);
    this.#warnings = new Warnings(source, output);
    this.#leasesAt = source.monotonic();
    this.#meetings = new Meetings({
      source,
      output,
      settings,
      warnings: this.#warnings,
      instance: this.#instance,
      end: (session, reason) => this.#end(session, reason),
    });
    this.#host = this.#makeHost();
  }

  /** Takes over all that the registry holds; again when it may have changed unseen. */
  load(snapshot: Snapshot): void {
    this.#ledger.load(snapshot);
    this.#told = this.#ledger.own;
    this.#known.clear();
    for (const [origin, hlc] of snapshot.vector) this.#known.set(origin, hlc);
    this.#isOpen = true;
    for (const session of [...this.#sessions.values()]) this.#end(session, "it is started anew");
  }

  /** Takes over whose players' names are; `first` forgets those from before. */
  loadUsers(users: readonly UserClaim[], first: boolean): void {
    if (first) this.#ledger.clearUsers();
    for (const claim of users) this.#ledger.learnUser(claim);
  }

  /** Takes over players' names that were claimed at this master, and tells of them. */
  addUsers(users: readonly UserClaim[]): void {
    for (const claim of users) {
      if (this.#ledger.learnUser(claim)) this.#changed.add(`u:${claim.user}`);
    }
  }

  /** Takes over a change of the registry; each one, in order. */
  apply(event: RegistryEvent): void {
    const key = this.#ledger.apply(event);
    if (key !== undefined) this.#changed.add(key);
    if (event.type === "seen" && event.heard) { for (const id of event.ids) this.#heard.add(id); }
    if (event.type === "reach" && event.found.length > 0) {
      const messages = encodeReach(event.found);
      for (const session of this.#meetings.connected.values()) session.pushReach(messages);
    }
  }

  /** A handshake is done. */
  opened(link: Link): void {
    if (!this.#isOpen) return link.close();
    this.#counts.links++;
    this.#sessions.set(link, new Session(link, this.#host));
  }

  /** A message has come. */
  received(link: Link, plaintext: Uint8Array): void {
    this.#sessions.get(link)?.receive(plaintext);
  }

  /** A connection is over, for a reason that people read. */
  closed(link: Link, reason: string): void {
    const session = this.#sessions.get(link);
    if (session) this.#forget(session, reason);
  }

  /** A connection that was wanted cannot be had. */
  dialFailed(target: Target, reason: string): void {
    this.#meetings.dialFailed(target, reason);
  }

  /** Tells what is new. To be called soon after anything else was. */
  flush(): void {
    if (this.#changed.size > 0) {
      const keys = this.#changed;
      this.#changed = new Set();
      const span = { after: this.#told, upto: this.#ledger.own };
      this.#told = span.upto;
      const { connected } = this.#meetings;
      const messages = connected.size > 0 ? tell(this.#ledger, keys, span) : [];
      for (const session of connected.values()) session.push(keys, messages, span);
    }
    for (const session of this.#sessions.values()) session.flush();
  }

  /** Lets time pass. To be called a few times a second. */
  tick(): void {
    if (!this.#isOpen) return;
    const now = this.#options.source.monotonic();
    for (const session of [...this.#sessions.values()]) {
      session.tick();
      const { hello, isReady, pulse: { clock = 0 } } = session;
      if (hello && isReady) this.#warnings.clock(hello, clock);
    }
    this.#meetings.tick();
    if (now - this.#leasesAt >= LEASES_MS) {
      this.#leasesAt = now;
      this.#tellLeases();
    }
    this.#askForDying();
    const views = this.#meetings.takeViews();
    if (views) this.#options.output.masters(views);
    this.flush();
  }

  /** Takes over other settings; the id stays. */
  reconfigure(settings: MeshSettings): void {
    this.#settings = settings;
    this.#meetings.reconfigure(settings);
  }

  /** How this master stands to each of the others. */
  peers(): Peer[] {
    return this.#meetings.report(this.#ledger);
  }

  /** What it counts. */
  counters(): MeshCounters {
    const counts = { ...this.#counts };
    for (const session of this.#sessions.values()) addCounts(counts, session);
    return {
      peers_known: this.#meetings.known,
      peers_connected: this.#meetings.connected.size,
      servers: this.#ledger.servers,
      ...counts,
    };
  }

  /** Says goodbye to all, and connects with nobody any more. */
  stop(): void {
    this.#isOpen = false;
    for (const session of this.#sessions.values()) {
      session.bye();
      session.stop();
      session.link.close();
      addCounts(this.#counts, session);
    }
    this.#sessions.clear();
    this.#meetings.clear();
  }

  #makeHost(): SessionHost {
    const { source, output } = this.#options;
    return {
      source,
      ledger: this.#ledger,
      courses: makeCourses(() => source.monotonic()),
      hello: (link) => this.#hello(link),
      members: (except) => this.#meetings.members(except),
      peers: () => this.peers(),
      greeted: (session, hello) => this.#meetings.greeted(session, hello),
      met: (masters) => this.#meetings.met(masters),
      commands: (commands) => output.commands(commands),
      users: (users) => this.#learnUsers(users),
      synced: (origin, upto) => this.#synced(origin, upto),
      known: (origin) => this.#known.get(origin) ?? 0,
      end: (session, reason) => this.#end(session, reason),
      warn: (about, message, fields) => this.#warnings.say(about, message, fields),
    };
  }

  #hello(link: Link): Hello {
    const receiver = idOfKey(link.key) ?? "";
    const known = Math.max(this.#known.get(receiver) ?? 0, this.#ledger.latest(receiver));
    const { id, name, host, ports, program, aliveTimeout } = this.#settings;
    return {
      type: "hello",
      version: PROTOCOL_VERSION,
      id,
      name,
      ...(host === undefined ? {} : { host }),
      ports,
      time: this.#options.source.wall(),
      program,
      instance: this.#instance,
      alive: aliveTimeout,
      ...(known === 0 ? {} : { known }),
    };
  }

  #learnUsers(users: readonly UserClaim[]): void {
    const learnt = users.filter((claim) => this.#ledger.learnUser(claim));
    if (learnt.length > 0) this.#options.output.users(learnt);
  }

  #synced(origin: string, upto: number): void {
    if (upto <= (this.#known.get(origin) ?? -1)) return;
    this.#known.set(origin, upto);
    this.#options.output.commands([{ type: "synced", origin, hlc: upto }]);
  }

  #end(session: Session, reason: string): void {
    session.link.close();
    this.#forget(session, reason);
  }

  #forget(session: Session, reason: string): void {
    if (!this.#sessions.delete(session.link)) return;
    session.stop();
    addCounts(this.#counts, session);
    this.#meetings.parted(session, reason);
  }

  #tellLeases(): void {
    if (this.#heard.size === 0) return;
    const ids = this.#heard;
    this.#heard = new Set();
    const { connected } = this.#meetings;
    const messages = connected.size > 0 ? tellLeases(this.#ledger, ids) : [];
    for (const session of connected.values()) session.pushLeases(ids, messages);
  }

  /** Before a server is given up that other masters may hear of, one of them is asked. */
  #askForDying(): void {
    const dying = this.#watch.take();
    if (dying.length === 0) return;
    const listening = [...this.#meetings.connected.values()].filter(({ keepsUp }) => keepsUp);
    const chosen = listening[Math.floor(this.#options.source.random() * listening.length)];
    chosen?.want(encodeWant(dying.map((id) => `l${serverKey(id).slice(1)}`)));
  }
}

function addCounts(
  counts: { changes_received: number; changes_sent: number; rounds: number; unequal: number },
  { received, sent, rounds: { begun, unequal } }: Session,
): void {
  counts.changes_received += received;
  counts.changes_sent += sent;
  counts.rounds += begun;
  counts.unequal += unequal;
}
