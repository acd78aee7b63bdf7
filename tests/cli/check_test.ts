import assert from "node:assert/strict";
import { withPlace } from "./_helpers.ts";

Deno.test("masterserver check: tells every problem of a bad file at once, status 78", async () => {
  await withPlace(async ({ run, write }) => {
    const path = write(
      "bad.ini",
      [
        "[network]",
        "osport = 99999;",
        "ocprot = 3030;",
        "[nonsense]",
        "[game]",
        "server-alive-timeout = soon;",
        "verify-servers = maybe;",
      ].join("\n"),
    );
    const { code, out, err } = await run("check", "--config", path);
    assert.equal(code, 78);
    assert.equal(out, "");
    const lines = err.trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => line.replace(`${path}:`, "").split(":")[0]),
      ["2", "3", "4", "6", "7"],
    );
    for (const line of lines) assert.match(line, /^[^:]+:[0-9]+:[0-9]+: ./);
    assert.match(lines[1] ?? "", /ocprot.*ocport/);
  });
});

Deno.test("masterserver check: a good file and no file at all are status 0", async () => {
  await withPlace(async ({ run, write, home }) => {
    const path = write("good.ini", "[network]\nosport = 28901;\n");
    const good = await run("check", "--config", path);
    assert.deepEqual([good.code, good.err], [0, ""]);
    assert.match(good.out, /good/);
    const none = await run("check");
    assert.equal(none.code, 0);
    assert.match(none.out, /built-in defaults/);
    Deno.mkdirSync(`${home}/.netpanzer/config`, { recursive: true });
    Deno.writeTextFileSync(`${home}/.netpanzer/config/master.ini`, "[network]\nosport = x;\n");
    const bad = await run("check");
    assert.equal(bad.code, 78);
    assert.match(bad.err, /\.netpanzer\/config\/master\.ini:2:/);
  });
});

Deno.test("masterserver check: --set counts, and is checked like the file", async () => {
  await withPlace(async ({ run, write }) => {
    const path = write("bad.ini", "[network]\nosport = x;\n");
    const mended = await run("check", "--config", path, "--set", "network.osport=28901");
    const spoilt = await run("check", "--set", "network.osport=x", "--set", "no.such=1");
    assert.equal(mended.code, 0, "what the file says does not count then");
    assert.equal(spoilt.code, 78);
    assert.match(spoilt.err, /osport/);
    assert.match(spoilt.err, /no\.such/);
  });
});

Deno.test("masterserver: a file named with --config that is missing is status 66", async () => {
  await withPlace(async ({ run, directory }) => {
    for (const command of ["check", "run"]) {
      const { code, out, err } = await run(command, "--config", `${directory}/missing.ini`);
      assert.equal(code, 66);
      assert.equal(out, "");
      assert.match(err, /missing\.ini.*--config.*masterserver init/);
    }
    assert.equal((await run("--config", `${directory}/missing.ini`)).code, 66);
  });
});

Deno.test("masterserver run: a configuration that is wrong is status 78 and starts nothing", async () => {
  await withPlace(async ({ run, write, home }) => {
    const path = write("bad.ini", "[network]\nosport = x;\n");
    const { code, err } = await run("run", "--config", path);
    assert.equal(code, 78);
    assert.match(err, /bad\.ini:2:/);
    assert.deepEqual([...Deno.readDirSync(home)], []);
  });
});
