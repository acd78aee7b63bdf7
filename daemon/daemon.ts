/**
 * The running daemon: who is started, wired to whom, and stopped in which order.
 *
 * @module
 */

import { type Config, formatProblem, type LoadedConfig, planReload } from "../config/mod.ts";
import { StoreClient } from "../db/mod.ts";
import { formatEndpoint, hostKey } from "../protocol/mod.ts";
import { Registry, type RegistryEvent } from "../registry/mod.ts";
import {
  type FromThread,
  type Reply,
  type RingName,
  Supervisor,
  type ThreadSettings,
} from "../threads/mod.ts";
import { Feed } from "./_feed.ts";
import { ServerJournal } from "./_journal.ts";
import { closeLog, log, openLog } from "./_log.ts";
import { type PidFile, writePidFile } from "./_pidfile.ts";
import { registryLimits, type RingLabel, RINGS, ringSettings } from "./_settings.ts";
import { StoreWriter } from "./_store_writer.ts";
import { spawnWorker } from "./_workers.ts";

/** Milliseconds between two ticks of the registry. */
const TICK_MS = 100;

/** Milliseconds that a stop waits for requests in hand, and then for the database. */
const STOP_GRACE_MS = 5000;

/** Milliseconds that clients are kept waiting at start for the database to hand over its servers. */
const RESTORE_PATIENCE_MS = 5000;

/** What a daemon is made of. */
export interface DaemonOptions {
  /** The configuration to start with. */
  readonly config: Config;
  /** Reads the configuration again. */
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

function absolutePath(path: string): string {
  return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
}

/** The masterserver as a running process. */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #supervisor: Supervisor;
  readonly #registry: Registry;
  readonly #feed: Feed;
  readonly #store: StoreClient;
  readonly #writer: StoreWriter;
  readonly #journal = new ServerJournal();
  #config: Config;
  #pidFile: PidFile | undefined;
  #tickTimer: ReturnType<typeof setInterval> | undefined;
  #restored = Promise.withResolvers<void>();

  /** Makes a daemon that is not started yet. */
  constructor(options: DaemonOptions) {
    this.#options = options;
    this.#config = options.config;
    const databaseFile = absolutePath(options.config.database.base);
    this.#supervisor = new Supervisor({
      spawn: (name) => spawnWorker(options.entry, name, databaseFile),
      log,
    });
    this.#registry = new Registry({
      clock: { monotonic: () => performance.now(), wall: () => Date.now() },
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
      prober: "ring1bis",
      records: () => this.#registry.records(),
    });
    this.#store = new StoreClient((message) => this.#supervisor.post("store", message));
    this.#writer = new StoreWriter({
      store: this.#store,
      find: (id) => this.#registry.get(id),
      onState: (failure) => this.#onStoreState(failure),
    });
  }

  /**
   * Opens the log, the pid file, the database and the rings.
   *
   * @returns Whether at least one ring serves; if not, the log says why.
   * @throws LogFileError or PidFileError when one of these files cannot be had; nothing runs then.
   */
  async start(): Promise<boolean> {
    const { system, database } = this.#config;
    if (system.pidFile !== undefined) this.#pidFile = writePidFile(system.pidFile);
    openLog({ file: system.logFile, level: system.logLevel });
    log("info", "masterserver starts", { version: this.#options.version, process: Deno.pid });
    if (this.#pidFile?.wasStale) log("warning", "took over a stale pid file left by a crash");
    this.#warnOfWhatIsNotServed();
    const rings = this.#startRings();
    if (database.type === "sqlite") this.#startStore(absolutePath(database.base));
    else {
      log("error", "no database: servers are kept in memory only and forgotten at a restart", {
        reason: `this version has no ${database.type} support, set [database] type = sqlite`,
      });
      this.#restored.resolve();
    }
    const patience = setTimeout(() => {
      log("warning", "the database is slow: serving without its servers until it has answered");
      this.#restored.resolve();
    }, RESTORE_PATIENCE_MS);
    await this.#restored.promise;
    clearTimeout(patience);
    this.#tickTimer = setInterval(() => {
      this.#registry.tick();
      this.#feed.flush();
    }, TICK_MS);
    if (!this.#feed.isOpen) this.#feed.open();
    const up = await Promise.all(rings);
    if (!up.includes(true)) {
      log("error", "no ring could be started");
      return false;
    }
    log("info", "masterserver is ready", { servers: this.#registry.listed });
    return true;
  }

  /** Reads the configuration again and applies what can change while running. */
  reload(): void {
    const loaded = this.#options.reread();
    for (const warning of loaded.warnings) {
      log("warning", "configuration", { problem: formatProblem(warning) });
    }
    if (!loaded.ok) {
      for (const problem of loaded.problems) {
        log("error", "configuration", { problem: formatProblem(problem) });
      }
      log("error", "the new configuration is wrong: going on with the old one");
      return;
    }
    const { config, applied, waiting } = planReload(this.#config, loaded.config);
    this.#config = config;
    this.#registry.setLimits(registryLimits(config));
    for (const ring of RINGS) {
      const port = ring.port(config);
      if (port === "off") continue;
      this.#supervisor.post(ring.ring, {
        type: "settings",
        settings: this.#ringSettings(port),
      });
    }
    this.#reopenLog();
    log("info", "configuration reloaded", {
      changed: applied.map(({ section, key }) => `${section}.${key}`).join(" ") || "nothing",
    });
    for (const { section, key } of waiting) {
      log("warning", `${section}.${key} changed in the file: restart the masterserver to apply it`);
    }
  }

  /** Stops in order: rings, database, files. */
  async stop(reason: string): Promise<void> {
    log("info", "masterserver stops", { reason });
    await this.#supervisor.stop(RINGS.map(({ ring }) => ring), STOP_GRACE_MS);
    clearInterval(this.#tickTimer);
    const left = await this.#writer.drain(STOP_GRACE_MS);
    if (left > 0) log("error", "the database did not take the last changes", { servers: left });
    await this.#supervisor.stop(["store"], STOP_GRACE_MS);
    this.#supervisor.close();
    log("info", "masterserver stopped");
    closeLog();
    this.#pidFile?.remove();
  }

  #startRings(): Promise<boolean>[] {
    return RINGS.flatMap((ring) => {
      const port = ring.port(this.#config);
      return port === "off" ? [] : [this.#startRing(ring, port)];
    });
  }

  #startRing({ ring, label }: RingLabel, port: number): Promise<boolean> {
    return this.#supervisor.start({
      name: ring,
      settings: () => this.#ringSettings(port),
      onReady: () => {
        this.#feed.add(ring);
        this.#tellListening(ring, label);
      },
      onMessage: (message) => this.#onRingMessage(ring, message),
      onDown: () => this.#feed.remove(ring),
    });
  }

  #startStore(path: string): void {
    let restored = false;
    const first = this.#supervisor.start({
      name: "store",
      settings: () => ({ kind: "store", store: { path } }),
      onReady: () => {
        this.#store.up();
        if (restored) this.#writer.resume();
        else {
          void this.#restore().then((done) => {
            restored = done;
            this.#writer.resume();
            this.#restored.resolve();
          });
        }
      },
      onMessage: (message) => this.#store.receive(message),
      onDown: () => this.#store.down(),
    });
    void first.then((up) => {
      if (!up) this.#restored.resolve();
    });
  }

  async #restore(): Promise<boolean> {
    const started = performance.now();
    const since = Date.now() - registryLimits(this.#config).aliveTimeout;
    let servers = 0;
    this.#journal.quiet = true;
    try {
      for await (const records of this.#store.load(since)) {
        servers += this.#registry.restore(records);
      }
    } catch (error) {
      log("error", "the stored servers could not be read", { reason: String(error) });
      return false;
    } finally {
      this.#journal.quiet = false;
    }
    log("info", "servers taken over from the database", {
      servers,
      milliseconds: Math.round(performance.now() - started),
    });
    this.#feed.open();
    return true;
  }

  #onEvent(event: RegistryEvent): void {
    this.#feed.note(event);
    if (this.#config.database.type === "sqlite") this.#writer.note(event);
  }

  #onRingMessage(ring: RingName, message: FromThread): void {
    if (message.type !== "commands") return;
    const replies: Reply[] = [];
    for (const { request, command } of message.commands) {
      const outcome = this.#registry.apply(command);
      if (request !== undefined) replies.push({ request, outcome });
    }
    this.#feed.reply(ring, replies);
  }

  #onStoreState(failure: string | undefined): void {
    if (failure === undefined) log("info", "the database takes changes again");
    else {
      log("error", "the database takes no changes, they are kept until it does", {
        reason: failure,
      });
    }
  }

  #ringSettings(port: number): ThreadSettings {
    return { kind: "ring", ring: ringSettings(this.#config, port, this.#options.version) };
  }

  #reopenLog(): void {
    const { logFile, logLevel } = this.#config.system;
    try {
      openLog({ file: logFile, level: logLevel });
    } catch (error) {
      log("error", "the log goes on as before", { reason: String(error) });
    }
  }

  #tellListening(ring: RingName, label: string): void {
    const report = this.#supervisor.report().find(({ name }) => name === ring);
    const [socket] = report?.sockets ?? [];
    if (!socket) return;
    const everywhere = socket.address === "::" || socket.address === "0.0.0.0";
    log("info", `${label} listens`, {
      port: socket.port,
      transports: "TCP and UDP",
      address: everywhere ? "every address" : socket.address,
    });
  }

  #warnOfWhatIsNotServed(): void {
    const { masters } = this.#config;
    log("info", "not part of this version: rings 0, 1 and 2 and the web console");
    if (masters.peers.length + masters.oldPeers.length > 0) {
      log("warning", "[masters] peer and oldpeer have no effect in this version");
    }
  }
}
