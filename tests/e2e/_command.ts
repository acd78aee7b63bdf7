import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { commandLine, denoDirectory } from "./_daemon.ts";
import { soon, until } from "./_until.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A command of the program that runs beside a daemon. Disposing of it kills it. */
export class CommandProcess {
  readonly #process: Deno.ChildProcess;
  readonly #ended: Promise<number>;
  #running = true;
  /** What it wrote so far. */
  stdout = "";
  stderr = "";

  /** Starts a command with a HOME. */
  constructor(home: string, args: readonly string[]) {
    const [program, ...first] = commandLine();
    this.#process = new Deno.Command(program as string, {
      args: [...first, ...args],
      cwd: ROOT,
      env: { HOME: home, DENO_DIR: denoDirectory(), NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#ended = this.#follow();
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Waits until its output, of both kinds, has a match. */
  said(pattern: RegExp, within?: number): Promise<RegExpExecArray> {
    return until(
      `a line like ${pattern}`,
      () => {
        const match = pattern.exec(this.stdout + this.stderr) ?? undefined;
        if (!match && !this.#running) assert.fail(`it ended:\n${this.stdout}\n${this.stderr}`);
        return match;
      },
      {
        ...(within === undefined ? {} : { within }),
        explain: () => `${this.stdout}\n${this.stderr}`,
      },
    );
  }

  /** Waits for its end; its exit status. */
  ended(within?: number): Promise<number> {
    return soon("the command's end", this.#ended, within);
  }

  /** Tells it to stop and waits until it has. */
  stop(signal: Deno.Signal = "SIGTERM"): Promise<number> {
    if (this.#running) this.#process.kill(signal);
    return this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#running) await this.stop("SIGKILL");
  }

  async #follow(): Promise<number> {
    const read = async (stream: ReadableStream<Uint8Array>, take: (text: string) => void) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
    };
    await Promise.all([
      read(this.#process.stdout, (text) => this.stdout += text),
      read(this.#process.stderr, (text) => this.stderr += text),
    ]);
    const { code } = await this.#process.status;
    this.#running = false;
    return code;
  }
}

/** Runs a command to its end. */
export async function runCommand(
  home: string,
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  await using command = new CommandProcess(home, args);
  const code = await command.ended(20_000);
  return { code, stdout: command.stdout, stderr: command.stderr };
}
