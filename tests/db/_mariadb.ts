import type { DatabaseSettings } from "../../threads/mod.ts";
import { freePort } from "../e2e/_daemon.ts";
import { until } from "../e2e/_until.ts";

/** Debian's server and its tools. */
const SERVER = "/usr/sbin/mariadbd";
const INSTALL = "/usr/bin/mariadb-install-db";
const CLIENT = "/usr/bin/mariadb";

/** User that the tests' databases belong to, as the sample configuration has it. */
const USER = "npv2";
const PASSWORD = "npv2 secret";

/** Milliseconds a start may take. */
const START_MS = 60_000;

/** Whether a private server can be started here. */
export function hasMariadb(): boolean {
  try {
    return Deno.statSync(SERVER).isFile && Deno.uid() === 0;
  } catch {
    return false;
  }
}

/** Whether servers can be made a cluster here. */
export function hasGalera(): boolean {
  try {
    return Deno.statSync("/usr/lib/galera/libgalera_smm.so").isFile &&
      Deno.statSync("/usr/bin/rsync").isFile;
  } catch {
    return false;
  }
}

async function run(command: string, args: string[], input = ""): Promise<string> {
  const child = new Deno.Command(command, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(`${command}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

let shared: Promise<Mariadb> | undefined;
let started: Mariadb | undefined;

/** The server that all tests of one file share; it ends with them. */
export function sharedServer(): Promise<Mariadb> {
  shared ??= Mariadb.start().then((server) => started = server);
  return shared;
}

addEventListener("unload", () => started?.removeNow());

/** A MariaDB server of the tests' own: private directory, socket and port. */
export class Mariadb {
  readonly port: number;
  readonly #directory: string;
  readonly #options: readonly string[];
  #process: Deno.ChildProcess | undefined;

  private constructor(directory: string, port: number, options: readonly string[]) {
    this.#directory = directory;
    this.port = port;
    this.#options = options;
  }

  /** Makes a data directory and starts a server on it. */
  static async start(options: readonly string[] = [], dataDirectory?: string): Promise<Mariadb> {
    const server = await Mariadb.#prepare(options, dataDirectory);
    await server.restart();
    await server.sql(
      `CREATE USER '${USER}'@'127.0.0.1' IDENTIFIED BY '${PASSWORD}';
       GRANT ALL ON \`np%\`.* TO '${USER}'@'127.0.0.1';`,
    );
    return server;
  }

  /** Starts a further node of a cluster, which brings the users along. */
  static async join(options: readonly string[]): Promise<Mariadb> {
    const server = await Mariadb.#prepare(options);
    await server.restart();
    return server;
  }

  static async #prepare(options: readonly string[], dataDirectory?: string): Promise<Mariadb> {
    const directory = dataDirectory ?? await Deno.makeTempDir({ prefix: "mariadb-" });
    await Deno.mkdir(directory, { recursive: true });
    await run("/bin/chown", ["mysql", directory]);
    await run("/bin/chmod", ["755", directory]);
    await run(INSTALL, [
      "--no-defaults",
      `--datadir=${directory}/data`,
      "--user=mysql",
      "--auth-root-authentication-method=normal",
      "--skip-test-db",
    ]);
    return new Mariadb(directory, freePort(), options);
  }

  /** Starts the server on its data, and waits until it answers. */
  async restart(): Promise<void> {
    this.#process = new Deno.Command(SERVER, {
      args: [
        "--no-defaults",
        `--datadir=${this.#directory}/data`,
        "--user=mysql",
        `--socket=${this.#socket}`,
        `--port=${this.port}`,
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        `--pid-file=${this.#directory}/pid`,
        `--log-error=${this.#directory}/log`,
        ...this.#options,
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const process = this.#process;
    void process.status.then(() => {
      if (this.#process === process) this.#process = undefined;
    });
    await until("the database server's answer", () => this.#answers(), { within: START_MS });
  }

  /** Runs statements as root. */
  sql(statements: string, database = "mysql"): Promise<string> {
    return run(
      CLIENT,
      ["--no-defaults", "-S", this.#socket, "-u", "root", "-N", database],
      statements,
    );
  }

  /** Makes an empty database, and says how to reach it. */
  async database(name: string): Promise<DatabaseSettings & { readonly type: "mysql" }> {
    await this.sql(
      `DROP DATABASE IF EXISTS ${name}; CREATE DATABASE ${name} CHARACTER SET utf8mb4`,
    );
    return {
      type: "mysql",
      nodes: [{ host: "127.0.0.1", port: this.port }],
      user: USER,
      password: PASSWORD,
      database: name,
    };
  }

  /** Starts the server again if it has given up, as it does when its disk is full. */
  async revive(): Promise<void> {
    if (this.#process === undefined) await this.restart();
  }

  /** Sends the server a signal. */
  signal(signal: Deno.Signal): void {
    this.#process?.kill(signal);
  }

  /** Kills the server, as a power cut would. */
  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    process?.kill("SIGKILL");
    await process?.status;
  }

  /** Kills the server and removes its data. */
  async remove(): Promise<void> {
    await this.kill();
    await Deno.remove(this.#directory, { recursive: true }).catch(() => {});
  }

  /** The same in no time, for when the test process ends. */
  removeNow(): void {
    this.#process?.kill("SIGKILL");
    new Deno.Command("/bin/rm", { args: ["-rf", this.#directory] }).outputSync();
  }

  async #answers(): Promise<boolean> {
    try {
      await this.sql("SELECT 1");
      return true;
    } catch {
      return false;
    }
  }

  get #socket(): string {
    return `${this.#directory}/socket`;
  }
}
