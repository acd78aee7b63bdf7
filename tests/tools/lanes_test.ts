import assert from "node:assert/strict";
import { lanesOf } from "../../tools/_lanes.ts";

Deno.test("lanesOf: every file is in one lane, and those that measure are alone", () => {
  const files = [
    "tests/db/store_test.ts",
    "tests/e2e/independent_client_test.ts",
    "tests/e2e/load_test.ts",
    "tests/e2e/network_members_test.ts",
    "tests/layering_test.ts",
    "tests/sim/sim_test.ts",
  ];
  const { alone, together } = lanesOf(files);
  assert.deepEqual(alone.paths, ["tests/e2e/load_test.ts"]);
  const all = [alone, ...together].flatMap(({ paths }) => paths);
  assert.deepEqual(all.sort(), files);
  const parts = together.find(({ name }) => name === "its parts");
  assert.deepEqual(parts?.paths, ["tests/db/store_test.ts", "tests/layering_test.ts"]);
});

Deno.test("lanesOf: a lane without files does not run everything", () => {
  assert.deepEqual(lanesOf(["tests/e2e/load_test.ts"]).together, []);
});
