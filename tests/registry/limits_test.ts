import assert from "node:assert/strict";
import { ALIVE, LIMITS, World } from "./_helpers.ts";

const REFUSED = {
  type: "refused",
  refusal: "too_many",
  reason: "Too many servers from this address, 3 are allowed",
};
const ACCEPTED = { type: "accepted" };

Deno.test("Registry: one host registers up to its limit and no further", () => {
  const world = new World({ serversPerHost: 3 });
  for (let port = 1; port <= 3; port++) {
    assert.deepEqual(world.register("192.0.2.1", port), ACCEPTED);
  }
  world.takeEvents();
  assert.deepEqual(world.register("192.0.2.1", 4), REFUSED);
  assert.deepEqual(world.takeEvents(), []);
  assert.equal(world.registry.size, 3);
  assert.deepEqual(world.register("192.0.2.2", 4), ACCEPTED, "others are not concerned");
});

Deno.test("Registry: a host at its limit may still send heartbeats and change kind", () => {
  const world = new World({ serversPerHost: 1 });
  world.list("192.0.2.1");
  assert.deepEqual(world.register("192.0.2.1"), ACCEPTED);
  assert.deepEqual(world.register("192.0.2.1", 3030, { gamename: "master" }), ACCEPTED);
  assert.deepEqual(world.register("192.0.2.1", 3030, { gamename: "netpanzer" }), ACCEPTED);
  assert.equal(world.registry.size, 1);
});

Deno.test("Registry: IPv6 addresses of one /64 are one host", () => {
  const world = new World({ serversPerHost: 3 });
  for (let i = 1; i <= 3; i++) {
    assert.deepEqual(world.register(`2001:db8:0:1:${i}::1`), ACCEPTED);
  }
  assert.deepEqual(world.register("2001:db8:0:1:ffff:ffff:ffff:ffff"), REFUSED);
  assert.deepEqual(world.register("2001:db8:0:2::1"), ACCEPTED);
});

Deno.test("Registry: every way of leaving makes room for another", () => {
  const leave: Record<string, (world: World) => void> = {
    quit: (world) => world.registry.apply({ type: "quit", ip: "192.0.2.1", port: 1 }),
    expired: (world) => {
      world.pass(ALIVE / 2, 1000);
      for (const port of [2, 3]) world.register("192.0.2.1", port);
      world.pass(ALIVE / 2 + 1350);
    },
  };
  for (const [cause, go] of Object.entries(leave)) {
    const world = new World({ serversPerHost: 3 });
    for (const port of [1, 2, 3]) world.list("192.0.2.1", port);
    assert.deepEqual(world.register("192.0.2.1", 4), REFUSED);
    go(world);
    assert.equal(world.registry.size, 2, cause);
    assert.deepEqual(world.register("192.0.2.1", 4), ACCEPTED, cause);
    assert.deepEqual(world.register("192.0.2.1", 5), REFUSED, cause);
  }
});

Deno.test("Registry: the unverified count, or a spoofed host could fill the memory", () => {
  const world = new World({ serversPerHost: 3 });
  for (const port of [1, 2, 3]) world.register("192.0.2.1", port);
  world.pass(20_000);
  assert.equal(world.state("192.0.2.1:1"), "unverified");
  assert.deepEqual(world.register("192.0.2.1", 4), REFUSED);
});

Deno.test("Registry: setLimits changes the limit for those to come and removes nobody", () => {
  const world = new World({ serversPerHost: 3 });
  for (const port of [1, 2, 3]) world.list("192.0.2.1", port);
  world.registry.setLimits({ ...LIMITS, serversPerHost: 1 });
  assert.equal(world.registry.listed, 3);
  assert.equal(world.register("192.0.2.1", 4).type, "refused");
  assert.deepEqual(world.register("192.0.2.1", 3), ACCEPTED);
  world.registry.setLimits({ ...LIMITS, serversPerHost: 4 });
  assert.deepEqual(world.register("192.0.2.1", 4), ACCEPTED);
});

Deno.test("Registry: setLimits switches verification on and off for those to come", () => {
  const world = new World({ serversPerHost: 10 });
  world.register("192.0.2.1", 1);
  world.pass(20_000);
  world.registry.setLimits({ ...LIMITS, verify: false });
  world.register("192.0.2.1", 2);
  assert.equal(world.state("192.0.2.1:2"), "listed");
  world.register("192.0.2.1", 1);
  assert.equal(world.state("192.0.2.1:1"), "listed", "the unverified with its next heartbeat");
  world.registry.setLimits({ ...LIMITS, verify: true });
  world.register("192.0.2.1", 3);
  assert.equal(world.state("192.0.2.1:3"), "challenged");
  assert.equal(world.registry.listed, 2);
});
