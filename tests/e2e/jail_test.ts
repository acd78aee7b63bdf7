/**
 * The compiled program as an operator would lock it up: in a directory that holds nothing but it,
 * the libraries it loads and /proc, as a user without rights, with an empty environment.
 */

import assert from "node:assert/strict";
import { compile } from "../../tools/compile.ts";
import { capture, DENO, exists, type Finished } from "../../tools/_process.ts";
import { BrowserClient } from "../../clients/mod.ts";
import { ask, heartbeat } from "./_peers.ts";
import { CRYPTO } from "./_secure_peers.ts";
import { soon, until } from "./_until.ts";

/** Debian's `nobody` and `nogroup`, by number: the jail has no /etc/passwd. */
const NOBODY = 65534;
/** A start takes well under a second; a machine at its limits gets this long. */
const READY_MS = 15_000;
/** Ports of rings 1 bis and 2 bis. */
const OLD_SERVERS = 28900;
const OLD_CLIENTS = 3030;
/** Port of ring 2. */
const ENCRYPTED_CLIENTS = 3040;

/**
 * Mounts /proc for this one process in the jail "$0" and becomes the program in it. The mount is
 * in a mount namespace that ends with the program.
 */
const ENTER_JAIL = `mount -t proc proc "$0/proc" && chroot=$(command -v chroot) &&
exec env -i "$chroot" --userspec=${NOBODY}:${NOBODY} "$0" /masterserver "$@"`;

const missing = await findMissing();
const note = missing === undefined ? "" : ` (needs ${missing})`;

let directory = "";
let jail = "";
let building: Promise<void> | undefined;

/** What these tests lack here, in words for their titles; `undefined` when nothing. */
async function findMissing(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "Linux";
  if (Deno.uid() !== 0) return "root";
  if (Deno.env.get("MASTERSERVER_TEST_NAMESPACE") !== "1") {
    return "a network namespace of its own: deno task test";
  }
  if (!await exists("/usr/bin/cc")) return "gcc: apt-get install gcc libc6-dev";
  try {
    const script = `mount -t proc proc /proc && chroot --userspec=${NOBODY}:${NOBODY} / true`;
    const finished = await capture("unshare", ["-m", "sh", "-c", script]);
    return finished.code === 0 ? undefined : "mount namespaces";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "unshare";
    throw error;
  }
}

async function build(): Promise<void> {
  directory = await Deno.makeTempDir({ prefix: "masterserver-jail-" });
  jail = `${directory}/jail`;
  await Deno.mkdir(`${jail}/proc`, { recursive: true });
  await Deno.mkdir(`${jail}/var/lib`, { recursive: true });
  await Deno.chown(`${jail}/var/lib`, NOBODY, NOBODY);
  await Deno.chmod(jail, 0o755);
  for (const library of await libraries()) {
    await Deno.mkdir(`${jail}${library.slice(0, library.lastIndexOf("/"))}`, { recursive: true });
    await Deno.copyFile(library, `${jail}${library}`);
  }
  const outcome = await compile({ output: `${jail}/masterserver`, tell: () => {} });
  if (outcome.kind === "failed") assert.fail(outcome.message);
}

Deno.test.afterAll(async () => {
  if (directory !== "") await Deno.remove(directory, { recursive: true });
});

/** A test of the one jail that both share, built by the first that runs. */
function jailTest(title: string, fn: () => Promise<void>): void {
  Deno.test({
    name: `masterserver in a chroot: ${title}${note}`,
    ignore: missing !== undefined,
    async fn() {
      await (building ??= build());
      await fn();
    },
  });
}

/**
 * Absolute paths of what the dynamic loader loads for deno, the loader itself included, and of
 * libgcrypt with what it needs.
 */
async function libraries(): Promise<string[]> {
  const { stdout } = await capture("ldd", [DENO, CRYPTO.path]);
  // `libm.so.6 => /lib/…/libm.so.6 (0x…)` and `/lib64/ld-linux-….so.2 (0x…)`
  const loaded = [...stdout.matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, path]) =>
    path ?? ""
  );
  return [...new Set([...loaded, CRYPTO.path])];
}

function jailed(args: readonly string[]): string[] {
  return ["-m", "sh", "-c", ENTER_JAIL, jail, ...args];
}

async function runInJail(args: readonly string[]): Promise<Finished> {
  return await capture("unshare", jailed(args));
}

/** Waits until something listens on TCP `port`. */
async function listens(port: number): Promise<void> {
  await until(`a listener on port ${port}`, async () => {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return false;
      throw error;
    }
  }, { within: READY_MS });
}

function printed(output: Deno.CommandOutput): string {
  const decoder = new TextDecoder();
  return decoder.decode(output.stdout) + decoder.decode(output.stderr);
}

async function mountsInJail(): Promise<string[]> {
  const { stdout } = await capture("cat", ["/proc/self/mountinfo"]);
  return stdout.split("\n").filter((line) => line.includes(jail));
}

jailTest("tells its version and its usage", async () => {
  const version = await runInJail(["--version"]);
  assert.equal(version.stderr, "");
  assert.match(version.stdout, /^masterserver \d+\.\d+\.\d+\n$/);
  assert.equal(version.code, 0);
  const help = await runInJail(["--help"]);
  assert.equal(help.stderr, "");
  assert.match(help.stdout, /^Usage: masterserver /);
  assert.equal(help.code, 0);
});

jailTest("serves the old-style and the encrypted rings, and SIGTERM ends it well", async () => {
  const settings = [
    "game.verify-servers=no",
    "database.base=/var/lib/masterserver.db",
    // Their defaults are under $HOME, and there is none.
    "system.servercachefile=/var/lib/neighbors",
    "system.keyfile=/var/lib/master.key",
  ];
  const child = new Deno.Command("unshare", {
    args: jailed(settings.flatMap((setting) => ["--set", setting])),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  try {
    await listens(OLD_SERVERS);
    await listens(OLD_CLIENTS);
    assert.equal(await ask(OLD_SERVERS, heartbeat(3030)), "\\final\\");
    const list = "\\list\\gamename\\netpanzer\\final\\";
    const listed = "\\ip\\127.0.0.1\\port\\3030\\final\\";
    assert.equal(await ask(OLD_SERVERS, list), listed);
    assert.equal(await ask(OLD_CLIENTS, list), listed);
    const masters = [{ host: "127.0.0.1", port: ENCRYPTED_CLIENTS }];
    await using browser = new BrowserClient({
      crypto: CRYPTO,
      keyPair: CRYPTO.keyPair(),
      masters,
    });
    assert.deepEqual((await browser.list()).map(({ port }) => port), [3030]);
    assert.deepEqual(await mountsInJail(), []);
  } catch (cause) {
    child.kill("SIGKILL");
    throw new Error(`the program in the chroot printed:\n${printed(await output)}`, { cause });
  }
  child.kill("SIGTERM");
  const ended = await soon("the end of the program", output);
  assert.equal(ended.code, 0, printed(ended));
  assert.equal(ended.signal, null);
  assert.equal((await Deno.stat(`${jail}/var/lib/masterserver.db`)).uid, NOBODY);
});
