import assert from "node:assert/strict";
import { buildSingleFile } from "../../tools/_single_file.ts";
import { capture, type Finished } from "../../tools/_process.ts";
import { parseStartTask } from "../../tools/_project.ts";
import { ASSETS, COMPILER_NOTE, HAS_COMPILER, type Told, writeStandIn } from "./_stand_in.ts";

/** EX_OSERR of sysexits.h: the launcher could not start the runtime. */
const EXIT_OS_ERROR = 71;

let directory = "";
let program = "";
let building: Promise<void> | undefined;

async function build(): Promise<void> {
  directory = await Deno.makeTempDir({ prefix: "masterserver-single-file-" });
  const root = `${directory}/source`;
  const workDirectory = `${directory}/work`;
  await Deno.mkdir(root);
  await Deno.mkdir(workDirectory);
  await Deno.mkdir(`${directory}/empty`);
  await writeStandIn(root);
  const start = parseStartTask(await Deno.readTextFile(`${root}/deno.json`));
  program = `${directory}/program`;
  const built = await buildSingleFile({ root, start, workDirectory, output: program });
  if (built.kind === "failed") assert.fail(built.message);
  // Whatever the program needs, it must have brought along.
  await Deno.remove(root, { recursive: true });
  await Deno.remove(workDirectory, { recursive: true });
}

Deno.test.afterAll(async () => {
  if (directory !== "") await Deno.remove(directory, { recursive: true });
});

/** A test of the one program that all of them share, built by the first that runs. */
function check(title: string, fn: () => Promise<void>, ignore = false): void {
  Deno.test({
    name: `single file: ${title}${COMPILER_NOTE}`,
    ignore: ignore || !HAS_COMPILER,
    async fn() {
      await (building ??= build());
      await fn();
    },
  });
}

async function start(args: string[], env: Record<string, string> = {}): Promise<Finished> {
  return await capture(program, args, { clearEnv: true, env, cwd: `${directory}/empty` });
}

async function tell(args: string[], env: Record<string, string> = {}): Promise<Told> {
  const finished = await start(args, env);
  assert.equal(finished.code, 0, finished.stderr);
  assert.equal(finished.stderr, "");
  return JSON.parse(finished.stdout) as Told;
}

Deno.test("buildSingleFile: without a C compiler names the packages to install", async () => {
  const workDirectory = await Deno.makeTempDir({ prefix: "masterserver-no-compiler-" });
  const path = Deno.env.get("PATH") ?? "";
  Deno.env.set("PATH", workDirectory);
  try {
    const built = await buildSingleFile({
      root: workDirectory,
      start: { entry: "mod.ts", permissions: [], unstable: [] },
      workDirectory,
      output: `${workDirectory}/program`,
    });
    if (built.kind !== "failed") assert.fail("built without a C compiler");
    const expected = Deno.build.os === "linux" ? /\(cc\).*gcc and libc6-dev/ : /runs on Linux only/;
    assert.match(built.message, expected);
  } finally {
    Deno.env.set("PATH", path);
    await Deno.remove(workDirectory, { recursive: true });
  }
});

check("hands every argument to the program as it is", async () => {
  for (
    const args of [
      [],
      ["--help"],
      ["--config", "x", "--version"],
      ["--", "--allow-run", "-A"],
      ["", " ", "a b", "ü"],
      Array.from({ length: 2000 }, (_, index) => `argument ${index}`),
    ]
  ) {
    assert.deepEqual((await tell(args)).args, args);
  }
});

check("tells its version, not the runtime's, with an empty environment", async () => {
  const finished = await start(["--version"]);
  assert.deepEqual(finished, { code: 0, stdout: "stand-in 1.0\n", stderr: "" });
});

check("runs Workers from its own entry, with modules and text imported lazily", async () => {
  assert.equal((await tell([])).worker, "a worker has words from a file");
});

check("gives the program the assets that it imports, byte for byte", async () => {
  const decoder = new TextDecoder("latin1");
  const expected = Object.values(ASSETS).map((bytes) => decoder.decode(bytes));
  assert.deepEqual((await tell([])).assets, expected);
});

check("has the permissions of the start task and no others", async () => {
  const told = await tell([], { DENO_NO_PROMPT: "0" });
  assert.deepEqual(told.granted, { net: "granted", read: "granted" });
  assert.deepEqual(told.refused.filter((state) => state === "granted"), []);
});

check("keeps the environment, but for variables that steer the runtime", async () => {
  const kept = { HOME: "/nowhere", NO_COLOR: "1", DENOMINATION: "kept", EMPTY: "" };
  const { env } = await tell([], {
    ...kept,
    DENO_DIR: `${directory}/empty`,
    DENO_V8_FLAGS: "--jitless",
    DENO_CERT: "/nowhere",
    NODE_OPTIONS: "--require=/nowhere",
    OTEL_DENO: "true",
  });
  assert.deepEqual(env, {
    ...kept,
    DENO_DIR: "/proc/no-deno-dir",
    DENO_NO_UPDATE_CHECK: "1",
  });
});

check("leaves no file behind, in HOME or where it was started", async () => {
  await tell([], { HOME: `${directory}/empty` });
  assert.deepEqual([...Deno.readDirSync(`${directory}/empty`)], []);
});

check("takes no configuration from where it was started", async () => {
  const place = `${directory}/configured`;
  await Deno.mkdir(`${place}/node_modules`, { recursive: true });
  for (const name of ["deno.json", "package.json", "deno.lock"]) {
    await Deno.writeTextFile(`${place}/${name}`, "{ this is no JSON");
  }
  const finished = await capture(program, ["--version"], { clearEnv: true, cwd: place });
  assert.deepEqual(finished, { code: 0, stdout: "stand-in 1.0\n", stderr: "" });
});

/** Runs the program until it is ready, then `fn`; ends it with SIGTERM and gives its status. */
async function whileItRuns(fn: (pid: number) => Promise<void>): Promise<number> {
  const child = new Deno.Command(program, {
    args: ["wait"],
    clearEnv: true,
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let signal: Deno.Signal = "SIGKILL";
  try {
    const reader = child.stdout.getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value), "waiting\n");
    reader.releaseLock();
    await fn(child.pid);
    signal = "SIGTERM";
  } finally {
    child.kill(signal);
    await child.stdout.cancel();
    await child.status;
  }
  return (await child.status).code;
}

/** Deno itself reads most of /proc only with all permissions. */
async function processFile(pid: number, name: string): Promise<string> {
  return (await capture("cat", [`/proc/${pid}/${name}`])).stdout;
}

check("stays one process, which has its own command line and gets its signals", async () => {
  const status = await whileItRuns(async (pid) => {
    assert.equal(await processFile(pid, "cmdline"), `${program}\0wait\0`);
    assert.equal(await processFile(pid, "comm"), "program\n");
  });
  assert.equal(status, 7);
});

check("maps the runtime from its file, and holds no copy of it in memory", async () => {
  await whileItRuns(async (pid) => {
    const shared = /^RssShmem:\s+(\d+) kB$/m.exec(await processFile(pid, "status"))?.[1];
    assert.equal(shared, "0");
    assert.match(await processFile(pid, "maps"), new RegExp(`r-xp .* ${program}$`, "m"));
  });
});

check("carries assets beside the bundle, which is all that a Worker has to read", async () => {
  await whileItRuns(async (pid) => {
    const bundle = (await capture("cat", [`/proc/${pid}/fd/128`])).stdout;
    assert.match(bundle, /stand-in 1\.0/);
    assert.ok(
      bundle.length < (ASSETS["asset.bin"]?.length ?? 0) / 2,
      `${bundle.length} characters`,
    );
  });
});

check("takes no harm from files that whoever starts it left open", async () => {
  // Its own numbers, and all below them, so that what it opens comes among them.
  const left = Array.from({ length: 130 }, (_, index) => `exec ${index + 3}</dev/null;`).join(" ");
  const args = ["-c", `${left} exec "$0"`, program];
  const finished = await capture("bash", args, { clearEnv: true });
  assert.equal(finished.code, 0, finished.stderr);
  assert.equal((JSON.parse(finished.stdout) as Told).worker, "a worker has words from a file");
});

check("says so when it may not open enough files", async () => {
  const args = ["-c", 'ulimit -n 64 && exec "$0" --version', program];
  const finished = await capture("sh", args, { clearEnv: true });
  assert.equal(finished.code, EXIT_OS_ERROR);
  assert.match(
    finished.stderr,
    /^masterserver: cannot open the program: Too many open files; allow this program 256 open files/,
  );
});

check("says so when it is damaged", async () => {
  const damaged = `${directory}/damaged`;
  await Deno.copyFile(program, damaged);
  await Deno.truncate(damaged, (await Deno.stat(damaged)).size - 100);
  const finished = await capture(damaged, ["--version"], { clearEnv: true });
  await Deno.remove(damaged);
  assert.equal(finished.code, EXIT_OS_ERROR);
  assert.match(finished.stderr, /^masterserver: the program file is damaged.*copy the file again/);
});

const NOT_ROOT = Deno.build.os !== "linux" || Deno.uid() !== 0;
check(
  `says so where /proc is not mounted${NOT_ROOT ? " (needs root)" : ""}`,
  async () => {
    const finished = await capture("chroot", [directory, "/program", "--version"]);
    assert.equal(finished.code, EXIT_OS_ERROR);
    assert.match(finished.stderr, /^masterserver: cannot open \/proc\/self\/exe: .*mount \/proc/);
  },
  NOT_ROOT,
);
