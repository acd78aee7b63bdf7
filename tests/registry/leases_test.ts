import assert from "node:assert/strict";
import { ALIVE, EXPIRY_SLACK, HOUR, LIMITS, SECOND, status, stored, World } from "./_helpers.ts";
import { adopt, left, merge, OTHER, remotePut, THIRD, tombstone } from "./_remote.ts";

const IP = "192.0.2.1";
const ID = "192.0.2.1:3030";

/** Milliseconds for which who knows a server from others waits longer than those. */
const GRACE = 10 * SECOND;

/** Milliseconds from now until a server is gone. */
function lifetime(world: World, id = ID): number {
  const start = world.now;
  while (world.registry.get(id) !== undefined && world.now < start + 10 * HOUR) world.pass(50, 50);
  return world.now - start;
}

function assertBetween(low: number, actual: number, high: number): void {
  assert.ok(actual > low && actual <= high, `${actual} ms, not ${low} to ${high}`);
}

function lease(world: World, milliseconds: number, id = ID): void {
  merge(world, { leases: [{ id, left: milliseconds }] });
}

Deno.test("Registry.merge: who knows a server from others gives them time to say that it is gone", () => {
  const world = new World();
  adopt(world, IP, { left: 100 * SECOND });
  assertBetween(100 * SECOND + GRACE, lifetime(world), 100 * SECOND + GRACE + EXPIRY_SLACK);
  assert.deepEqual(world.registry.snapshot().tombstones.map(({ cause }) => cause), ["expired"]);
});

Deno.test("Registry.merge: who has heard of a server itself waits for nobody", () => {
  const world = new World();
  world.list(IP);
  lease(world, ALIVE - 10 * SECOND);
  assertBetween(ALIVE, lifetime(world), ALIVE + EXPIRY_SLACK + 50);
});

Deno.test("Registry.merge: a lease makes a server live longer, and says when it was heard of", () => {
  const world = new World();
  adopt(world, IP, { left: 100 * SECOND });
  world.pass(50 * SECOND);
  world.takeEvents();
  lease(world, 300 * SECOND);
  assert.equal(world.registry.get(ID)?.lastSeen, world.wall - ALIVE + 300 * SECOND);
  assert.deepEqual(world.takeEvents(), [`seen ${ID}`]);
  assertBetween(300 * SECOND + GRACE, lifetime(world), 300 * SECOND + GRACE + EXPIRY_SLACK);
});

Deno.test("Registry.merge: a lease never makes a server live for less", () => {
  const world = new World();
  adopt(world, IP, { left: 300 * SECOND });
  world.takeEvents();
  for (const milliseconds of [0, 1, 100 * SECOND, 299 * SECOND]) lease(world, milliseconds);
  assert.deepEqual(world.takeEvents(), [], "and nobody is told");
  assertBetween(300 * SECOND + GRACE, lifetime(world), 300 * SECOND + GRACE + EXPIRY_SLACK);
});

Deno.test("Registry.merge: a lease of a server that is not known makes none of it", () => {
  const world = new World();
  lease(world, ALIVE, "192.0.2.9:1");
  assert.equal(world.registry.size, 0);
  assert.deepEqual(world.events, []);
});

Deno.test("Registry.merge: a lease is longer than four alive timeouts for nobody", () => {
  for (const milliseconds of [5 * ALIVE, 1e15]) {
    const world = new World();
    adopt(world, IP, { left: 1 });
    lease(world, milliseconds);
    assertBetween(4 * ALIVE, lifetime(world), 4 * ALIVE + GRACE + EXPIRY_SLACK);
  }
});

Deno.test("Registry.merge: leases from its master keep a server alive for ever", () => {
  const world = new World();
  adopt(world, IP, { left: ALIVE });
  for (let i = 0; i < 30; i++) {
    world.pass(ALIVE - SECOND, 10_000);
    lease(world, ALIVE);
  }
  assert.equal(world.state(ID), "listed");
  assertBetween(ALIVE + GRACE, lifetime(world), ALIVE + GRACE + EXPIRY_SLACK);
});

Deno.test("Registry.merge: a new alive timeout counts for leases, too", () => {
  const world = new World();
  adopt(world, IP, { left: ALIVE });
  world.registry.setLimits({ ...LIMITS, aliveTimeout: ALIVE - 100 * SECOND });
  assertBetween(620 * SECOND + GRACE - 1, lifetime(world), 620 * SECOND + GRACE + EXPIRY_SLACK);
});

Deno.test("Registry.merge: a wall clock that jumps changes no lease", () => {
  for (const jump of [-30 * HOUR, -HOUR, HOUR, 30 * HOUR]) {
    const world = new World();
    adopt(world, IP, { left: 300 * SECOND });
    world.wall += jump;
    const told = left(world, ID) ?? 0;
    assertBetween(298 * SECOND, told, 300 * SECOND);
    world.pass(100 * SECOND, 1000);
    lease(world, 400 * SECOND);
    world.wall -= 2 * jump;
    assertBetween(400 * SECOND + GRACE, lifetime(world), 400 * SECOND + GRACE + EXPIRY_SLACK);
  }
});

Deno.test("Registry.snapshot: what a master tells of life is never more than it has been told", () => {
  for (let offset = 0; offset < 1000; offset += 77) {
    const world = new World();
    world.pass(offset, 1);
    adopt(world, IP, { left: 100 * SECOND });
    assertBetween(98 * SECOND, left(world, ID) ?? 0, 100 * SECOND);
    world.list("192.0.2.2");
    assertBetween(ALIVE - 2 * SECOND, left(world, "192.0.2.2:3030") ?? 0, ALIVE);
    world.pass(105 * SECOND);
    assert.equal(left(world, ID), 0, "in the time that it is given beyond");
  }
});

Deno.test("Registry.snapshot: tells whether a server was heard of here, for as long as that counts", () => {
  const world = new World();
  const heard = () => world.registry.snapshot().records.map(({ life }) => life.heard);
  world.list(IP);
  assert.deepEqual(heard(), [true]);
  world.pass(ALIVE - SECOND, 1000);
  lease(world, ALIVE);
  assert.deepEqual(heard(), [true]);
  world.pass(2 * SECOND);
  assert.deepEqual(heard(), [false]);
  world.registry.apply({ type: "refresh", ids: [ID] });
  assert.deepEqual(heard(), [true]);
});

/** Two masters tell each other of a server, each word taking a while, until neither lists it. */
function gossip(worlds: readonly [World, World], delay: number, pause: number): number {
  const [first] = worlds;
  const start = first.now;
  while (worlds.some(({ registry }) => registry.get(ID)) && first.now < start + 30 * HOUR) {
    for (const [from, to] of [worlds, worlds.toReversed()]) {
      const [told] = from?.registry.snapshot().records ?? [];
      for (const world of worlds) world.pass(delay, 1000);
      if (!told) continue;
      const { state: _, lastSeen: __, ...record } = told.record;
      assert.equal(told.life.heard, false);
      if (to) merge(to, { puts: [{ record, ...told.life }] });
    }
    if (pause > 0) { for (const world of worlds) world.pass(pause, 1000); }
  }
  return first.now - start;
}

Deno.test("Registry.merge: word that goes round among those who have heard nothing dies away", () => {
  for (const [delay, pause] of [[10, 30_000], [400, 1000], [2000, 0], [59_000, 0]] as const) {
    const worlds = [new World(), new World({}, OTHER)] as const;
    for (const world of worlds) {
      merge(world, { puts: [remotePut(worlds[0], IP, { origin: THIRD, left: ALIVE })] });
    }
    assertBetween(ALIVE - 60 * SECOND, gossip(worlds, delay, pause), 5 * ALIVE);
  }
});

Deno.test("Registry.merge: word that goes round dies away after a restart, too", () => {
  for (const [delay, pause] of [[400, 1000], [2000, 0], [59_000, 0]] as const) {
    const worlds = [new World(), new World({}, OTHER)] as const;
    const record = stored(worlds[0], IP, { origin: THIRD });
    for (const world of worlds) world.registry.restore({ records: [record] }, { others: true });
    assertBetween(ALIVE - 200 * SECOND, gossip(worlds, delay, pause), 6 * ALIVE);
  }
});

Deno.test("Registry.merge: two that hear a server hand no more life to each other than it has", () => {
  const worlds = [new World(), new World({}, OTHER)] as const;
  for (const world of worlds) world.list(IP);
  for (let i = 0; i < 60; i++) {
    for (const [from, to] of [worlds, worlds.toReversed()]) {
      const [told] = from?.registry.snapshot().records ?? [];
      for (const world of worlds) world.pass(100);
      if (told && to) lease(to, told.life.left);
    }
  }
  assertBetween(ALIVE - 20 * SECOND, lifetime(worlds[0]), ALIVE + 10 * SECOND);
});

Deno.test("Registry.merge: only one of many tombstones is needed when a server dies", () => {
  const home = new World();
  home.list(IP);
  const others = [new World({}, OTHER), new World({}, THIRD)];
  const [told] = home.registry.snapshot().records;
  assert.ok(told);
  for (const other of others) merge(other, { puts: [remotePut(other, IP, { ...told.life })] });
  const all = [home, ...others];
  while (home.registry.size > 0) for (const world of all) world.pass(100);
  assert.deepEqual(others.map(({ registry }) => registry.size), [1, 1]);
  const { tombstones } = home.registry.snapshot();
  for (const other of others) merge(other, { tombstones });
  assert.deepEqual(others.map(({ registry }) => registry.size), [0, 0]);
  for (const other of others) assert.deepEqual(other.registry.snapshot().tombstones, tombstones);
});

Deno.test("Registry.merge: a server that others hear is not disowned by a heartbeat of the old style", () => {
  const world = new World();
  adopt(world, IP, { key: "bob", name: "Bob's tanks", status: status() });
  for (let i = 0; i < 20; i++) {
    world.pass(60 * SECOND, 1000);
    lease(world, ALIVE);
    world.register(IP);
    assert.equal(world.registry.get(ID)?.key, "bob");
  }
  assert.equal(world.registry.get(ID)?.origin, OTHER, "nothing is changed here");
  world.pass(181 * SECOND, 1000);
  world.register(IP);
  assert.equal(world.registry.get(ID)?.key, undefined, "its owner has fallen silent at home");
});

Deno.test("Registry.announce: another key cannot have an address whose owner is heard of elsewhere", () => {
  const world = new World();
  adopt(world, IP, { key: "bob", name: "Bob's tanks" });
  world.pass(100 * SECOND);
  lease(world, ALIVE);
  world.pass(100 * SECOND);
  assert.equal(world.announce(IP, "eve", "Eve's").type, "refused");
  // What one who has not heard of it tells is no word of the owner.
  adopt(world, IP, { key: "bob", name: "Bob's tanks", heard: false });
  world.pass(81 * SECOND);
  assert.equal(world.announce(IP, "eve", "Eve's").type, "accepted");
});

Deno.test("Registry.merge: who lives by a lease alone is disputed, who was heard of here is not", () => {
  const world = new World();
  world.list(IP);
  adopt(world, "192.0.2.2");
  world.pass(SECOND);
  world.takeEvents();
  merge(world, { tombstones: [ID, "192.0.2.2:3030"].map((id) => tombstone(world, id)) });
  assert.deepEqual(world.takeEvents(), [`put ${ID} listed`, "disputed 192.0.2.2:3030"]);
});
