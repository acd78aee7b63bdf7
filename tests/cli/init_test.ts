import assert from "node:assert/strict";
import { withPlace } from "./_helpers.ts";

Deno.test("masterserver init: writes a file for its user alone, which is good", async () => {
  await withPlace(async ({ run, home }) => {
    const path = `${home}/.netpanzer/config/master.ini`;
    const { code, out, err } = await run("init");
    assert.deepEqual({ code, out, err }, { code: 0, out: `wrote ${path}\n`, err: "" });
    assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
    assert.equal((Deno.statSync(`${home}/.netpanzer`).mode ?? 0) & 0o777, 0o700);
    assert.match(Deno.readTextFileSync(path), /^\s*\[network\]/m);
    const checked = await run("check");
    assert.deepEqual([checked.code, checked.err], [0, ""]);
  });
});

Deno.test("masterserver init: leaves a file that is there as it is, status 73", async () => {
  await withPlace(async ({ run, write }) => {
    const path = write("mine.ini", "# mine\n");
    const { code, out, err } = await run("init", "--config", path);
    assert.equal(code, 73);
    assert.equal(out, "");
    assert.match(err, /mine\.ini exists/);
    assert.equal(Deno.readTextFileSync(path), "# mine\n");
  });
});

Deno.test("masterserver init: twice is status 73 the second time", async () => {
  await withPlace(async ({ run, directory }) => {
    const path = `${directory}/new/place/master.ini`;
    assert.equal((await run("init", "--config", path)).code, 0);
    const before = Deno.readTextFileSync(path);
    assert.equal((await run("init", "--config", path)).code, 73);
    assert.equal(Deno.readTextFileSync(path), before);
  });
});

Deno.test("masterserver init: a place that cannot be written is status 73", async () => {
  await withPlace(async ({ run, write }) => {
    const { code, err } = await run("init", "--config", `${write("file", "")}/master.ini`);
    assert.equal(code, 73);
    assert.match(err, /file\/master\.ini/);
  });
});
