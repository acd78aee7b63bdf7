import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findLibrary, LIBRARY_PATHS, openCrypto } from "../../crypto/mod.ts";
import { findVersion } from "../../crypto/_gcrypt.ts";
import { bytes, text, withTempDir } from "../_helpers.ts";
import { crypto, openChannels } from "./_helpers.ts";

const COMPILER = "/usr/bin/cc";
const PACKAGE_QUERY = "/usr/bin/dpkg-query";

/** What makes libgcrypt itself go into FIPS mode, without a machine that is in it. */
const FIPS_MODE = { LIBGCRYPT_FORCE_FIPS_MODE: "1" };

/** Runs `_scoped.ts` with few permissions. */
async function runScoped(
  permissions: readonly string[],
  env: Record<string, string> = {},
): Promise<{ readonly success: boolean; readonly output: string }> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--quiet",
      ...permissions,
      fileURLToPath(new URL("_scoped.ts", import.meta.url)),
    ],
    env: { NO_COLOR: "1", ...env },
  }).output();
  return { success, output: text(stdout) + text(stderr) };
}

/** The message of an outcome that must be a certain problem. */
function problem(expected: string, path: string): string {
  const outcome = openCrypto(path);
  assert.ok(outcome.type === "unavailable");
  assert.equal(outcome.problem, expected, outcome.message);
  return outcome.message;
}

Deno.test("openCrypto: finds the library and its version", () => {
  using primitives = crypto();
  assert.equal(primitives.path, findLibrary());
  assert.ok(LIBRARY_PATHS.includes(primitives.path));
  const [major, minor, micro] = primitives.version.split(".").map(Number);
  assert.equal(major, 1);
  assert.ok(minor !== undefined && minor >= 9, primitives.version);
  assert.ok(micro !== undefined && micro >= 0, primitives.version);
});

Deno.test({
  name: "openCrypto: knows the very version that Debian's package is",
  ignore: !existsSync(PACKAGE_QUERY),
  fn: async () => {
    const { success, stdout } = await new Deno.Command(PACKAGE_QUERY, {
      args: ["-W", "-f", "${source:Upstream-Version}", "libgcrypt20"],
    }).output();
    assert.ok(success);
    using primitives = crypto();
    assert.equal(primitives.version, text(stdout));
  },
});

Deno.test("findVersion: is the highest version that there is at least", () => {
  for (const version of ["1.0.0", "1.8.4", "1.9.0", "1.10.1", "1.11.0", "1.12.34"]) {
    const [, minor = 0, micro = 0] = version.split(".").map(Number);
    const found = findVersion((candidate) => {
      const [, minorAsked = 0, microAsked = 0] = candidate.split(".").map(Number);
      return minorAsked < minor || (minorAsked === minor && microAsked <= micro);
    });
    assert.equal(found, version);
  }
  assert.equal(findVersion(() => true), "1.99.99");
});

Deno.test("openCrypto: says which package to install when there is no library", () => {
  const path = "/nowhere/libgcrypt.so.20";
  const message = problem("missing", path);
  assert.ok(message.includes(`"${path}"`), message);
  assert.match(message, /apt install libgcrypt20/);
  assert.match(message, /dnf install libgcrypt/);
  assert.match(problem("missing", "/etc/passwd/libgcrypt.so.20"), /apt install libgcrypt20/);
});

Deno.test("openCrypto: says what is wrong with a file that is no such library", async () => {
  await withTempDir((directory) => {
    const path = join(directory, "libgcrypt.so.20");
    Deno.writeTextFileSync(path, "no library");
    const message = problem("unloadable", path);
    assert.ok(message.includes(`"${path}" cannot be loaded (`), message);
    assert.match(message, /apt install libgcrypt20/);
  });
});

Deno.test({
  name: "openCrypto: refuses a library before 1.9, and one without X25519",
  ignore: !existsSync(COMPILER),
  fn: () =>
    withTempDir(async (directory) => {
      const names = [
        ...["control", "randomize", "md_hash_buffer", "kdf_derive", "mac_open", "mac_close"],
        ...["mac_setkey", "mac_write", "mac_read", "cipher_open", "cipher_close", "cipher_setkey"],
        ...["cipher_setiv", "cipher_authenticate", "cipher_encrypt", "cipher_decrypt"],
        ...["cipher_gettag", "cipher_checktag"],
      ];
      const build = async (version: string, functions: readonly string[]): Promise<string> => {
        const path = join(directory, `libgcrypt-${version}-${functions.length}.so.20`);
        const source = join(directory, "source.c");
        await Deno.writeTextFile(
          source,
          [
            "#include <string.h>",
            // Good enough for versions whose numbers have as many digits each.
            `const char *gcry_check_version(const char *v) {`,
            `  return strlen(v) == 5 && strcmp(v, "${version}") <= 0 ? "${version}" : 0; }`,
            ...functions.map((name) => `int gcry_${name}(void) { return 0; }`),
          ].join("\n"),
        );
        const { success, stderr } = await new Deno.Command(COMPILER, {
          args: ["-shared", "-fPIC", "-o", path, source],
        }).output();
        assert.ok(success, text(stderr));
        return path;
      };
      const old = await build("1.8.4", names);
      const message = problem("too-old", old);
      assert.ok(message.includes(`"${old}" is version 1.8.4, and 1.9.0 or newer`), message);
      assert.match(message, /apt install libgcrypt20/);
      assert.match(problem("too-old", await build("1.9.9", names)), /is version 1\.9\.9/);
      assert.match(problem("unloadable", await build("1.9.9", names.slice(1))), /gcry_control/);
      const broken = openCrypto(await build("1.9.0", [...names, "ecc_mul_point"]));
      assert.ok(broken.type === "ready");
      assert.match(broken.warning ?? "", /1\.9\.0 .*CVE-2021-3345.*apt install libgcrypt20/s);
      broken.crypto[Symbol.dispose]();
    }),
});

Deno.test("openCrypto: needs no permission but for this one library", async () => {
  const path = findLibrary();
  const { success, output } = await runScoped(["--allow-read", `--allow-ffi=${path}`]);
  assert.ok(success, output);
  using primitives = crypto();
  assert.equal(output, `ok ${primitives.version}\n`);
});

Deno.test("openCrypto: is allowed what the start task allows", async () => {
  const { tasks } = JSON.parse(
    Deno.readTextFileSync(new URL("../../deno.json", import.meta.url)),
  );
  const permission = `--allow-ffi=${LIBRARY_PATHS.join(",")}`;
  assert.ok(tasks.start.split(" ").includes(permission), tasks.start);
  const { success, output } = await runScoped(["--allow-read", permission]);
  assert.ok(success, output);
});

Deno.test("openCrypto: says which permission is missing", async () => {
  const { success, output } = await runScoped(["--allow-read"]);
  assert.equal(success, false);
  assert.ok(output.includes(`unloadable: loading libgcrypt is not allowed`), output);
  assert.ok(output.includes(`--allow-ffi=${findLibrary()}`), output);
});

Deno.test("openCrypto: says plainly that FIPS mode does not do", async () => {
  const permissions = ["--allow-read", `--allow-ffi=${findLibrary()}`];
  const { success, output } = await runScoped(permissions, FIPS_MODE);
  assert.equal(success, false);
  assert.match(output, /fips: libgcrypt \S+ at "\S+" is in FIPS mode, which has no X25519/);
});

Deno.test("Crypto: is of no use after it was disposed of", () => {
  const primitives = crypto();
  primitives[Symbol.dispose]();
  primitives[Symbol.dispose]();
  const some = new Uint8Array(32).fill(9);
  const expected = { name: "Error", message: /after it was disposed of/ };
  assert.throws(() => primitives.random(1), expected);
  assert.throws(() => primitives.keyPair(), expected);
  assert.throws(() => primitives.dh(some, some), expected);
  assert.throws(() => primitives.sha256(some), expected);
  assert.throws(() => primitives.hmacSha256(some, some), expected);
  assert.throws(() => primitives.cipher(some), expected);
  assert.throws(() => primitives.scrypt(some, some, { n: 2, r: 8, p: 1 }, 32), expected);
});

Deno.test("NoiseCipher: is of no use after it was disposed of", () => {
  using primitives = crypto();
  const cipher = primitives.cipher(new Uint8Array(32));
  const [nonce, nothing, tag] = [new Uint8Array(12), new Uint8Array(0), new Uint8Array(16)];
  cipher.seal(nonce, nothing, nothing, tag, 0);
  cipher[Symbol.dispose]();
  cipher[Symbol.dispose]();
  const expected = { name: "Error", message: /after it was disposed of/ };
  assert.throws(() => cipher.seal(nonce, nothing, nothing, tag, 0), expected);
  assert.throws(() => cipher.open(nonce, nothing, tag, nothing), expected);
  assert.throws(() => cipher.setKey(new Uint8Array(32)), expected);
});

Deno.test("Crypto: the library stays loaded until the last cipher is disposed of", () => {
  const primitives = crypto();
  const { initiator, responder } = openChannels(primitives);
  primitives[Symbol.dispose]();
  for (let round = 0; round < 1000; round++) {
    const [event] = responder.receive(initiator.seal(bytes("still there")));
    assert.ok(event?.type === "message" && text(event.plaintext) === "still there");
  }
  initiator[Symbol.dispose]();
  responder[Symbol.dispose]();
  assert.equal(responder.isOpen, false);
});

Deno.test("Crypto: is there for one thread whatever others do with theirs", async () => {
  using primitives = crypto();
  const { initiator, responder } = openChannels(primitives);
  const rounds = 20;
  for (const close of [true, false]) {
    const workers = Array.from(
      { length: 2 },
      () => new Worker(new URL("_worker.ts", import.meta.url), { type: "module" }),
    );
    const answers = workers.map((worker) => {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
      worker.postMessage({ rounds, close });
      return promise;
    });
    const [during] = responder.receive(initiator.seal(bytes("meanwhile")));
    assert.equal(during?.type, "message");
    assert.deepEqual(await Promise.all(answers), [rounds, rounds]);
    // With or without their closing it: whoever is ended is ended in the middle of something.
    for (const worker of workers) worker.terminate();
    const [after] = responder.receive(initiator.seal(bytes("afterwards")));
    assert.ok(after?.type === "message" && text(after.plaintext) === "afterwards");
  }
  const another = openChannels(primitives);
  const [event] = another.initiator.receive(another.responder.seal(bytes("new")));
  assert.equal(event?.type, "message");
  for (const channel of [initiator, responder, another.initiator, another.responder]) {
    channel[Symbol.dispose]();
  }
});
