import assert from "node:assert/strict";
import { Changes, hlcAt, Replica } from "../../registry/mod.ts";
import { ALIVE, HOUR, ORIGIN, SECOND, status, World } from "./_helpers.ts";
import { Reader } from "./_reader.ts";
import { adopt, left, merge, OTHER, remotePut, sync, THIRD, tombstone } from "./_remote.ts";

const IP = "192.0.2.1";
const ID = "192.0.2.1:3030";

/** A server that only others have heard of, with so many milliseconds left. */
function foreign(milliseconds = ALIVE): World {
  const world = new World();
  adopt(world, IP, { left: milliseconds });
  world.pass(SECOND);
  world.takeEvents();
  return world;
}

Deno.test("Registry.merge: a quit counts, whoever has heard of the server", () => {
  const world = new World();
  world.list(IP);
  world.pass(SECOND);
  world.takeEvents();
  const gone = tombstone(world, ID, "quit");
  merge(world, { tombstones: [gone] });
  assert.deepEqual(world.takeEvents(), [`removed ${ID} quit`]);
  assert.deepEqual(world.registry.snapshot().tombstones, [gone]);
  assert.equal(world.registry.size, 0);
  assert.equal(world.steps(ID).at(-1), "quit");
});

Deno.test("Registry.merge: a tombstone that is older than the record changes nothing", () => {
  const world = foreign();
  for (const cause of ["quit", "expired"] as const) {
    merge(world, { tombstones: [tombstone(world, ID, cause, { hlc: hlcAt(world.wall - HOUR) })] });
  }
  assert.equal(world.state(ID), "listed");
  assert.deepEqual(world.takeEvents(), []);
  assert.deepEqual(world.registry.snapshot().tombstones, []);
});

Deno.test("Registry.merge: a server that was heard of here is said at once not to be dead", () => {
  const world = new World();
  world.list(IP);
  world.registry.apply({ type: "status", id: ID, status: status() });
  const before = world.registry.get(ID);
  world.takeEvents();
  const gone = tombstone(world, ID, "expired", { hlc: hlcAt(world.wall + HOUR) });
  merge(world, { tombstones: [gone] });
  assert.deepEqual(world.takeEvents(), [`put ${ID} listed`]);
  const after = world.registry.get(ID);
  assert.ok((after?.hlc ?? 0) > gone.hlc, "later than the tombstone, though its clock was ahead");
  assert.deepEqual({ ...after, hlc: 0 }, { ...before, hlc: 0 });
  assert.deepEqual(world.registry.snapshot().tombstones, []);
  merge(world, { tombstones: [gone] });
  assert.deepEqual(world.takeEvents(), [], "once");
});

Deno.test("Registry.merge: a master that was heard of here is not dead either", () => {
  const world = new World();
  world.register(IP, 28900, { gamename: "master" });
  merge(world, { tombstones: [tombstone(world, "192.0.2.1:28900")] });
  assert.equal(world.state("192.0.2.1:28900"), "listed");
});

Deno.test("Registry.merge: who lives for a while by others' word stays, and others are asked", () => {
  const world = foreign();
  const gone = tombstone(world, ID);
  merge(world, { tombstones: [gone] });
  assert.deepEqual(world.takeEvents(), [`disputed ${ID}`]);
  assert.equal(world.state(ID), "listed");
  assert.deepEqual(world.registry.snapshot().tombstones, [gone], "others are told of it");
  assert.deepEqual(world.registry.departures().tombstones, [], "readers are not");
  world.pass(44 * SECOND);
  assert.equal(world.state(ID), "listed");
  world.pass(2 * SECOND);
  assert.deepEqual(world.takeEvents(), [`removed ${ID} expired`]);
  assert.equal(world.registry.size, 0);
});

Deno.test("Registry.merge: a dispute ends when the server turns out to live", () => {
  const world = foreign();
  const gone = tombstone(world, ID);
  merge(world, { tombstones: [gone] });
  world.pass(20 * SECOND);
  adopt(world, IP, { hlc: gone.hlc + 1, origin: THIRD });
  assert.deepEqual(world.registry.snapshot().tombstones, []);
  world.pass(60 * SECOND);
  assert.equal(world.state(ID), "listed");
});

Deno.test("Registry.merge: a dispute ends when the server is heard of here", () => {
  const world = foreign();
  const gone = tombstone(world, ID);
  merge(world, { tombstones: [gone] });
  world.register(IP);
  world.pass(SECOND);
  const record = world.registry.get(ID);
  assert.equal(record?.origin, ORIGIN);
  assert.ok((record?.hlc ?? 0) > gone.hlc);
  assert.deepEqual(world.registry.snapshot().tombstones, []);
  world.pass(60 * SECOND);
  assert.equal(world.state(ID), "listed");
});

Deno.test("Registry.merge: a change made here in a dispute leaves no tombstone beside the server", () => {
  const world = foreign();
  merge(world, { tombstones: [tombstone(world, ID)] });
  world.registry.apply({ type: "status", id: ID, status: status() });
  assert.deepEqual(world.registry.snapshot().tombstones, []);
  world.pass(60 * SECOND);
  assert.equal(world.state(ID), "listed");
});

Deno.test("Registry.merge: many who find a server dead one after another do not keep it", () => {
  const world = foreign();
  for (let i = 0; i < 10; i++) {
    merge(world, { tombstones: [tombstone(world, ID)] });
    world.pass(5 * SECOND);
  }
  assert.equal(world.state(ID), undefined);
});

Deno.test("Registry.merge: a quit ends a dispute", () => {
  const world = foreign();
  merge(world, { tombstones: [tombstone(world, ID)] });
  world.pass(SECOND);
  merge(world, { tombstones: [tombstone(world, ID, "quit")] });
  assert.deepEqual(world.takeEvents(), [`disputed ${ID}`, `removed ${ID} quit`]);
});

Deno.test("Registry.merge: in a dispute an older record only tells how long the server lives", () => {
  const world = foreign(60 * SECOND);
  const gone = tombstone(world, ID);
  merge(world, { tombstones: [gone] });
  world.takeEvents();
  adopt(world, IP, { hlc: gone.hlc - 1, gamename: "another", left: 600 * SECOND });
  assert.deepEqual(world.takeEvents(), [`seen ${ID}`]);
  assert.equal(world.registry.get(ID)?.gamename, "netpanzer");
  assert.ok((left(world, ID) ?? 0) > 580 * SECOND);
});

Deno.test("Registry.merge: who hardly lives any more by others' word is gone at once", () => {
  const world = foreign(4 * SECOND);
  merge(world, { tombstones: [tombstone(world, ID)] });
  assert.deepEqual(world.takeEvents(), [`removed ${ID} expired`]);
});

Deno.test("Registry.merge: of two tombstones the later one stays", () => {
  const world = foreign();
  const [early, late] = [
    tombstone(world, ID, "quit"),
    tombstone(world, ID, "quit", {
      hlc: hlcAt(world.wall) + 1,
      origin: THIRD,
    }),
  ];
  for (const order of [[early, late], [late, early]]) {
    merge(world, { tombstones: order });
    assert.deepEqual(world.registry.snapshot().tombstones, [late]);
  }
});

Deno.test("Registry.merge: a tombstone keeps an older record away, and not a newer one", () => {
  const world = new World();
  const gone = tombstone(world, ID);
  merge(world, { tombstones: [gone] });
  adopt(world, IP, { hlc: gone.hlc - 1 });
  adopt(world, IP, { hlc: gone.hlc });
  assert.equal(world.registry.size, 0);
  adopt(world, IP, { hlc: gone.hlc + 1 });
  assert.equal(world.state(ID), "listed");
  assert.deepEqual(world.registry.snapshot().tombstones, []);
});

Deno.test("Registry.merge: a tombstone does not end what is just registering here", () => {
  const world = new World();
  world.register(IP);
  const gone = tombstone(world, ID, "quit");
  merge(world, { tombstones: [gone] });
  assert.equal(world.state(ID), "challenged");
  assert.deepEqual(world.registry.departures().tombstones, [gone]);
  adopt(world, IP, { hlc: gone.hlc - 1 });
  assert.equal(world.state(ID), "challenged", "what is older than the tombstone lists nobody");
  world.answer(ID);
  assert.equal(world.state(ID), "listed");
  assert.ok((world.registry.get(ID)?.hlc ?? 0) > gone.hlc);
  assert.deepEqual(world.registry.snapshot().tombstones, []);
});

Deno.test("Registry.merge: an unknown server's tombstone tells readers who know it", () => {
  for (const registering of [false, true]) {
    const world = new World();
    const put = remotePut(world, IP);
    const reader = new Reader();
    world.list("192.0.2.9");
    reader.catchUp(world.changes, world.replica);
    // Another master has told it of this server.
    reader.servers.set(ID, { ...put.record, state: "listed", lastSeen: world.wall });
    if (registering) world.register(IP);
    const gone = tombstone(world, ID, "quit");
    merge(world, { tombstones: [gone] });
    sync(world, OTHER, gone.hlc);
    reader.catchUp(world.changes, world.replica);
    assert.deepEqual(reader.ids, ["192.0.2.9:3030"], `registering: ${registering}`);
  }
});

Deno.test("Registry.merge: who is in dispute is not gone for readers of a new copy", () => {
  const world = foreign();
  const reader = new Reader();
  reader.catchUp(world.changes, world.replica);
  merge(world, { tombstones: [tombstone(world, ID)] });
  const replica = new Replica();
  const copy = new Changes(replica);
  copy.load(world.registry.departures());
  for (const record of world.registry.records()) replica.put(record);
  reader.catchUp(copy, replica);
  assert.deepEqual(reader.ids, [ID]);
});

Deno.test("Registry.merge: readers hear of the end of a dispute that others are past already", () => {
  const world = foreign();
  const reader = new Reader();
  reader.catchUp(world.changes, world.replica);
  const gone = tombstone(world, ID);
  merge(world, { tombstones: [gone] });
  sync(world, OTHER, gone.hlc + 100);
  reader.catchUp(world.changes, world.replica);
  assert.deepEqual(reader.ids, [ID]);
  assert.ok((reader.known.get(OTHER) ?? 0) > gone.hlc);
  world.pass(46 * SECOND);
  reader.catchUp(world.changes, world.replica);
  assert.deepEqual(reader.ids, []);
  assert.equal(reader.whole, 1, "at the beginning alone");
});

Deno.test("Registry.merge: readers hear of a tombstone that this master set up before it forgot", () => {
  for (const before of ["listed", "unknown"]) {
    const world = new World();
    if (before === "listed") {
      adopt(world, IP, { hlc: hlcAt(world.wall - HOUR), left: 1 });
      world.pass(SECOND);
    }
    const reader = new Reader();
    world.list("192.0.2.9");
    reader.catchUp(world.changes, world.replica);
    const record = remotePut(world, IP).record;
    reader.servers.set(ID, { ...record, state: "listed", lastSeen: world.wall });
    const lost = { hlc: hlcAt(world.wall) - 5, origin: ORIGIN };
    assert.ok((reader.known.get(ORIGIN) ?? 0) > lost.hlc);
    merge(world, { tombstones: [tombstone(world, ID, "quit", lost)] });
    reader.catchUp(world.changes, world.replica);
    assert.deepEqual(reader.ids, ["192.0.2.9:3030"], before);
  }
});

Deno.test("Registry.merge: forgotten tombstones do not come back, nor do those they kept away", () => {
  const world = foreign();
  const gone = tombstone(world, ID, "quit");
  const old = remotePut(world, IP, { hlc: gone.hlc - 1, heard: false });
  merge(world, { tombstones: [gone] });
  world.pass(2 * ALIVE + 2 * SECOND, 1000);
  assert.equal(world.registry.snapshot().tombstones.length, 0);
  world.takeEvents();
  merge(world, { tombstones: [gone] });
  assert.equal(world.registry.snapshot().tombstones.length, 0);
  assert.deepEqual(world.takeEvents(), []);
  merge(world, { puts: [old] });
  assert.equal(world.registry.size, 0);
  world.pass(22 * SECOND);
  assert.deepEqual(world.takeEvents(), [`removed ${ID} expired`], "and others are told so");
});

Deno.test("Registry.merge: of a tombstone that stands others' copies of it make no second one", () => {
  const world = foreign();
  const gone = tombstone(world, ID, "quit");
  merge(world, { tombstones: [gone] });
  world.pass(2 * ALIVE - 10 * SECOND, 1000);
  merge(world, { tombstones: [gone] });
  world.pass(12 * SECOND);
  assert.equal(world.registry.snapshot().tombstones.length, 0, "its time does not begin anew");
});

Deno.test("Registry.restore: a tombstone of the database does not replace a later one", () => {
  const world = new World();
  const late = tombstone(world, ID, "quit");
  merge(world, { tombstones: [late] });
  const early = tombstone(world, ID, "expired", { hlc: late.hlc - 9 });
  world.registry.restore({ tombstones: [early] });
  assert.deepEqual(world.registry.snapshot().tombstones, [late]);
});
