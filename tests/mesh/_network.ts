import assert from "node:assert/strict";
import type { Link, MeshSettings, Target } from "../../mesh/mod.ts";
import type { Ring0Message } from "../../protocol/mod.ts";
import { isEarlier, type Version } from "../../registry/mod.ts";
import type { Random } from "../_helpers.ts";
import { decoded, FakeSource, hostOf, keyOf } from "./_helpers.ts";
import { Node } from "./_node.ts";

/** Milliseconds of one step, in which messages go from one master to another. */
const STEP_MS = 10;

/** One end of a connection between masters. */
class End implements Link {
  readonly node: Node;
  readonly dialed: Target | undefined;
  peer!: End;
  readonly out: Uint8Array[] = [];
  /** What the system says of what it has not taken. */
  waiting = 0;
  sentBytes = 0;
  receivedBytes = 0;
  isOver = false;
  isOpened = false;

  constructor(node: Node, dialed: Target | undefined) {
    this.node = node;
    this.dialed = dialed;
  }

  get key(): string {
    return keyOf(this.peer.node.master);
  }

  get ip(): string {
    return `192.0.2.${this.peer.node.master}`;
  }

  send(plaintext: Uint8Array): void {
    if (this.isOver) return;
    this.sentBytes += plaintext.length;
    this.out.push(plaintext);
  }

  close(): void {
    this.isOver = true;
  }
}

/** Masters, and the connections between them. */
export class Network {
  readonly source = new FakeSource();
  readonly nodes: Node[] = [];
  readonly ends = new Set<End>();
  /** All that masters have changed by themselves. */
  readonly changes: ({ readonly key: string } & Version)[] = [];
  /** How often it was said that all changes of a master are known. */
  claims = 0;
  /** Pairs between which nothing goes, as `1-2`. */
  readonly cuts = new Set<string>();
  /** Whether a message from one master to another is lost. */
  isLost: (message: Ring0Message) => boolean = () => false;
  readonly #dialed: (readonly [Node, Target])[] = [];

  constructor(count: number, settings: (master: number) => Partial<MeshSettings> = () => ({})) {
    for (let master = 1; master <= count; master++) this.add(master, settings(master));
  }

  node(master: number): Node {
    return this.nodes.find((node) => node.master === master) ?? assert.fail(`no master ${master}`);
  }

  add(master: number, settings: Partial<MeshSettings> = {}): Node {
    const node = new Node(this, master, settings);
    this.nodes.push(node);
    return node;
  }

  /** All have what they start with. */
  load(): void {
    for (const { mesh, holdings } of this.nodes) mesh.load(holdings.snapshot());
  }

  dial(node: Node, target: Target): void {
    this.#dialed.push([node, target]);
  }

  cut(a: number, b: number): void {
    this.cuts.add(`${a}-${b}`).add(`${b}-${a}`);
  }

  /** Connections of a node are gone, and the others notice. */
  vanish(node: Node): void {
    for (const end of this.ends) if (end.node === node) this.break(end);
  }

  /** A connection is gone, with all that is on its way. */
  break(end: End): void {
    for (const side of [end, end.peer]) {
      this.ends.delete(side);
      if (side.isOver) continue;
      side.isOver = true;
      if (side.isOpened) side.node.mesh.closed(side, "the connection broke");
    }
  }

  /** Lets so many milliseconds pass; ticks come every 250. */
  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      this.source.pass(STEP_MS);
      this.#connect();
      this.#carry();
      const isTick = Math.floor(this.source.now / 250) !==
        Math.floor((this.source.now - STEP_MS) / 250);
      for (const node of this.nodes) {
        if (isTick) node.mesh.tick();
        node.take();
      }
    }
  }

  /** What was said to be known has to be there, or what came after it. */
  checkSynced(node: Node, { origin, hlc }: Version): void {
    this.claims++;
    const content = node.holdings.content();
    for (const change of this.changes) {
      if (change.origin !== origin || change.hlc > hlc) continue;
      const [known, by = ""] = content.get(change.key)?.split(" ") ?? [];
      const isThere = known !== undefined &&
        !isEarlier({ hlc: Number(known), origin: by }, change);
      assert.ok(isThere, `m${node.master} has no ${JSON.stringify(change)}, and said so`);
    }
  }

  /** All hold the same, as holdings and as ledgers tell it. */
  assertEqual(): void {
    const [first, ...others] = this.nodes;
    for (const other of others) {
      assert.deepEqual(other.holdings.content(), first?.holdings.content());
    }
  }

  /** A connection breaks, if there is one. */
  breakSome(random: Random): void {
    const ends = [...this.ends];
    const end = ends[random.below(Math.max(1, ends.length))];
    if (end) this.break(end);
  }

  /** The system of a connection's end takes nothing more for now, or takes all again. */
  stallSome(random: Random): void {
    const ends = [...this.ends];
    const end = ends[random.below(Math.max(1, ends.length))];
    if (end) end.waiting = end.waiting === 0 ? 1024 * 1024 : 0;
  }

  #connect(): void {
    for (const [node, target] of this.#dialed.splice(0)) {
      const other = this.nodes.find(({ master }) => hostOf(master).host === target.host);
      if (!other || this.cuts.has(`${node.master}-${other.master}`)) {
        node.mesh.dialFailed(target, "nobody is there");
        continue;
      }
      const [near, far] = [new End(node, target), new End(other, undefined)];
      near.peer = far;
      far.peer = near;
      for (const end of [near, far]) {
        this.ends.add(end);
        end.isOpened = true;
        end.node.mesh.opened(end);
      }
    }
  }

  #carry(): void {
    for (const end of [...this.ends]) {
      if (!this.ends.has(end)) continue;
      if (this.cuts.has(`${end.node.master}-${end.peer.node.master}`)) continue;
      for (const plaintext of end.out.splice(0)) {
        if (this.isLost(decoded(plaintext)) || end.peer.isOver) continue;
        end.peer.receivedBytes += plaintext.length;
        end.peer.node.mesh.received(end.peer, plaintext);
      }
      if (end.isOver) this.break(end);
    }
  }
}

/** Masters of which each knows the first. */
export function star(count: number): Network {
  const network = new Network(count, (master) => master === 1 ? {} : { peers: [hostOf(1)] });
  network.load();
  return network;
}

/** Two masters that know each other. */
export function couple(): Network {
  const network = new Network(2, (master) => ({ peers: [hostOf(3 - master)] }));
  network.load();
  return network;
}
