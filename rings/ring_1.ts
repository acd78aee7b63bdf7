/**
 * Ring 1: game servers register here over an encrypted channel, under a name that belongs to their
 * key.
 *
 * @module
 */

import { PROLOGUES } from "../crypto/mod.ts";
import {
  decodeRing1Request,
  type ErrorMessage,
  formatEndpoint,
  type Register,
  type Ring1Answer,
  type Ring1Request,
  type ServerReport,
} from "../protocol/mod.ts";
import type { Refusal, RegistryEvent, ServerId, Standing } from "../registry/mod.ts";
import type {
  BoundSocket,
  ThreadBody,
  ThreadContext,
  ThreadSettings,
  ToThread,
} from "../threads/mod.ts";
import { ChangeRate } from "./_change_rate.ts";
import { tellMasters } from "./_masters.ts";
import { Newcomers } from "./_newcomers.ts";
import { Probing } from "./_probing.ts";
import { SecureRing } from "./_secure_ring.ts";
import type { SecureRingParts, SecureRole, SecureSession } from "./_secure_session.ts";
import { announcement, sameAnnouncement, sameReport, statusOf } from "./_server_report.ts";
import { boundSocket, listenUdp } from "./_sockets.ts";
import { UdpService } from "./_udp.ts";

/** Seconds between two reports of a server, unless servers die sooner. */
const REPORT_INTERVAL_S = 60;

/** Reports that a server may miss before its time is over. */
const REPORTS_PER_LIFE = 3;

/** Seconds to wait before asking again for something that a limit forbids. */
const LIMIT_RETRY_S = 60;

/** Milliseconds after a challenge in vain during which no other is sent for the same server. */
const UNREACHABLE_MS = 10_000;

/**
 * Milliseconds within which a session registers a server. Without, a host could fill the ring with
 * sessions that are of no use.
 */
const UNREGISTERED_MS = 120_000;

/** Times of a request that it takes at most. */
const UNREGISTERED_REQUESTS = 4;

type Session = SecureSession<Ring1Answer>;

/** What is known of a session whose server is registered. */
interface Registration {
  readonly id: ServerId;
  readonly name: string;
  /** What it was told last. */
  listed: boolean;
  reason: string | undefined;
  /** Whether it has registered anew and waits for the answer, which will say how it stands. */
  isAnnouncing: boolean;
  /** Until when it has proved in vain, in milliseconds of `performance.now()`. */
  unreachableUntil: number;
}

function retryAfter(refusal: Refusal | undefined): { retry_after?: number } {
  return refusal === "too_many" ? { retry_after: LIMIT_RETRY_S } : {};
}

class KeyRegistrar implements SecureRole<Ring1Request, Ring1Answer> {
  readonly decode = decodeRing1Request;
  readonly #parts: SecureRingParts;
  readonly #probing: Probing;
  readonly #registrations = new Map<Session, Registration>();
  readonly #sessions = new Map<ServerId, Session>();
  readonly #newcomers = new Newcomers<Session>(
    () => Math.min(UNREGISTERED_MS, UNREGISTERED_REQUESTS * this.#parts.settings().requestTimeout),
    (session) => this.#dismiss(session),
  );
  readonly #changes = new ChangeRate();
  #udp: UdpService | undefined;
  #registers = 0;
  #reports = 0;
  #refused = 0;

  constructor(parts: SecureRingParts) {
    this.#parts = parts;
    this.#probing = new Probing({
      ...parts,
      send: (ip, port, bytes) => this.#udp?.send(ip, port, bytes),
    });
  }

  start(port: number): Promise<readonly BoundSocket[]> {
    const { address, probes } = this.#parts.settings();
    if (!probes) return Promise.resolve([]);
    // Ring 1 bis is off, which would send challenges otherwise.
    const socket = listenUdp({ address, port, key: "[network] smport" });
    this.#udp = new UdpService({
      ...this.#parts,
      socket,
      expected: (datagram) => this.#probing.take(datagram),
    });
    this.#probing.start();
    void this.#udp.run();
    return Promise.resolve([boundSocket(socket)]);
  }

  async answer(request: Ring1Request, session: Session): Promise<void> {
    switch (request.type) {
      case "register":
        this.#newcomers.leave(session);
        await this.#register(request, session);
        break;
      case "status":
        await this.#report(request, session);
        break;
      case "bye":
        await this.#bye(session);
        break;
    }
    if (!this.#registrations.has(session) && !session.isClosed) this.#newcomers.enter(session);
  }

  opened(session: Session): void {
    this.#newcomers.enter(session);
  }

  heard(session: Session): void {
    const registration = this.#registrations.get(session);
    const record = registration && this.#parts.replica.get(registration.id);
    if (record?.key === session.key) this.#parts.registry.refresh(record.id, true);
  }

  closed(session: Session): void {
    this.#newcomers.leave(session);
    this.#forget(session);
  }

  #forget(session: Session): void {
    const registration = this.#registrations.get(session);
    this.#registrations.delete(session);
    if (registration && this.#sessions.get(registration.id) === session) {
      this.#sessions.delete(registration.id);
    }
  }

  receive(message: ToThread): void {
    this.#probing.receive(message);
  }

  loaded(): void {
    this.#probing.loaded();
  }

  applying(): void {}

  applied(events: readonly RegistryEvent[]): void {
    for (const event of events) {
      this.#probing.applied(event);
      if (event.type !== "put") continue;
      const { id, key, state, reason } = event.record;
      const session = this.#sessions.get(id);
      if (session?.key !== key || !session || state === "challenged") continue;
      this.#tell(session, state === "listed", reason);
    }
  }

  counters(): Record<string, number> {
    return {
      registers: this.#registers,
      reports: this.#reports,
      registers_refused: this.#refused,
      servers_connected: this.#sessions.size,
      changes_delayed: this.#changes.delayed,
      ...this.#probing.counters(),
    };
  }

  stop(): void {
    this.#newcomers.stop();
    this.#changes.flush();
    this.#probing.stop();
    this.#udp?.stop();
  }

  async #register(request: Register, session: Session): Promise<void> {
    this.#registers++;
    const { ip } = session.connection;
    const id = formatEndpoint(ip, request.port);
    const before = this.#registrations.get(session);
    const refusal = this.#refusal(before, id) ?? this.#tooSoon(request, session, id);
    if (refusal) return await this.#refuse(session, refusal);
    if (before) before.isAnnouncing = true;
    const { outcome, standing } = await this.#parts.registry.ask({
      type: "announce",
      ip,
      key: session.key,
      ...announcement(request),
    });
    if (before) before.isAnnouncing = false;
    if (outcome.type === "refused") {
      const { reason, refusal } = outcome;
      const code = refusal ?? "bad_request";
      const error = { type: "error", code, message: reason, ...retryAfter(refusal) } as const;
      return await this.#refuse(session, error);
    }
    const { listed, number, reason }: Standing = standing ?? { listed: false, number: 0 };
    const unreachableUntil = before?.unreachableUntil ?? 0;
    this.#registrations.set(session, {
      id,
      name: request.name,
      listed,
      reason,
      isAnnouncing: false,
      unreachableUntil,
    });
    this.#sessions.set(id, session);
    // What a report said before that still waits is older than this.
    if (request.status) this.#changes.drop({ id, key: session.key });
    await session.send({
      type: "registered",
      number,
      interval: this.#interval(),
      listed,
      ...(reason === undefined ? {} : { reason }),
      masters: tellMasters(this.#parts.settings(), session.connection.localIp),
    });
  }

  #refusal(before: Registration | undefined, id: ServerId): ErrorMessage | undefined {
    if (!before) return undefined;
    if (before.id !== id) {
      const message = `This connection has registered ${before.id}: open another one for ${id}`;
      return { type: "error", code: "bad_request", message };
    }
    const wait = before.unreachableUntil - performance.now();
    if (wait <= 0) return undefined;
    const message = `${id} did not answer over UDP a moment ago: open its port to the internet`;
    return {
      type: "error",
      code: "unreachable",
      message,
      retry_after: Math.ceil(wait / 1000),
    };
  }

  /** A server that says something else of itself too often is told to wait. */
  #tooSoon(request: Register, { key }: Session, id: ServerId): ErrorMessage | undefined {
    const record = this.#parts.replica.get(id);
    const isSame = record?.key === key &&
      sameAnnouncement(record, announcement(request), request.status);
    if (isSame || this.#changes.take({ id, key })) return undefined;
    const message = `${id} changes too often: gather its changes`;
    const retry_after = this.#changes.wait({ id, key });
    return { type: "error", code: "too_many", message, retry_after };
  }

  async #report(report: ServerReport, session: Session): Promise<void> {
    this.#reports++;
    const registration = this.#registrations.get(session);
    if (!registration) {
      const message = "Register before you send a status";
      return await session.send({ type: "error", code: "unauthorized", message });
    }
    const { id, name } = registration;
    const { key } = session;
    const record = this.#parts.replica.get(id);
    const isSame = record?.key === key && record.status && sameReport(record.status, report);
    if (!isSame && this.#changes.take({ id, key })) {
      this.#changes.drop({ id, key });
      return await this.#change(report, session, { id, name });
    }
    if (record?.key === key) this.#parts.registry.refresh(record.id, true);
    // By far the most frequent case: nobody came and nobody left.
    if (isSame) this.#changes.drop({ id, key });
    else this.#changes.keep({ id, key }, () => void this.#change(report, session, { id, name }));
  }

  async #change(
    report: ServerReport,
    session: Session,
    { id, name }: Pick<Registration, "id" | "name">,
  ): Promise<void> {
    const status = statusOf(report, name, this.#parts.replica.get(id)?.settings ?? {});
    const command = { type: "report", id, key: session.key, status } as const;
    const outcome = await this.#parts.registry.request(command);
    if (outcome.type === "accepted") return;
    this.#forget(session);
    await session.send({ type: "error", code: "unauthorized", message: outcome.reason });
  }

  async #bye(session: Session): Promise<void> {
    const { id } = this.#registrations.get(session) ?? {};
    // The same key may have registered it anew on a later connection, which goes on.
    const isLatest = id !== undefined && this.#sessions.get(id) === session;
    this.#forget(session);
    if (isLatest) {
      this.#changes.drop({ id, key: session.key });
      await this.#parts.registry.request({ type: "leave", id, key: session.key });
    }
    await session.send({ type: "bye" });
  }

  /** A session has not registered anything in its time. */
  #dismiss(session: Session): void {
    const message = "Nothing was registered on this connection: connect again to register a server";
    void session.send({ type: "error", code: "bad_request", message });
    session.close();
  }

  async #refuse(session: Session, error: ErrorMessage): Promise<void> {
    this.#refused++;
    await session.send(error);
  }

  /** Tells a server once that it is listed now, or why it is not. */
  #tell(session: Session, listed: boolean, reason: string | undefined): void {
    const registration = this.#registrations.get(session);
    if (!registration) return;
    if (!listed) {
      // What it said anew came with the old reason, and begins another challenge.
      if (registration.isAnnouncing) return;
      registration.unreachableUntil = performance.now() + UNREACHABLE_MS;
    }
    if (listed === registration.listed && (listed || reason === registration.reason)) return;
    registration.listed = listed;
    registration.reason = reason;
    void session.send({ type: "listed", listed, ...(reason === undefined ? {} : { reason }) });
  }

  #interval(): number {
    const { aliveTimeout } = this.#parts.settings();
    const often = Math.floor(aliveTimeout / 1000 / REPORTS_PER_LIFE);
    return Math.max(1, Math.min(REPORT_INTERVAL_S, often));
  }
}

/** Makes the thread of ring 1. */
export function ring1(settings: ThreadSettings, context: ThreadContext): ThreadBody {
  return new SecureRing<Ring1Request, Ring1Answer>(settings, context, {
    key: "[network] smport",
    prologue: PROLOGUES.ring1,
    makeRole: (parts) => new KeyRegistrar(parts),
  });
}
