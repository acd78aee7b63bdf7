import assert from "node:assert/strict";
import { lanesOf } from "../../tools/_lanes.ts";

Deno.test("lanesOf: every file is in one lane, and those that measure are alone", () => {
  const files = [
    "tests/db/store_test.ts",
    "tests/e2e/independent_client_test.ts",
    "tests/e2e/load_test.ts",
    "tests/e2e/network_members_test.ts",
    "tests/sim/sim_test.ts",
  ];
  const { alone, together } = lanesOf(files);
  assert.deepEqual(alone.paths, []);
  const aside = together.flatMap(({ paths }) => paths);
  assert.deepEqual([...aside].sort(), [...alone.leftOut].sort());
  assert.equal(new Set(aside).size, aside.length);
  const left = files.filter((file) => !aside.includes(file));
  assert.deepEqual(left, ["tests/db/store_test.ts", "tests/e2e/load_test.ts"]);
});

Deno.test("lanesOf: a lane without files does not run everything", () => {
  assert.deepEqual(lanesOf(["tests/a_test.ts"]).together, []);
});
