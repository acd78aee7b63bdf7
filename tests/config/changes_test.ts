import assert from "node:assert/strict";
import { changesBetween, CONFIG_KEYS, planReload } from "../../config/mod.ts";
import { config } from "./_support.ts";

const OLD = config(
  "[network]\nmmport = 6061\n[game]\nconnection-limit = 10; masterserver-password = hunter2\n" +
    "[masters]\npeer = a:1\n[system]\nlogfile = /a.log",
);
const NEW = config(
  "[network]\nmmport = off; publicadress = m.example\n" +
    "[game]\nconnection-limit = 20; masterserver-password = hunter3\n" +
    "[masters]\npeer = a:1; peer = b:2\n[system]\nloglevel = debug",
);

Deno.test("changesBetween: lists what differs, with values, and secrets without", () => {
  assert.deepEqual(changesBetween(OLD, NEW), [
    {
      section: "network",
      key: "publicadress",
      needsRestart: false,
      secret: false,
      after: "m.example",
    },
    {
      section: "network",
      key: "mmport",
      needsRestart: true,
      secret: false,
      before: "6061",
      after: "off",
    },
    {
      section: "game",
      key: "connection-limit",
      needsRestart: false,
      secret: false,
      before: "10",
      after: "20",
    },
    { section: "game", key: "masterserver-password", needsRestart: false, secret: true },
    {
      section: "masters",
      key: "peer",
      needsRestart: false,
      secret: false,
      before: "a:1",
      after: "a:1, b:2",
    },
    { section: "system", key: "logfile", needsRestart: true, secret: false, before: "/a.log" },
    {
      section: "system",
      key: "loglevel",
      needsRestart: false,
      secret: false,
      before: "info",
      after: "debug",
    },
  ]);
  assert.deepEqual(changesBetween(OLD, OLD), []);
  assert.doesNotMatch(JSON.stringify(changesBetween(OLD, NEW)), /hunter/);
});

Deno.test("planReload: takes new values where it can and keeps the others", () => {
  const { config: next, applied, waiting } = planReload(OLD, NEW);
  assert.deepEqual(waiting.map((change) => change.key), ["mmport", "logfile"]);
  assert.deepEqual(
    applied.map((change) => change.key),
    ["publicadress", "connection-limit", "masterserver-password", "peer", "loglevel"],
  );
  assert.equal(next.network.mmport, 6061);
  assert.equal(next.system.logFile, "/a.log");
  assert.equal(next.network.publicAddress, "m.example");
  assert.equal(next.game.connectionLimit, 20);
  assert.equal(next.game.masterserverPassword, "hunter3");
  assert.equal(next.masters.peers.length, 2);
  assert.equal(next.system.logLevel, "debug");
  assert.ok(Object.isFrozen(next) && Object.isFrozen(next.game));
});

Deno.test("planReload: what waits comes up again, what was applied does not", () => {
  const { config: next } = planReload(OLD, NEW);
  const again = planReload(next, NEW);
  assert.deepEqual(again.applied, []);
  assert.deepEqual(again.waiting.map((change) => change.key), ["mmport", "logfile"]);
  assert.deepEqual(again.config, next);
});

Deno.test("planReload: back to the running values is no change", () => {
  const { config: next } = planReload(OLD, NEW);
  assert.deepEqual(planReload(next, next).waiting, []);
  assert.deepEqual(planReload(OLD, OLD).config, OLD);
  for (const { section } of CONFIG_KEYS) assert.ok(section in next);
});
