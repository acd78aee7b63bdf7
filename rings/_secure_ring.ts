import { Channel, type Crypto, encodeKey, type KeyPair, openCrypto } from "../crypto/mod.ts";
import { type ErrorMessage, hostKey } from "../protocol/mod.ts";
import { Replica, type ServerRecord } from "../registry/mod.ts";
import {
  type BoundSocket,
  type ChannelSettings,
  LineLimiter,
  type RingSettings,
  type ThreadBody,
  type ThreadContext,
  type ThreadSettings,
  type ToThread,
} from "../threads/mod.ts";
import { type Complaints, complaints } from "./_complaints.ts";
import { type Connection, Connections } from "./_connections.ts";
import { FramePool } from "./_frame_pool.ts";
import { HostCounts } from "./_host_counts.ts";
import { HeldSession, type SessionMessage, SILENCE_MS } from "./_held_session.ts";
import { RateLimiter } from "./_rate_limiter.ts";
import { RegistryClient } from "./_registry_client.ts";
import { ringSettings } from "./_ring_settings.ts";
import type { SecureRingParts, SecureRole } from "./_secure_session.ts";
import { boundSocket, listenTcp } from "./_sockets.ts";

/** Milliseconds within which a handshake is done: three messages, over the slowest of lines. */
const HANDSHAKE_MS = 10_000;

/** Milliseconds of silence after which the other side is asked whether it is there. */
const PING_MS = 45_000;

/** Milliseconds between two looks for who is silent. */
const PING_SWEEP_MS = 5000;

/**
 * Handshakes of one host: each costs half a millisecond of this ring's time. A household that comes
 * back after a cut is let in at once.
 */
const HANDSHAKES = { burst: 32, perSecond: 4 };

/** Messages of one host. A game server sends one a minute, a browser one at every click. */
const MESSAGES = { burst: 200, perSecond: 50 };

/** Messages over the limit after which a connection is closed: it does not listen. */
const MAX_IGNORED = 100;

/**
 * Connections of one host over the limit that do the handshake all the same, to be told why they
 * are closed; what comes beside them is closed without a word.
 */
const MAX_TURNED_AWAY = 4;

/** Seconds to wait before connecting again where a host has too many connections. */
const CONNECTIONS_RETRY_S = 60;

/** Seconds after which clients of a master that stops may try it again. */
const RESTART_S = 5;

/** Before the handshake, and after the last message, there is nothing to be said. */
const NOTHING = new Uint8Array(0);

/** What is this ring's own. */
export interface SecureRingOptions<Request extends { readonly type: string }, Answer> {
  /** The port's key in master.ini, named when the port cannot be opened. */
  readonly key: string;
  /** What both sides must agree on beforehand. */
  readonly prologue: Uint8Array;
  /** Makes the role. */
  readonly makeRole: (parts: SecureRingParts) => SecureRole<Request, Answer>;
}

/** The thread of a ring whose connections are encrypted. */
export class SecureRing<Request extends { readonly type: string }, Answer> implements ThreadBody {
  readonly #options: SecureRingOptions<Request, Answer>;
  readonly #context: ThreadContext;
  readonly #replica = new Replica();
  readonly #registry: RegistryClient;
  readonly #role: SecureRole<Request, Answer>;
  readonly #refusals = new LineLimiter(performance.now());
  readonly #handshakes = new RateLimiter(HANDSHAKES);
  readonly #messages = new RateLimiter(MESSAGES);
  readonly #pool = new FramePool();
  /** Connections that are not only told that there are too many. */
  readonly #served = new HostCounts();
  readonly #sessions = new Set<HeldSession<Answer>>();
  readonly #complaints: Complaints;
  #settings: RingSettings;
  #crypto: Crypto | undefined;
  #keyPair: KeyPair | undefined;
  #connections: Connections | undefined;
  #pingTimer: ReturnType<typeof setInterval> | undefined;
  #incoming: ServerRecord[] = [];
  #accepting = false;
  #handshakesDone = 0;
  #handshakesFailed = 0;
  #handshakesRefused = 0;
  #messagesTaken = 0;
  #messagesRefused = 0;
  #turnedAway = 0;

  constructor(
    settings: ThreadSettings,
    context: ThreadContext,
    options: SecureRingOptions<Request, Answer>,
  ) {
    this.#settings = ringSettings(settings);
    this.#context = context;
    this.#options = options;
    this.#registry = new RegistryClient(context);
    this.#complaints = complaints(context);
    this.#role = options.makeRole({
      replica: this.#replica,
      context,
      registry: this.#registry,
      settings: () => this.#settings,
    });
  }

  async start(): Promise<readonly BoundSocket[]> {
    const { address, port } = this.#settings;
    const { library, privateKey } = this.#channelSettings();
    const opened = openCrypto(library);
    if (opened.type === "unavailable") throw new Error(opened.message);
    this.#crypto = opened.crypto;
    this.#keyPair = opened.crypto.keyPair(privateKey);
    const listener = listenTcp({ address, port, key: this.#options.key });
    this.#connections = new Connections(listener, {
      limits: () => ({
        perHost: this.#connectionLimit() + MAX_TURNED_AWAY,
        timeoutMs: Math.min(HANDSHAKE_MS, this.#settings.requestTimeout),
      }),
      serve: (connection) => this.#serve(connection),
      refusal: (ip) => this.#refuseConnection(ip),
      ...this.#complaints,
    });
    this.#pingTimer = setInterval(() => this.#ping(), PING_SWEEP_MS);
    const more = await this.#role.start?.(listener.addr.port) ?? [];
    return [boundSocket(listener), ...more];
  }

  receive(message: ToThread): void {
    switch (message.type) {
      case "snapshot":
        if (message.first) this.#incoming = [];
        for (const record of message.records) this.#incoming.push(record);
        if (message.last) this.#load(message);
        break;
      case "events":
        for (const event of message.events) {
          this.#role.applying(event);
          this.#replica.apply(event);
        }
        this.#role.applied(message.events);
        break;
      case "replies":
        this.#registry.settle(message.replies);
        break;
      default:
        this.#role.receive(message);
    }
  }

  reconfigure(settings: ThreadSettings): void {
    this.#settings = ringSettings(settings);
  }

  async stop(graceMs: number): Promise<void> {
    clearInterval(this.#pingTimer);
    const stopped = this.#connections?.stop(graceMs);
    const message = "This master stops: try another one, or this one again";
    const last: ErrorMessage = {
      type: "error",
      code: "shutting_down",
      message,
      retry_after: RESTART_S,
    };
    for (const session of this.#sessions) {
      void session.send(last);
      session.close();
    }
    await stopped;
    this.#role.stop();
    this.#registry.flush();
    this.#crypto?.[Symbol.dispose]();
  }

  counters(): Record<string, number> {
    const connections = this.#connections;
    return {
      connections_open: connections?.open ?? 0,
      connections_accepted: connections?.accepted ?? 0,
      connections_refused: this.#turnedAway + (connections?.refused ?? 0),
      connections_timed_out: connections?.timedOut ?? 0,
      sessions: this.#sessions.size,
      handshakes_done: this.#handshakesDone,
      handshakes_failed: this.#handshakesFailed,
      handshakes_refused: this.#handshakesRefused,
      messages: this.#messagesTaken,
      messages_refused: this.#messagesRefused,
      ...this.#role.counters(),
    };
  }

  #channelSettings(): ChannelSettings {
    const { channel } = this.#settings;
    if (!channel) throw new TypeError("an encrypted ring without a key");
    return channel;
  }

  /** Clients wait in the listen queue until the list is there, and never see a half of it. */
  #load(message: ToThread & { readonly type: "snapshot" }): void {
    this.#replica.clear();
    for (const record of this.#incoming) this.#replica.put(record);
    this.#incoming = [];
    this.#role.loaded(message);
    if (this.#accepting) return;
    this.#accepting = true;
    void this.#connections?.run();
  }

  /** Every server of a host has a lasting connection, and so may everyone who looks for one. */
  #connectionLimit(): number {
    return Math.max(this.#settings.connectionLimit, this.#settings.serversPerAddress);
  }

  async #serve(connection: Connection): Promise<void> {
    const host = hostKey(connection.ip);
    const limit = this.#connectionLimit();
    const isOver = this.#served.of(host) >= limit;
    if (isOver) {
      this.#turnedAway++;
      this.#refuseConnection(connection.ip);
    }
    if (!this.#handshakes.take(host, performance.now())) {
      this.#handshakesRefused++;
      this.#logRefusal("too many handshakes", connection.ip);
      return;
    }
    if (isOver) {
      const message = `More than ${limit} connections at once from this address: close some`;
      const retry_after = CONNECTIONS_RETRY_S;
      return await this.#hold(connection, host, {
        type: "error",
        code: "too_many",
        message,
        retry_after,
      });
    }
    this.#served.enter(host);
    try {
      await this.#hold(connection, host);
    } finally {
      this.#served.leave(host);
    }
  }

  /** @param refusal What the other side is told once the handshake is done, and nothing else. */
  async #hold(connection: Connection, host: string, refusal?: ErrorMessage): Promise<void> {
    // Messages are small and answered at once: none may wait for the one before to be acknowledged.
    connection.tcp.setNoDelay(true);
    using channel = this.#makeChannel();
    channel.start();
    const session = new HeldSession<Answer>(connection, channel, this.#pool);
    try {
      for await (const message of session.messages(this.#connections as Connections)) {
        if (!await this.#take(message, session, host, refusal)) continue;
        session.end();
        // Closed with bytes unread, the connection would take the answer with it.
        return await this.#connections?.dismiss(connection.tcp, NOTHING);
      }
    } finally {
      session.end();
      if (session.key === "") this.#handshakesFailed++;
      if (this.#sessions.delete(session)) this.#role.closed(session);
    }
  }

  #makeChannel(): Channel {
    return new Channel({
      primitives: this.#crypto as Crypto,
      role: "responder",
      pattern: "XX",
      prologue: this.#options.prologue,
      staticKey: this.#keyPair as KeyPair,
    });
  }

  /** Takes what a session came up with; whether that was its last. */
  async #take(
    message: SessionMessage,
    session: HeldSession<Answer>,
    host: string,
    refusal: ErrorMessage | undefined,
  ): Promise<boolean> {
    const { connection } = session;
    switch (message.type) {
      case "open":
        this.#handshakesDone++;
        session.key = encodeKey(message.remoteKey);
        if (refusal) {
          await session.send(refusal);
          return true;
        }
        session.heard();
        // A stop says goodbye to it before it closes it.
        connection.busy = true;
        this.#sessions.add(session);
        this.#role.opened?.(session);
        return false;
      case "message":
        session.heard();
        return await this.#answer(message.plaintext, session, host);
      case "failed":
        this.#logRefusal(message.reason, connection.ip);
    }
    return true;
  }

  async #answer(
    plaintext: Uint8Array,
    session: HeldSession<Answer>,
    host: string,
  ): Promise<boolean> {
    const now = performance.now();
    if (!this.#messages.take(host, now)) {
      this.#messagesRefused++;
      const message = "Too many messages from this address";
      const retry_after = Math.max(1, this.#messages.wait(host, now));
      await session.send({ type: "error", code: "too_many", message, retry_after });
      return ++session.ignored > MAX_IGNORED;
    }
    this.#messagesTaken++;
    const decoded = this.#role.decode(plaintext);
    if (decoded.type === "malformed") {
      this.#logRefusal(decoded.reason, session.connection.ip);
      await session.send({ type: "error", code: "bad_request", message: decoded.reason });
      return true;
    }
    if (decoded.type === "refused") await session.send(decoded.error);
    else if (decoded.message.type === "ping") {
      this.#role.heard?.(session);
      await session.sendText('{"type":"pong"}');
    } else if (decoded.message.type === "pong") this.#role.heard?.(session);
    else await this.#role.answer(decoded.message, session);
    return session.isClosed;
  }

  #ping(): void {
    const silentUntil = performance.now() + SILENCE_MS - PING_MS;
    for (const session of this.#sessions) {
      if (session.wasPinged || session.connection.deadline > silentUntil) continue;
      session.wasPinged = true;
      void session.sendText('{"type":"ping"}');
    }
  }

  #refuseConnection(ip: string): Uint8Array {
    const limit = this.#connectionLimit();
    this.#logRefusal(`More than ${limit} connections at once from this address`, ip);
    return NOTHING;
  }

  #logRefusal(reason: string, ip: string): void {
    const suppressed = this.#refusals.admit(performance.now());
    if (suppressed === undefined) return;
    this.#context.log("warning", "connection refused", {
      address: ip,
      reason,
      ...(suppressed > 0 ? { suppressed } : {}),
    });
  }
}
