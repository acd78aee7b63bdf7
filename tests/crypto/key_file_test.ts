import assert from "node:assert/strict";
import { join } from "node:path";
import {
  createKeyFile,
  encodeKey,
  KeyFileError,
  loadKeyFile,
  readKeyFile,
} from "../../crypto/mod.ts";
import { withTempDir } from "../_helpers.ts";
import { crypto } from "./_helpers.ts";

/** The error of a call that must fail for a key file's sake. */
function keyFileError(path: string, call: () => unknown): string {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof KeyFileError, String(error));
    assert.equal(error.name, "KeyFileError");
    assert.equal(error.path, path);
    assert.ok(error.message.includes(`"${path}"`), error.message);
    return error.message;
  }
  assert.fail("no error");
}

function permissions(path: string): number {
  return (Deno.statSync(path).mode ?? 0) & 0o777;
}

function names(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
}

function write(path: string, text: string, mode = 0o600): void {
  Deno.writeTextFileSync(path, text);
  Deno.chmodSync(path, mode);
}

Deno.test("loadKeyFile: makes a key, and finds the same one afterwards", async () => {
  await withTempDir((directory) => {
    using primitives = crypto();
    const path = join(directory, "deep", "er", "key");
    const first = loadKeyFile(path, primitives);
    assert.equal(first.isNew, true);
    assert.equal(permissions(path), 0o600);
    assert.equal(permissions(join(directory, "deep")), 0o700);
    assert.equal(permissions(join(directory, "deep", "er")), 0o700);
    assert.deepEqual(names(join(directory, "deep", "er")), ["key"]);
    assert.deepEqual(loadKeyFile(path, primitives), { keyPair: first.keyPair, isNew: false });
    assert.deepEqual(readKeyFile(path, primitives), first.keyPair);
    assert.deepEqual(primitives.keyPair(first.keyPair.privateKey), first.keyPair);
  });
});

Deno.test("loadKeyFile: says in the file what it is, and whose", async () => {
  await withTempDir((directory) => {
    using primitives = crypto();
    const path = join(directory, "key");
    const { keyPair } = loadKeyFile(path, primitives);
    const lines = Deno.readTextFileSync(path).split("\n");
    assert.equal(lines.pop(), "");
    assert.equal(lines.pop(), encodeKey(keyPair.privateKey));
    assert.ok(lines.length > 0 && lines.every((line) => line.startsWith("# ")));
    assert.ok(lines.join(" ").includes(encodeKey(keyPair.publicKey)));
    assert.match(lines.join(" "), /secret/);
  });
});

Deno.test("createKeyFile: leaves the permissions of a directory that is there", async () => {
  await withTempDir((directory) => {
    using primitives = crypto();
    Deno.chmodSync(directory, 0o755);
    createKeyFile(join(directory, "key"), primitives);
    assert.equal(permissions(directory), 0o755);
  });
});

Deno.test("createKeyFile: overwrites nothing and leaves nothing behind", async () => {
  await withTempDir((directory) => {
    using primitives = crypto();
    const path = join(directory, "key");
    createKeyFile(path, primitives);
    const before = Deno.readTextFileSync(path);
    assert.match(keyFileError(path, () => createKeyFile(path, primitives)), /is there already/);
    assert.equal(Deno.readTextFileSync(path), before);
    assert.deepEqual(names(directory), ["key"]);
  });
});

Deno.test("createKeyFile: takes a link that leads nowhere for a file", async () => {
  await withTempDir((directory) => {
    using primitives = crypto();
    const path = join(directory, "key");
    Deno.symlinkSync(join(directory, "nowhere"), path);
    assert.match(keyFileError(path, () => createKeyFile(path, primitives)), /is there already/);
    assert.deepEqual(names(directory), ["key"]);
  });
});

Deno.test("createKeyFile: says when there can be no such file", async () => {
  await withTempDir((directory) => {
    using primitives = crypto();
    const file = join(directory, "file");
    Deno.writeTextFileSync(file, "");
    const path = join(file, "key");
    assert.match(keyFileError(path, () => createKeyFile(path, primitives)), /cannot be made \(/);
  });
});

Deno.test("readKeyFile: says when there is no file, and makes none", async () => {
  await withTempDir((directory) => {
    using primitives = crypto();
    const path = join(directory, "key");
    assert.match(keyFileError(path, () => readKeyFile(path, primitives)), /is not there/);
    assert.deepEqual(names(directory), []);
  });
});

for (const mode of [0o640, 0o604, 0o660, 0o620, 0o601, 0o777]) {
  Deno.test(`loadKeyFile: refuses mode ${mode.toString(8)} with the command to run`, async () => {
    await withTempDir((directory) => {
      using primitives = crypto();
      const path = join(directory, "key");
      const { privateKey } = createKeyFile(path, primitives);
      Deno.chmodSync(path, mode);
      const message = keyFileError(path, () => loadKeyFile(path, primitives));
      assert.ok(message.includes(`0${mode.toString(8)}`), message);
      assert.ok(message.includes(`chmod 600 ${path}`), message);
      assert.equal(message.includes(encodeKey(privateKey)), false);
    });
  });
}

Deno.test("loadKeyFile: takes a file its owner may only read", async () => {
  await withTempDir((directory) => {
    using primitives = crypto();
    const path = join(directory, "key");
    const keyPair = createKeyFile(path, primitives);
    Deno.chmodSync(path, 0o400);
    assert.deepEqual(loadKeyFile(path, primitives), { keyPair, isNew: false });
  });
});

const KEY = encodeKey(new Uint8Array(32).fill(7));

const DAMAGED: Readonly<Record<string, string>> = {
  "an empty file": "",
  "nothing but comments": "# a comment\n# another\n",
  "half a key": `# a comment\n${KEY.slice(0, 20)}\n`,
  "a key without padding": `${KEY.slice(0, 43)}\n`,
  "two keys": `${KEY}\n${KEY}\n`,
  "something behind the key": `${KEY} # a comment\n`,
  "bytes that are no text": "\u0000\u0001\ufffd\n",
  "a file that is too long": `# ${"x".repeat(5000)}\n${KEY}\n`,
};

for (const [what, content] of Object.entries(DAMAGED)) {
  Deno.test(`loadKeyFile: refuses ${what} and leaves it as it is`, async () => {
    await withTempDir((directory) => {
      using primitives = crypto();
      const path = join(directory, "key");
      write(path, content);
      const message = keyFileError(path, () => loadKeyFile(path, primitives));
      assert.match(message, /is damaged \(.+\): put a copy of it back/);
      assert.equal(message.includes(KEY.slice(0, 20)), false);
      assert.equal(Deno.readTextFileSync(path), content);
      assert.deepEqual(names(directory), ["key"]);
    });
  });
}

Deno.test("loadKeyFile: takes comments, empty lines and spaces around the key", async () => {
  await withTempDir((directory) => {
    using primitives = crypto();
    const path = join(directory, "key");
    write(path, `\r\n  # mine\r\n\r\n  ${KEY}  \r\n# more\r\n`);
    const { keyPair, isNew } = loadKeyFile(path, primitives);
    assert.equal(isNew, false);
    assert.equal(encodeKey(keyPair.privateKey), KEY);
  });
});

Deno.test("loadKeyFile: refuses what is no file", async () => {
  await withTempDir(async (directory) => {
    using primitives = crypto();
    assert.match(keyFileError(directory, () => loadKeyFile(directory, primitives)), /is no file/);
    const pipe = join(directory, "pipe");
    const { success } = await new Deno.Command("mkfifo", { args: [pipe] }).output();
    assert.ok(success);
    assert.match(keyFileError(pipe, () => loadKeyFile(pipe, primitives)), /is no file/);
  });
});

Deno.test("loadKeyFile: says when a file cannot be read", async () => {
  await withTempDir((directory) => {
    using primitives = crypto();
    const file = join(directory, "file");
    Deno.writeTextFileSync(file, "");
    const path = join(file, "key");
    assert.match(keyFileError(path, () => loadKeyFile(path, primitives)), /cannot be read \(/);
  });
});
