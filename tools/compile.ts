/**
 * Compiles the program to one file: `deno task compile`, which makes `dist/masterserver`.
 *
 * `deno compile` is asked first. It takes its runtime (denort) from the file that DENORT_BIN names,
 * from deno's cache or from the network; where it gets none, the file is built from the deno
 * executable at hand by tools/launcher.c. Both have the permissions of deno.json's `start` task.
 * Arguments go to `deno compile`, such as `--target aarch64-unknown-linux-gnu` or `--output FILE`.
 *
 * @module
 */

import { dirname, resolve } from "node:path";
import { capture, complain, DENO, exists, messageOf, PLAIN_OUTPUT, say } from "./_process.ts";
import { parseStartTask, ROOT } from "./_project.ts";
import { buildSingleFile } from "./_single_file.ts";

/** What to compile. */
export interface CompileOptions {
  /** Folder with the deno.json whose `start` task runs the program; the project's own by default. */
  readonly root?: string;
  /** File to make, replaced at once when all is well; `dist/masterserver` in `root` by default. */
  readonly output?: string;
  /** Arguments for `deno compile`, without `--output`. */
  readonly args?: readonly string[];
  /** File that `deno compile` is to take its runtime from, as from the variable DENORT_BIN. */
  readonly denortBin?: string;
  /** Called with each line that a person should see on the way. */
  readonly tell?: (line: string) => void;
}

/** How a compilation ended. */
export type CompileOutcome =
  | {
    /** `deno-compile`: made by `deno compile`; `single-file`: made by tools/launcher.c. */
    readonly kind: "deno-compile" | "single-file";
    /** The program. */
    readonly path: string;
    /** Its size. */
    readonly bytes: number;
    /** What it printed for `--version`; `undefined` when it is for another kind of machine. */
    readonly version: string | undefined;
  }
  | {
    /** Nothing was made, and what was there before is unchanged. */
    readonly kind: "failed";
    /** What is wrong and what to do. */
    readonly message: string;
  };

/** A program that has not told its version by now hangs; a healthy one takes about 0.1 s. */
const VERSION_TIMEOUT_MS = 30_000;

/**
 * Compiles the program and starts it once, with an empty environment, to see that it runs.
 * Throws on errors of the file system and on a deno.json that `parseStartTask` refuses.
 */
export async function compile(options: CompileOptions = {}): Promise<CompileOutcome> {
  const { root = ROOT, args = [], denortBin, tell = say } = options;
  const output = resolve(options.output ?? `${root}/dist/masterserver`);
  const start = parseStartTask(await Deno.readTextFile(`${root}/deno.json`));
  const target = valueOf(args, "--target") ?? Deno.build.target;
  const native = target === Deno.build.target;
  const directory = dirname(output);
  await Deno.mkdir(directory, { recursive: true });
  // Beside the output, so that putting the result in its place is one rename.
  const work = await Deno.makeTempDir({ dir: directory, prefix: ".compile-" });
  try {
    const made = `${work}/masterserver`;
    const flags = [...start.permissions, ...start.unstable, ...args, "--output", made];
    const finished = await capture(DENO, ["compile", "--frozen", ...flags, start.entry], {
      cwd: root,
      env: { ...PLAIN_OUTPUT, ...(denortBin === undefined ? {} : { DENORT_BIN: denortBin }) },
    });
    if (finished.code === 0) return await finish("deno-compile", made, output, native);
    if (!finished.stderr.includes("denort")) {
      return failed(`deno compile could not compile the program\n${finished.stderr.trimEnd()}`);
    }
    const reason = innermostCause(finished.stderr);
    if (denortBin !== undefined) {
      return failed(
        `deno compile cannot use DENORT_BIN, which is '${denortBin}': ${reason}; ` +
          "name a denort executable of this deno's version there, or unset it",
      );
    }
    if (!native) {
      return failed(
        `deno compile has no runtime (denort) for ${target}: none in deno's cache, and the ` +
          `download failed: ${reason}; put the path of one in DENORT_BIN, or compile on such a ` +
          `machine, for without denort only a program for ${Deno.build.target} can be built here`,
      );
    }
    tell(
      "deno compile has no runtime (denort): DENORT_BIN is not set, deno's cache has none, and " +
        `the download failed: ${reason}.`,
    );
    const unused = args.length === 0 ? "" : ` (without the arguments ${args.join(" ")})`;
    tell(`Building the single file from this deno executable instead${unused}.`);
    const built = await buildSingleFile({ root, start, workDirectory: work, output: made });
    if (built.kind === "failed") return built;
    return await finish("single-file", made, output, native);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

async function finish(
  kind: "deno-compile" | "single-file",
  made: string,
  output: string,
  native: boolean,
): Promise<CompileOutcome> {
  // For Windows deno adds the ending by itself.
  const ending = await exists(`${made}.exe`) ? ".exe" : "";
  const path = output.endsWith(ending) ? output : `${output}${ending}`;
  let version: string | undefined;
  if (native) {
    const started = await tellsVersion(`${made}${ending}`);
    if (started.kind === "failed") return started;
    version = started.version;
  }
  await Deno.rename(`${made}${ending}`, path);
  return { kind, path, bytes: (await Deno.stat(path)).size, version };
}

async function tellsVersion(
  program: string,
): Promise<{ kind: "started"; version: string } | { kind: "failed"; message: string }> {
  try {
    const options = { clearEnv: true, timeout: VERSION_TIMEOUT_MS };
    const finished = await capture(program, ["--version"], options);
    if (finished.code === 0) return { kind: "started", version: finished.stdout.trim() };
    return failed(
      `the compiled program does not start: '--version' ended with status ${finished.code}\n` +
        `${finished.stdout}${finished.stderr}`.trimEnd(),
    );
  } catch (error) {
    return failed(
      `the compiled program cannot be executed: ${messageOf(error)}; ` +
        "is the file system that it is on mounted with noexec?",
    );
  }
}

/** The last of anyhow's numbered causes, which is the one that says what happened. */
function innermostCause(stderr: string): string {
  const report = stderr.split("Stack backtrace:")[0] ?? "";
  const causes = [...report.matchAll(/^ +\d+: (.+)$/gm)].map((match) => match[1]);
  return causes.at(-1) ?? report.trim().split("\n").at(-1) ?? "no reason given";
}

/** The value of the last `NAME VALUE` or `NAME=VALUE` in `args`. */
function valueOf(args: readonly string[], name: string): string | undefined {
  let value: string | undefined;
  args.forEach((arg, index) => {
    if (arg === name) value = args[index + 1];
    else if (arg.startsWith(`${name}=`)) value = arg.slice(name.length + 1);
  });
  return value;
}

/** `args` without every `NAME VALUE` and `NAME=VALUE` of `names`. */
function without(args: readonly string[], names: readonly string[]): string[] {
  return args.filter((arg, index) =>
    !names.some((name) => arg === name || arg.startsWith(`${name}=`) || args[index - 1] === name)
  );
}

function failed(message: string): { kind: "failed"; message: string } {
  return { kind: "failed", message };
}

async function main(): Promise<number> {
  const output = valueOf(Deno.args, "--output") ?? valueOf(Deno.args, "-o");
  const denortBin = Deno.env.get("DENORT_BIN");
  const outcome = await compile({
    args: without(Deno.args, ["--output", "-o"]),
    ...(output === undefined ? {} : { output }),
    ...(denortBin === undefined ? {} : { denortBin }),
  });
  if (outcome.kind === "failed") {
    complain(`compile: ${outcome.message}`);
    return 1;
  }
  const made = outcome.kind === "deno-compile"
    ? "made by deno compile"
    : "single file: launcher, deno and the bundled program";
  const version = outcome.version === undefined ? "not started here" : outcome.version;
  say(`${outcome.path}: ${(outcome.bytes / 1e6).toFixed(1)} MB, ${made}, version ${version}`);
  return 0;
}

if (import.meta.main) Deno.exit(await main());
