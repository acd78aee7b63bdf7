import assert from "node:assert/strict";
import { MeshWarnings } from "../../rings/_mesh_warnings.ts";
import { withFakeTime } from "../daemon/_helpers.ts";

const TARGET = { host: "m.example.org", port: 6060 };

/** Runs with warnings on a clock that a test turns, and what they have said. */
function withWarnings(
  use: (warnings: MeshWarnings, said: string[], pass: (ms: number) => Promise<void>) =>
    | Promise<void>
    | void,
): Promise<void> {
  return withFakeTime(async (time) => {
    const said: string[] = [];
    const warnings = new MeshWarnings({
      post: () => {},
      log: (level, message, fields) => void said.push(`${level} ${message} ${fields?.["address"]}`),
    });
    await use(warnings, said, (ms) => time.pass(ms));
  });
}

Deno.test("MeshWarnings: the same of one address once in ten minutes, another reason at once", async () => {
  await withWarnings(async (warnings, said, pass) => {
    for (let i = 0; i < 5; i++) warnings.tell("refused", "192.0.2.1", "why");
    assert.deepEqual(said, ["warning refused 192.0.2.1"]);
    warnings.tell("refused", "192.0.2.2", "why");
    warnings.tell("refused", "192.0.2.1", "another");
    assert.equal(said.length, 3);
    await pass(600_000);
    warnings.tell("refused", "192.0.2.1", "another");
    assert.equal(said.length, 4);
  });
});

Deno.test("MeshWarnings: many addresses do not make as many lines", async () => {
  await withWarnings((warnings, said) => {
    for (let i = 0; i < 1000; i++) warnings.tell("refused", `10.0.${i >> 8}.${i & 255}`, "why");
    assert.equal(said.length, 50);
  });
});

Deno.test("MeshWarnings: that a master cannot be reached is said when it goes on, and hourly", async () => {
  await withWarnings(async (warnings, said, pass) => {
    for (let i = 0; i < 4; i++) warnings.unreachable(TARGET, "refused");
    warnings.reached(TARGET);
    for (let i = 0; i < 4; i++) warnings.unreachable(TARGET, "refused");
    assert.deepEqual(said, [], "it was back soon");
    assert.equal(warnings.unreachable(TARGET, "refused"), "refused");
    for (let i = 0; i < 9; i++) warnings.unreachable(TARGET, i % 2 ? "refused" : "timeout");
    assert.deepEqual(said, ["warning another master cannot be reached m.example.org:6060"]);
    await pass(3_600_001);
    warnings.unreachable(TARGET, "refused");
    assert.equal(said.length, 2);
  });
});
