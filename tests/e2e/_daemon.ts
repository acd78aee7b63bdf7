import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { soon, SOON_MS, until } from "./_until.ts";

/** A line of the daemon's JSON log. */
export interface LogLine {
  readonly "@timestamp": string;
  readonly level: string;
  readonly message: string;
  readonly logger: string;
  readonly [field: string]: unknown;
}

/** What a daemon is started with. */
export interface DaemonOptions {
  /** HOME of an earlier one; a new temporary folder unless given. */
  readonly home?: string;
  /** Settings for the command line, by `section.key`, over those of {@link BASE}; some repeat. */
  readonly set?: Readonly<Record<string, string | number | readonly string[]>>;
  /** Text of master.ini; then nothing of {@link BASE} is set on the command line. */
  readonly config?: string;
  /** Limit on open files, soft and hard. */
  readonly openFiles?: number;
  /** A file that this process finds empty, in a mount namespace of its own. */
  readonly hide?: string;
  /** A command that becomes the daemon, whose own is put behind it. */
  readonly inside?: readonly string[];
  /** Further variables of its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What a process did until its end. */
export interface Ended {
  readonly code: number;
  readonly stderr: string;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LOG_NAME = "masterserver.log";
const CONFIG_DIRECTORY = ".netpanzer/config";

/** Milliseconds a start may take. */
const START_MS = 15_000;

/** Any free ports for the rings under test, the others off, and a log that tells everything. */
const BASE: Readonly<Record<string, string | number>> = {
  "network.osport": 0,
  "network.ocport": 0,
  "network.mmport": "off",
  "network.smport": "off",
  "network.cmport": "off",
  "console.port": "off",
  "system.logfile": `$HOME/${LOG_NAME}`,
  "system.loglevel": "debug",
};

/** {@link BASE} as lines of master.ini, for tests that change the file. */
export function configText(settings: Readonly<Record<string, string | number>> = {}): string {
  const sections = Map.groupBy(
    Object.entries({ ...BASE, ...settings }),
    ([name]) => name.slice(0, name.indexOf(".")),
  );
  return [...sections].map(([section, keys]) =>
    [
      `[${section}]`,
      ...keys.map(([name, value]) => `${name.slice(section.length + 1)} = ${value};`),
    ]
      .join("\n")
  ).join("\n") + "\n";
}

/** The program and its first arguments: a compiled one when MASTERSERVER_BINARY names it. */
export function commandLine(): string[] {
  const binary = Deno.env.get("MASTERSERVER_BINARY");
  if (binary !== undefined && binary !== "") return [binary];
  const task: string = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`)).tasks.start;
  const [program, ...rest] = task.split(" ");
  assert.equal(program, "deno", "the start task of deno.json runs deno");
  return [Deno.execPath(), ...rest];
}

/** Where deno keeps packages, which does not move with HOME. */
export function denoDirectory(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  return Deno.env.get("DENO_DIR") ?? `${cache}/deno`;
}

/** One running daemon. Disposing of it kills it and removes its HOME. */
export class DaemonProcess {
  readonly home: string;
  readonly logFile: string;
  readonly #ownsHome: boolean;
  readonly #process: Deno.ChildProcess;
  readonly #ended: Promise<Ended>;
  #stderr = "";
  #running = true;

  private constructor(home: string, ownsHome: boolean, process: Deno.ChildProcess) {
    this.home = home;
    this.logFile = `${home}/${LOG_NAME}`;
    this.#ownsHome = ownsHome;
    this.#process = process;
    this.#ended = this.#follow();
  }

  /** Starts a daemon without waiting for anything. */
  static spawn(options: DaemonOptions = {}): DaemonProcess {
    const home = options.home ?? Deno.makeTempDirSync({ prefix: "masterserver-e2e-" });
    setAsideLog(`${home}/${LOG_NAME}`);
    const set = { ...(options.config === undefined ? BASE : {}), ...options.set };
    if (options.config !== undefined) writeConfig(home, options.config);
    const limit = options.openFiles === undefined
      ? []
      : ["sh", "-c", `ulimit -n ${options.openFiles} && exec "$@"`, "sh"];
    const hidden = options.hide === undefined
      ? []
      : ["unshare", "-m", "sh", "-c", 'mount --bind /dev/null "$0" && exec "$@"', options.hide];
    const [program, ...args] = [
      ...(options.inside ?? []),
      ...hidden,
      ...limit,
      ...commandLine(),
      ...Object.entries(set).flatMap(([name, value]) =>
        [value].flat().flatMap((each) => ["--set", `${name}=${each}`])
      ),
    ];
    const process = new Deno.Command(program as string, {
      args,
      cwd: ROOT,
      env: { HOME: home, DENO_DIR: denoDirectory(), NO_COLOR: "1", ...options.env },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    return new DaemonProcess(home, options.home === undefined, process);
  }

  /** Starts a daemon and waits until it serves. */
  static async start(options: DaemonOptions = {}): Promise<DaemonProcess> {
    const daemon = DaemonProcess.spawn(options);
    try {
      await daemon.logged("masterserver is ready", { within: START_MS });
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
    return daemon;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** What it wrote to its terminal so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** All complete lines of the log since the start; each has to be JSON. */
  log(file: string = this.logFile): LogLine[] {
    return this.rawLog(file).split("\n").slice(0, -1).map((line) => {
      try {
        return JSON.parse(line);
      } catch (cause) {
        throw new Error(`a line of the log is no JSON: ${line}`, { cause });
      }
    });
  }

  /** The log as it is in the file. */
  rawLog(file: string = this.logFile): string {
    try {
      return Deno.readTextFileSync(file);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    }
  }

  /** Lines with this message, and these fields. */
  lines(message: string, fields: Readonly<Record<string, unknown>> = {}): LogLine[] {
    return this.log().filter((line) =>
      line.message === message &&
      Object.entries(fields).every(([name, value]) => line[name] === value)
    );
  }

  /** Waits for a line with this message and these fields; gives the first. */
  logged(
    message: string,
    options: { within?: number; fields?: Readonly<Record<string, unknown>> } = {},
  ): Promise<LogLine> {
    const { within = SOON_MS, fields = {} } = options;
    return until(`the log line "${message}" ${JSON.stringify(fields)}`, () => {
      const [line] = this.lines(message, fields);
      // A look at a process that is gone is the last one, not the first of many.
      if (!line && !this.#running) assert.fail(`the daemon ended\n${this.#output()}`);
      return line;
    }, { within, explain: () => this.#output() });
  }

  /** The port that a ring listens on, by the beginning of its name. */
  port(ring: "ring 1" | "ring 1 bis" | "ring 2" | "ring 2 bis"): number {
    const line = this.log().find(({ message }) =>
      message.startsWith(`${ring} (`) && message.endsWith("listens")
    );
    assert.equal(typeof line?.["port"], "number", `no port of ${ring}\n${this.#output()}`);
    return line?.["port"] as number;
  }

  /** Writes master.ini anew. */
  configure(text: string): void {
    writeConfig(this.home, text);
  }

  signal(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Waits for its end. */
  ended(within?: number): Promise<Ended> {
    return soon("the daemon's end", this.#ended, within);
  }

  /** Tells it to stop and waits until it has. */
  stop(signal: Deno.Signal = "SIGTERM"): Promise<Ended> {
    this.signal(signal);
    return this.ended();
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    await this.stop("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#running) await this.kill();
    if (this.#ownsHome) await Deno.remove(this.home, { recursive: true });
  }

  async #follow(): Promise<Ended> {
    for await (const text of this.#process.stderr.pipeThrough(new TextDecoderStream())) {
      this.#stderr += text;
    }
    const { code } = await this.#process.status;
    this.#running = false;
    return { code, stderr: this.#stderr };
  }

  #output(): string {
    return `${this.rawLog().slice(-4000)}\n${this.#stderr.slice(-4000)}`;
  }
}

function writeConfig(home: string, text: string): void {
  Deno.mkdirSync(`${home}/${CONFIG_DIRECTORY}`, { recursive: true });
  Deno.writeTextFileSync(`${home}/${CONFIG_DIRECTORY}/master.ini`, text);
}

/** A daemon's log starts empty; that of one before it in the same HOME is kept beside it. */
function setAsideLog(path: string): void {
  try {
    Deno.renameSync(path, `${path}.${Date.now()}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

let lastPort = 20_000 + Math.floor(Math.random() * 8_000);

/** A port for TCP and UDP that is free now, below those the system hands out by itself. */
export function freePort(): number {
  for (;;) {
    const port = ++lastPort;
    try {
      const udp = Deno.listenDatagram({ transport: "udp", hostname: "::", port });
      try {
        Deno.listen({ hostname: "::", port }).close();
      } finally {
        udp.close();
      }
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
