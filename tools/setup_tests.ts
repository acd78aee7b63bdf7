/**
 * Installs from Debian's packages what the tests use beside deno. Where that is not possible it
 * says which tests will be skipped, and is content.
 *
 * @module
 */

import { capture, complain, exists, messageOf, say } from "./_process.ts";

/** A Debian package that tests use. */
interface TestPackage {
  /** Its name for apt-get. */
  readonly name: string;
  /** Any one of these files shows that it is there. */
  readonly files: readonly string[];
  /** Which tests are skipped without it. */
  readonly tests: string;
}

const PACKAGES: readonly TestPackage[] = [
  {
    name: "netpanzer",
    files: ["/usr/games/netpanzer"],
    tests: "a real game server registers and is listed",
  },
  {
    name: "qstat",
    files: ["/usr/bin/quakestat", "/usr/bin/qstat"],
    tests: "a server browser reads the list",
  },
  {
    name: "iproute2",
    files: ["/usr/bin/ip", "/usr/sbin/ip", "/bin/ip", "/sbin/ip"],
    tests: "everything on the fixed ports, which takes a network namespace",
  },
  { name: "gcc", files: ["/usr/bin/cc"], tests: "the compiled program, alone and in a chroot" },
  {
    name: "libc6-dev",
    files: ["/usr/include/stdio.h"],
    tests: "the compiled program, alone and in a chroot",
  },
  {
    name: "libgcrypt20-dev",
    files: ["/usr/include/gcrypt.h"],
    tests: "the C code of docs/protocol_encrypted.md",
  },
  {
    name: "mariadb-server",
    files: ["/usr/sbin/mariadbd"],
    tests: "everything on a real database server",
  },
  {
    name: "galera-4",
    files: ["/usr/lib/galera/libgalera_smm.so"],
    tests: "a cluster of database servers that loses a node",
  },
  {
    name: "rsync",
    files: ["/usr/bin/rsync"],
    tests: "a cluster of database servers that loses a node",
  },
  {
    name: "libgcrypt20",
    files: [
      "/usr/lib/x86_64-linux-gnu/libgcrypt.so.20",
      "/usr/lib/aarch64-linux-gnu/libgcrypt.so.20",
      "/usr/lib64/libgcrypt.so.20",
      "/usr/lib/libgcrypt.so.20",
    ],
    tests: "everything encrypted",
  },
  {
    name: "python3-dissononce",
    files: ["/usr/lib/python3/dist-packages/dissononce/__init__.py"],
    tests: "an encrypted channel with a peer that is not ours",
  },
  {
    name: "tcpdump",
    files: ["/usr/bin/tcpdump", "/usr/sbin/tcpdump"],
    tests: "that nothing can be read off the wire",
  },
];

/** Someone else's apt may be at work; it is waited for this long. */
const APT_LOCK_SECONDS = 120;

/** Whether all that the tests use is there. */
export type SetUpOutcome =
  | { readonly kind: "ready" }
  | {
    readonly kind: "incomplete";
    /** Packages that are missing. */
    readonly missing: readonly string[];
    /** Why they were not installed. */
    readonly reason: string;
  };

/**
 * Installs what is missing when this process is root and there is apt-get, and tells what it does.
 * A failure to install is an outcome, not an error.
 */
export async function setUpTests(): Promise<SetUpOutcome> {
  const missing = await missingPackages();
  if (missing.length === 0) return { kind: "ready" };
  const names = missing.map((each) => each.name);
  const reason = await install(names);
  const stillMissing = await missingPackages();
  if (stillMissing.length === 0) return { kind: "ready" };
  const left = stillMissing.map((each) => each.name);
  say(`Not installed: ${left.join(", ")} (${reason}). These tests will be skipped:`);
  for (const tests of new Set(stillMissing.map((each) => each.tests))) say(`  ${tests}`);
  return { kind: "incomplete", missing: left, reason };
}

async function missingPackages(): Promise<TestPackage[]> {
  const missing: TestPackage[] = [];
  for (const each of PACKAGES) {
    const found = await Promise.all(each.files.map(exists));
    if (!found.includes(true)) missing.push(each);
  }
  return missing;
}

/** Installs `names`; resolves to the reason why one of them might still be missing. */
async function install(names: readonly string[]): Promise<string> {
  if (Deno.uid() !== 0) return `to have them: sudo apt-get install ${names.join(" ")}`;
  const log = await Deno.makeTempFile({ prefix: "masterserver-setup-", suffix: ".log" });
  say(`Installing ${names.join(", ")} with apt-get; its output is in ${log}`);
  const wait = ["-o", `DPkg::Lock::Timeout=${APT_LOCK_SECONDS}`];
  const steps = [
    ["update", "-q", ...wait],
    ["install", "-q", "-y", "--no-install-recommends", ...wait, ...names],
  ];
  for (const step of steps) {
    const text = await aptGet(step);
    await Deno.writeTextFile(log, text.output, { append: true });
    if (!text.ok) {
      complain(`apt-get ${step.join(" ")} failed:\n${await Deno.readTextFile(log)}`);
      return `apt-get ${step[0]} failed, see ${log}`;
    }
  }
  return `apt-get installed them, but not where they are looked for; see ${log}`;
}

async function aptGet(args: readonly string[]): Promise<{ ok: boolean; output: string }> {
  try {
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    const finished = await capture("apt-get", args, { env });
    return { ok: finished.code === 0, output: finished.stdout + finished.stderr };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { ok: false, output: `there is no apt-get: ${messageOf(error)}\n` };
  }
}

if (import.meta.main) {
  const outcome = await setUpTests();
  if (outcome.kind === "ready") say("Everything that the tests use is installed.");
}
