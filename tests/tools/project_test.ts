import assert from "node:assert/strict";
import { parseStartTask, ROOT } from "../../tools/_project.ts";

function denoJson(start: unknown, unstable?: unknown): string {
  return JSON.stringify({ tasks: { start }, ...(unstable === undefined ? {} : { unstable }) });
}

Deno.test("parseStartTask: sorts the flags of the start task and adds the unstable features", () => {
  const task = "deno run --no-prompt --frozen --allow-net --deny-net=10.0.0.1 " +
    "--allow-env=HOME,NO_COLOR --unstable-kv main.ts";
  assert.deepEqual(parseStartTask(denoJson(task, ["net", "worker-options"])), {
    entry: "main.ts",
    permissions: ["--no-prompt", "--allow-net", "--deny-net=10.0.0.1", "--allow-env=HOME,NO_COLOR"],
    unstable: ["--unstable-net", "--unstable-worker-options", "--unstable-kv"],
  });
});

Deno.test("parseStartTask: reads this project's own deno.json", async () => {
  const start = parseStartTask(await Deno.readTextFile(`${ROOT}/deno.json`));
  assert.equal(start.entry, "mod.ts");
  assert.ok(start.permissions.includes("--no-prompt"), "a daemon has nobody to ask");
  assert.ok(start.permissions.includes("--allow-net"));
});

Deno.test("parseStartTask: refuses a flag that it cannot carry over, and quotes it", () => {
  for (const flag of ["-A", "--watch", "--inspect=0.0.0.0:9229"]) {
    assert.throws(() => parseStartTask(denoJson(`deno run ${flag} mod.ts`)), (error: Error) => {
      return error.message.includes(`'${flag}'`);
    });
  }
});

Deno.test("parseStartTask: refuses a task of any other form, and says which to write", () => {
  const tasks = [
    undefined,
    7,
    "deno run",
    "deno test mod.ts",
    'deno run --allow-read="a b" mod.ts',
    "deno run mod.ts && echo done",
    "deno run --allow-env=$NAMES mod.ts",
  ];
  for (const task of tasks) {
    assert.throws(() => parseStartTask(denoJson(task)), /deno run FLAGS FILE/, `${task}`);
  }
});

Deno.test("parseStartTask: refuses unstable features that are not a list", () => {
  assert.throws(
    () => parseStartTask(denoJson("deno run mod.ts", true)),
    /"unstable" is not a list/,
  );
});
