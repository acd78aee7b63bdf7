import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import {
  Channel,
  type ChannelEvent,
  encodeKey,
  type KeyPair,
  networkKey,
  PROLOGUES,
} from "../../crypto/mod.ts";
import type { Link, MeshSettings, Target } from "../../mesh/mod.ts";
import type { RegistryEvent, Snapshot, UserClaim } from "../../registry/mod.ts";
import { MESH_LIMITS, type MeshLimits } from "../../rings/_mesh_links.ts";
import type { MeshLike, MeshParts } from "../../rings/_mesh_parts.ts";
import { Ring0 } from "../../rings/ring_0.ts";
import type { FromThread, RingSettings, ToThread } from "../../threads/mod.ts";
import { bytes, text, until } from "../_helpers.ts";
import { SETTINGS, THIS_MASTER } from "./_helpers.ts";
import { CRYPTO } from "./_secure.ts";

/** What the masters of the tests' network share. */
export const PASSWORD = "sesame";

const GAP = { origin: "", after: 0, before: 0 };

/** A snapshot of a master that knows nothing. */
export const NOTHING: ToThread = {
  type: "snapshot",
  records: [],
  lives: [],
  names: [],
  first: true,
  last: true,
  departures: { origin: "", tombstones: [], vector: [], horizon: [], gap: GAP },
};

/** The end of a link, as a mesh hears of it. */
export interface Ended {
  readonly link: Link;
  readonly reason: string;
}

/** A mesh that says hello on each link, and writes down what it is told. */
export class FakeMesh implements MeshLike {
  readonly parts: MeshParts;
  readonly snapshots: Snapshot[] = [];
  readonly users: [string, number][] = [];
  readonly events: RegistryEvent[] = [];
  readonly links: Link[] = [];
  readonly heard: string[] = [];
  readonly received_bytes: number[] = [];
  readonly ended: Ended[] = [];
  readonly failed: { readonly target: Target; readonly reason: string }[] = [];
  readonly settings: MeshSettings[] = [];
  flushes = 0;
  ticks = 0;
  stopped = false;
  /** What it does with a message beside. */
  react: (link: Link, said: string) => void = () => {};

  constructor(parts: MeshParts) {
    this.parts = parts;
  }

  load(snapshot: Snapshot): void {
    this.snapshots.push(snapshot);
  }

  loadUsers(users: readonly UserClaim[], first: boolean): void {
    this.users.push([first ? "first" : "more", users.length]);
  }

  addUsers(users: readonly UserClaim[]): void {
    this.users.push(["new", users.length]);
  }

  apply(event: RegistryEvent): void {
    this.events.push(event);
  }

  opened(link: Link): void {
    this.links.push(link);
    link.send(bytes("hello"));
  }

  received(link: Link, plaintext: Uint8Array): void {
    this.received_bytes.push(plaintext.length);
    const said = text(plaintext.subarray(0, 100));
    this.heard.push(said);
    this.react(link, said);
  }

  closed(link: Link, reason: string): void {
    this.ended.push({ link, reason });
  }

  dialFailed(target: Target, reason: string): void {
    this.failed.push({ target, reason });
  }

  flush(): void {
    this.flushes++;
  }

  tick(): void {
    this.ticks++;
  }

  reconfigure(settings: MeshSettings): void {
    this.settings.push(settings);
  }

  counters(): Record<string, number> {
    return { peers_known: 17 };
  }

  stop(): void {
    this.stopped = true;
    for (const link of this.links) {
      link.send(bytes("bye"));
      link.close();
    }
  }
}

/** What a test may want of a master to be unlike others. */
export interface MasterOptions {
  readonly settings?: Partial<RingSettings>;
  readonly limits?: Partial<MeshLimits>;
  /** Whether it waits for its first snapshot. */
  readonly unfed?: boolean;
}

/** Ring 0 of a master on loopback, with a mesh that does as a test says. */
export class TestMaster {
  readonly keyPair: KeyPair = CRYPTO.keyPair();
  readonly posted: FromThread[] = [];
  readonly logged: string[] = [];
  readonly body: Ring0;
  settings: RingSettings;
  port = 0;
  #mesh: FakeMesh | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: MasterOptions = {}) {
    this.settings = {
      ...SETTINGS,
      address: "127.0.0.1",
      masterPassword: PASSWORD,
      channel: { library: CRYPTO.path, privateKey: this.keyPair.privateKey },
      ...options.settings,
    };
    this.body = new Ring0({ kind: "ring", ring: this.settings }, {
      post: (message) => this.posted.push(message),
      log: (level, message, fields) => {
        this.logged.push(`${level} ${message} ${JSON.stringify(fields)}`);
      },
    }, {
      makeMesh: (parts) => this.#mesh = new FakeMesh(parts),
      limits: { ...MESH_LIMITS, ...options.limits },
    });
  }

  get mesh(): FakeMesh {
    assert.ok(this.#mesh, "the ring has been started");
    return this.#mesh;
  }

  get key(): string {
    return encodeKey(this.keyPair.publicKey);
  }

  get target(): Target {
    return { host: "127.0.0.1", port: this.port };
  }

  async start({ unfed = false }: MasterOptions = {}): Promise<void> {
    const [socket] = await this.body.start();
    this.port = socket?.port ?? 0;
    if (!unfed) this.body.receive(NOTHING);
  }

  /** Stops, if it does not yet. */
  stop(graceMs = 500): Promise<void> {
    return this.#stopped ??= this.body.stop(graceMs);
  }

  dial(target: Target): void {
    this.mesh.parts.output.dial(target);
  }

  reconfigure(settings: Partial<RingSettings>): void {
    this.settings = { ...this.settings, ...settings };
    this.body.reconfigure({ kind: "ring", ring: this.settings });
  }

  counter(name: string): number {
    return this.body.counters()[name] ?? NaN;
  }
}

/** Runs with masters that are stopped afterwards. */
export async function withMasters(
  options: readonly MasterOptions[],
  use: (...masters: TestMaster[]) => Promise<void>,
): Promise<void> {
  const masters = options.map((one) => new TestMaster(one));
  try {
    for (const [i, master] of masters.entries()) await master.start(options[i]);
    await use(...masters);
  } finally {
    await Promise.all(masters.map((master) => master.stop()));
  }
}

/** Has one master dial another; the links of both. */
export async function linked(from: TestMaster, to: TestMaster): Promise<[Link, Link]> {
  const [before, there] = [from.mesh.links.length, to.mesh.links.length];
  from.dial(to.target);
  await until("a link", () => from.mesh.links.length > before && to.mesh.links.length > there);
  return [from.mesh.links[before] as Link, to.mesh.links[there] as Link];
}

/** What an initiator may want to be unlike a master. */
export interface InitiatorOptions {
  readonly password?: string;
  /** Address of this machine to come from. */
  readonly from?: string;
}

/** Someone who connects to ring 0 and does what a test wants. */
export class Initiator implements Disposable {
  readonly received: string[] = [];
  /** All that it has sent. */
  readonly sent: Uint8Array[] = [];
  readonly #socket: Socket;
  readonly #channel: Channel;
  #isBegun = false;
  /** Bytes that came back. */
  bytesBack = 0;
  closed = false;

  constructor(port: number, { password = PASSWORD, from }: InitiatorOptions = {}) {
    const local = from === undefined ? {} : { localAddress: from };
    this.#socket = connect({ host: "127.0.0.1", port, ...local });
    this.#channel = new Channel({
      primitives: CRYPTO,
      role: "initiator",
      pattern: "XXpsk3",
      prologue: PROLOGUES.ring0,
      staticKey: CRYPTO.keyPair(),
      psk: networkKey(CRYPTO, password),
    });
    this.#socket.on("data", (data: Uint8Array) => {
      this.bytesBack += data.length;
      if (this.#isBegun) this.#take(this.#channel.receive(data));
    });
    this.#socket.on("error", () => this.closed = true);
    this.#socket.on("close", () => this.closed = true);
  }

  /** Begins the handshake, which goes on by itself. */
  begin(): this {
    this.#isBegun = true;
    this.#take(this.#channel.start());
    return this;
  }

  /** Sends a message once the handshake is done. */
  async send(said: string): Promise<void> {
    await until("the handshake", () => this.#channel.isOpen || this.closed);
    if (this.#channel.isOpen) this.raw(this.#channel.seal(bytes(said)));
  }

  /** Waits until so many messages have come. */
  async heard(count: number): Promise<string[]> {
    await until("a message", () => this.received.length >= count || this.closed);
    return this.received;
  }

  raw(data: Uint8Array): void {
    this.sent.push(data);
    this.#socket.write(data);
  }

  /** Reads nothing more. */
  pause(): void {
    this.#socket.pause();
  }

  async end(): Promise<void> {
    await until("the end of the connection", () => this.closed);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
    this.#channel[Symbol.dispose]();
  }

  #take(events: readonly ChannelEvent[]): void {
    for (const event of events) {
      if (event.type === "send") this.raw(event.bytes);
      else if (event.type === "message") this.received.push(text(event.plaintext));
      else if (event.type === "failed") this[Symbol.dispose]();
    }
  }
}

/** The own entry of a master that is known at an address. */
export function known(host: string): RingSettings["masters"] {
  return [{ ...THIS_MASTER, host, ip: "203.0.113.7" }];
}
