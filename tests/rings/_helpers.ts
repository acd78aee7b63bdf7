import { formatEndpoint, hostKey } from "../../protocol/mod.ts";
import {
  type Command,
  type Outcome,
  Registry,
  type RegistryLimits,
  type ServerRecord,
} from "../../registry/mod.ts";
import * as rings from "../../rings/mod.ts";
import type {
  FromThread,
  KnownMaster,
  Reply,
  RingName,
  RingSettings,
  ThreadBody,
} from "../../threads/mod.ts";
import { bytes, text, until } from "../_helpers.ts";

/** A server that its own master has just heard of. */
export const LIFE = { left: 60_000, heard: true };

/** The master on trial, as it knows itself. */
export const THIS_MASTER: KnownMaster = {
  name: "master.example.org",
  host: undefined,
  ip: undefined,
  ports: { ring1: 7070, ring2: 3040 },
  key: "",
};

export const SETTINGS: RingSettings = {
  address: "*",
  port: 0,
  oldServerPort: 28900,
  publicAddress: undefined,
  hostname: "master.example.org",
  version: "1.2.3",
  requestTimeout: 30_000,
  connectionLimit: 10,
  serversPerAddress: 32,
  masterPassword: "sesame",
  statusInterval: 0,
  aliveTimeout: 720_000,
  probes: true,
  channel: undefined,
  masters: [THIS_MASTER],
  peers: [],
  neighbors: [],
  oldPeers: [],
  heartbeatInterval: 300_000,
};

const FINAL = "\\final\\";

/** What a ring on trial is made of. */
export interface TrialOptions {
  readonly ring?: RingName;
  readonly settings?: Partial<RingSettings>;
  readonly limits?: Partial<RegistryLimits>;
  /** Whether commands wait until {@link Trial.settle} is called. */
  readonly held?: boolean;
  /** Whether questions for the database are left to the test; it is busy otherwise. */
  readonly holdsQuestions?: boolean;
  /** Whether the ring waits for its first snapshot. */
  readonly unfed?: boolean;
}

/** A ring on loopback, and a main thread for it with a registry that works. */
export class Trial {
  readonly body: ThreadBody;
  readonly registry: Registry;
  readonly posted: FromThread[] = [];
  readonly logged: string[] = [];
  readonly commands: Command[] = [];
  port = 0;
  #held: boolean;
  #waiting: FromThread[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(readonly options: TrialOptions = {}) {
    this.#held = options.held ?? false;
    this.body = rings[options.ring ?? "ring1bis"]({
      kind: "ring",
      ring: { ...SETTINGS, ...options.settings },
    }, {
      post: (message) => this.#take(message),
      log: (_, message, fields) => {
        this.logged.push(`${message} ${JSON.stringify(fields)}`);
      },
    });
    this.registry = new Registry({
      clock: { monotonic: () => performance.now(), wall: () => Date.now() },
      origin: "00000000000000a1",
      limits: { aliveTimeout: 60_000, serversPerHost: 32, verify: false, ...options.limits },
      hostKey,
      serverId: formatEndpoint,
      makeToken: () => crypto.randomUUID().replaceAll("-", ""),
      output: {
        event: (event) => this.body.receive({ type: "events", events: [event] }),
        challenge: (challenge) =>
          this.body.receive({ type: "challenges", challenges: [challenge] }),
        trace: () => {},
      },
    });
  }

  async start(): Promise<void> {
    const sockets = await this.body.start();
    this.port = sockets[0]?.port ?? 0;
    if (!this.options.unfed) this.feed([], true, true);
    this.#timer = setInterval(() => this.registry.tick(), 50);
  }

  feed(records: readonly ServerRecord[], first: boolean, last: boolean): void {
    const departures = last ? { departures: this.registry.departures() } : {};
    this.body.receive({ type: "snapshot", records, first, last, ...departures });
  }

  /** Puts a server in without asking anybody. */
  add(ip: string, port: number, settings: Record<string, string> = {}): void {
    this.registry.apply({
      type: "register",
      ip,
      port,
      settings: { gamename: "netpanzer", port: String(port), ...settings },
    });
  }

  /** Carries out what was held back. */
  settle(): void {
    this.#held = false;
    for (const message of this.#waiting.splice(0)) this.#take(message);
  }

  get heldBack(): number {
    return this.#waiting.length;
  }

  async stop(graceMs = 1000): Promise<void> {
    clearInterval(this.#timer);
    await this.body.stop(graceMs);
  }

  counter(name: string): number {
    return this.body.counters()[name] ?? NaN;
  }

  #take(message: FromThread): void {
    if (this.#held) {
      this.#waiting.push(message);
      return;
    }
    this.posted.push(message);
    if (message.type === "question" && !this.options.holdsQuestions) {
      const { request } = message;
      this.body.receive({ type: "found", request, finding: { type: "busy" } });
    }
    if (message.type !== "commands") return;
    const replies: Reply[] = [];
    for (const { request, command } of message.commands) {
      this.commands.push(command);
      const outcome: Outcome = this.registry.apply(command);
      if (request === undefined) continue;
      const standing = command.type === "announce"
        ? this.registry.standing(formatEndpoint(command.ip, command.port))
        : undefined;
      replies.push({ request, outcome, ...(standing ? { standing } : {}) });
    }
    this.body.receive({ type: "replies", replies });
  }
}

/** Runs with a ring that is stopped afterwards. */
export async function withRing(
  options: TrialOptions,
  use: (trial: Trial) => Promise<void>,
): Promise<void> {
  const trial = new Trial(options);
  await trial.start();
  try {
    await use(trial);
  } finally {
    await trial.stop();
  }
}

/** An old-style client. */
export class TextClient {
  readonly #tcp: Deno.TcpConn;
  #unread = "";
  #ended = false;

  private constructor(tcp: Deno.TcpConn) {
    this.#tcp = tcp;
  }

  static async connect(port: number, hostname = "127.0.0.1"): Promise<TextClient> {
    return new TextClient(await Deno.connect({ hostname, port }));
  }

  async send(request: string | Uint8Array): Promise<void> {
    const data = typeof request === "string" ? bytes(request) : request;
    for (let sent = 0; sent < data.length;) sent += await this.#tcp.write(data.subarray(sent));
  }

  /** Sends no more, as `nc -N` does at the end of its input. */
  async finish(): Promise<void> {
    await this.#tcp.closeWrite();
  }

  /** One answer, its end included; what there was when the connection ended before that. */
  async answer(): Promise<string> {
    for (;;) {
      const end = this.#unread.indexOf(FINAL);
      const whole = end < 0 ? undefined : this.#unread.slice(0, end + FINAL.length);
      if (whole === undefined && await this.#read()) continue;
      const answer = whole ?? this.#unread;
      this.#unread = this.#unread.slice(answer.length);
      return answer;
    }
  }

  /** All that comes until the other side closes. */
  async rest(): Promise<string> {
    while (await this.#read());
    const rest = this.#unread;
    this.#unread = "";
    return rest;
  }

  close(): void {
    this.#tcp.close();
  }

  async #read(): Promise<boolean> {
    if (this.#ended) return false;
    const buffer = new Uint8Array(64 * 1024);
    try {
      const count = await this.#tcp.read(buffer);
      if (count !== null) this.#unread += text(buffer.subarray(0, count));
      this.#ended = count === null;
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
      this.#unread += "(reset)";
      this.#ended = true;
    }
    return !this.#ended;
  }
}

/** Sends one request on a connection of its own; everything that comes back until it closes. */
export async function ask(port: number, request: string, hostname?: string): Promise<string> {
  const client = await TextClient.connect(port, hostname);
  try {
    await client.send(request);
    await client.finish();
    return await client.rest();
  } finally {
    client.close();
  }
}

/** The entries of a plain list as `ip:port`. */
export function entries(list: string): string[] {
  return [...list.matchAll(/\\ip\\([^\\]+)\\port\\([0-9]+)/g)].map(([, ip, port]) =>
    `${ip}:${port}`
  );
}

/** A UDP socket on loopback, such as a game server has. */
export class Udp {
  readonly #socket: Deno.DatagramConn;
  readonly received: {
    readonly text: string;
    readonly bytes: Uint8Array;
    readonly port: number;
  }[] = [];
  readonly port: number;

  /** @param sharing A socket on another address whose port this one takes, too. */
  constructor(hostname = "127.0.0.1", sharing?: Udp) {
    const port = sharing?.port ?? 0;
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname, port });
    this.port = (this.#socket.addr as Deno.NetAddr).port;
    void this.#receive();
  }

  async send(port: number, data: string | Uint8Array, hostname = "127.0.0.1"): Promise<void> {
    const payload = typeof data === "string" ? bytes(data) : data;
    await this.#socket.send(payload, { transport: "udp", hostname, port });
  }

  /** Waits for a datagram beyond those that came before. */
  async next(before = this.received.length): Promise<string> {
    await until("a datagram", () => this.received.length > before);
    return this.received[before]?.text ?? "";
  }

  close(): void {
    this.#socket.close();
  }

  async #receive(): Promise<void> {
    try {
      for await (const [data, from] of this.#socket) {
        const copy = data.slice();
        this.received.push({ text: text(copy), bytes: copy, port: (from as Deno.NetAddr).port });
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

/** Runs with UDP sockets, one on each address, all on one port, that are closed afterwards. */
export async function withUdp(
  hostnames: readonly string[],
  use: (...sockets: Udp[]) => Promise<void>,
): Promise<void> {
  const sockets: Udp[] = [];
  for (const hostname of hostnames) sockets.push(new Udp(hostname, sockets[0]));
  try {
    await use(...sockets);
  } finally {
    for (const socket of sockets) socket.close();
  }
}
