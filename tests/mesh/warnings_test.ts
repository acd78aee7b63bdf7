import assert from "node:assert/strict";
import { Warnings } from "../../mesh/warnings.ts";
import { ALIVE, FakeSource, helloOf, idOf, SECOND } from "./_helpers.ts";

type Line = readonly [level: string, message: string, fields: Readonly<Record<string, unknown>>];

function world() {
  const source = new FakeSource();
  const lines: Line[] = [];
  const warnings = new Warnings(source, {
    dial: () => {},
    commands: () => {},
    users: () => {},
    masters: () => {},
    log: (...line) => lines.push(line),
  });
  return { source, lines, warnings };
}

Deno.test("Warnings.say: says the same of one master once in ten minutes", () => {
  const { source, lines, warnings } = world();
  for (let second = 0; second < 600; second++) {
    warnings.say(idOf(2), "it makes no sense", { master: "m2", reason: String(second) });
    source.pass(SECOND);
  }
  assert.deepEqual(lines, [["warning", "it makes no sense", { master: "m2", reason: "0" }]]);
  warnings.say(idOf(2), "it makes no sense", { master: "m2", reason: "again" });
  assert.equal(lines.length, 2);
});

Deno.test("Warnings.say: other masters and other messages are said beside it", () => {
  const { lines, warnings } = world();
  warnings.say(idOf(2), "it makes no sense", { master: "m2" });
  warnings.say(idOf(3), "it makes no sense", { master: "m2" });
  warnings.say(idOf(2), "it complains", { master: "m2" });
  assert.equal(lines.length, 3);
});

Deno.test("Warnings.note: who comes and goes all the time is noted once a minute, with a count", () => {
  const { source, lines, warnings } = world();
  for (let i = 0; i < 240; i++) {
    warnings.note("info", idOf(2), "connected", { master: "m2" });
    warnings.note("warning", idOf(2), "lost", { master: "m2" });
    source.pass(SECOND / 2);
  }
  assert.deepEqual(lines, [
    ["info", "connected", { master: "m2" }],
    ["warning", "lost", { master: "m2" }],
    ["info", "connected", { master: "m2", suppressed: 119 }],
    ["warning", "lost", { master: "m2", suppressed: 119 }],
  ]);
});

Deno.test("Warnings: what it remembers is bounded", () => {
  const { lines, warnings } = world();
  for (let i = 0; i < 1025; i++) warnings.say(`192.0.2.${i}`, "who is it?", {});
  assert.equal(lines.length, 1025);
  // The first ones were forgotten to make room.
  warnings.say("192.0.2.0", "who is it?", {});
  warnings.say("192.0.2.1024", "who is it?", {});
  assert.equal(lines.length, 1026);
});

Deno.test("Warnings.compare: says that clocks and alive timeouts differ", () => {
  const { source, lines, warnings } = world();
  const time = source.wall();
  warnings.compare(helloOf(2, { time: time + 60_000, alive: ALIVE }), ALIVE);
  warnings.compare(helloOf(3, { time: time - 60_000 }), ALIVE);
  assert.equal(lines.length, 0);
  warnings.compare(helloOf(2, { time: time + 61_400, alive: 60_000 }), ALIVE);
  warnings.compare(helloOf(3, { time: time - 5 * 3_600_000, name: "" }), ALIVE);
  assert.deepEqual(lines.map(([level, , fields]) => [level, fields]), [
    ["warning", { master: "m2", ahead_s: 61 }],
    ["warning", { master: "m2", theirs_s: 60, ours_s: 720 }],
    ["warning", { master: idOf(3), ahead_s: -18_000 }],
  ]);
});
