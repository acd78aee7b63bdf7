import assert from "node:assert/strict";
import metadata from "../../deno.json" with { type: "json" };
import { withPlace } from "./_helpers.ts";

Deno.test("masterserver --version: prints name and version", async () => {
  await withPlace(async ({ run }) => {
    const expected = { code: 0, out: `masterserver ${metadata.version}\n`, err: "" };
    assert.deepEqual(await run("--version"), expected);
  });
});

Deno.test("masterserver --help: names every command and option", async () => {
  await withPlace(async ({ run }) => {
    const { code, out, err } = await run("--help");
    assert.deepEqual([code, err], [0, ""]);
    for (const word of ["run", "init", "check", "list", "--version", "--help"]) {
      assert.match(out, new RegExp(`^ +${word}\\b`, "m"));
    }
    const list = await run("list", "--help");
    assert.equal(list.code, 0);
    for (const word of ["--json", "--gamename", "--old"]) assert.ok(list.out.includes(word));
  });
});

Deno.test("masterserver: a command line that is wrong is status 64, told on stderr", async () => {
  const wrong: [string[], RegExp][] = [
    [["--frobnicate"], /--frobnicate/],
    [["frobnicate"], /./],
    [["check", "--frobnicate"], /--frobnicate/],
    [["list"], /host/],
    [["list", "127.0.0.1:99999"], /"127\.0\.0\.1:99999".*for example/],
    [["list", "127.0.0.1:"], /HOST/],
    [["list", "127.0.0.1", "--gamename", "a\\b"], /backslash/],
    [["check", "--config"], /--config/],
  ];
  await withPlace(async ({ run }) => {
    await Promise.all(wrong.map(async ([args, pattern]) => {
      const { code, out, err } = await run(...args);
      assert.equal(code, 64, args.join(" "));
      assert.equal(out, "");
      assert.match(err, pattern);
    }));
  });
});
