/**
 * The other masters of a network as one real master sees them: what they would send, encoded as they
 * would encode it, and no state behind it.
 *
 * @module
 */

import { FRAME_OVERHEAD_BYTES } from "../crypto/mod.ts";
import type { Link, Target } from "../mesh/mod.ts";
import {
  encodeChanges,
  encodeCompare,
  encodeMembers,
  encodeMessage,
  encodeRefresh,
  type KnownMaster,
} from "../protocol/mod.ts";
import { hlcAt, type RemotePut } from "../registry/mod.ts";
import {
  ALIVE_MS,
  DAWN,
  type HeardServer,
  HEARTBEAT_MS,
  identityOf,
  type Model,
  type Plan,
  planChanges,
  SERVER_PORT,
  SETTINGS,
  Share,
  statusOf,
} from "./_masters_servers.ts";

/** Port of every ring 0. */
const RING_0_PORT = 6060;

/** Milliseconds for which a master gathers leases; between its pings; between two lists of masters. */
const LEASES_MS = 2000;
const PING_MS = 5000;
const MEMBERS_MS = 30_000;

/** Milliseconds between two rounds of comparison, on average. */
const COMPARE_MS = 22_500;

/** Milliseconds after which another master answers: two steps of the network, and its own work. */
const ANSWER_MS = 50;

/** Beginning of a message in which its type and number are found. */
const HEAD_BYTES = 48;

const decoder = new TextDecoder();

/** A server, as its master tells of it. */
function recordOf(origin: string, { ip }: HeardServer, hlc: number) {
  return {
    hlc,
    origin,
    ip,
    port: SERVER_PORT,
    gamename: "netpanzer",
    settings: SETTINGS,
    firstSeen: DAWN,
  };
}

/** Frames that went one way, by the bytes of their plaintexts. */
export interface Flow {
  sent: number[];
  received: number[];
}

/** What all other masters share. */
export interface Surroundings {
  readonly model: Model;
  readonly plan: Plan;
  readonly flow: Flow;
  /** The real master is given a message. */
  readonly deliver: (link: Link, plaintext: Uint8Array) => void;
  /** The digest that the real master sent last, which all others would send, too. */
  hashes: readonly string[] | undefined;
}

/** Another master, and the real master's connection with it. */
export class Counterpart implements Link {
  readonly key: string;
  readonly id: string;
  readonly ip: string;
  readonly dialed: Target | undefined;
  readonly waiting = 0;
  sentBytes = 0;
  receivedBytes = 0;
  readonly #around: Surroundings;
  readonly #servers: readonly HeardServer[];
  readonly #master: number;
  #hlc: number;
  #round = 1;

  constructor(around: Surroundings, master: number) {
    this.#around = around;
    this.#master = master;
    this.#servers = [...new Share(around.model, master)];
    this.#hlc = hlcAt(DAWN - HEARTBEAT_MS);
    const { key, id } = identityOf(master);
    this.key = key;
    this.id = id;
    this.ip = `10.0.0.${master}`;
    // Of each two masters the one of the lower id has opened what both keep: half for half.
    this.dialed = master % 2 === 1 ? { host: this.ip, port: RING_0_PORT } : undefined;
  }

  /** What it heard of before the beginning, as the real master's registry is told. */
  *early(): Generator<RemotePut> {
    for (const server of this.#servers) {
      const record = { ...recordOf(this.id, server, ++this.#hlc), id: server.id };
      yield { record, left: ALIVE_MS - HEARTBEAT_MS + Math.floor(server.beatsAt), heard: true };
    }
  }

  /** The time of its latest change. */
  get hlc(): number {
    return this.#hlc;
  }

  /** Says hello and plans everything that it says unasked. */
  begin(): void {
    const { plan, model } = this.#around;
    const { now } = plan;
    const { id, ip } = this;
    this.#say(encodeMessage({
      type: "hello",
      version: 1,
      id,
      name: `m${this.#master}.example.org`,
      host: ip,
      ports: { ring0: RING_0_PORT },
      time: DAWN + now,
      program: "0.0.0",
      instance: this.#master,
      alive: ALIVE_MS,
    }));
    const part = this.#master / model.masters;
    this.#planLeases(LEASES_MS * part);
    let ping = 0;
    plan.every(PING_MS, PING_MS * part, () => {
      this.#say(encodeMessage({ type: "ping", n: ++ping, time: DAWN + plan.now }));
    });
    const members = encodeMembers(this.#members());
    plan.every(MEMBERS_MS, MEMBERS_MS * part, () => members.forEach((each) => this.#say(each)));
    if (!this.dialed) plan.every(COMPARE_MS, COMPARE_MS * part, () => this.#compare());
    for (const server of this.#servers) {
      planChanges(plan, server, (poll) => this.#change(server, poll));
    }
  }

  /** The real master says something. */
  send(plaintext: Uint8Array): void {
    const { plan, flow } = this.#around;
    this.sentBytes += plaintext.length + FRAME_OVERHEAD_BYTES;
    flow.sent.push(plaintext.length);
    const head = decoder.decode(plaintext.subarray(0, HEAD_BYTES));
    const [, type, number] = /^\{"type":"(ping|digest)","(?:n|round)":(\d+),/.exec(head) ?? [];
    if (type === "ping") {
      plan.at(plan.now + ANSWER_MS, () => {
        this.#say(encodeMessage({ type: "pong", n: Number(number), time: DAWN + plan.now }));
      });
    } else if (type === "digest") {
      this.#around.hashes ??= JSON.parse(decoder.decode(plaintext)).hashes;
      const answer = { round: Number(number), upto: this.#hlc, equal: true, buckets: [] };
      plan.at(plan.now + ANSWER_MS, () => encodeCompare(answer).forEach((each) => this.#say(each)));
    }
  }

  close(): void {
    throw new Error(`the measured master ends its connection with ${this.id}`);
  }

  #say(plaintext: Uint8Array): void {
    const { flow, deliver } = this.#around;
    this.receivedBytes += plaintext.length + FRAME_OVERHEAD_BYTES;
    flow.received.push(plaintext.length);
    deliver(this, plaintext);
  }

  /** Leases of those that it has heard of since it last told. */
  #planLeases(first: number): void {
    const { plan } = this.#around;
    let next = 0;
    plan.every(LEASES_MS, first, () => {
      const leases = [];
      for (let server = this.#servers[next]; server && server.beatsAt <= plan.now;) {
        const left = Math.floor(ALIVE_MS - (plan.now - server.beatsAt));
        leases.push({ id: server.id, left });
        server = this.#servers[++next];
      }
      for (const message of encodeRefresh(leases)) this.#say(message);
    });
  }

  #change(server: HeardServer, poll: number): void {
    const after = this.#hlc;
    const upto = Math.max(after + 1, hlcAt(DAWN + this.#around.plan.now));
    this.#hlc = upto;
    const put = {
      ...recordOf(this.id, server, upto),
      left: ALIVE_MS - HEARTBEAT_MS,
      heard: true,
      status: statusOf(poll),
    };
    for (const message of encodeChanges({ puts: [put], after, upto })) this.#say(message);
  }

  #compare(): void {
    const { hashes, model } = this.#around;
    // With changes under way digests would differ, which takes a state to go on from.
    if (!hashes || model.changing > 0) return;
    const round = this.#round += 2;
    this.#say(encodeMessage({ type: "digest", round, upto: this.#hlc, hashes }));
  }

  #members(): KnownMaster[] {
    const others = Array.from({ length: this.#around.model.masters }, (_, master) => master);
    return others.filter((other) => other !== 0 && other !== this.#master).map((other) => ({
      ...identityOf(other),
      name: `m${other}.example.org`,
      host: `10.0.0.${other}`,
      ports: { ring0: RING_0_PORT },
      seen: 0,
    }));
  }
}
