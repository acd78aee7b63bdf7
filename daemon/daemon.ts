/**
 * The running daemon: who is started, wired to whom, and stopped in which order.
 *
 * @module
 */

import { type Config, formatProblem, type LoadedConfig, planReload } from "../config/mod.ts";
import { canonicalAddress, formatEndpoint, hostKey } from "../protocol/mod.ts";
import { Registry, type RegistryEvent, type ServerId } from "../registry/mod.ts";
import {
  type BoundSocket,
  type ChannelSettings,
  type Finding,
  type FromThread,
  type Question,
  type Reply,
  type RingName,
  Supervisor,
  type ThreadSettings,
} from "../threads/mod.ts";
import { loadCountries, resolvePtr } from "../whereabouts/mod.ts";
import { Feed } from "./_feed.ts";
import { type Identity, openIdentity } from "./_identity.ts";
import { ServerJournal } from "./_journal.ts";
import { closeLog, log, openLog } from "./_log.ts";
import { Locator } from "./_locator.ts";
import { Persistence } from "./_persistence.ts";
import { type PidFile, writePidFile } from "./_pidfile.ts";
import {
  probingRing,
  registryLimits,
  type RingLabel,
  RINGS,
  ringSettings,
  storeSettings,
  usualOldServerPort,
} from "./_settings.ts";
import { spawnWorker } from "./_workers.ts";

/** Milliseconds between two ticks of the registry. */
const TICK_MS = 100;

/** Milliseconds that a stop may take in all, some hundreds for ending the threads left aside. */
const STOP_MS = 4000;

/** Milliseconds of them that requests in hand may take; the database has what is left. */
const STOP_RINGS_MS = 3000;

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

/** The IP address of a host name or address; undefined when it is unknown. */
async function addressOf(name: string): Promise<string | undefined> {
  const address = canonicalAddress(name);
  if (address !== undefined) return address;
  try {
    const { lookup } = await import("node:dns/promises");
    // Old-style clients can use nothing but IPv4.
    return canonicalAddress((await lookup(name, { family: 4 })).address);
  } catch {
    return undefined;
  }
}

/** The masterserver as a running process. */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #supervisor: Supervisor;
  readonly #registry: Registry;
  readonly #feed: Feed;
  readonly #persistence: Persistence;
  readonly #locator: Locator;
  readonly #journal = new ServerJournal();
  readonly #identity: Identity;
  #config: Config;
  #pidFile: PidFile | undefined;
  #publicAddress: string | undefined;
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
    });
    this.#persistence = new Persistence({
      supervisor: this.#supervisor,
      registry: this.#registry,
      settings: store,
      onRestore: (phase) => this.#onRestore(phase),
    });
    this.#locator = new Locator({
      apply: (command) => {
        this.#registry.apply(command);
        this.#feed.flush();
      },
      loadCountries,
      resolve: resolvePtr,
      failed: (error) => log("error", "servers cannot be located", { reason: String(error) }),
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
    this.#tellIdentity();
    this.#warnOfWhatIsNotServed();
    void this.#resolvePublicAddress();
    const rings = this.#startRings();
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
    // Whatever the file says: a log that was moved away has to be let go of.
    this.#reopenLog();
    const loaded = this.#reread();
    if (!loaded) return;
    const { config, applied, waiting } = planReload(this.#config, loaded);
    this.#config = config;
    this.#registry.setLimits(registryLimits(config));
    this.#postSettings();
    void this.#resolvePublicAddress();
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
    const end = performance.now() + STOP_MS;
    await this.#supervisor.stop(RINGS.map(({ ring }) => ring), STOP_RINGS_MS);
    clearInterval(this.#tickTimer);
    await this.#persistence.stop(end - performance.now());
    this.#supervisor.close();
    log("info", "masterserver stopped");
    closeLog();
    this.#pidFile?.remove();
  }

  #startRings(): Promise<boolean>[] {
    return this.#servedRings().map(([ring, port]) => this.#startRing(ring, port));
  }

  /** The rings that are on and can be served, with their ports. */
  #servedRings(): (readonly [RingLabel, number])[] {
    return RINGS.flatMap((ring) => {
      const port = ring.port(this.#config);
      const isOff = port === "off" || (ring.isEncrypted && this.#identity.type !== "known");
      return isOff ? [] : [[ring, port] as const];
    });
  }

  #startRing(label: RingLabel, port: number): Promise<boolean> {
    const { ring } = label;
    return this.#supervisor.start({
      name: ring,
      settings: () => this.#ringSettings(label, port),
      onReady: () => {
        this.#feed.add(ring);
        this.#tellListening(label);
        // The other ring names this one's port, which may be any free one.
        this.#postSettings();
      },
      onMessage: (message) => this.#onRingMessage(ring, message),
      onDown: () => this.#feed.remove(ring),
    });
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
      this.#locator.note({ type: "put", record });
    }
  }

  #onEvent(event: RegistryEvent): void {
    this.#feed.note(event);
    this.#persistence.note(event);
    this.#locator.note(event);
  }

  #onRingMessage(ring: RingName, message: FromThread): void {
    if (message.type === "question") {
      void this.#answer(ring, message.request, message.question);
      return;
    }
    if (message.type !== "commands") return;
    const replies: Reply[] = [];
    const announced: (readonly [number, ServerId])[] = [];
    for (const { request, command } of message.commands) {
      const outcome = this.#registry.apply(command);
      if (request === undefined) continue;
      if (command.type === "announce" && outcome.type === "accepted") {
        announced.push([request, formatEndpoint(command.ip, command.port)]);
      } else replies.push({ request, outcome });
    }
    this.#feed.flush();
    // Who is told that it is registered, or gone, stays so whatever happens to this process.
    if (replies.length > 0) {
      void this.#persistence.durable().then(() => this.#feed.reply(ring, replies));
    }
    for (const [request, id] of announced) void this.#replyStanding(ring, request, id);
  }

  /** Answers an announcement once the database has given the server its Number. */
  async #replyStanding(ring: RingName, request: number, id: ServerId): Promise<void> {
    await this.#persistence.durable();
    if (!this.#registry.get(id)?.number) await this.#persistence.numbered(id);
    const standing = this.#registry.standing(id);
    const outcome = { type: "accepted" } as const;
    this.#feed.reply(ring, [{ request, outcome, ...(standing ? { standing } : {}) }]);
  }

  async #answer(ring: RingName, request: number, question: Question): Promise<void> {
    let finding: Finding = { type: "busy" };
    try {
      finding = await this.#persistence.ask(await this.#located(question));
    } catch (error) {
      log("error", "a question of a ring could not be answered", { reason: String(error) });
    }
    this.#supervisor.post(ring, { type: "found", request, finding });
  }

  async #located(question: Question): Promise<Question> {
    if (question.type !== "claim") return question;
    const { claim } = question;
    return { ...question, claim: { ...claim, ...await this.#locator.glance(claim.ip) } };
  }

  #ringSettings({ ring, isEncrypted }: RingLabel, port: number): ThreadSettings {
    const { version } = this.#options;
    const [socket] = this.#socketsOf("ring1bis");
    const facts = {
      port,
      oldServerPort: socket?.port ?? usualOldServerPort(this.#config),
      publicAddress: this.#publicAddress,
      version,
      probes: ring === probingRing(this.#config),
      channel: isEncrypted ? this.#channelSettings() : undefined,
    };
    return { kind: "ring", ring: ringSettings(this.#config, facts) };
  }

  #channelSettings(): ChannelSettings | undefined {
    if (this.#identity.type !== "known") return undefined;
    const { crypto, privateKey, key } = this.#identity;
    const { netName, publicAddress } = this.#config.network;
    const ports = RINGS.flatMap(({ ring }) => {
      const [socket] = this.#socketsOf(ring);
      return socket ? [[ring, socket.port] as const] : [];
    });
    return {
      library: crypto.path,
      privateKey,
      masters: [{ name: netName, host: publicAddress, ports: Object.fromEntries(ports), key }],
    };
  }

  #postSettings(): void {
    for (const [label, port] of this.#servedRings()) {
      const settings = this.#ringSettings(label, port);
      this.#supervisor.post(label.ring, { type: "settings", settings });
    }
  }

  /** Old-style lists hold addresses, so a name has to be looked up; nobody waits for it. */
  async #resolvePublicAddress(): Promise<void> {
    const name = this.#config.network.publicAddress;
    const address = name === undefined ? undefined : await addressOf(name);
    if (name !== undefined && address === undefined) {
      log("warning", "publicadress is unknown: lists of masters name the address they came to", {
        publicadress: name,
      });
    }
    if (address === this.#publicAddress) return;
    this.#publicAddress = address;
    this.#postSettings();
  }

  /** The configuration as it is now; undefined, with the reasons in the log, when it is no good. */
  #reread(): Config | undefined {
    const problems: string[] = [];
    try {
      const loaded = this.#options.reread();
      for (const warning of loaded.warnings) {
        log("warning", "configuration", { problem: formatProblem(warning) });
      }
      if (loaded.ok) return loaded.config;
      problems.push(...loaded.problems.map(formatProblem));
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
    for (const problem of problems) log("error", "configuration", { problem });
    log("error", "the new configuration is wrong: going on with the old one");
    return undefined;
  }

  #reopenLog(): void {
    const { logFile, logLevel } = this.#config.system;
    try {
      openLog({ file: logFile, level: logLevel });
    } catch (error) {
      log("error", "the log goes on as before", { reason: String(error) });
    }
  }

  #tellListening({ ring, label, transports }: RingLabel): void {
    const [socket] = this.#socketsOf(ring);
    if (!socket) return;
    const everywhere = socket.address === "::" || socket.address === "0.0.0.0";
    log("info", `${label} listens`, {
      port: socket.port,
      transports,
      address: everywhere ? "every address" : socket.address,
    });
  }

  #tellIdentity(): void {
    const identity = this.#identity;
    if (identity.type === "none") {
      log("error", "rings 1 and 2 are off, because nothing can be encrypted", {
        reason: identity.reason,
      });
    }
    if (identity.type !== "known") return;
    const { key, isNew, crypto, warning } = identity;
    log("info", isNew ? "made this master's key" : "read this master's key", {
      key,
      file: this.#config.system.keyFile,
      libgcrypt: crypto.version,
    });
    if (warning !== undefined) log("warning", "libgcrypt", { warning });
  }

  #socketsOf(ring: RingName): readonly BoundSocket[] {
    return this.#supervisor.report().find(({ name }) => name === ring)?.sockets ?? [];
  }

  #warnOfWhatIsNotServed(): void {
    const { masters } = this.#config;
    log("info", "not part of this version: ring 0 and the web console");
    if (masters.peers.length + masters.oldPeers.length > 0) {
      log("warning", "[masters] peer and oldpeer have no effect in this version");
    }
  }
}
