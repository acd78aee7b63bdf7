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
import type { Refusal, RegistryEvent, ServerId, ServerStatus, Standing } from "../registry/mod.ts";
import type {
  BoundSocket,
  ThreadBody,
  ThreadContext,
  ThreadSettings,
  ToThread,
} from "../threads/mod.ts";
import { tellMasters } from "./_masters.ts";
import { Probing } from "./_probing.ts";
import { SecureRing } from "./_secure_ring.ts";
import type { SecureRingParts, SecureRole, SecureSession } from "./_secure_session.ts";
import { sameReport, statusOf } from "./_server_report.ts";
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

type Session = SecureSession<Ring1Answer>;

/** What is known of a session whose server is registered. */
interface Registration {
  readonly id: ServerId;
  readonly name: string;
  /** What it was told last. */
  listed: boolean;
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
        return await this.#register(request, session);
      case "status":
        return await this.#report(request, session);
      case "bye":
        return await this.#bye(session);
    }
  }

  heard(session: Session): void {
    const registration = this.#registrations.get(session);
    const record = registration && this.#parts.replica.get(registration.id);
    if (record?.key === session.key) this.#parts.registry.refresh(record.id);
  }

  closed(session: Session): void {
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
      if (session?.key === key && session) this.#tell(session, state === "listed", reason);
    }
  }

  counters(): Record<string, number> {
    return {
      registers: this.#registers,
      reports: this.#reports,
      registers_refused: this.#refused,
      servers_connected: this.#sessions.size,
      ...this.#probing.counters(),
    };
  }

  stop(): void {
    this.#probing.stop();
    this.#udp?.stop();
  }

  async #register(request: Register, session: Session): Promise<void> {
    this.#registers++;
    const { ip } = session.connection;
    const id = formatEndpoint(ip, request.port);
    const before = this.#registrations.get(session);
    const refusal = this.#refusal(before, id);
    if (refusal) return await this.#refuse(session, refusal);
    const { outcome, standing } = await this.#parts.registry.ask({
      type: "announce",
      ip,
      key: session.key,
      ...announcement(request),
    });
    if (outcome.type === "refused") {
      const { reason, refusal } = outcome;
      const code = refusal ?? "bad_request";
      const error = { type: "error", code, message: reason, ...retryAfter(refusal) } as const;
      return await this.#refuse(session, error);
    }
    const { listed, number, reason }: Standing = standing ?? { listed: false, number: 0 };
    const unreachableUntil = before?.unreachableUntil ?? 0;
    this.#registrations.set(session, { id, name: request.name, listed, unreachableUntil });
    this.#sessions.set(id, session);
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

  async #report(report: ServerReport, session: Session): Promise<void> {
    this.#reports++;
    const registration = this.#registrations.get(session);
    if (!registration) {
      const message = "Register before you send a status";
      return await session.send({ type: "error", code: "unauthorized", message });
    }
    const { id, name } = registration;
    const record = this.#parts.replica.get(id);
    // By far the most frequent case: nobody came and nobody left.
    if (record?.key === session.key && record.status && sameReport(record.status, report)) {
      this.#parts.registry.refresh(record.id);
      return;
    }
    const status: ServerStatus = statusOf(report, name, record?.settings ?? {});
    const command = { type: "report", id, key: session.key, status } as const;
    const outcome = await this.#parts.registry.request(command);
    if (outcome.type === "accepted") return;
    this.closed(session);
    await session.send({ type: "error", code: "unauthorized", message: outcome.reason });
  }

  async #bye(session: Session): Promise<void> {
    const registration = this.#registrations.get(session);
    this.closed(session);
    if (registration) {
      const { id } = registration;
      await this.#parts.registry.request({ type: "leave", id, key: session.key });
    }
    await session.send({ type: "bye" });
  }

  async #refuse(session: Session, error: ErrorMessage): Promise<void> {
    this.#refused++;
    await session.send(error);
  }

  /** Tells a server that it is listed now, or why it is not, once. */
  #tell(session: Session, listed: boolean, reason: string | undefined): void {
    const registration = this.#registrations.get(session);
    if (!registration) return;
    if (!listed) registration.unreachableUntil = performance.now() + UNREACHABLE_MS;
    if (listed && registration.listed) return;
    registration.listed = listed;
    void session.send({ type: "listed", listed, ...(reason === undefined ? {} : { reason }) });
  }

  #interval(): number {
    const { aliveTimeout } = this.#parts.settings();
    const often = Math.floor(aliveTimeout / 1000 / REPORTS_PER_LIFE);
    return Math.max(1, Math.min(REPORT_INTERVAL_S, often));
  }
}

function announcement(request: Register) {
  const { gamename, name, port, protocol, admin, country, netname, settings, status } = request;
  const all = { ...settings, gamename, port: String(port), protocol: String(protocol) };
  return {
    port,
    name,
    gamename,
    admin,
    settings: all,
    ...(country === undefined ? {} : { country }),
    ...(netname === undefined ? {} : { netName: netname }),
    ...(status === undefined ? {} : { status: statusOf(status, name, all) }),
  };
}

/** Makes the thread of ring 1. */
export function ring1(settings: ThreadSettings, context: ThreadContext): ThreadBody {
  return new SecureRing<Ring1Request, Ring1Answer>(settings, context, {
    key: "[network] smport",
    prologue: PROLOGUES.ring1,
    makeRole: (parts) => new KeyRegistrar(parts),
  });
}
