import assert from "node:assert/strict";
import { compile, type CompileOutcome } from "../../tools/compile.ts";
import { exists } from "../../tools/_process.ts";
import { COMPILER_NOTE, HAS_COMPILER, writeStandIn } from "./_stand_in.ts";

const OFFLINE = Deno.env.get("MASTERSERVER_TEST_NAMESPACE") === "1";
const OFFLINE_NOTE = OFFLINE ? "" : " (needs a network namespace of its own: deno task test)";

let directory = "";
let root = "";

Deno.test.beforeAll(async () => {
  directory = await Deno.makeTempDir({ prefix: "masterserver-compile-" });
  root = `${directory}/source`;
  await Deno.mkdir(root);
  await writeStandIn(root);
});

Deno.test.afterAll(async () => {
  await Deno.remove(directory, { recursive: true });
});

function failure(outcome: CompileOutcome): string {
  if (outcome.kind !== "failed") assert.fail(`made ${outcome.path}`);
  return outcome.message;
}

/** Stands for denort: a program that deno puts its data behind. */
async function fakeRuntime(path: string, body: string): Promise<string> {
  await Deno.writeTextFile(`${path}.c`, `#include <stdio.h>\nint main(void) { ${body} }\n`);
  const { success } = await new Deno.Command("cc", { args: ["-o", path, `${path}.c`] }).output();
  assert.ok(success);
  return path;
}

Deno.test({
  name: `compile: is deno compile where DENORT_BIN names a runtime${COMPILER_NOTE}`,
  ignore: !HAS_COMPILER,
  async fn() {
    const denortBin = await fakeRuntime(`${directory}/runtime`, 'puts("fake 1"); return 0;');
    const lines: string[] = [];
    const tell = (line: string) => lines.push(line);
    const outcome = await compile({ root, denortBin, output: `${directory}/made/program`, tell });
    assert.deepEqual(outcome, {
      kind: "deno-compile",
      path: `${directory}/made/program`,
      bytes: (await Deno.stat(`${directory}/made/program`)).size,
      version: "fake 1",
    });
    assert.deepEqual(lines, []);
    const left = [...Deno.readDirSync(`${directory}/made`)].map((entry) => entry.name);
    assert.deepEqual(left, ["program"]);
  },
});

Deno.test({
  name: `compile: keeps the program of before when the new one does not start${COMPILER_NOTE}`,
  ignore: !HAS_COMPILER,
  async fn() {
    const denortBin = await fakeRuntime(`${directory}/broken`, 'puts("no luck"); return 3;');
    const output = `${directory}/kept/program`;
    await Deno.mkdir(`${directory}/kept`);
    await Deno.writeTextFile(output, "the program of before");
    const message = failure(await compile({ root, denortBin, output }));
    assert.match(message, /does not start.*status 3\nno luck$/s);
    assert.equal(await Deno.readTextFile(output), "the program of before");
    assert.equal([...Deno.readDirSync(`${directory}/kept`)].length, 1);
  },
});

Deno.test("compile: refuses a DENORT_BIN that is not there and quotes it", async () => {
  const output = `${directory}/none/program`;
  const denortBin = `${directory}/no-such-runtime`;
  const message = failure(await compile({ root, output, denortBin }));
  assert.ok(message.includes(`'${denortBin}'`), message);
  assert.match(message, /No such file.*unset it$/s);
  assert.equal(await exists(output), false);
});

Deno.test("compile: tells a type error as one, and does not try another way", async () => {
  const broken = `${directory}/type-error`;
  await Deno.mkdir(broken);
  await writeStandIn(broken);
  await Deno.writeTextFile(
    `${broken}/mod.ts`,
    'const count: number = "three";\nconsole.log(count);',
  );
  const lines: string[] = [];
  const tell = (line: string) => lines.push(line);
  assert.match(failure(await compile({ root: broken, tell })), /TS2322/);
  assert.deepEqual(lines, []);
});

Deno.test({
  name: `compile: without a runtime for another target says what to do${OFFLINE_NOTE}`,
  ignore: !OFFLINE,
  async fn() {
    const target = "aarch64-apple-darwin";
    for (const args of [["--target", target], [`--target=${target}`]]) {
      const message = failure(await compile({ root, args, output: `${directory}/mac/program` }));
      assert.match(message, /^deno compile has no runtime \(denort\) for aarch64-apple-darwin/);
      assert.match(message, /DENORT_BIN/);
    }
    assert.equal(await exists(`${directory}/mac/program`), false);
  },
});

Deno.test({
  name: `compile: makes a program by one way or the other${COMPILER_NOTE}`,
  ignore: !HAS_COMPILER,
  async fn() {
    const lines: string[] = [];
    const tell = (line: string) => lines.push(line);
    const outcome = await compile({ root, tell });
    if (outcome.kind === "failed") assert.fail(outcome.message);
    assert.equal(outcome.path, `${root}/dist/masterserver`);
    assert.equal(outcome.version, "stand-in 1.0");
    const status = await Deno.stat(outcome.path);
    assert.equal(status.size, outcome.bytes);
    assert.equal((status.mode ?? 0) & 0o777, 0o755);
    // Which way depends on whether this machine can get denort; it says so when it cannot.
    assert.equal(lines.length, outcome.kind === "single-file" ? 2 : 0);
    if (outcome.kind === "single-file") assert.match(lines[0] ?? "", /no runtime \(denort\)/);
  },
});
