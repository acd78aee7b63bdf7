import assert from "node:assert/strict";
import { PidFileError, writePidFile } from "../../daemon/_pidfile.ts";
import { text, withTempDir } from "../_helpers.ts";

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

Deno.test("writePidFile: holds this process's number, and is gone when it is removed", async () => {
  await withTempDir((directory) => {
    const path = `${directory}/masterserver.pid`;
    const file = writePidFile(path);
    assert.equal(Deno.readTextFileSync(path), `${Deno.pid}\n`);
    assert.equal(file.wasStale, false);
    file.remove();
    assert.equal(exists(path), false);
  });
});

Deno.test("writePidFile: refuses while another one holds it, and leaves it alone", async () => {
  await withTempDir((directory) => {
    const path = `${directory}/masterserver.pid`;
    const first = writePidFile(path);
    assert.throws(() => writePidFile(path), (error) => {
      assert.ok(error instanceof PidFileError);
      assert.equal(error.heldByOther, true);
      assert.match(error.message, new RegExp(`process ${Deno.pid}\\b`));
      assert.ok(error.message.includes(path) && error.message.includes("[system] pidfile"));
      return true;
    });
    assert.equal(Deno.readTextFileSync(path), `${Deno.pid}\n`);
    first.remove();
    writePidFile(path).remove();
  });
});

Deno.test("writePidFile: takes over what a killed process left, even if its number lives", async () => {
  await withTempDir(async (directory) => {
    const path = `${directory}/masterserver.pid`;
    const module = new URL("../../daemon/_pidfile.ts", import.meta.url);
    const script = `import { writePidFile } from ${JSON.stringify(module)};
      writePidFile(${JSON.stringify(path)}); console.log("held"); setInterval(() => {}, 1000);`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-lock", script],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    try {
      assert.equal(text(value ?? new Uint8Array()), "held\n");
      assert.throws(() => writePidFile(path), /holds the pid file/);
    } finally {
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
    }
    // Its number may belong to a living process by now, such as this one.
    Deno.writeTextFileSync(path, `${Deno.pid}\n`);
    const file = writePidFile(path);
    assert.equal(file.wasStale, true);
    assert.equal(Deno.readTextFileSync(path), `${Deno.pid}\n`);
    file.remove();
  });
});

Deno.test("writePidFile: a longer content is replaced whole, an empty file is not stale", async () => {
  await withTempDir((directory) => {
    const path = `${directory}/masterserver.pid`;
    Deno.writeTextFileSync(path, "x".repeat(1000));
    const file = writePidFile(path);
    assert.equal(file.wasStale, true);
    assert.equal(Deno.readTextFileSync(path), `${Deno.pid}\n`);
    file.remove();
    Deno.writeTextFileSync(path, "");
    const second = writePidFile(path);
    assert.equal(second.wasStale, false);
    second.remove();
  });
});

Deno.test("writePidFile: a place that cannot be written is told with the key to change", async () => {
  await withTempDir((directory) => {
    for (const path of [directory, `${directory}/not/there.pid`]) {
      assert.throws(() => writePidFile(path), (error) => {
        assert.ok(error instanceof PidFileError);
        assert.equal(error.heldByOther, false);
        assert.ok(error.message.includes(path) && error.message.includes("[system] pidfile"));
        return true;
      });
    }
  });
});

Deno.test("PidFile.remove: a file that is gone already is no trouble", async () => {
  await withTempDir((directory) => {
    const path = `${directory}/masterserver.pid`;
    const file = writePidFile(path);
    Deno.removeSync(path);
    file.remove();
    assert.equal(exists(path), false);
  });
});

Deno.test("PidFile.remove: takes nobody else's file away", async () => {
  await withTempDir((directory) => {
    const path = `${directory}/masterserver.pid`;
    const old = writePidFile(path);
    Deno.removeSync(path);
    const other = writePidFile(path);
    old.remove();
    assert.equal(exists(path), true);
    other.remove();
    assert.equal(exists(path), false);
  });
});
