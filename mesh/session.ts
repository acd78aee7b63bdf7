/**
 * A connection with another master: what it says is taken in, what it is to know is told.
 *
 * @module
 */

import {
  type Changes,
  decodeRing0Message,
  encodeMembers,
  encodeMessage,
  encodePeers,
  type Hello,
  type KnownMaster,
  type Refresh,
  type Ring0Message,
} from "../protocol/mod.ts";
import { Comparison } from "./comparison.ts";
import { Pulse } from "./pulse.ts";
import { Pushes } from "./pushes.ts";
import { remotePut } from "./puts.ts";
import type { SessionHost } from "./session_host.ts";
import { type Span, Teller } from "./teller.ts";
import type { Link } from "./types.ts";

/** Milliseconds within which the first message comes. */
const HELLO_MS = 10_000;

/** Milliseconds between two rounds of comparison, less up to half of it by chance. */
const COMPARE_MS = 30_000;

/** Version of the protocol between masters. */
export const PROTOCOL_VERSION = 1;

/** One connection. */
export class Session {
  readonly link: Link;
  /** Whether the other side has said goodbye. */
  hasStopped = false;
  /** Who is there, once it has said so. */
  hello: Hello | undefined;
  /** When the connection began, milliseconds since 1970. */
  readonly since: number;
  /** When the connection began, monotonic milliseconds. */
  readonly begun: number;
  readonly pulse: Pulse;
  readonly #host: SessionHost;
  readonly #teller: Teller;
  readonly #comparison: Comparison;
  readonly #pushes = new Pushes();
  #nextRound: number;
  /** Whether it waits to be told how this master stands to the others. */
  #asksForPeers = false;
  /** Messages of changes that came. */
  received = 0;

  constructor(link: Link, host: SessionHost) {
    this.link = link;
    this.#host = host;
    const { source, ledger, courses } = host;
    this.since = source.wall();
    this.begun = source.monotonic();
    this.#nextRound = this.begun;
    this.#teller = new Teller(link, ledger);
    this.pulse = new Pulse(source, (message) => this.#reply(encodeMessage(message)));
    this.#comparison = new Comparison({
      ledger,
      courses,
      monotonic: () => source.monotonic(),
      prevails: link.dialed !== undefined,
      send: (messages) => this.#teller.add(messages),
      synced: (upto) => this.#learn(upto),
    });
    this.#teller.send(encodeMessage(host.hello(link)));
  }

  /** Id of the other side; empty while it is unknown. */
  get id(): string {
    return this.hello?.id ?? "";
  }

  /** Whether the other side is a master that has said who it is. */
  get isReady(): boolean {
    return this.hello !== undefined && !this.hello.observer;
  }

  /** Whether the other side takes what it is told as fast as it is told. */
  get keepsUp(): boolean {
    return this.#teller.isIdle && this.#teller.isListening;
  }

  /** Whether what is told now is told at once, or after no more than a few words. */
  get #isInTime(): boolean {
    return this.behind === 0 && this.#teller.isListening;
  }

  /** Entries that it has not been told of yet. */
  get behind(): number {
    return this.#teller.behind;
  }

  /** Messages of own changes that were sent. */
  get sent(): number {
    return this.#teller.sent;
  }

  /** Rounds of comparison begun, and those in which something differed. */
  get rounds(): { readonly begun: number; readonly unequal: number } {
    return this.#comparison;
  }

  /** Takes a message. */
  receive(plaintext: Uint8Array): void {
    this.pulse.heard();
    const decoded = decodeRing0Message(plaintext);
    if (decoded.type === "malformed") {
      const { reason } = decoded;
      this.#reply(encodeMessage({ type: "error", code: "bad_request", message: reason }));
      this.#host.end(this, `it does not speak the protocol: ${reason}`);
    } else if (decoded.type === "refused") {
      this.#warn("a message of another master makes no sense", decoded.error.message);
      this.#reply(encodeMessage(decoded.error));
    } else this.#take(decoded.message);
  }

  /** Tells of own changes. The messages are the same for all who keep up. */
  push(keys: Iterable<string>, messages: readonly Uint8Array[], span: Span): void {
    this.#teller.push(keys, messages, span);
  }

  /** Tells that servers were heard of. */
  pushLeases(ids: Iterable<string>, messages: readonly Uint8Array[]): void {
    this.#teller.pushLeases(ids, messages);
  }

  /** Tells of masters; who does not keep up is told the next time. */
  pushMembers(masters: readonly KnownMaster[]): void {
    if (this.#isInTime) this.#teller.add(encodeMembers(masters));
  }

  /** Asks for entries, as somebody who has not heard of them itself. */
  want(messages: readonly Uint8Array[]): void {
    this.#teller.add(messages);
  }

  /** Tells which servers of other masters are reached from here. */
  pushReach(messages: readonly Uint8Array[]): void {
    if (this.isReady && this.#isInTime) this.#teller.add(messages);
  }

  /** Sends what waits, as far as the system takes it. */
  flush(): void {
    this.#teller.flush();
    if (!this.keepsUp) return;
    // Answers are made when there is room for them, so that not many wait.
    if (this.#asksForPeers) {
      this.#asksForPeers = false;
      this.#teller.add(encodePeers(this.#host.peers()));
    }
    if (this.isReady) this.#comparison.answer();
    this.#teller.flush();
  }

  /** Lets time pass. */
  tick(): void {
    const { source } = this.#host;
    const now = source.monotonic();
    if (!this.hello) {
      if (now - this.begun > HELLO_MS) {
        this.#host.end(this, "it has not said who it is: does it speak ring 0's protocol?");
      }
      return;
    }
    const silent = this.pulse.tick();
    if (silent !== undefined) return this.#host.end(this, silent);
    this.#comparison.tick();
    const { hasDropped } = this.#teller;
    // One side of each pair begins the rounds, both learn from them.
    const isDue = hasDropped || (this.link.dialed !== undefined && now >= this.#nextRound);
    if (!this.isReady || !isDue || !this.#teller.isIdle || !this.#comparison.isIdle) return;
    if (!this.#comparison.begin()) return;
    this.#nextRound = now + COMPARE_MS * (1 - source.random() / 2);
    this.#teller.hasDropped = false;
  }

  /** Says goodbye. */
  bye(): void {
    this.#teller.send(encodeMessage({ type: "bye" }));
  }

  /** The connection is over. */
  stop(): void {
    this.#comparison.stop();
  }

  /** Answers in a word, unless the other side does not listen. */
  #reply(message: Uint8Array): void {
    if (this.#teller.isListening) this.#teller.send(message);
  }

  #take(message: Ring0Message): void {
    if (message.type === "hello") {
      if (!this.hello) this.#greet(message);
      return;
    }
    if (message.type === "ping") return this.pulse.onPing(message);
    if (message.type === "pong") return this.pulse.onPong(message);
    if (!this.hello) {
      return this.#host.end(this, `it began with "${message.type}" and not with "hello"`);
    }
    if (message.type === "peers") {
      if (!message.peers) this.#asksForPeers = true;
      return;
    }
    if (message.type === "bye") {
      this.hasStopped = true;
      return this.#host.end(this, "it stopped");
    }
    if (!this.isReady) return;
    switch (message.type) {
      case "members":
        return this.#host.met(message.masters);
      case "changes":
        return this.#merge(message);
      case "refresh":
        return this.#extend(message);
      case "digest":
        return this.#comparison.onDigest(message);
      case "compare":
        return this.#comparison.onCompare(message);
      case "reach":
        return this.#host.commands([
          { type: "reach", master: this.id, servers: message.servers },
        ]);
      case "want":
        return this.#teller.answer(message.keys, message.round);
      case "error":
        return this.#warn("another master complains", message.message);
    }
  }

  #greet(hello: Hello): void {
    if (hello.version !== PROTOCOL_VERSION) {
      const message = `version ${PROTOCOL_VERSION} of the protocol is spoken here`;
      this.#reply(encodeMessage({ type: "error", code: "bad_request", message }));
      const reason = `it speaks version ${hello.version} of the protocol, this one ` +
        `${PROTOCOL_VERSION}: bring both to the same release`;
      return this.#host.end(this, reason);
    }
    const refused = this.#host.greeted(this, hello);
    if (refused !== undefined) return this.#host.end(this, refused);
    this.hello = hello;
    this.pulse.onHello(hello.time);
    if (!this.isReady) return;
    const { known = 0 } = hello;
    // First of all: what comes next may be stamped anew.
    if (known > this.#host.ledger.own) this.#host.commands([{ type: "recall", hlc: known }]);
    this.#teller.add(encodeMembers(this.#host.members(hello.id)));
  }

  #merge({ puts, tombstones, names, users, after, upto, round }: Changes): void {
    this.received++;
    if (users.length > 0) this.#host.users(users);
    if (puts.length + tombstones.length + names.length > 0) {
      this.#host.commands([{ type: "merge", puts: puts.map(remotePut), tombstones, names }]);
    }
    if (after !== undefined && upto !== undefined) {
      this.#pushes.take(after, upto);
      this.#learn(undefined);
    }
    if (round !== undefined) this.#comparison.onAnswer(round);
  }

  #extend({ servers }: Refresh): void {
    if (servers.length > 0) this.#host.commands([{ type: "merge", leases: servers }]);
  }

  /** More may be known of the other side's changes: up to a time in any case. */
  #learn(upto: number | undefined): void {
    const known = this.#host.known(this.id);
    const reach = this.#pushes.reach(Math.max(known, upto ?? 0));
    if (upto !== undefined || reach > known) this.#host.synced(this.id, reach);
  }

  #warn(message: string, reason: string): void {
    const master = this.hello?.name || this.id || this.link.ip;
    this.#host.warn(this.id || this.link.ip, message, { master, reason });
  }
}
