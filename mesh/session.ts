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
  type Peer,
  type Refresh,
  type Ring0Message,
} from "../protocol/mod.ts";
import type { Command, UserClaim } from "../registry/mod.ts";
import { Comparison } from "./comparison.ts";
import type { Ledger } from "./ledger.ts";
import { Outbox, tell, tellLeases } from "./outbox.ts";
import { Pulse } from "./pulse.ts";
import { remotePut } from "./puts.ts";
import type { Link, MeshSource } from "./types.ts";

/** Bytes that may wait with the system before the rest waits here. */
const MAX_WAITING_BYTES = 512 * 1024;

/** Milliseconds within which the first message comes. */
const HELLO_MS = 10_000;

/** Milliseconds between two rounds of comparison, less up to half of it by chance. */
const COMPARE_MS = 30_000;

/** Version of the protocol between masters. */
export const PROTOCOL_VERSION = 1;

/** What a session uses of the mesh. */
export interface SessionHost {
  readonly source: MeshSource;
  readonly ledger: Ledger;
  /** What this master says of itself. */
  hello(): Hello;
  /** Masters to be told of to the one with this id. */
  members(except: string): readonly KnownMaster[];
  /** How this master stands to the others. */
  peers(): readonly Peer[];
  /** The other side has said who it is; why it is not wanted, if it is not. */
  greeted(session: Session, hello: Hello): string | undefined;
  /** Another master tells of masters. */
  met(masters: readonly KnownMaster[]): void;
  /** Another master tells of changes. */
  commands(commands: readonly Command[]): void;
  /** Another master tells of players' names. */
  users(users: readonly UserClaim[]): void;
  /** All that a master had changed up to a hybrid logical time is here. */
  synced(origin: string, upto: number): void;
  /** How far all that a master changed is known here. */
  known(origin: string): number;
  /** A connection is to be ended. */
  end(session: Session, reason: string): void;
  /** Something for the operator. */
  warn(message: string, fields: Readonly<Record<string, string | number | boolean>>): void;
}

/** What a session counts. */
export interface SessionCounts {
  changesReceived: number;
  changesSent: number;
}

/** One connection. */
export class Session {
  readonly link: Link;
  /** Who is there, once it has said so. */
  hello: Hello | undefined;
  /** When the connection began, milliseconds since 1970. */
  readonly since: number;
  readonly pulse: Pulse;
  readonly #host: SessionHost;
  readonly #outbox: Outbox;
  readonly #comparison: Comparison;
  /** Servers of which it is to be told that they were heard of, while it takes nothing. */
  #unheard = new Set<string>();
  /** Own changes later than this have been sent or wait; undefined while that is not so. */
  #after: number | undefined;
  /** Own changes up to this have been sent or wait. */
  #upto: number;
  #isBehind = false;
  /** Whether it has not been told of something that it will not be told of by itself. */
  #hasOverflown = false;
  readonly #begun: number;
  #nextRound: number;
  readonly counts: SessionCounts = { changesReceived: 0, changesSent: 0 };

  constructor(link: Link, host: SessionHost) {
    this.link = link;
    this.#host = host;
    const { source, ledger } = host;
    this.since = source.wall();
    this.#begun = source.monotonic();
    this.#nextRound = this.#begun;
    this.#upto = ledger.own;
    this.#outbox = new Outbox(ledger);
    this.pulse = new Pulse(source, (message) => this.#sendNow(encodeMessage(message)));
    this.#comparison = new Comparison({
      ledger,
      monotonic: () => source.monotonic(),
      send: (messages) => this.#outbox.addMessages(messages),
      synced: (upto) => host.synced(this.id, upto),
    });
    this.#sendNow(encodeMessage(host.hello()));
  }

  /** Id of the other side; empty while it is unknown. */
  get id(): string {
    return this.hello?.id ?? "";
  }

  /** Whether the other side is a master that has said who it is. */
  get isReady(): boolean {
    return this.hello !== undefined && !this.hello.observer;
  }

  /** Entries that it has not been told of yet. */
  get behind(): number {
    return this.#outbox.size;
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
      this.#sendNow(
        encodeMessage({ type: "error", code: "bad_request", message: decoded.reason }),
      );
      this.#host.end(this, `it does not speak the protocol: ${decoded.reason}`);
    } else if (decoded.type === "refused") {
      this.#host.warn("a message of another master makes no sense", {
        master: this.hello?.name ?? this.link.ip,
        reason: decoded.error.message,
      });
      this.#sendNow(encodeMessage(decoded.error));
    } else this.#take(decoded.message);
  }

  /** Tells of own changes. The messages are the same for all who are not behind. */
  push(keys: Iterable<string>, messages: readonly Uint8Array[], upto: number): void {
    if (!this.isReady) return;
    if (!this.#isBehind && this.#outbox.isEmpty && this.link.waiting < MAX_WAITING_BYTES) {
      for (const message of messages) this.#sendNow(message);
      this.counts.changesSent++;
    } else {
      if (!this.#isBehind) this.#after = this.#upto;
      this.#isBehind = true;
      if (!this.#outbox.add(keys)) {
        this.#after = undefined;
        this.#hasOverflown = true;
        this.#nextRound = this.#host.source.monotonic();
      }
    }
    this.#upto = upto;
  }

  /** Tells that servers were heard of. */
  pushLeases(ids: Iterable<string>, messages: readonly Uint8Array[]): void {
    if (!this.isReady) return;
    if (this.#outbox.isEmpty && this.link.waiting < MAX_WAITING_BYTES) {
      for (const message of messages) this.#sendNow(message);
    } else for (const id of ids) this.#unheard.add(id);
  }

  /** Tells of masters. */
  pushMembers(masters: readonly KnownMaster[]): void {
    if (this.isReady) this.#outbox.addMessages(encodeMembers(masters));
  }

  /** Asks for entries, as somebody who has not heard of them itself. */
  want(messages: readonly Uint8Array[]): void {
    this.#outbox.addMessages(messages);
  }

  /** Sends what waits, as far as the system takes it. */
  flush(): void {
    while (!this.#outbox.isEmpty && this.link.waiting < MAX_WAITING_BYTES) {
      for (const message of this.#outbox.take()) this.#sendNow(message);
    }
    if (!this.#outbox.isEmpty) return;
    if (this.#isBehind) {
      this.#isBehind = false;
      this.counts.changesSent++;
      const ending = this.#after === undefined ? {} : { after: this.#after, upto: this.#upto };
      for (const message of tell(this.#host.ledger, [], ending)) this.#sendNow(message);
    }
    if (this.#unheard.size > 0 && this.link.waiting < MAX_WAITING_BYTES) {
      const ids = this.#unheard;
      this.#unheard = new Set();
      for (const message of tellLeases(this.#host.ledger, ids)) this.#sendNow(message);
    }
  }

  /** Lets time pass. */
  tick(): void {
    const { source } = this.#host;
    const now = source.monotonic();
    if (!this.hello) {
      if (now - this.#begun > HELLO_MS) {
        this.#host.end(this, "it has not said who it is: does it speak ring 0's protocol?");
      }
      return;
    }
    const silent = this.pulse.tick();
    if (silent !== undefined) return this.#host.end(this, silent);
    // One side of each pair begins the rounds, both learn from them.
    const begins = this.link.dialed !== undefined || this.#hasOverflown;
    if (!this.isReady || !begins || now < this.#nextRound || !this.#comparison.isIdle) return;
    if (!this.#outbox.isEmpty) return;
    this.#nextRound = now + COMPARE_MS * (1 - source.random() / 2);
    this.#hasOverflown = false;
    this.#comparison.begin();
  }

  /** Says goodbye. */
  bye(): void {
    this.#sendNow(encodeMessage({ type: "bye" }));
  }

  #sendNow(message: Uint8Array): void {
    this.link.send(message);
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
      if (!message.peers) this.#outbox.addMessages(encodePeers(this.#host.peers()));
      return;
    }
    if (message.type === "bye") return this.#host.end(this, "it stopped");
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
      case "want":
        if (!this.#outbox.add(message.keys)) return;
        if (message.round !== undefined) this.#outbox.endRound(message.round);
        return;
      case "error":
        return this.#host.warn("another master complains", {
          master: this.hello.name,
          reason: message.message,
        });
    }
  }

  #greet(hello: Hello): void {
    if (hello.version !== PROTOCOL_VERSION) {
      const message = `version ${PROTOCOL_VERSION} of the protocol is spoken here`;
      this.#sendNow(encodeMessage({ type: "error", code: "bad_request", message }));
      this.#host.end(this, `it speaks version ${hello.version} of the protocol, not ${message}`);
      return;
    }
    const refused = this.#host.greeted(this, hello);
    if (refused !== undefined) return this.#host.end(this, refused);
    this.hello = hello;
    this.pulse.onHello(hello.time);
    if (this.isReady) this.#outbox.addMessages(encodeMembers(this.#host.members(hello.id)));
  }

  #merge(changes: Changes): void {
    const { puts, tombstones, names, users, after, upto, round } = changes;
    this.counts.changesReceived++;
    if (users.length > 0) this.#host.users(users);
    if (puts.length + tombstones.length + names.length > 0) {
      this.#host.commands([{ type: "merge", puts: puts.map(remotePut), tombstones, names }]);
    }
    // Only who knew all before knows all now.
    if (after !== undefined && upto !== undefined && this.#host.known(this.id) >= after) {
      this.#host.synced(this.id, upto);
    }
    if (round !== undefined) this.#comparison.onAnswer(round);
  }

  #extend({ servers }: Refresh): void {
    if (servers.length > 0) this.#host.commands([{ type: "merge", leases: servers }]);
  }
}
