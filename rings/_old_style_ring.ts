import { encodeError, type TextMessage } from "../protocol/mod.ts";
import { type RegistryEvent, Replica, type ServerRecord } from "../registry/mod.ts";
import {
  type BoundSocket,
  LineLimiter,
  type RingSettings,
  type ThreadBody,
  type ThreadContext,
  type ThreadSettings,
  type ToThread,
} from "../threads/mod.ts";
import { type Complaints, complaints } from "./_complaints.ts";
import { type Connection, Connections } from "./_connections.ts";
import { ListRequests } from "./_list_requests.ts";
import { RequestMemo } from "./_request_memo.ts";
import { ringSettings } from "./_ring_settings.ts";
import { boundSockets, listenPair } from "./_sockets.ts";
import { type Answer, serveText, type TextSession } from "./_text_session.ts";
import { type Datagram, UdpService } from "./_udp.ts";

/** What a role may use of the ring it plays in. */
export interface RingParts {
  readonly replica: Replica;
  readonly context: ThreadContext;
  settings(): RingSettings;
  send(ip: string, port: number, bytes: Uint8Array): void;
}

/** What tells one old-style ring from the other. */
export interface Role {
  /** Answers heartbeats and quits. */
  answer(message: TextMessage, session: TextSession): Answer | Promise<Answer>;
  /** Takes a datagram that was waited for; false when it was not. */
  expected(datagram: Datagram): boolean;
  /** Takes a message other than snapshots and events. */
  receive(message: ToThread): void;
  /** The copy of the registry has taken over all records of a snapshot. */
  loaded(): void;
  /** The copy of the registry has taken over an event. */
  applied(event: RegistryEvent): void;
  /** There are new settings. */
  reconfigured?(): void;
  /** What it counts. */
  counters(): Record<string, number>;
  /** Takes its leave of others within some milliseconds, while requests in hand are finished. */
  leave?(graceMs: number): Promise<void>;
  /** No further messages will come. */
  stop(): void;
}

/** The thread of a ring that speaks the old-style text protocol over TCP and UDP. */
export class OldStyleRing implements ThreadBody {
  readonly #context: ThreadContext;
  readonly #key: string;
  readonly #replica = new Replica();
  readonly #requests: ListRequests;
  readonly #memo = new RequestMemo();
  readonly #role: Role;
  readonly #refusals = new LineLimiter(performance.now());
  readonly #complaints: Complaints;
  #settings: RingSettings;
  #connections: Connections | undefined;
  #udp: UdpService | undefined;
  #accepting = false;
  /** What has come of a snapshot. */
  #incoming: ServerRecord[] = [];

  /**
   * @param key The port's key in master.ini, named when the port cannot be opened.
   * @param makeRole Makes what is this ring's own.
   */
  constructor(
    settings: ThreadSettings,
    context: ThreadContext,
    key: string,
    makeRole: (parts: RingParts) => Role,
  ) {
    this.#settings = ringSettings(settings);
    this.#context = context;
    this.#key = key;
    this.#complaints = complaints(context);
    this.#requests = new ListRequests(this.#replica, () => this.#settings);
    this.#role = makeRole({
      replica: this.#replica,
      context,
      settings: () => this.#settings,
      send: (ip, port, bytes) => this.#udp?.send(ip, port, bytes),
    });
  }

  start(): Promise<readonly BoundSocket[]> {
    const { address, port } = this.#settings;
    const sockets = listenPair({ address, port, key: this.#key });
    this.#connections = new Connections(sockets.tcp, {
      limits: () => ({
        perHost: this.#settings.connectionLimit,
        timeoutMs: this.#settings.requestTimeout,
      }),
      serve: (connection) => this.#serve(connection),
      refusal: (ip) => this.#refuseConnection(ip),
      ...this.#complaints,
    });
    this.#udp = new UdpService({
      socket: sockets.udp,
      replica: this.#replica,
      settings: () => this.#settings,
      expected: (datagram) => this.#role.expected(datagram),
    });
    return Promise.resolve(boundSockets(sockets));
  }

  receive(message: ToThread): void {
    if (message.type === "snapshot") {
      if (message.first) this.#incoming = [];
      for (const record of message.records) this.#incoming.push(record);
      if (message.last) this.#load();
    } else if (message.type === "events") {
      for (const event of message.events) {
        this.#replica.apply(event);
        this.#role.applied(event);
      }
    } else this.#role.receive(message);
  }

  reconfigure(settings: ThreadSettings): void {
    this.#settings = ringSettings(settings);
    this.#role.reconfigured?.();
  }

  async stop(graceMs: number): Promise<void> {
    await Promise.all([this.#connections?.stop(graceMs), this.#role.leave?.(graceMs)]);
    this.#role.stop();
    this.#udp?.stop();
  }

  counters(): Record<string, number> {
    const connections = this.#connections;
    const udp = this.#udp;
    return {
      connections_open: connections?.open ?? 0,
      connections_accepted: connections?.accepted ?? 0,
      connections_refused: connections?.refused ?? 0,
      connections_timed_out: connections?.timedOut ?? 0,
      lists: this.#requests.lists,
      unknown_requests: this.#requests.unknown,
      datagrams_received: udp?.received ?? 0,
      datagrams_answered: udp?.answered ?? 0,
      datagrams_dropped: udp?.dropped ?? 0,
      ...this.#role.counters(),
    };
  }

  /** Clients wait in the listen queue until the list is there, and never see a half of it. */
  #load(): void {
    this.#replica.clear();
    for (const record of this.#incoming) this.#replica.put(record);
    this.#incoming = [];
    this.#role.loaded();
    if (this.#accepting) return;
    this.#accepting = true;
    void this.#connections?.run();
    void this.#udp?.run();
  }

  #serve(connection: Connection): Promise<void> {
    return serveText(
      connection,
      this.#connections as Connections,
      (message, session) => this.#answer(message, session),
      { malformed: ({ ip }, reason) => this.#logRefusal(`malformed request: ${reason}`, ip) },
      this.#memo,
    );
  }

  #answer(message: TextMessage, session: TextSession): Answer | Promise<Answer> {
    if (message.command === "heartbeat" || message.command === "quit") {
      return this.#role.answer(message, session);
    }
    return this.#requests.answer(message, session);
  }

  #refuseConnection(ip: string): Uint8Array {
    const { connectionLimit } = this.#settings;
    const reason = `More than ${connectionLimit} connections at once from this address`;
    this.#logRefusal(reason, ip);
    return encodeError(reason);
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
