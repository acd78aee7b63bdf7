/**
 * Running other programs, and speaking to the person who runs these tools.
 *
 * @module
 */

/** What a program left behind. */
export interface Finished {
  /** Its exit status; 128 + N when signal N ended it. */
  readonly code: number;
  /** Everything it wrote to its standard output. */
  readonly stdout: string;
  /** Everything it wrote to its standard error. */
  readonly stderr: string;
}

/** How to run a program. */
export interface RunOptions {
  /** Its working directory; this process's own unless given. */
  readonly cwd?: string;
  /** Variables added to its environment. */
  readonly env?: Record<string, string>;
  /** `true` keeps this process's own environment from it. */
  readonly clearEnv?: boolean;
  /** Milliseconds after which it is killed; no limit unless given. */
  readonly timeout?: number;
}

/** The deno that runs this, so that a tool needs none on PATH. */
export const DENO: string = Deno.execPath();

/** Makes deno's own messages plain: no colours, no backtrace of its internals. */
export const PLAIN_OUTPUT: Readonly<Record<string, string>> = {
  NO_COLOR: "1",
  FORCE_COLOR: "0",
  RUST_BACKTRACE: "0",
};

/** Writes `line` and a line end to standard output. */
export function say(line: string): void {
  writeAll(Deno.stdout, line);
}

/** Writes `line` and a line end to standard error. */
export function complain(line: string): void {
  writeAll(Deno.stderr, line);
}

/**
 * Runs a program without input, to its end, and collects its output.
 * Throws `Deno.errors.NotFound` when there is no such program.
 */
export async function capture(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const output = await command(program, args, options, "piped").output();
  const decoder = new TextDecoder();
  return {
    code: output.code,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
  };
}

/**
 * Runs a program without input, to its end, with its output on this process's own.
 * Resolves to its exit status. Throws `Deno.errors.NotFound` when there is no such program.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<number> {
  return (await command(program, args, options, "inherit").spawn().status).code;
}

/** `path` exists. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Why something failed, for a person: an error's message, or the thing itself. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function command(
  program: string,
  args: readonly string[],
  options: RunOptions,
  output: "piped" | "inherit",
): Deno.Command {
  const { timeout, ...rest } = options;
  return new Deno.Command(program, {
    ...rest,
    args: [...args],
    stdin: "null",
    stdout: output,
    stderr: output,
    ...(timeout === undefined ? {} : { signal: AbortSignal.timeout(timeout) }),
  });
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, line: string): void {
  let bytes = new TextEncoder().encode(`${line}\n`);
  while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
}
