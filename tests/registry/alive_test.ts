import assert from "node:assert/strict";
import { ALIVE, EXPIRY_SLACK, HOUR, LIMITS, SECOND, World } from "./_helpers.ts";

const IP = "192.0.2.1";
const ID = "192.0.2.1:3030";

/** Milliseconds from now until a server is gone. */
function lifetime(world: World, id: string): number {
  const start = world.now;
  while (world.registry.get(id) !== undefined && world.now < start + 10 * HOUR) world.pass(50, 50);
  return world.now - start;
}

function assertDiesAt(expected: number, actual: number): void {
  assert.ok(actual > expected, `${actual} ms, too early`);
  assert.ok(actual <= expected + EXPIRY_SLACK + 50, `${actual} ms, too late`);
}

Deno.test("Registry: a silent server dies at the alive timeout, within 1.25 s", () => {
  for (const offset of [0, 1, 333, 500, 999]) {
    const world = new World();
    world.pass(offset, 1);
    world.list(IP);
    world.takeEvents();
    assertDiesAt(ALIVE, lifetime(world, ID));
    assert.deepEqual(world.takeEvents(), [`removed ${ID} expired`]);
    assert.equal(world.registry.listed, 0);
  }
});

Deno.test("Registry: the unverified and masters die like others", () => {
  const world = new World();
  world.register(IP);
  world.register(IP, 28900, { gamename: "master" });
  const start = world.now;
  assertDiesAt(ALIVE, lifetime(world, ID));
  world.pass(50, 50);
  assert.equal(world.registry.size, 0);
  assert.ok(world.now - start < ALIVE + 2 * SECOND);
});

Deno.test("Registry: heartbeats and refreshes keep a server alive for ever", () => {
  const world = new World();
  world.list(IP);
  world.list("192.0.2.2");
  for (let i = 0; i < 40; i++) {
    world.pass(ALIVE - 1, 10_000);
    world.register(IP);
    world.registry.apply({ type: "refresh", ids: ["192.0.2.2:3030"] });
  }
  assert.equal(world.registry.listed, 2);
  assertDiesAt(ALIVE, lifetime(world, ID));
  assert.equal(world.registry.get("192.0.2.2:3030"), undefined);
});

Deno.test("Registry: a heartbeat that is on its way when time runs out still counts", () => {
  for (let offset = 0; offset < 1000; offset += 50) {
    const world = new World();
    world.pass(offset, 50);
    world.list(IP);
    world.pass(ALIVE + 240, 10);
    world.registry.apply({ type: "refresh", ids: [ID] });
    world.pass(ALIVE, 1000);
    assert.equal(world.state(ID), "listed", `${offset}`);
  }
});

Deno.test("Registry: a wall clock that jumps kills nobody and makes nobody immortal", () => {
  for (const jump of [-30 * HOUR, -HOUR, HOUR, 30 * HOUR]) {
    const world = new World();
    world.list(IP);
    world.pass(100 * SECOND);
    world.wall += jump;
    world.pass(ALIVE - 100 * SECOND - 1, 1000);
    assert.equal(world.state(ID), "listed", `${jump}`);
    world.pass(EXPIRY_SLACK + 101);
    assert.equal(world.state(ID), undefined, `${jump}`);
  }
});

Deno.test("Registry: heartbeats after a jump of the wall clock count in full", () => {
  for (const jump of [-30 * HOUR, 30 * HOUR]) {
    const world = new World();
    world.list(IP);
    world.list("192.0.2.2");
    world.wall += jump;
    world.register(IP);
    world.registry.apply({ type: "refresh", ids: ["192.0.2.2:3030"] });
    world.pass(ALIVE - 1, 1000);
    assert.equal(world.registry.listed, 2, `${jump}`);
    world.pass(EXPIRY_SLACK + 101);
    assert.equal(world.registry.size, 0, `${jump}`);
  }
});

Deno.test("Registry: new limits after a jump of the wall clock kill nobody", () => {
  for (const jump of [-30 * HOUR, 30 * HOUR]) {
    const world = new World();
    world.list(IP);
    world.pass(100 * SECOND);
    world.wall += jump;
    world.registry.setLimits({ ...LIMITS, aliveTimeout: 600 * SECOND });
    assertDiesAt(500 * SECOND, lifetime(world, ID));
  }
});

Deno.test("Registry: a new alive timeout counts from when each server was last heard of", () => {
  const world = new World();
  world.list(IP);
  world.pass(100 * SECOND);
  const second = world.list("192.0.2.2");
  world.pass(100 * SECOND);
  world.registry.setLimits({ ...LIMITS, aliveTimeout: 300 * SECOND });
  assertDiesAt(100 * SECOND, lifetime(world, ID));
  assert.equal(world.state(second), "listed");
  world.registry.setLimits({ ...LIMITS, aliveTimeout: 500 * SECOND });
  // 200 s have gone by for it.
  assertDiesAt(300 * SECOND, lifetime(world, second) + (world.now % 1));
});

Deno.test("Registry: an alive timeout that all have outlived ends them at the next tick", () => {
  const world = new World();
  world.list(IP);
  world.list("192.0.2.2");
  world.pass(200 * SECOND);
  world.registry.setLimits({ ...LIMITS, aliveTimeout: 100 * SECOND });
  assert.equal(world.registry.size, 2);
  world.pass(EXPIRY_SLACK);
  assert.equal(world.registry.size, 0);
});

Deno.test("Registry: a machine that slept for hours expires the silent in one tick", () => {
  const world = new World();
  for (let i = 0; i < 100; i++) world.list(`198.51.100.${i}`);
  world.takeEvents();
  world.pass(10 * HOUR, 10 * HOUR);
  assert.equal(world.registry.size, 0);
  assert.equal(world.takeEvents().length, 100);
});
