/**
 * Ring 1 bis: game servers register here in the old style, over TCP; they are challenged and polled
 * over UDP from the same port.
 *
 * @module
 */

import {
  encodeError,
  FINAL_ANSWER,
  formatEndpoint,
  parsePort,
  type TextMessage,
} from "../protocol/mod.ts";
import { MASTER_GAMENAME, type RegistryEvent } from "../registry/mod.ts";
import type { ThreadBody, ThreadContext, ThreadSettings, ToThread } from "../threads/mod.ts";
import { SECRET_KEY, withoutSecrets } from "./_list_requests.ts";
import { matches } from "./_listing.ts";
import { OldPeers } from "./_old_peers.ts";
import { OldStyleRing, type RingParts, type Role } from "./_old_style_ring.ts";
import { Probing } from "./_probing.ts";
import { RegistryClient } from "./_registry_client.ts";
import { equalsSecret } from "./_secret.ts";
import type { Answer, TextSession } from "./_text_session.ts";
import type { Datagram } from "./_udp.ts";

const ACCEPTED: Answer = { bytes: FINAL_ANSWER, close: true };

function refused(reason: string): Answer {
  return { bytes: encodeError(reason), close: true };
}

class Registrar implements Role {
  readonly #parts: RingParts;
  readonly #registry: RegistryClient;
  readonly #probing: Probing;
  readonly #oldPeers: OldPeers;
  #heartbeats = 0;
  #quits = 0;
  #refused = 0;

  constructor(parts: RingParts) {
    this.#parts = parts;
    this.#registry = new RegistryClient(parts.context);
    this.#probing = new Probing({ ...parts, registry: this.#registry });
    this.#oldPeers = new OldPeers({
      log: parts.context.log,
      settings: parts.settings,
      hear: (hearsay) => this.#registry.send(hearsay),
    });
    if (parts.settings().probes) this.#probing.start();
  }

  answer(message: TextMessage, session: TextSession): Answer | Promise<Answer> {
    return message.command === "heartbeat"
      ? this.#heartbeat(message.values, session.connection.ip)
      : this.#quit(message.values, session.connection.ip);
  }

  expected(datagram: Datagram): boolean {
    return this.#probing.take(datagram);
  }

  receive(message: ToThread): void {
    if (message.type === "replies") this.#registry.settle(message.replies);
    else this.#probing.receive(message);
  }

  loaded(): void {
    this.#probing.loaded();
    // Not before: what old-style masters list is no news until it is known what is.
    this.#oldPeers.start();
  }

  reconfigured(): void {
    this.#oldPeers.reconfigure();
  }

  applied(event: RegistryEvent): void {
    this.#probing.applied(event);
  }

  counters(): Record<string, number> {
    return {
      heartbeats: this.#heartbeats,
      quits: this.#quits,
      heartbeats_refused: this.#refused,
      ...this.#probing.counters(),
      ...this.#oldPeers.counters(),
    };
  }

  leave(graceMs: number): Promise<void> {
    return this.#oldPeers.stop(graceMs);
  }

  stop(): void {
    this.#probing.stop();
    this.#registry.flush();
  }

  #heartbeat(values: ReadonlyMap<string, string>, ip: string): Answer | Promise<Answer> {
    this.#heartbeats++;
    const gamename = values.get("gamename");
    const port = parsePort(values.get("port"));
    if (gamename === undefined) return this.#refuse("A heartbeat needs gamename");
    if (port === undefined) return this.#refuse("A heartbeat needs a port from 1 to 65535");
    if (gamename === MASTER_GAMENAME && !this.#isMaster(values)) {
      const reason = "Wrong masterserver password";
      this.#registry.send({ type: "refuse", ip, port, reason });
      return this.#refuse(reason);
    }
    const sent = withoutSecrets(values);
    const id = formatEndpoint(ip, port);
    const known = this.#parts.replica.get(id);
    // By far the most frequent case: a server says again what it said before.
    if (
      known && matches(known.settings, sent) && Object.keys(known.settings).length === sent.size
    ) {
      this.#registry.refresh(known.id);
      return ACCEPTED;
    }
    return this.#register(ip, port, Object.fromEntries(sent));
  }

  async #register(ip: string, port: number, settings: Record<string, string>): Promise<Answer> {
    const outcome = await this.#registry.request({ type: "register", ip, port, settings });
    return outcome.type === "accepted" ? ACCEPTED : this.#refuse(outcome.reason);
  }

  #isMaster(values: ReadonlyMap<string, string>): boolean {
    return equalsSecret(values.get(SECRET_KEY) ?? "", this.#parts.settings().masterPassword);
  }

  async #quit(values: ReadonlyMap<string, string>, ip: string): Promise<Answer> {
    const port = parsePort(values.get("port"));
    if (port === undefined) return this.#refuse("A quit needs a port from 1 to 65535");
    this.#quits++;
    await this.#registry.request({ type: "quit", ip, port });
    return ACCEPTED;
  }

  #refuse(reason: string): Answer {
    this.#refused++;
    return refused(reason);
  }
}

/** Makes the thread of ring 1 bis. */
export function ring1bis(settings: ThreadSettings, context: ThreadContext): ThreadBody {
  return new OldStyleRing(settings, context, "[network] osport", (parts) => new Registrar(parts));
}
