/**
 * One master: the real registry and the real mesh, wired as the daemon's threads are, on a store
 * that a crash may leave behind.
 */

import { type Link, type MasterView, Mesh, type Target } from "../../mesh/mod.ts";
import { formatEndpoint, hostKey } from "../../protocol/mod.ts";
import {
  Changes,
  type Command,
  type Departures,
  type Outcome,
  Registry,
  type RegistryEvent,
  Replica,
  type Settings,
  type Snapshot,
  type UserClaim,
} from "../../registry/mod.ts";
import { MachineClock } from "./_clock.ts";
import { Doubts, UserBook } from "./_memory.ts";
import type { Reach, Station } from "./_link.ts";
import type { NodeOptions } from "./_node_options.ts";
import { Pipe } from "./_pipe.ts";
import { DurableStore } from "./_store.ts";

/** Port of ring 0. */
const RING_0_PORT = 6060;

/** Milliseconds after a change until the mesh sends it, at most. */
const FLUSH_MS = 20;

/** Milliseconds from the start of a process until its ring 0 is up. */
const RING_START_MS = [20, 300] as const;

/** Milliseconds from the end of ring 0's thread until it is up again. */
const THREAD_RESTART_MS = [1000, 2500] as const;

/** Milliseconds that rings wait for the store; then they go on without it. */
const RESTORE_PATIENCE_MS = 5000;

/** What the main thread tells rings 0 and 2. */
type Fed =
  | { readonly type: "event"; readonly event: RegistryEvent }
  | { readonly type: "snapshot"; readonly snapshot: Snapshot; readonly departures: Departures }
  | { readonly type: "users"; readonly users: readonly UserClaim[]; readonly all: boolean };

/** Ring 0 of the master of an index, as an operator writes it. */
export function targetOf(index: number): Target {
  return { host: `m${index}.example`, port: RING_0_PORT };
}

/** One master. */
export class SimNode implements Station {
  readonly index: number;
  readonly id: string;
  readonly key: string;
  readonly ip: string;
  readonly host: string;
  readonly port = RING_0_PORT;
  readonly clock: MachineClock;
  readonly aliveTimeout: number;
  store = new DurableStore();
  registry: Registry | undefined;
  mesh: Mesh | undefined;
  replica = new Replica();
  changes = new Changes(this.replica);
  masters: readonly MasterView[] = [];
  users = new UserBook([]);
  readonly doubts = new Doubts();
  /** Virtual time of the latest start. */
  bootedAt = 0;
  epoch = 0;
  #boots = 0;
  #isSilent = false;
  #isFlushing = false;
  /** Whether rings get what the registry holds: not before the store has answered. */
  #isFeedOpen = false;
  #tokens = 0;
  readonly #options: NodeOptions;
  readonly #feed: Pipe<Fed>;
  readonly #commands: Pipe<Command>;

  constructor(options: NodeOptions) {
    const { index, timeline, random } = options;
    this.#options = options;
    this.index = index;
    this.aliveTimeout = options.aliveTimeout;
    const key = random.bytes(32);
    this.key = key.toBase64();
    this.id = key.slice(0, 8).toHex();
    this.ip = `10.${index >> 8}.${index & 255}.1`;
    this.host = targetOf(index).host;
    this.clock = new MachineClock(timeline, options.clock);
    this.#feed = new Pipe(timeline, random, (fed) => this.#take(fed), () => this.#flushSoon());
    this.#commands = new Pipe(timeline, random, (command) => void this.registry?.apply(command));
    options.network.add(this);
  }

  /** Whether its process runs. */
  get isUp(): boolean {
    return this.registry !== undefined;
  }

  reach(): Reach {
    if (this.#isSilent) return "silent";
    return this.mesh ? "open" : "refusing";
  }

  /** Its process starts. */
  start(): void {
    const { timeline, trace, restoreLag, random } = this.#options;
    if (this.isUp) return;
    trace?.(() => `m${this.index} starts`);
    this.#isSilent = this.#isFeedOpen = false;
    const boot = ++this.#boots;
    this.bootedAt = timeline.now;
    this.clock.reboot(random.between(0, 1e6));
    this.#options.watcher.started(this);
    this.registry = this.#makeRegistry();
    this.replica = new Replica();
    this.changes = new Changes(this.replica);
    this.doubts.clear();
    this.users = new UserBook(this.store.users());
    const isCurrent = (): boolean => boot === this.#boots && this.isUp;
    const restore = (): void => {
      if (!isCurrent()) return;
      this.#restore();
      this.#openFeed();
    };
    if (restoreLag === 0) restore();
    else timeline.after(restoreLag, restore);
    if (restoreLag > RESTORE_PATIENCE_MS) {
      timeline.after(RESTORE_PATIENCE_MS, () => {
        if (isCurrent()) this.#openFeed();
      });
    }
    timeline.after(random.between(...RING_START_MS), () => {
      if (isCurrent()) this.#startMesh();
    });
    timeline.after(random.next() * this.#options.tick, () => this.#tick(boot));
  }

  /**
   * Its process ends without warning.
   *
   * @param isSilent Its machine has lost its power: connections are not even reset.
   */
  crash(isSilent: boolean): void {
    const { timeline, storeLag, trace } = this.#options;
    if (!this.isUp) return;
    trace?.(() => `m${this.index} crashes${isSilent ? " with its machine" : ""}`);
    this.store.settle(timeline.now - storeLag, true);
    this.#end(isSilent);
  }

  /** It stops in order. */
  stop(): void {
    if (!this.isUp) return;
    this.#options.trace?.(() => `m${this.index} stops`);
    this.mesh?.stop();
    this.store.settle(Infinity, false);
    this.#end(false);
  }

  /** A copy of what is safe in its store by now. */
  backup(): DurableStore {
    const { timeline, storeLag } = this.#options;
    if (this.isUp) this.store.settle(timeline.now - storeLag, false);
    return this.store.copy();
  }

  /** Ring 0's thread ends and is started again. */
  restartMesh(): void {
    const { timeline, network, trace, random } = this.#options;
    if (!this.mesh) return;
    trace?.(() => `m${this.index} restarts its ring 0`);
    this.mesh = undefined;
    network.vanish(this.index, false);
    const boot = this.#boots;
    timeline.after(random.between(...THREAD_RESTART_MS), () => {
      if (boot === this.#boots && this.isUp && !this.mesh) this.#startMesh();
    });
  }

  /** Its machine's wall clock is set. */
  jump(milliseconds: number): void {
    this.#options.trace?.(() => `m${this.index} clock jumps by ${Math.round(milliseconds)} ms`);
    this.clock.jump(milliseconds);
  }

  /** A ring asks something of the registry; undefined when the process does not run. */
  apply(command: Command): Outcome | undefined {
    return this.registry?.apply(command);
  }

  /** An old-style heartbeat: rings answer what they know already. */
  heartbeat(ip: string, port: number, settings: Settings): Outcome | undefined {
    const id = formatEndpoint(ip, port);
    const known = this.replica.get(id);
    if (known && known.key === undefined && isSame(known.settings, settings)) {
      return this.apply({ type: "refresh", ids: [id] });
    }
    return this.apply({ type: "register", ip, port, settings });
  }

  /** All that it tells other masters; undefined before it has anything to tell. */
  snapshot(): Snapshot | undefined {
    return this.#isFeedOpen ? this.registry?.snapshot() : undefined;
  }

  /** A player wants a name. */
  claimUser(user: string, key: string): void {
    if (!this.registry || this.users.ownerOf(user) !== undefined) return;
    const users = [{ user, key, country: "FR", ...this.registry.stamp() }];
    this.#keepUsers(users);
    this.#feed.post({ type: "users", users, all: false });
  }

  opened(link: Link): void {
    this.mesh?.opened(link);
    this.#flushSoon();
  }

  received(link: Link, plaintext: Uint8Array): void {
    this.mesh?.received(link, plaintext);
    this.#flushSoon();
  }

  closed(link: Link, reason: string): void {
    this.mesh?.closed(link, reason);
  }

  dialFailed(target: Target, reason: string): void {
    this.mesh?.dialFailed(target, reason);
  }

  #end(isSilent: boolean): void {
    this.registry = undefined;
    this.mesh = undefined;
    this.#isSilent = isSilent;
    this.#feed.cut();
    this.#commands.cut();
    this.#options.network.vanish(this.index, isSilent);
  }

  #makeRegistry(): Registry {
    const { aliveTimeout, verify, watcher, flaw } = this.#options;
    return new Registry({
      clock: flaw.clock?.(this.clock) ?? this.clock,
      origin: this.id,
      limits: { aliveTimeout, verify, serversPerHost: 100_000 },
      hostKey,
      serverId: formatEndpoint,
      makeToken: () => (++this.#tokens).toString(16).padStart(32, "0"),
      output: {
        event: (event) => {
          this.#note(event);
          const told = flaw.event ? flaw.event(event) : event;
          watcher.event(this, told ?? event);
          if (told) this.#feed.post({ type: "event", event: told });
        },
        challenge: (challenge) => watcher.challenge(this, challenge),
        trace: () => {},
      },
    });
  }

  #restore(): void {
    const { aliveTimeout, watcher, peers } = this.#options;
    const others = peers.length > 0 || this.masters.length > 0;
    const listed = this.store.listed();
    watcher.restored(this, listed);
    for (const part of this.store.load(this.clock.wall(), aliveTimeout)) {
      this.registry?.restore(part, { others });
    }
    for (const id of listed) if (!this.registry?.get(id)) this.doubts.awaited.add(id);
  }

  #startMesh(): void {
    const { network, random, trace, aliveTimeout, peers, flaw } = this.#options;
    this.epoch++;
    this.mesh = new Mesh({
      settings: {
        id: this.id,
        key: this.key,
        name: `m${this.index}`,
        host: this.host,
        ports: { ring0: RING_0_PORT },
        program: "0.1.0",
        aliveTimeout,
        peers,
        neighbors: this.masters.map(({ host }) => ({ host, port: RING_0_PORT })),
      },
      source: {
        monotonic: () => this.clock.monotonic(),
        wall: () => this.clock.wall(),
        random: () => random.next(),
      },
      output: {
        dial: (target) => network.dial(this, target),
        commands: (commands) => {
          for (const command of commands) {
            const told = flaw.command ? flaw.command(command, this) : command;
            if (told && this.isUp) this.#commands.post(told);
          }
        },
        users: (users) => this.#keepUsers(users),
        masters: (masters) => this.masters = masters,
        log: (level, message, fields) =>
          trace?.(() => `m${this.index} ${level}: ${message} ${JSON.stringify(fields)}`),
      },
    });
    this.#feed.post({ type: "users", users: this.users.all(), all: true });
    if (this.#isFeedOpen) this.#openFeed();
  }

  /** Rings get all that the registry holds. */
  #openFeed(): void {
    if (!this.registry) return;
    this.#isFeedOpen = true;
    const [snapshot, departures] = [this.registry.snapshot(), this.registry.departures()];
    this.#feed.post({ type: "snapshot", snapshot, departures });
  }

  #take(fed: Fed): void {
    switch (fed.type) {
      case "event":
        this.doubts.note(fed.event, this.replica);
        this.changes.apply(fed.event);
        this.replica.apply(fed.event);
        this.mesh?.apply(fed.event);
        break;
      case "snapshot":
        this.replica.clear();
        for (const { record } of fed.snapshot.records) this.replica.put(record);
        this.changes.load(fed.departures);
        this.mesh?.load(fed.snapshot);
        break;
      case "users":
        if (fed.all) this.mesh?.loadUsers(fed.users, true);
        else this.mesh?.addUsers(fed.users);
        break;
    }
  }

  #flushSoon(): void {
    const { timeline, random } = this.#options;
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    timeline.after(random.next() * FLUSH_MS, () => {
      this.#isFlushing = false;
      this.mesh?.flush();
    });
  }

  #tick(boot: number): void {
    const { timeline, tick } = this.#options;
    if (boot !== this.#boots || !this.registry) return;
    this.registry.tick();
    this.mesh?.tick();
    timeline.after(tick, () => this.#tick(boot));
  }

  #note(change: Parameters<DurableStore["note"]>[0]): void {
    this.store.note(change, this.#options.timeline.now, this.clock.wall());
  }

  #keepUsers(users: readonly UserClaim[]): void {
    const kept = this.users.learn(users);
    if (kept.length === 0) return;
    this.#note({ type: "users", users: kept });
  }
}

function isSame(a: Settings, b: Settings): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
