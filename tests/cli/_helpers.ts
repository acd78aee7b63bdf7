import metadata from "../../deno.json" with { type: "json" };
import { text, until, withTempDir } from "../_helpers.ts";

const ENTRY = new URL("../../mod.ts", import.meta.url).pathname;

/** Where libgcrypt may be loaded from, as for whoever runs the start task. */
const ALLOW_FFI = metadata.tasks.start.split(" ").filter((word) => word.startsWith("--allow-ffi="));

/** What the program may do when it is run as its users run it. */
const PERMISSIONS = [
  // What deno says while it fetches packages is not the program's.
  "--quiet",
  "--no-prompt",
  "--frozen",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-sys=hostname",
  "--allow-env=HOME,NO_COLOR",
  ...ALLOW_FFI,
];

/** A run of the program that has ended. */
export interface Finished {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A run of the program that goes on. Disposing of it kills it. */
export class Running implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  out = "";
  err = "";

  constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.#reading = Promise.all([
      this.#read(process.stdout, (more) => this.out += more),
      this.#read(process.stderr, (more) => this.err += more),
    ]);
  }

  /** Waits until its output shows something. */
  async shows(pattern: RegExp, stream: "out" | "err" = "err"): Promise<RegExpExecArray> {
    const match = () => pattern.exec(this[stream]);
    try {
      await until(String(pattern), () => match() !== null);
    } catch (error) {
      throw new Error(`${this.out}\n---\n${this.err}`, { cause: error });
    }
    return match() as RegExpExecArray;
  }

  /** Sends it a signal. */
  signal(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Ends it by a signal. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<Finished> {
    this.signal(signal);
    return await this.finished();
  }

  /** Waits until it has ended. */
  async finished(): Promise<Finished> {
    const { code } = await this.#process.status;
    await this.#reading;
    return { code, out: this.out, err: this.err };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.finished();
  }

  async #read(stream: ReadableStream<Uint8Array>, take: (more: string) => void): Promise<void> {
    for await (const more of stream.pipeThrough(new TextDecoderStream())) take(more);
  }
}

/** A place to run the program in, with a home of its own. */
export interface Place {
  readonly directory: string;
  readonly home: string;
  run(...args: string[]): Promise<Finished>;
  /** Runs the program without waiting for its end. */
  start(...args: string[]): Running;
  /** Writes a file; its path. */
  write(name: string, content: string): string;
}

let cache: string | undefined;

/** Where packages are kept, which depends on HOME and so must be said when HOME is another. */
async function cacheDirectory(): Promise<string> {
  if (cache !== undefined) return cache;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
    env: { NO_COLOR: "1" },
  }).output();
  return cache = String(JSON.parse(text(stdout)).denoDir);
}

export async function withPlace(use: (place: Place) => Promise<void>): Promise<void> {
  const denoDir = await cacheDirectory();
  await withTempDir(async (directory) => {
    const home = `${directory}/home`;
    Deno.mkdirSync(home);
    const command = (args: string[], options: Deno.CommandOptions = {}): Deno.Command =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", ...PERMISSIONS, ENTRY, ...args],
        cwd: directory,
        env: { HOME: home, DENO_DIR: denoDir, NO_COLOR: "1" },
        ...options,
      });
    await use({
      directory,
      home,
      run: async (...args) => {
        const { code, stdout, stderr } = await command(args).output();
        return { code, out: text(stdout), err: text(stderr) };
      },
      start: (...args) =>
        new Running(command(args, { stdin: "null", stdout: "piped", stderr: "piped" }).spawn()),
      write: (name, content) => {
        Deno.writeTextFileSync(`${directory}/${name}`, content);
        return `${directory}/${name}`;
      },
    });
  });
}
