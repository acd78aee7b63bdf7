import assert from "node:assert/strict";
import { ALIVE, status, stored, World } from "./_helpers.ts";

const IP = "192.0.2.1";
const ID = "192.0.2.1:3030";

Deno.test("Registry.trace: tells a server's life from registration to listing", () => {
  const world = new World();
  world.register(IP);
  world.pass(2100);
  world.answer(ID);
  world.registry.apply({ type: "status", id: ID, status: status("Duel", 3) });
  assert.deepEqual(world.registry.trace(ID).map(({ step, detail }) => [step, detail]), [
    ["registered", "netpanzer"],
    ["challenged", "try 1 of 4"],
    ["challenged", "try 2 of 4"],
    ["answered", "the challenge, try 2"],
    ["listed", "netpanzer"],
    ["status", "map Duel, 3 of 8 players"],
  ]);
  assert.deepEqual(world.traced.map(({ entry }) => entry), [...world.registry.trace(ID)]);
  assert.ok(world.traced.every(({ id }) => id === ID));
  assert.equal(world.registry.trace(ID)[0]?.at, world.wall - 2100);
});

Deno.test("Registry.trace: a status replaces the one before, so that polls push nothing out", () => {
  const world = new World();
  world.list(IP);
  for (let i = 0; i < 100; i++) {
    world.registry.apply({ type: "status", id: ID, status: status(`map ${i}`) });
  }
  assert.deepEqual(world.steps(ID), ["registered", "challenged", "answered", "listed", "status"]);
  assert.match(world.registry.trace(ID).at(-1)?.detail ?? "", /map 99/);
  world.register(IP, 3030, { protocol: "1123" });
  world.registry.apply({ type: "status", id: ID, status: status("after") });
  assert.deepEqual(world.steps(ID).slice(-2), ["changed", "status"]);
  assert.equal(world.steps(ID).filter((step) => step === "status").length, 1);
});

Deno.test("Registry.trace: the last 16 steps are kept", () => {
  const world = new World();
  world.list(IP);
  for (let i = 0; i < 50; i++) world.register(IP, 3030, { n: String(i) });
  assert.equal(world.steps(ID).length, 16);
  assert.deepEqual(new Set(world.steps(ID)), new Set(["changed"]));
});

Deno.test("Registry.trace: outlives the server and goes on when it returns", () => {
  const world = new World();
  world.list(IP);
  world.registry.apply({ type: "quit", ip: IP, port: 3030 });
  assert.equal(world.steps(ID).at(-1), "quit");
  world.register(IP);
  assert.deepEqual(world.steps(ID).slice(-3), ["quit", "registered", "challenged"]);
  world.pass(ALIVE + 2000, 1000);
  assert.equal(world.steps(ID).at(-1), "expired");
  assert.equal(world.registry.trace(ID).at(-1)?.detail, "no heartbeat within server-alive-timeout");
});

Deno.test("Registry.trace: tells of those that were refused", () => {
  const world = new World({ serversPerHost: 1 });
  world.list(IP);
  world.register(IP, 3031);
  world.registry.apply({ type: "refuse", ip: "192.0.2.9", port: 28900, reason: "Wrong password" });
  const refusals = [
    world.registry.trace("192.0.2.1:3031"),
    world.registry.trace("192.0.2.9:28900"),
  ];
  assert.deepEqual(refusals.map((trace) => trace.map(({ step, detail }) => [step, detail])), [
    [["refused", "Too many servers from this address, 1 are allowed"]],
    [["refused", "Wrong password"]],
  ]);
  assert.equal(world.registry.size, 1);
});

Deno.test("Registry.trace: a refusal of a live server is part of its trace", () => {
  const world = new World();
  world.list(IP);
  world.registry.apply({ type: "refuse", ip: IP, port: 3030, reason: "Wrong password" });
  assert.equal(world.steps(ID).at(-1), "refused");
  assert.equal(world.state(ID), "listed");
});

Deno.test("Registry.trace: refusals push out departed ones, never the living", () => {
  const world = new World();
  world.list(IP);
  for (let i = 0; i < 6000; i++) {
    world.registry.apply({
      type: "refuse",
      ip: `10.0.${i >> 8}.${i & 255}`,
      port: 1,
      reason: "no",
    });
  }
  assert.deepEqual(world.registry.trace("10.0.0.0:1"), []);
  assert.equal(world.registry.trace("10.0.23.111:1").length, 1);
  assert.equal(world.steps(ID).length, 4);
  const kept = Array.from({ length: 6000 }, (_, i) => `10.0.${i >> 8}.${i & 255}:1`)
    .filter((id) => world.registry.trace(id).length > 0);
  assert.equal(kept.length, 4096);
});

Deno.test("Registry.trace: of one nobody heard of is empty", () => {
  assert.deepEqual(new World().registry.trace("192.0.2.1:1"), []);
});

Deno.test("Registry.trace: says that a server came from the database", () => {
  const world = new World();
  world.registry.restore({ records: [stored(world, IP)] });
  assert.deepEqual(world.registry.trace(ID).map(({ step, detail }) => [step, detail]), [
    ["registered", "taken over from the database"],
  ]);
});

Deno.test("Registry.trace: a change of kind is told as a change", () => {
  const world = new World();
  world.list(IP);
  world.register(IP, 3030, { gamename: "master" });
  assert.deepEqual(world.steps(ID).slice(-3), ["changed", "registered", "listed"]);
});
