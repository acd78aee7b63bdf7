/** A request that an {@link OldMaster} got. */
export interface OldRequest {
  /** Its bytes as they came. */
  readonly text: string;
  /** Address that it came from. */
  readonly ip: string;
  /** When it came, in milliseconds of the clock that never goes back. */
  readonly at: number;
}

/** What an {@link OldMaster} is and does. */
export interface OldMasterOptions {
  readonly ip?: string;
  readonly port?: number;
  /** Secret that masters have to show. */
  readonly password?: string;
  /** `ip:port` of its game servers. */
  readonly servers?: readonly string[];
  /** `ip:port` of further masters that it lists. */
  readonly masters?: readonly string[];
  /** Answers in its place; undefined leaves it to the master, "" closes without an answer. */
  readonly answer?: (request: string) => string | Uint8Array | undefined;
  /** Whether it takes requests and never answers. */
  readonly isSilent?: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const FINAL = "\\final\\";

function valuesOf(request: string): Map<string, string> {
  const tokens = request.split("\\").filter((token) => token !== "");
  const values = new Map<string, string>();
  for (let i = 1; i + 1 < tokens.length; i += 2) {
    values.set(tokens[i] as string, tokens[i + 1] as string);
  }
  return values;
}

/** A master as they were before this program: it takes one request a connection. */
export class OldMaster {
  readonly #listener: Deno.TcpListener;
  readonly #options: OldMasterOptions;
  readonly #running: Promise<void>;
  readonly #open = new Set<Deno.TcpConn>();
  readonly received: OldRequest[] = [];
  /** `ip:port` of masters that have proved themselves and not quit. */
  readonly registered = new Set<string>();
  servers: string[];
  masters: string[];
  password: string;
  readonly ip: string;
  readonly port: number;

  constructor(options: OldMasterOptions = {}) {
    const { ip = "127.0.0.1", port = 0 } = options;
    this.#options = options;
    this.#listener = Deno.listen({ hostname: ip, port });
    this.ip = ip;
    this.port = this.#listener.addr.port;
    this.servers = [...options.servers ?? []];
    this.masters = [...options.masters ?? []];
    this.password = options.password ?? "xxx";
    this.#running = this.#run();
  }

  /** `ip:port`, as it stands in master.ini. */
  get id(): string {
    return `${this.ip}:${this.port}`;
  }

  /** Its requests of one kind, as they came. */
  requests(command: string): string[] {
    return this.received.map(({ text }) => text).filter((text) =>
      text.startsWith(`\\${command}\\`)
    );
  }

  /** Takes no connections any more and ends those there are. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) closeQuietly(connection);
    await this.#running;
  }

  async #run(): Promise<void> {
    const served: Promise<void>[] = [];
    try {
      for await (const connection of this.#listener) served.push(this.#serve(connection));
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await Promise.all(served);
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    this.#open.add(connection);
    try {
      const ip = connection.remoteAddr.hostname;
      const text = await readRequest(connection);
      if (text === "") return;
      this.received.push({ text, ip, at: performance.now() });
      // Until the other side, or the end of the test, closes it.
      if (this.#options.isSilent) await connection.read(new Uint8Array(1));
      else await write(connection, this.#options.answer?.(text) ?? this.#answer(text, ip));
    } catch {
      // The other side had enough, or the test is over.
    } finally {
      this.#open.delete(connection);
      closeQuietly(connection);
    }
  }

  #answer(request: string, ip: string): string {
    const values = valuesOf(request);
    const sender = `${ip}:${values.get("port")}`;
    switch (request.split("\\")[1]) {
      case "heartbeat":
        if (values.get("gamename") === "master") {
          const wrong = values.get("password") !== this.password;
          if (wrong) return `\\error\\wrong password for master update${FINAL}`;
          this.registered.add(sender);
        }
        return FINAL;
      case "quit":
        return this.registered.delete(sender) ? FINAL : `\\error\\no server known${FINAL}`;
      case "list":
        return this.#list(values.get("gamename")) + FINAL;
      default:
        return `\\error\\unknown request${FINAL}`;
    }
  }

  #list(gamename: string | undefined): string {
    const entries = gamename === "master"
      ? [...this.registered, ...this.masters, this.id]
      : gamename === "netpanzer"
      ? this.servers
      : [];
    return entries.map((entry) => {
      const colon = entry.lastIndexOf(":");
      return `\\ip\\${entry.slice(0, colon)}\\port\\${entry.slice(colon + 1)}`;
    }).join("");
  }
}

async function readRequest(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(4096);
  let text = "";
  while (!text.endsWith(FINAL)) {
    const count = await connection.read(buffer);
    if (count === null) break;
    text += decoder.decode(buffer.subarray(0, count));
  }
  return text;
}

async function write(connection: Deno.TcpConn, answer: string | Uint8Array): Promise<void> {
  const data = typeof answer === "string" ? encoder.encode(answer) : answer;
  for (let sent = 0; sent < data.length;) sent += await connection.write(data.subarray(sent));
}

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // Closed before.
  }
}
