/**
 * Builds the program as one file out of tools/launcher.c, the deno executable that runs this, the
 * bundled source, and the assets that the source imports lazily: the way that needs nothing from
 * the network but the bundler, which comes with the npm packages.
 *
 * @module
 */

import { type Asset, findAssets, readAsset, redirectAssets } from "./_assets.ts";
import { capture, DENO, PLAIN_OUTPUT } from "./_process.ts";
import { ROOT, type StartTask } from "./_project.ts";

/** What to build, and where. */
export interface SingleFileOptions {
  /** The project's top folder. */
  readonly root: string;
  /** How deno.json runs the program. */
  readonly start: StartTask;
  /** An empty directory for intermediate files. */
  readonly workDirectory: string;
  /** The file to write; it must not exist. */
  readonly output: string;
}

/** The launcher, or a reason in words why there is none. */
type BuildStep = { readonly kind: "built" } | { readonly kind: "failed"; readonly message: string };

/** tools/launcher.c maps the runtime from here; no architecture of deno has larger pages. */
const RUNTIME_ALIGNMENT = 64 * 1024;
/** tools/launcher.c knows its file by this; a change of layout changes the number. */
const MAGIC = "NPMSTR02";
/** tools/launcher.c has room for the lengths of so many files: the program and its assets. */
const MAX_FILES = 64;
/** Lengths of the files, their number, offset and length of the runtime, length of the flags. */
const FOOTER_BYTES = (MAX_FILES + 4) * 8 + MAGIC.length;
/** tools/launcher.c gives the program this descriptor, and its assets the next ones. */
const FIRST_DESCRIPTOR = 128;
const PROGRAM_PATH = `/proc/self/fd/${FIRST_DESCRIPTOR}`;

/**
 * Nothing outside the file has a say in how the program runs: no configuration, lock file, module
 * from the network or cache. The code cache would be a file in a directory that does not exist.
 */
const RUN_FLAGS = [
  "--quiet",
  "--no-config",
  "--no-lock",
  "--no-remote",
  "--no-npm",
  "--cached-only",
  "--no-check",
  "--no-code-cache",
  "--ext=js",
];

/**
 * Builds the single file. A reason that a person can do something about comes back as `failed`;
 * errors of the file system are thrown.
 */
export async function buildSingleFile(options: SingleFileOptions): Promise<BuildStep> {
  if (Deno.build.os !== "linux") {
    return failed(`the single-file program runs on Linux only, and this is ${Deno.build.os}`);
  }
  const launcher = `${options.workDirectory}/launcher`;
  const program = `${options.workDirectory}/program.js`;
  const compiled = await compileLauncher(launcher);
  if (compiled.kind === "failed") return compiled;
  const assets = await findAssets(options.root, options.start.entry);
  if (assets.length >= MAX_FILES) {
    return failed(
      `the program imports ${assets.length} assets and can carry ${MAX_FILES - 1}; ` +
        "put several into one file, or raise MAX_FILES here and in tools/launcher.c",
    );
  }
  const bundled = await bundle(options, assets, program);
  if (bundled.kind === "failed") return bundled;
  const { permissions, unstable } = options.start;
  const flags = ["masterserver", "run", ...RUN_FLAGS, ...unstable, ...permissions, PROGRAM_PATH];
  await assemble(options.output, launcher, program, assets, flags);
  return { kind: "built" };
}

async function compileLauncher(output: string): Promise<BuildStep> {
  const source = `${ROOT}/tools/launcher.c`;
  const args = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-static-pie", "-s", "-o", output, source];
  try {
    const finished = await capture("cc", args);
    if (finished.code === 0) return { kind: "built" };
    return failed(
      `cc could not compile ${source}; install the packages gcc and libc6-dev if it is for want ` +
        `of a header or a library\n${finished.stderr.trimEnd()}`,
    );
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return failed("there is no C compiler (cc); install the packages gcc and libc6-dev");
  }
}

async function bundle(
  options: SingleFileOptions,
  assets: readonly Asset[],
  output: string,
): Promise<BuildStep> {
  const args = ["bundle", "--quiet", "--frozen", "--platform", "deno", "--output", output];
  for (const asset of assets) args.push(`--external=${asset.external}`);
  const finished = await capture(DENO, [...args, options.start.entry], {
    cwd: options.root,
    env: PLAIN_OUTPUT,
  });
  if (finished.code !== 0) {
    return failed(
      `deno bundle could not bundle ${options.start.entry}\n${finished.stderr.trimEnd()}`,
    );
  }
  const redirected = redirectAssets(
    await Deno.readTextFile(output),
    assets,
    (index) => `file:///proc/self/fd/${FIRST_DESCRIPTOR + 1 + index}`,
  );
  if (redirected.kind === "failed") return redirected;
  await Deno.writeTextFile(output, redirected.bundle);
  return { kind: "built" };
}

async function assemble(
  output: string,
  launcher: string,
  program: string,
  assets: readonly Asset[],
  flags: readonly string[],
): Promise<void> {
  const encoder = new TextEncoder();
  const file = await Deno.open(output, { createNew: true, write: true, mode: 0o755 });
  const writer = file.writable.getWriter();
  try {
    const launcherLength = await append(writer, launcher);
    const runtimeOffset = Math.ceil(launcherLength / RUNTIME_ALIGNMENT) * RUNTIME_ALIGNMENT;
    await writer.write(new Uint8Array(runtimeOffset - launcherLength));
    const runtimeLength = await append(writer, DENO);
    const fileLengths = [await append(writer, program)];
    for (const asset of assets) {
      const bytes = await readAsset(asset);
      await writer.write(bytes);
      fileLengths.push(bytes.length);
    }
    const flagBytes = encoder.encode(flags.map((flag) => `${flag}\0`).join(""));
    await writer.write(flagBytes);

    const footer = new Uint8Array(FOOTER_BYTES);
    const view = new DataView(footer.buffer);
    const put = (index: number, value: number) => view.setBigUint64(index * 8, BigInt(value), true);
    fileLengths.forEach((length, index) => put(index, length));
    [fileLengths.length, runtimeOffset, runtimeLength, flagBytes.length].forEach((value, index) => {
      put(MAX_FILES + index, value);
    });
    footer.set(encoder.encode(MAGIC), FOOTER_BYTES - MAGIC.length);
    await writer.write(footer);
  } finally {
    await writer.close();
  }
  // The mode given at creation is less what the umask takes away.
  await Deno.chmod(output, 0o755);
}

/** Appends the file `source`; resolves to its length in bytes. */
async function append(
  writer: WritableStreamDefaultWriter<Uint8Array>,
  source: string,
): Promise<number> {
  let length = 0;
  const file = await Deno.open(source);
  for await (const chunk of file.readable) {
    await writer.write(chunk);
    length += chunk.length;
  }
  return length;
}

function failed(message: string): BuildStep {
  return { kind: "failed", message };
}
