import assert from "node:assert/strict";
import { pinCommand } from "../../cli/_secure.ts";
import { decodeKey, encodeKey } from "../../crypto/mod.ts";
import { FakeMaster, gcrypt } from "../clients/_fake_master.ts";
import { withPlace } from "./_helpers.ts";

const KEY = encodeKey(gcrypt.keyPair().publicKey);
const OTHER = encodeKey(gcrypt.keyPair().publicKey);

Deno.test("masterserver key new: makes a key file for its user alone, once", async () => {
  await withPlace(async ({ run, directory }) => {
    const path = `${directory}/new/place.key`;
    const made = await run("key", "new", path);
    assert.deepEqual([made.code, made.err], [0, ""]);
    assert.match(made.out, /^[A-Za-z0-9+/]{43}=\n$/);
    assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
    const before = Deno.readTextFileSync(path);
    const again = await run("key", "new", path);
    assert.deepEqual([again.code, again.out], [73, ""]);
    assert.match(again.err, /place\.key.*already/);
    assert.equal(Deno.readTextFileSync(path), before);
    const shown = await run("key", "show", "--file", path);
    assert.deepEqual(shown, { code: 0, out: made.out, err: "" });
  });
});

Deno.test("masterserver key show: shows this master's key and the agent's", async () => {
  await withPlace(async ({ run, home, directory }) => {
    const set = ["--set", `system.keyfile=${directory}/my.key`];
    const [master, agent] = [
      await run("key", "new", `${directory}/my.key`),
      await run("key", "new", `${home}/.netpanzer/agent.key`),
    ];
    assert.equal((await run("key", "show", ...set)).out, master.out);
    assert.equal((await run("key", "show", "--agent")).out, agent.out);
    assert.notEqual(master.out, agent.out);
    const both = await run("key", "show", "--agent", "--file", "x");
    assert.equal(both.code, 64);
  });
});

Deno.test("masterserver key show: no file, a readable one and a damaged one are status 66", async () => {
  await withPlace(async ({ run, write, home }) => {
    const missing = await run("key", "show");
    assert.deepEqual([missing.code, missing.out], [66, ""]);
    assert.ok(missing.err.includes(`${home}/.netpanzer/master.key`), missing.err);
    const path = write("open.key", `${KEY}\n`);
    Deno.chmodSync(path, 0o644);
    const open = await run("key", "show", "--file", path);
    assert.equal(open.code, 66);
    assert.match(open.err, /chmod 600/);
    Deno.chmodSync(path, 0o600);
    Deno.writeTextFileSync(path, "nonsense\n");
    const damaged = await run("key", "show", "--file", path);
    assert.equal(damaged.code, 66);
    assert.match(damaged.err, /damaged/);
    assert.doesNotMatch(damaged.err, /nonsense/);
  });
});

Deno.test("masterserver key show: a wrong configuration is status 78", async () => {
  await withPlace(async ({ run }) => {
    const { code, err } = await run("key", "show", "--set", "network.osport=x");
    assert.equal(code, 78);
    assert.match(err, /osport/);
  });
});

Deno.test("masterserver key pin: asks the master for its key, prints and pins it", async () => {
  await withPlace(async ({ run, home }) => {
    await using master = new FakeMaster((peer) => peer.waitForClose());
    const key = encodeKey(master.keyPair.publicKey);
    const pinned = await run("key", "pin", `127.0.0.1:${master.port}`);
    assert.deepEqual([pinned.code, pinned.out], [0, `${key}\n`]);
    const path = `${home}/.netpanzer/known_masters`;
    assert.equal(pinned.err, `pinned 127.0.0.1:${master.port} in ${path}\n`);
    assert.match(
      Deno.readTextFileSync(path),
      new RegExp(`^127\\.0\\.0\\.1:${master.port} ${RegExp.escape(key)}$`, "m"),
    );
    const again = await run("key", "pin", `127.0.0.1:${master.port}`);
    assert.equal(again.code, 0);
    assert.match(again.err, /already/);
  });
});

Deno.test("masterserver key pin: takes a key, for both rings when no port is named", async () => {
  await withPlace(async ({ run, directory }) => {
    const path = `${directory}/pins`;
    const one = await run("key", "pin", "Master.Example.Org", KEY, "--pins", path);
    assert.deepEqual([one.code, one.out], [0, `${KEY}\n`]);
    const two = await run("key", "pin", "[::1]:3041", OTHER, "--pins", path);
    assert.equal(two.code, 0);
    const lines = Deno.readTextFileSync(path).split("\n").filter((line) => !line.startsWith("#"));
    assert.deepEqual(lines, [
      `master.example.org:7070 ${KEY}`,
      `master.example.org:3040 ${KEY}`,
      `[::1]:3041 ${OTHER}`,
      "",
    ]);
  });
});

Deno.test("masterserver key pin: spaces and line ends around a key are no part of it", async () => {
  await withPlace(async ({ run, directory }) => {
    for (const [i, given] of [`${KEY}\n`, ` ${KEY}`, `${KEY}\r\n`].entries()) {
      const pinned = await run(
        "key",
        "pin",
        "[::1]:3041",
        given,
        "--pins",
        `${directory}/pins${i}`,
      );
      assert.deepEqual([pinned.code, pinned.out], [0, `${KEY}\n`], pinned.err);
    }
  });
});

Deno.test("pinCommand: pins both rings at their usual ports, in the file that is in use", () => {
  const key = decodeKey(KEY) as Uint8Array;
  const shown = { host: "Master.Example.Org", port: 7070, key };
  assert.equal(pinCommand(shown, {}), `masterserver key pin master.example.org ${KEY}`);
  assert.equal(
    pinCommand({ ...shown, port: 3040 }, { pins: "/etc/it's mine" }, true),
    `masterserver key pin --replace --pins '/etc/it'\\''s mine' master.example.org ${KEY}`,
  );
  assert.equal(
    pinCommand({ ...shown, port: 3041 }, { pins: "./pins" }, true),
    `masterserver key pin --replace --pins ./pins master.example.org:3041 ${KEY}`,
  );
  assert.equal(pinCommand({ ...shown, host: "::1" }, {}), `masterserver key pin '[::1]' ${KEY}`);
});

Deno.test("masterserver key pin: another key takes --replace", async () => {
  await withPlace(async ({ run, directory }) => {
    const path = `${directory}/pins`;
    const pin = (...args: string[]) =>
      run("key", "pin", "master.example.org", ...args, "--pins", path);
    await pin(KEY);
    const before = Deno.readTextFileSync(path);
    const refused = await pin(OTHER);
    assert.deepEqual([refused.code, refused.out], [76, ""]);
    assert.match(refused.err, /pinned with another key.*--replace/);
    assert.ok(refused.err.includes(KEY) && refused.err.includes(OTHER));
    assert.equal(Deno.readTextFileSync(path), before);
    const replaced = await pin(OTHER, "--replace");
    assert.equal(replaced.code, 0);
    assert.equal(Deno.readTextFileSync(path), before.replaceAll(KEY, OTHER));
  });
});

Deno.test("masterserver key pin: what is wrong is told, and nothing is written", async () => {
  await withPlace(async ({ run, write, directory, home }) => {
    const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    closed.close();
    const broken = write("broken", "master.example.org nonsense\n");
    Deno.symlinkSync(`${directory}/nowhere/at/all`, `${directory}/dangling`);
    const cases: [string[], number, RegExp][] = [
      [["127.0.0.1", "nonsense"], 64, /"nonsense" is no key/],
      [["127.0.0.1:x", KEY], 64, /"127\.0\.0\.1:x" is no HOST/],
      [[`127.0.0.1:${closed.addr.port}`], 69, new RegExp(String(closed.addr.port))],
      [[`${"x".repeat(64)}.example.org`], 68, /unknown/],
      [["127.0.0.1", KEY, "--pins", broken], 65, /broken line 1/],
      [["127.0.0.1", KEY, "--pins", directory], 66, /cannot be read/],
      [["127.0.0.1", KEY, "--pins", `${directory}/dangling/pins`], 73, /cannot be written/],
    ];
    await Promise.all(cases.map(async ([args, status, pattern]) => {
      const { code, out, err } = await run("key", "pin", ...args);
      assert.equal(code, status, err);
      assert.equal(out, "");
      assert.match(err, pattern);
    }));
    assert.deepEqual([...Deno.readDirSync(home)], []);
  });
});
