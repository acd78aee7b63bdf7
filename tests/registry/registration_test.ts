import assert from "node:assert/strict";
import { status, World } from "./_helpers.ts";

const IP = "192.0.2.1";
const ID = "192.0.2.1:3030";

Deno.test("Registry: a new server is challenged, and listed once it has answered", () => {
  const world = new World();
  assert.deepEqual(world.register(IP), { type: "accepted" });
  assert.equal(world.state(ID), "challenged");
  assert.equal(world.registry.listed, 0);
  assert.equal(world.registry.size, 1);
  world.answer(ID);
  assert.equal(world.state(ID), "listed");
  assert.equal(world.registry.listed, 1);
  assert.deepEqual(world.takeEvents(), [`put ${ID} challenged`, `put ${ID} listed`]);
});

Deno.test("Registry: keeps what a server sent, and when", () => {
  const world = new World();
  const settings = { protocol: "1122", ["__proto__"]: "x", constructor: "y" };
  world.register(IP, 3030, settings);
  world.pass(500);
  world.answer(ID);
  const record = world.registry.get(ID);
  assert.equal(record?.gamename, "netpanzer");
  assert.deepEqual(Object.entries(record?.settings ?? {}), [
    ["gamename", "netpanzer"],
    ["port", "3030"],
    ["protocol", "1122"],
    ["__proto__", "x"],
    ["constructor", "y"],
  ]);
  assert.equal(record?.firstSeen, world.wall - 500);
  assert.equal(record?.lastSeen, world.wall - 500);
});

Deno.test("Registry: without verify a server is listed at once and never challenged", () => {
  const world = new World({ verify: false });
  world.register(IP);
  assert.equal(world.state(ID), "listed");
  world.pass(60_000);
  assert.deepEqual(world.challenges, []);
  assert.deepEqual(world.takeEvents(), [`put ${ID} listed`]);
});

Deno.test("Registry: a master is listed at once, its password has been looked at before", () => {
  const world = new World();
  world.register(IP, 28900, { gamename: "master" });
  assert.equal(world.state("192.0.2.1:28900"), "listed");
  assert.deepEqual(world.challenges, []);
});

Deno.test("Registry: lists are in order of listing, and a heartbeat moves nobody", () => {
  const world = new World();
  const a = world.list("192.0.2.1");
  world.register("192.0.2.2");
  const c = world.list("192.0.2.3");
  world.answer("192.0.2.2:3030");
  const order = [a, c, "192.0.2.2:3030"];
  assert.deepEqual(world.listed(), order);
  world.register("192.0.2.1");
  world.register("192.0.2.1", 3030, { protocol: "1123" });
  world.registry.apply({ type: "refresh", ids: [c] });
  assert.deepEqual(world.listed(), order);
});

Deno.test("Registry: a server that quits and returns is the most recent one", () => {
  const world = new World();
  const a = world.list("192.0.2.1");
  const b = world.list("192.0.2.2");
  world.registry.apply({ type: "quit", ip: "192.0.2.1", port: 3030 });
  assert.deepEqual(world.listed(), [b]);
  world.list("192.0.2.1");
  assert.deepEqual(world.listed(), [b, a]);
});

Deno.test("Registry: a quit removes nothing but exactly that address and port", () => {
  const world = new World();
  const kept = [world.list(IP, 3031), world.list("192.0.2.2"), world.list("2001:db8::1")];
  world.list(IP);
  world.takeEvents();
  assert.deepEqual(world.registry.apply({ type: "quit", ip: IP, port: 3030 }), {
    type: "accepted",
  });
  assert.deepEqual(world.listed(), kept);
  assert.deepEqual(world.takeEvents(), [`removed ${ID} quit`]);
  assert.deepEqual(world.registry.apply({ type: "quit", ip: IP, port: 3030 }), {
    type: "accepted",
  });
  assert.deepEqual(world.takeEvents(), []);
});

Deno.test("Registry: a heartbeat with the same settings is seen, with others it is put", () => {
  const world = new World();
  world.list(IP);
  world.takeEvents();
  world.pass(300_000);
  world.register(IP);
  assert.deepEqual(world.takeEvents(), [`seen ${ID}`]);
  assert.equal(world.registry.get(ID)?.lastSeen, world.wall);
  world.register(IP, 3030, { protocol: "1123" });
  assert.deepEqual(world.takeEvents(), [`put ${ID} listed`]);
  world.register(IP);
  assert.deepEqual(world.takeEvents(), [`put ${ID} listed`]);
  assert.deepEqual(world.registry.get(ID)?.settings, { gamename: "netpanzer", port: "3030" });
});

Deno.test("Registry: refresh is for the known, and tells of the known only", () => {
  const world = new World();
  const a = world.list("192.0.2.1");
  const b = world.list("192.0.2.2");
  world.takeEvents();
  world.registry.apply({ type: "refresh", ids: [b, "192.0.2.9:1", a, "nonsense"] });
  assert.deepEqual(world.takeEvents(), [`seen ${b} ${a}`]);
  world.registry.apply({ type: "refresh", ids: ["nonsense"] });
  world.registry.apply({ type: "refresh", ids: [] });
  assert.deepEqual(world.takeEvents(), []);
  assert.equal(world.registry.size, 2);
});

Deno.test("Registry: a game server that becomes a master is another server, and back", () => {
  const world = new World();
  world.list(IP);
  world.takeEvents();
  world.register(IP, 3030, { gamename: "master" });
  assert.deepEqual(world.takeEvents(), [`removed ${ID} replaced`, `put ${ID} listed`]);
  assert.equal(world.registry.get(ID)?.gamename, "master");
  world.register(IP);
  assert.deepEqual(world.takeEvents(), [`removed ${ID} replaced`, `put ${ID} challenged`]);
  assert.equal(world.state(ID), "challenged");
  world.answer(ID);
  assert.equal(world.state(ID), "listed");
  assert.equal(world.registry.listed, 1);
});

Deno.test("Registry: a replaced server leaves nothing of its challenge or status behind", () => {
  const world = new World();
  world.list(IP);
  world.registry.apply({ type: "status", id: ID, status: status() });
  world.register(IP, 3030, { gamename: "master" });
  assert.equal(world.registry.get(ID)?.status, undefined);
  world.register(IP);
  const before = world.challenges.length;
  world.register(IP, 3030, { gamename: "master" });
  world.pass(20_000);
  assert.equal(world.challenges.length, before);
  assert.equal(world.state(ID), "listed");
});

Deno.test("Registry: a status is for the listed, and told when it says something new", () => {
  const world = new World();
  world.register(IP);
  world.registry.apply({ type: "status", id: ID, status: status() });
  world.registry.apply({ type: "status", id: "192.0.2.9:1", status: status() });
  assert.equal(world.registry.get(ID)?.status, undefined);
  world.answer(ID);
  world.takeEvents();
  world.registry.apply({ type: "status", id: ID, status: status("A") });
  world.registry.apply({ type: "status", id: ID, status: status("A") });
  world.registry.apply({ type: "status", id: ID, status: status("A", 2) });
  world.registry.apply({ type: "status", id: ID, status: status("B", 2) });
  assert.deepEqual(world.takeEvents(), [`status ${ID} A`, `status ${ID} A`, `status ${ID} B`]);
  assert.deepEqual(world.registry.get(ID)?.status, status("B", 2));
});

Deno.test("Registry: a status is no heartbeat", () => {
  const world = new World();
  world.list(IP);
  for (let i = 0; i < 25; i++) {
    world.pass(30_000);
    world.registry.apply({ type: "status", id: ID, status: status("M", i) });
  }
  assert.equal(world.registry.get(ID), undefined);
});

Deno.test("Registry: a heartbeat with other settings keeps the status", () => {
  const world = new World();
  world.list(IP);
  world.registry.apply({ type: "status", id: ID, status: status() });
  world.register(IP, 3030, { protocol: "1123" });
  assert.deepEqual(world.registry.get(ID)?.status, status());
});
