import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { isDeepStrictEqual } from "node:util";
import { soon, until } from "./_until.ts";

/** Between which addresses a connection goes. */
export interface Route {
  /** Address of this machine to come from. */
  readonly from?: string;
  /** Address to go to. */
  readonly to?: string;
}

const FINAL = "\\final\\";

/** A TCP connection that speaks the old-style text protocol. */
export class TextConnection {
  readonly #socket: Socket;
  readonly #ended = Promise.withResolvers<void>();
  #received = "";
  #waiting: (() => void) | undefined;
  /** Whether the other side has closed the connection, or it broke. */
  closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.setNoDelay(true);
    socket.on("data", (text: string) => {
      this.#received += text;
      this.#waiting?.();
    });
    // A reset and an orderly end are the same to whoever waits for an answer.
    socket.on("error", () => this.#end());
    socket.on("end", () => this.#end());
    socket.on("close", () => this.#end());
  }

  /** Opens a connection to a port. */
  static async open(port: number, { from, to = "127.0.0.1" }: Route = {}): Promise<TextConnection> {
    const socket = connect({
      host: to,
      port,
      ...(from === undefined ? {} : { localAddress: from }),
    });
    const connected = Promise.withResolvers<void>();
    socket.once("connect", connected.resolve);
    socket.once("error", connected.reject);
    try {
      await soon(`a connection to ${to} port ${port}`, connected.promise);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    socket.off("error", connected.reject);
    return new TextConnection(socket);
  }

  send(text: string): void {
    this.#socket.write(text, "latin1");
  }

  /** Waits for the next answer, `\final\` included. */
  async answer(within?: number): Promise<string> {
    const next = async (): Promise<string> => {
      for (;;) {
        const end = this.#received.indexOf(FINAL);
        if (end >= 0) {
          const answer = this.#received.slice(0, end + FINAL.length);
          this.#received = this.#received.slice(answer.length);
          return answer;
        }
        assert.ok(!this.closed, `the connection closed after "${this.#received}"`);
        await new Promise<void>((resolve) => this.#waiting = resolve);
      }
    };
    return await soon("an answer", next(), within);
  }

  /** Waits until the other side closes; gives what came and was not taken. */
  async rest(within?: number): Promise<string> {
    await soon("the end of the connection", this.#ended.promise, within);
    return this.#received;
  }

  /** Closes it and waits until it is closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.closed) return;
    const closed = new Promise<void>((resolve) => this.#socket.once("close", () => resolve()));
    this.#socket.destroy();
    await closed;
  }

  #end(): void {
    this.closed = true;
    this.#ended.resolve();
    this.#waiting?.();
  }
}

/** Sends one message and gives its answer. */
export async function ask(port: number, message: string, route: Route = {}): Promise<string> {
  await using connection = await TextConnection.open(port, route);
  connection.send(message);
  return await connection.answer();
}

/** `\heartbeat\` of a game server, with further key/value pairs as they are. */
export function heartbeat(port: number, gamename = "netpanzer", more = ""): string {
  return `\\heartbeat\\gamename\\${gamename}\\port\\${port}\\protocol\\1122${more}\\final\\`;
}

/** `\heartbeat\` of a master. */
export function masterHeartbeat(port: number, password: string | undefined): string {
  const secret = password === undefined ? "" : `\\password\\${password}`;
  return `\\heartbeat\\port\\${port}\\gamename\\master${secret}\\final\\`;
}

/** The `ip:port` of each entry of a list, in its order. */
export function entries(list: string): string[] {
  const match = /^((?:\\ip\\[^\\]+\\port\\[0-9]+)*)\\final\\$/.exec(list);
  assert.ok(match, `no list: ${list}`);
  return [...(match[1] ?? "").matchAll(/\\ip\\([^\\]+)\\port\\([0-9]+)/g)]
    .map(([, ip, port]) => `${ip}:${port}`);
}

/** Filters of the lists that tests ask for most. */
export const GAMES = "gamename\\netpanzer";
export const MASTERS = "gamename\\master";

/** Asks for a list and gives the `ip:port` of each entry. */
export async function listed(port: number, filter = GAMES, route: Route = {}): Promise<string[]> {
  return entries(await ask(port, `\\list\\${filter}\\final\\`, route));
}

/** Waits for a list with these entries: what is in the log already reaches a ring in a moment. */
export async function untilListed(
  port: number,
  expected: readonly string[],
  filter = GAMES,
  route: Route = {},
): Promise<void> {
  let seen: string[] = [];
  await until(`the list [${expected}]`, async () => {
    seen = await listed(port, filter, route);
    return isDeepStrictEqual(seen, expected);
  }, { explain: () => `but [${seen}]` });
}

/** A datagram that a {@link FakeServer} got. */
export interface Received {
  readonly text: string;
  readonly from: Deno.NetAddr;
}

/** What a {@link FakeServer} is and does. */
export interface FakeServerOptions {
  readonly ip?: string;
  readonly port?: number;
  /** Whether it answers `\echo\TOKEN`, as a game server does. */
  readonly echo?: boolean;
  /** Its answer to `\status\`; none unless given. */
  readonly status?: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The UDP side of a game server, as honest as a test wants it. */
export class FakeServer {
  readonly #socket: Deno.DatagramConn;
  readonly #running: Promise<void>;
  readonly received: Received[] = [];
  readonly ip: string;
  readonly port: number;

  constructor(private readonly options: FakeServerOptions = {}) {
    const { ip = "127.0.0.1", port = 0 } = options;
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname: ip, port });
    this.ip = ip;
    this.port = (this.#socket.addr as Deno.NetAddr).port;
    this.#running = this.#run();
  }

  /** `ip:port`, by which the master names it. */
  get id(): string {
    return `${this.ip}:${this.port}`;
  }

  /** Tokens of the challenges that came. */
  get tokens(): string[] {
    return this.received.map(({ text }) => /^\\echo\\(.+)$/.exec(text)?.[1])
      .filter((token) => token !== undefined);
  }

  /** Sends a datagram to a port of this machine. */
  async send(data: string | Uint8Array, port: number): Promise<void> {
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    await this.#socket.send(bytes, { transport: "udp", hostname: "127.0.0.1", port });
  }

  /** Registers at a master from this server's address; gives the answer. */
  register(masterPort: number, message: string = heartbeat(this.port)): Promise<string> {
    return ask(masterPort, message, { from: this.ip });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    for await (const [bytes, address] of this.#socket) {
      const from = address as Deno.NetAddr;
      const text = decoder.decode(bytes);
      this.received.push({ text, from });
      if (text.startsWith("\\echo\\") && (this.options.echo ?? true)) {
        await this.#socket.send(bytes.subarray("\\echo\\".length), from);
      }
      if (text === "\\status\\final\\" && this.options.status) {
        await this.#socket.send(this.options.status, from);
      }
    }
  }
}
