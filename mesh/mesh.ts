/**
 * This master's part in the network: connections with all others, changes told to them and taken
 * from them.
 *
 * @module
 */

import { encodeWant, type Hello, type KnownMaster, type Peer } from "../protocol/mod.ts";
import type { RegistryEvent, Snapshot, UserClaim } from "../registry/mod.ts";
import { Dialer } from "./dialer.ts";
import { Ledger, serverKey } from "./ledger.ts";
import { tell, tellLeases } from "./outbox.ts";
import { PeerReport } from "./peer_report.ts";
import { idOfKey, Roster } from "./roster.ts";
import { PROTOCOL_VERSION, Session, type SessionHost } from "./session.ts";
import type { Link, MeshCounters, MeshOutput, MeshSettings, MeshSource, Target } from "./types.ts";
import { Warnings } from "./warnings.ts";
import { Watch } from "./watch.ts";

/** Milliseconds for which it is gathered who was heard of. */
const LEASES_MS = 2000;

/** Milliseconds between two times that all masters are told of to all. */
const MEMBERS_MS = 30_000;

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
  readonly #roster: Roster;
  readonly #dialer: Dialer;
  readonly #watch: Watch;
  readonly #warnings: Warnings;
  readonly #sessions = new Map<Link, Session>();
  /** The one connection of each master. */
  readonly #byId = new Map<string, Session>();
  /** How far all that each master has changed is known. */
  readonly #known = new Map<string, number>();
  #settings: MeshSettings;
  #isLoaded = false;
  /** Own changes to be told. */
  #changed = new Set<string>();
  /** Own changes up to this hybrid logical time have been handed to every session. */
  #told = 0;
  #heard = new Set<string>();
  #leasesAt: number;
  #membersAt: number;
  #masters = "";
  readonly #counts = { links: 0, changes_received: 0, changes_sent: 0, rounds: 0, unequal: 0 };

  /** Makes a mesh that knows nobody yet. */
  constructor(options: MeshOptions) {
    const { source, settings, output } = options;
    this.#options = options;
    this.#settings = settings;
    this.#instance = Math.floor(source.random() * MAX_INSTANCE);
    this.#ledger = new Ledger(settings.id, () => source.monotonic());
    this.#roster = new Roster(settings.id, source);
    this.#dialer = new Dialer(source);
    this.#watch = new Watch(this.#ledger, source);
    this.#warnings = new Warnings(source, output);
    this.#leasesAt = this.#membersAt = source.monotonic();
    this.reconfigure(settings);
  }

  /** Takes over all that the registry holds; again when it may have changed unseen. */
  load(snapshot: Snapshot): void {
    this.#ledger.load(snapshot);
    this.#told = this.#ledger.own;
    this.#known.clear();
    for (const [origin, hlc] of snapshot.vector) this.#known.set(origin, hlc);
    this.#isLoaded = true;
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
    else if (event.type === "synced") this.#known.set(event.origin, event.hlc);
  }

  /** A handshake is done. */
  opened(link: Link): void {
    if (!this.#isLoaded) return link.close();
    this.#counts.links++;
    this.#sessions.set(link, new Session(link, this.#host()));
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
    this.#dialer.failed(target, reason);
  }

  /** Tells what is new. To be called soon after anything else was. */
  flush(): void {
    if (this.#changed.size > 0) {
      const keys = this.#changed;
      this.#changed = new Set();
      const upto = this.#ledger.own;
      const messages = tell(this.#ledger, keys, { after: this.#told, upto });
      for (const session of this.#byId.values()) session.push(keys, messages, upto);
      this.#told = upto;
    }
    for (const session of this.#sessions.values()) session.flush();
  }

  /** Lets time pass. To be called a few times a second. */
  tick(): void {
    if (!this.#isLoaded) return;
    const now = this.#options.source.monotonic();
    for (const session of [...this.#sessions.values()]) {
      session.tick();
      const { hello, pulse: { clock = 0 } } = session;
      if (hello && !hello.observer) this.#warnings.clock(hello.name || hello.id, clock);
    }
    const isConnected = (id: string) => id === this.#settings.id || this.#byId.has(id);
    for (const target of this.#dialer.takeDue(isConnected)) this.#options.output.dial(target);
    if (now - this.#leasesAt >= LEASES_MS) {
      this.#leasesAt = now;
      this.#tellLeases();
    }
    if (now - this.#membersAt >= MEMBERS_MS) {
      this.#membersAt = now;
      this.#roster.tick();
      for (const [id, session] of this.#byId) session.pushMembers(this.#roster.members(id));
    }
    this.#askForDying();
    this.#tellMasters();
    this.flush();
  }

  /** Takes over other settings; the id stays. */
  reconfigure(settings: MeshSettings): void {
    const before = this.#settings;
    this.#settings = settings;
    const isNamed = (one: Target) =>
      settings.peers.some(({ host, port }) => host === one.host && port === one.port);
    for (const target of before.peers) if (!isNamed(target)) this.#dialer.delete(target);
    for (const target of [...settings.peers, ...settings.neighbors]) this.#dialer.add(target);
  }

  /** How this master stands to each of the others. */
  peers(): Peer[] {
    const report = new PeerReport(this.#options.source, this.#roster, this.#ledger);
    return report.make(this.#byId, this.#dialer.places(), this.#settings.id);
  }

  /** What it counts. */
  counters(): MeshCounters {
    const counts = { ...this.#counts };
    for (const session of this.#sessions.values()) addCounts(counts, session);
    return {
      peers_known: this.#roster.size,
      peers_connected: this.#byId.size,
      servers: this.#ledger.servers,
      ...counts,
    };
  }

  /** Says goodbye to all. */
  stop(): void {
    for (const session of this.#sessions.values()) {
      session.bye();
      session.link.close();
    }
    this.#sessions.clear();
    this.#byId.clear();
  }

  #host(): SessionHost {
    const { source, output } = this.#options;
    return {
      source,
      ledger: this.#ledger,
      hello: () => this.#hello(),
      members: (except) => this.#roster.members(except),
      peers: () => this.peers(),
      greeted: (session, hello) => this.#greeted(session, hello),
      met: (masters) => this.#met(masters),
      commands: (commands) => output.commands(commands),
      users: (users) => this.#learnUsers(users),
      synced: (origin, upto) => this.#synced(origin, upto),
      known: (origin) => this.#known.get(origin) ?? 0,
      end: (session, reason) => this.#end(session, reason),
      warn: (message, fields) => this.#warnings.say(message, fields),
    };
  }

  #hello(): Hello {
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
    };
  }

  /** A connection's other side has said who it is; why it is not wanted, if it is not. */
  #greeted(session: Session, hello: Hello): string | undefined {
    const { link } = session;
    if (idOfKey(link.key) !== hello.id) {
      return "it says that it is another master than its key says";
    }
    if (hello.observer) return undefined;
    if (hello.id === this.#settings.id) {
      if (link.dialed) this.#dialer.reached(link.dialed, hello.id);
      if (hello.instance === this.#instance) return "it is this master itself";
      this.#warnings.say(
        "another master has this master's key: give one of them a key of its own",
        {
          address: link.ip,
        },
      );
      return "it has this master's key";
    }
    const before = this.#byId.get(hello.id);
    if (link.dialed) this.#dialer.reached(link.dialed, hello.id);
    if (before && !this.#isBetter(session, hello, before)) return "there is a connection already";
    this.#byId.set(hello.id, session);
    if (before) this.#end(before, "there is a newer connection");
    else {this.#options.output.log(
        "info",
        "connected with another master",
        fieldsOf(session, hello),
      );}
    const isNews = this.#roster.connected(link, hello);
    const target = this.#roster.targetOf(hello.id);
    if (target) this.#dialer.add(target, hello.id);
    if (isNews) this.#introduce(hello.id);
    this.#warnings.compare(hello, this.#settings.aliveTimeout);
    return undefined;
  }

  /** Of two connections both sides keep the same one: that of the lower id, or the newer one. */
  #isBetter(session: Session, hello: Hello, before: Session): boolean {
    if (hello.instance !== before.hello?.instance) return true;
    const isOurs = (one: Session) => one.link.dialed !== undefined;
    if (isOurs(session) === isOurs(before)) return true;
    return isOurs(session) === this.#settings.id < hello.id;
  }

  #introduce(id: string): void {
    const newcomer = this.#roster.members().filter((member) => member.id === id);
    for (const [other, session] of this.#byId) {
      if (other !== id) session.pushMembers(newcomer);
    }
  }

  #met(masters: readonly KnownMaster[]): void {
    this.#roster.met(masters);
    for (const { id } of masters) {
      const target = this.#roster.targetOf(id);
      if (target && id !== this.#settings.id) this.#dialer.add(target, id);
    }
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
    const { link, hello, id } = session;
    if (!this.#sessions.delete(link)) return;
    addCounts(this.#counts, session);
    const isCurrent = this.#byId.get(id) === session;
    if (isCurrent) {
      this.#byId.delete(id);
      this.#roster.disconnected(id);
      const fields = { ...fieldsOf(session, hello), reason };
      this.#options.output.log("warning", "lost the connection with another master", fields);
    }
    if (link.dialed) this.#dialer.failed(link.dialed, reason);
    if (!isCurrent) return;
    // Whoever had connected may be looked for, too.
    const target = this.#roster.targetOf(id);
    if (target) this.#dialer.failed(target, reason);
  }

  #tellLeases(): void {
    if (this.#heard.size === 0) return;
    const ids = this.#heard;
    this.#heard = new Set();
    if (this.#byId.size === 0) return;
    const messages = tellLeases(this.#ledger, ids);
    for (const session of this.#byId.values()) session.pushLeases(ids, messages);
  }

  /** Before a server is given up that other masters may hear of, one of them is asked. */
  #askForDying(): void {
    const ready = [...this.#byId.values()];
    const dying = this.#watch.take((origin) => this.#byId.has(origin));
    if (ready.length === 0 || dying.length === 0) return;
    const chosen = ready[Math.floor(this.#options.source.random() * ready.length)];
    chosen?.want(encodeWant(dying.map((id) => `l${serverKey(id).slice(1)}`)));
  }

  #tellMasters(): void {
    const masters = this.#roster.views();
    const text = JSON.stringify(masters);
    if (text === this.#masters) return;
    this.#masters = text;
    this.#options.output.masters(masters);
  }
}

function fieldsOf({ link }: Session, hello: Hello | undefined) {
  return { master: hello?.name || (hello?.id ?? ""), address: link.ip };
}

function addCounts(
  counts: { changes_received: number; changes_sent: number; rounds: number; unequal: number },
  { counts: { changesReceived, changesSent }, rounds }: Session,
): void {
  counts.changes_received += changesReceived;
  counts.changes_sent += changesSent;
  counts.rounds += rounds.begun;
  counts.unequal += rounds.unequal;
}
