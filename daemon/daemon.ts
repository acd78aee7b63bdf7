/**
 * The running daemon: who is started, wired to whom, and stopped in which order.
 *
 * @module
 */

import { type Config, type LoadedConfig, planReload } from "../config/mod.ts";
import { formatEndpoint, hostKey } from "../protocol/mod.ts";
import { Registry, type RegistryEvent } from "../registry/mod.ts";
import { type FromThread, type HostPort, type RingName, Supervisor } from "../threads/mod.ts";
import { loadCountries, resolvePtr } from "../whereabouts/mod.ts";
import { addressOf } from "./_addresses.ts";
import { tellIdentity, tellRing0 } from "./_announcements.ts";
import { Feed } from "./_feed.ts";
import { type Identity, openIdentity } from "./_identity.ts";
import { ServerJournal } from "./_journal.ts";
import { closeLog, log, openLog } from "./_log.ts";
import { Locator } from "./_locator.ts";
import { Membership } from "./_masters.ts";
import { readNeighbors, writeNeighbors } from "./_neighbors.ts";
import { Persistence } from "./_persistence.ts";
import { type PidFile, writePidFile } from "./_pidfile.ts";
import { readAgain, reopenLog, tellReload } from "./_reload.ts";
import { RingDesk } from "./_ring_desk.ts";
import { Rings } from "./_rings.ts";
import { neighborsPath, probingRing, registryLimits, storeSettings } from "./_settings.ts";
import { UserFeed } from "./_user_feed.ts";
import { spawnWorker } from "./_workers.ts";

/** Milliseconds between two ticks of the registry. */
const TICK_MS = 100;

/**
 * Milliseconds that a stop may take in all, some hundreds for ending the threads left aside; the
 * database has what the rings leave of them.
 */
const STOP_MS = 4000;

/** Milliseconds within which a server that was listed has surely been looked up. */
const LOOKUP_MS = 60_000;

/** What a daemon is made of. */
export interface DaemonOptions {
  /** The configuration to start with. */
  readonly config: Config;
  /** Reads the configuration again; throws an Error that says why it cannot be read. */
  readonly reread: () => LoadedConfig;
  /** URL of the program's entry module; every thread's Worker runs it. */
  readonly entry: string;
  /** Version of this program. */
  readonly version: string;
}

function makeToken(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The masterserver as a running process. */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #supervisor: Supervisor;
  readonly #registry: Registry;
  readonly #feed: Feed;
  readonly #persistence: Persistence;
  readonly #locator: Locator;
  readonly #desk: RingDesk;
  readonly #membership: Membership;
  readonly #userFeed: UserFeed;
  readonly #rings: Rings;
  readonly #journal = new ServerJournal();
  readonly #identity: Identity;
  /** Masters known from an earlier run. */
  #neighbors: readonly HostPort[] = [];
  #config: Config;
  #pidFile: PidFile | undefined;
  #isStopping = false;
  #tickTimer: ReturnType<typeof setInterval> | undefined;

  /** Makes a daemon that is not started yet. */
  constructor(options: DaemonOptions) {
    this.#options = options;
    this.#config = options.config;
    const store = storeSettings(options.config, Deno.cwd());
    const identity = openIdentity(options.config);
    this.#identity = identity;
    const library = identity.type === "known" ? identity.crypto.path : undefined;
    this.#supervisor = new Supervisor({
      spawn: (name) => spawnWorker(options.entry, name, store, library),
      log,
    });
    this.#registry = new Registry({
      clock: { monotonic: () => performance.now(), wall: () => Date.now() },
      origin: identity.origin,
      limits: registryLimits(options.config),
      hostKey,
      serverId: formatEndpoint,
      makeToken,
      output: {
        event: (event) => this.#onEvent(event),
        challenge: (challenge) => this.#feed.challenge(challenge),
        trace: (id, entry) => this.#journal.write(id, entry),
      },
    });
    this.#feed = new Feed({
      post: (ring, message) => this.#supervisor.post(ring, message),
      prober: probingRing(options.config),
      records: () => this.#registry.records(),
      departures: () => this.#registry.departures(),
      snapshot: () => this.#registry.snapshot(),
    });
    this.#persistence = new Persistence({
      supervisor: this.#supervisor,
      registry: this.#registry,
      settings: store,
      hasOthers: () => this.#hasOthers(),
      onRestore: (phase) => this.#onRestore(phase),
    });
    this.#locator = new Locator({
      origin: identity.origin,
      apply: (command) => {
        this.#registry.apply(command);
        this.#feed.flush();
      },
      loadCountries,
      resolve: resolvePtr,
      failed: (error) => log("error", "servers cannot be located", { reason: String(error) }),
    });
    this.#desk = new RingDesk({
      registry: this.#registry,
      feed: this.#feed,
      persistence: this.#persistence,
      locator: this.#locator,
      post: (ring, message) => this.#supervisor.post(ring, message),
    });
    this.#membership = new Membership({
      addressOf,
      store: (masters) => this.#persistence.noteMasters(masters),
      remember: (masters) => this.#rememberNeighbors(masters),
      changed: () => this.#rings.tell(),
    });
    this.#userFeed = new UserFeed({
      ask: (question) => this.#persistence.ask(question),
      post: (message) => this.#supervisor.post("ring0", message),
      failed: (error) => {
        log("error", "other masters are not told of players' names", { reason: String(error) });
      },
    });
    this.#rings = new Rings({
      supervisor: this.#supervisor,
      identity,
      version: options.version,
      config: () => this.#config,
      others: () => this.#membership.live,
      neighbors: () => this.#neighbors,
      up: (ring) => this.#onRingUp(ring),
      down: (ring) => this.#onRingDown(ring),
      message: (ring, message) => this.#onRingMessage(ring, message),
    });
  }

  /**
   * Opens the log, the pid file, the database and the rings.
   *
   * @returns Whether at least one ring serves; if not, the log says why.
   * @throws LogFileError or PidFileError when one of these files cannot be had; nothing runs then.
   */
  async start(): Promise<boolean> {
    const { system } = this.#config;
    if (system.pidFile !== undefined) this.#pidFile = writePidFile(system.pidFile);
    try {
      openLog({ file: system.logFile, level: system.logLevel });
    } catch (error) {
      this.#pidFile?.remove();
      throw error;
    }
    log("info", "masterserver starts", { version: this.#options.version, process: Deno.pid });
    if (this.#pidFile?.wasStale) log("warning", "took over a stale pid file left by a crash");
    tellIdentity(this.#identity, this.#config);
    log("info", "not part of this version: the web console");
    tellRing0(this.#config);
    this.#readNeighbors();
    const rings = this.#rings.follow();
    await this.#persistence.start(() => registryLimits(this.#config).aliveTimeout);
    this.#tickTimer = setInterval(() => {
      this.#registry.tick();
      this.#feed.flush();
    }, TICK_MS);
    this.#feed.open();
    const up = await Promise.all(rings);
    if (!up.includes(true)) {
      log("error", "no ring could be started");
      return false;
    }
    log("info", "masterserver is ready", { servers: this.#registry.listed });
    this.#locateLatest();
    return true;
  }

  /** Reads the configuration again and applies what can change while running. */
  reload(): void {
    if (this.#isStopping) return;
    // Whatever the file says: a log that was moved away has to be let go of.
    reopenLog(this.#config);
    const loaded = readAgain(this.#options.reread);
    if (!loaded) return;
    const { config, applied, waiting } = planReload(this.#config, loaded);
    this.#config = config;
    this.#registry.setLimits(registryLimits(config));
    reopenLog(config);
    tellReload(applied, waiting);
    if (applied.some(({ key }) => key === "masterserver-password")) tellRing0(config);
    void Promise.all(this.#rings.follow());
  }

  /** Stops in order: rings, database, files. */
  async stop(reason: string): Promise<void> {
    log("info", "masterserver stops", { reason });
    this.#isStopping = true;
    const end = performance.now() + STOP_MS;
    await this.#rings.stop();
    clearInterval(this.#tickTimer);
    this.#userFeed.down();
    this.#membership.stop();
    await this.#persistence.stop(end - performance.now());
    this.#supervisor.close();
    log("info", "masterserver stopped");
    closeLog();
    this.#pidFile?.remove();
  }

  #onRingUp(ring: RingName): void {
    this.#feed.add(ring);
    if (ring === "ring0") this.#userFeed.up();
  }

  #onRingDown(ring: RingName): void {
    this.#feed.remove(ring);
    if (ring !== "ring0") return;
    this.#userFeed.down();
    // Whoever is still there is told of again once the ring is back.
    this.#membership.clear();
  }

  #onRestore(phase: "begins" | "ends"): void {
    this.#journal.quiet = phase === "begins";
    // Rings that serve already get what came late.
    if (phase === "ends" && this.#feed.isOpen) this.#feed.open();
  }

  /** Those listed a moment before the end of the process before may not have been looked up. */
  #locateLatest(): void {
    for (const record of this.#registry.records()) {
      if (record.lastSeen - record.firstSeen > LOOKUP_MS) continue;
      this.#locator.note(record);
    }
  }

  #onEvent(event: RegistryEvent): void {
    this.#feed.note(event);
    this.#persistence.note(event);
    if (event.type === "put") this.#locator.note(event.record);
  }

  #onRingMessage(ring: RingName, message: FromThread): void {
    switch (message.type) {
      case "question":
        void this.#desk.answer(ring, message.request, message.question);
        break;
      case "commands":
        this.#desk.carryOut(ring, message.commands);
        break;
      case "users":
        this.#persistence.noteUsers(message.users);
        break;
      case "masters":
        this.#membership.take(message.masters);
        break;
      default:
        break;
    }
  }

  /** Whether somebody else may know what this master has missed. */
  #hasOthers(): boolean {
    return this.#rings.serves("ring0") &&
      this.#config.masters.peers.length + this.#neighbors.length > 0;
  }

  #readNeighbors(): void {
    if (this.#config.network.mmport === "off") return;
    const { neighbors, problems } = readNeighbors(neighborsPath(this.#config, Deno.cwd()));
    for (const problem of problems) log("warning", "masters known so far", { problem });
    this.#neighbors = neighbors;
  }

  #rememberNeighbors(masters: readonly HostPort[]): void {
    const problem = writeNeighbors(neighborsPath(this.#config, Deno.cwd()), masters);
    if (problem !== undefined) log("error", "the masters known so far are not kept", { problem });
  }
}
