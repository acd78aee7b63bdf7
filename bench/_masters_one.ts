/**
 * One real master, its registry and its mesh, among modelled ones, on a virtual clock.
 *
 * `deno run --allow-all _masters_one.ts SERVERS MASTERS CHANGING` prints one line of JSON: bytes,
 * frames and CPU time a virtual second. The CPU time is that of this process, all threads.
 *
 * @module
 */

import process from "node:process";
import { FRAME_OVERHEAD_BYTES, openCrypto } from "../crypto/mod.ts";
import { type Link, Mesh } from "../mesh/mod.ts";
import { formatEndpoint, hostKey } from "../protocol/mod.ts";
import { type Command, Registry, type RegistryEvent } from "../registry/mod.ts";
import { Counterpart, type Surroundings } from "./_masters_model.ts";
import {
  ALIVE_MS,
  DAWN,
  identityOf,
  type Model,
  Plan,
  planChanges,
  SETTINGS,
  Share,
  statusOf,
  STEP_MS,
} from "./_masters_servers.ts";
import { openPair } from "./noise.ts";

/** Virtual milliseconds that warm up: two rounds of comparison with all, and all code is compiled. */
const WARM_UP_MS = 60_000;

/** Virtual milliseconds of a measurement, and how many there are. */
const WINDOW_MS = 30_000;
const WINDOWS = 3;

/** Milliseconds between two ticks of the registry and of the mesh, as in the daemon. */
const REGISTRY_TICK_MS = 100;
const MESH_TICK_MS = 250;

/** Frames that are sealed and opened before that is timed. */
const WARM_UP_FRAMES = 2000;

/** Servers that others heard of are told of in messages of so many. */
const PUTS_AT_ONCE = 200;

/** What is printed, all by the virtual second; `crypto` is undefined without libgcrypt. */
export interface OneMaster {
  readonly listed: number;
  readonly windows: readonly Window[];
  /** Milliseconds of CPU time to seal and open frames of the sizes that were sent and received. */
  readonly crypto: number | undefined;
}

/** A measurement. */
export interface Window {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Both ways. */
  readonly frames: number;
  /** Milliseconds of CPU time. */
  readonly cpu: number;
}

function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The measured master: number 0 of the network. */
class RealMaster {
  readonly registry: Registry;
  readonly mesh: Mesh;
  readonly #plan: Plan;
  #events: RegistryEvent[] = [];
  #commands: Command[] = [];
  #isWritten = false;

  constructor(plan: Plan) {
    this.#plan = plan;
    const clock = { monotonic: () => plan.now, wall: () => DAWN + plan.now };
    const { id, key } = identityOf(0);
    this.registry = new Registry({
      clock,
      origin: id,
      limits: { aliveTimeout: ALIVE_MS, verify: false, serversPerHost: 1 },
      hostKey,
      serverId: formatEndpoint,
      makeToken: () => "0".repeat(32),
      output: { event: (event) => this.#events.push(event), challenge: () => {}, trace: () => {} },
    });
    this.mesh = new Mesh({
      settings: {
        id,
        key,
        name: "m0.example.org",
        host: "10.0.0.0",
        ports: { ring0: 6060 },
        program: "0.0.0",
        aliveTimeout: ALIVE_MS,
        peers: [],
        neighbors: [],
      },
      source: { ...clock, random: Math.random },
      output: {
        dial: () => {},
        commands: (commands) => {
          for (const command of commands) this.#commands.push(command);
        },
        users: () => {},
        masters: () => {},
        log: () => {},
      },
    });
  }

  /** Takes over what was before the beginning. */
  restore(model: Model, others: readonly Counterpart[]): void {
    for (const { ip } of new Share(model, 0)) {
      this.registry.apply({ type: "register", ip, port: 3030, settings: SETTINGS });
    }
    for (const other of others) {
      const puts = [...other.early()];
      for (let start = 0; start < puts.length; start += PUTS_AT_ONCE) {
        this.registry.apply({ type: "merge", puts: puts.slice(start, start + PUTS_AT_ONCE) });
      }
      this.registry.apply({ type: "synced", origin: other.id, hlc: other.hlc });
    }
    this.#events = [];
    this.mesh.load(this.registry.snapshot());
  }

  /** Servers of its own say that they live, and some have other players. */
  plan(model: Model): void {
    for (const server of new Share(model, 0)) {
      const { id, beatsAt } = server;
      this.#plan.at(beatsAt, () => this.registry.apply({ type: "refresh", ids: [id] }));
      planChanges(this.#plan, server, (poll) => {
        this.registry.apply({ type: "status", id, status: statusOf(poll) });
      });
    }
  }

  received(link: Link, plaintext: Uint8Array): void {
    this.mesh.received(link, plaintext);
    this.#isWritten = true;
  }

  /** The end of a step: threads tell each other what is new, and it goes out. */
  settle(): void {
    const { now } = this.#plan;
    if (now % REGISTRY_TICK_MS === 0) this.registry.tick();
    if (now % MESH_TICK_MS === 0) this.mesh.tick();
    if (this.#commands.length > 0) {
      const commands = structuredClone(this.#commands);
      this.#commands = [];
      for (const command of commands) this.registry.apply(command);
    }
    if (this.#events.length > 0) {
      for (const event of structuredClone(this.#events)) this.mesh.apply(event);
      this.#events = [];
      this.#isWritten = true;
    }
    if (!this.#isWritten) return;
    this.#isWritten = false;
    this.mesh.flush();
  }
}

function run(plan: Plan, master: RealMaster, until: number): void {
  for (; plan.now < until; plan.now += STEP_MS) {
    plan.happen();
    master.settle();
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function bytesOf(lengths: readonly number[]): number {
  return sum(lengths) + lengths.length * FRAME_OVERHEAD_BYTES;
}

/** Milliseconds of CPU time to seal what was sent and to open what was received. */
function timeCrypto(sent: readonly number[], received: readonly number[]): number | undefined {
  const opened = openCrypto();
  if (opened.type === "unavailable") return undefined;
  using crypto = opened.crypto;
  const [ours, theirs] = [openPair(crypto), openPair(crypto)];
  const memory = new Uint8Array(Math.max(...sent, ...received, 0)).fill(0x5a);
  const sealAll = (lengths: readonly number[]) => {
    for (const length of lengths) ours.sender.seal(memory.subarray(0, length));
  };
  const openAll = (frames: readonly Uint8Array[]) => {
    for (const frame of frames) theirs.receiver.receive(frame);
  };
  const seal = (length: number) => theirs.sender.seal(memory.subarray(0, length));
  sealAll(sent.slice(0, WARM_UP_FRAMES));
  openAll(received.slice(0, WARM_UP_FRAMES).map(seal));
  const frames = received.map(seal);
  const before = cpuMilliseconds();
  sealAll(sent);
  openAll(frames);
  return cpuMilliseconds() - before;
}

function measure(model: Model): OneMaster {
  const plan = new Plan(WARM_UP_MS + WINDOWS * WINDOW_MS);
  const master = new RealMaster(plan);
  const around: Surroundings = {
    model,
    plan,
    flow: { sent: [], received: [] },
    deliver: (link, plaintext) => master.received(link, plaintext),
    hashes: undefined,
  };
  const others = Array.from(
    { length: model.masters - 1 },
    (_, place) => new Counterpart(around, place + 1),
  );
  master.restore(model, others);
  for (const other of others) {
    master.mesh.opened(other);
    other.begin();
  }
  master.plan(model);
  run(plan, master, WARM_UP_MS);
  const seconds = WINDOW_MS / 1000;
  const flows: { readonly sent: number[]; readonly received: number[] }[] = [];
  const windows: Window[] = [];
  for (let window = 1; window <= WINDOWS; window++) {
    around.flow.sent = [];
    around.flow.received = [];
    const before = cpuMilliseconds();
    run(plan, master, WARM_UP_MS + window * WINDOW_MS);
    const cpu = (cpuMilliseconds() - before) / seconds;
    const { sent, received } = around.flow;
    flows.push({ sent, received });
    windows.push({
      sentBytes: bytesOf(sent) / seconds,
      receivedBytes: bytesOf(received) / seconds,
      frames: (sent.length + received.length) / seconds,
      cpu,
    });
  }
  const crypto = timeCrypto(
    flows.flatMap(({ sent }) => sent),
    flows.flatMap(({ received }) => received),
  );
  return {
    listed: master.registry.listed,
    windows,
    crypto: crypto === undefined ? undefined : crypto / (WINDOWS * seconds),
  };
}

function main(args: readonly string[]): void {
  const [servers = 0, masters = 0, changing = 0] = args.map(Number);
  const line = JSON.stringify(measure({ servers, masters, changing }));
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) main(Deno.args);
