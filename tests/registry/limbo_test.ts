import assert from "node:assert/strict";
import { hlcAt, type ServerRecord } from "../../registry/mod.ts";
import { ALIVE, HOUR, ORIGIN, SECOND, stored, World } from "./_helpers.ts";
import { Reader } from "./_reader.ts";
import { adopt, claim, merge, OTHER, remotePut, sync, THIRD, tombstone } from "./_remote.ts";

const IP = "192.0.2.1";
const ID = "192.0.2.1:3030";

/** A master that comes back after its server's time is over, and is not alone. */
function late(changes: Partial<ServerRecord> = {}): World {
  const world = new World();
  const record = stored(world, IP, { lastSeen: world.wall - ALIVE - SECOND, ...changes });
  assert.equal(world.registry.restore({ records: [record] }, { others: true }), 0);
  return world;
}

Deno.test("Registry.restore: among others the silent are not listed, nor buried at once", () => {
  const world = late();
  world.pass(ALIVE - 2 * SECOND, 1000);
  assert.equal(world.registry.size, 0);
  assert.deepEqual(world.events, []);
  assert.deepEqual(world.registry.snapshot().tombstones, []);
  world.pass(4 * SECOND);
  assert.deepEqual(world.takeEvents(), [`removed ${ID} expired`]);
  const [gone] = world.registry.snapshot().tombstones;
  assert.deepEqual([gone?.origin, gone?.cause], [ORIGIN, "expired"]);
  assert.ok((gone?.hlc ?? 0) > hlcAt(world.wall - HOUR));
});

Deno.test("Registry.restore: once another has told all, the silent are waited for a moment longer", () => {
  const world = late();
  world.pass(10 * SECOND);
  sync(world);
  world.takeEvents();
  world.pass(18 * SECOND);
  sync(world);
  assert.deepEqual(world.takeEvents(), [`synced ${OTHER}`]);
  world.pass(4 * SECOND);
  assert.deepEqual(
    world.takeEvents(),
    [`removed ${ID} expired`],
    "what comes again delays nothing",
  );
});

Deno.test("Registry.restore: a part that comes after another has told all is hurried by the next", () => {
  const world = late();
  sync(world, OTHER, 5);
  const second = stored(world, "192.0.2.2", { lastSeen: world.wall - 2 * ALIVE });
  world.registry.restore({ records: [second] }, { others: true });
  world.pass(30 * SECOND);
  assert.equal(world.registry.snapshot().tombstones.length, 1);
  sync(world, OTHER, 6);
  world.pass(22 * SECOND);
  assert.equal(world.registry.snapshot().tombstones.length, 2);
});

Deno.test("Registry.restore: the silent are listed by the word of anyone who lists them", () => {
  for (const heard of [true, false]) {
    const world = late();
    adopt(world, IP, { hlc: hlcAt(world.wall - HOUR), origin: ORIGIN, heard });
    assert.equal(world.state(ID), "listed");
    world.pass(30 * SECOND);
    sync(world);
    world.pass(30 * SECOND);
    assert.equal(world.state(ID), "listed");
    assert.deepEqual(world.registry.snapshot().tombstones, []);
  }
});

Deno.test("Registry.restore: who registers in the meantime is waited for no longer", () => {
  const world = late();
  world.list(IP);
  world.pass(ALIVE - SECOND, 1000);
  assert.equal(world.state(ID), "listed");
  assert.deepEqual(world.registry.snapshot().tombstones, []);
});

Deno.test("Registry.restore: who registers in the meantime and proves nothing is gone for others", () => {
  const world = late();
  const reader = new Reader();
  reader.servers.set(ID, stored(world, IP));
  reader.known = new Map([[ORIGIN, hlcAt(world.wall - HOUR)]]);
  world.load();
  world.register(IP);
  sync(world);
  world.pass(22 * SECOND);
  assert.equal(world.state(ID), "unverified");
  assert.equal(world.registry.snapshot().tombstones.length, 1);
  reader.catchUp(world.changes, world.replica);
  assert.deepEqual([reader.ids, reader.whole], [[], 0]);
});

Deno.test("Registry.restore: a silent server that quits is gone at once, by its owner's word", () => {
  const quit = { type: "quit", ip: IP, port: 3030 } as const;
  const old = late();
  old.registry.apply(quit);
  assert.deepEqual(old.takeEvents(), [`removed ${ID} quit`]);
  assert.deepEqual(old.registry.snapshot().tombstones.map(({ cause }) => cause), ["quit"]);
  old.pass(ALIVE + 10 * SECOND, 1000);
  assert.deepEqual(old.takeEvents(), []);
  const keyed = late({ key: "bob", name: "Bob's tanks" });
  keyed.registry.apply(quit);
  keyed.registry.apply({ type: "leave", id: ID, key: "eve" });
  assert.deepEqual(keyed.takeEvents(), []);
  keyed.registry.apply({ type: "leave", id: ID, key: "bob" });
  assert.deepEqual(keyed.takeEvents(), [`removed ${ID} quit`]);
});

Deno.test("Registry.restore: another's later tombstone ends the waiting, an earlier one does not", () => {
  const world = late();
  merge(world, { tombstones: [tombstone(world, ID, "quit", { hlc: 5 })] });
  assert.deepEqual(world.registry.snapshot().tombstones, []);
  adopt(world, IP, { hlc: hlcAt(world.wall - HOUR), heard: false });
  assert.equal(world.state(ID), "listed", "it was waited for still");
  const second = late();
  const gone = tombstone(second, ID);
  merge(second, { tombstones: [gone] });
  assert.deepEqual(second.takeEvents(), [`removed ${ID} expired`]);
  assert.deepEqual(second.registry.snapshot().tombstones, [gone]);
  second.pass(ALIVE + 10 * SECOND, 1000);
  assert.deepEqual(second.takeEvents(), []);
});

Deno.test("Registry.restore: readers who were told of nothing yet get what is listed in the end", () => {
  const world = late({ origin: OTHER });
  const reader = new Reader();
  world.load();
  reader.catchUp(world.changes, world.replica);
  // The master that changed it last has forgotten it, the one that hears it has not told of it yet.
  sync(world);
  reader.catchUp(world.changes, world.replica);
  adopt(world, IP, { hlc: hlcAt(world.wall - HOUR) });
  reader.catchUp(world.changes, world.replica);
  assert.deepEqual(reader.ids, [ID]);
});

Deno.test("Registry.restore: the living are listed at once, with a little time for others to tell", () => {
  const world = new World();
  const record = stored(world, IP, { lastSeen: world.wall - ALIVE + 20 * SECOND });
  world.registry.restore({ records: [record] }, { others: true });
  assert.equal(world.state(ID), "listed");
  world.pass(29 * SECOND);
  merge(world, { leases: [{ id: ID, left: 500 * SECOND }] });
  world.pass(500 * SECOND, 1000);
  assert.equal(world.state(ID), "listed");
  world.pass(12 * SECOND);
  assert.equal(world.state(ID), undefined);
});

Deno.test("Registry.restore: of the silent only what was listed is waited for", () => {
  const world = late({ state: "challenged" });
  assert.equal(world.registry.size, 0);
  assert.deepEqual(world.challenges, []);
  assert.deepEqual(world.takeEvents(), [`removed ${ID} expired`]);
});

/** A master that has forgotten that somebody went, an hour after that. */
function forgetful(): World {
  const world = new World();
  adopt(world, "192.0.2.200");
  const gone = tombstone(world, "192.0.2.200:3030", "quit");
  merge(world, { tombstones: [gone] });
  world.pass(HOUR, 10_000);
  world.takeEvents();
  return world;
}

Deno.test("Registry.merge: who may be long gone is waited for 20 s, unlisted", () => {
  const world = forgetful();
  const put = remotePut(world, IP, { hlc: hlcAt(world.wall - 2 * HOUR), heard: false });
  merge(world, { puts: [put] });
  assert.equal(world.registry.size, 0);
  world.pass(10 * SECOND);
  merge(world, { puts: [put] });
  assert.equal(world.registry.size, 0);
  assert.deepEqual(world.takeEvents(), []);
  world.pass(12 * SECOND);
  assert.deepEqual(
    world.takeEvents(),
    [`removed ${ID} expired`],
    "no later for its second telling",
  );
  const [gone] = world.registry.snapshot().tombstones;
  assert.equal(gone?.origin, ORIGIN);
  assert.ok((gone?.hlc ?? 0) > put.record.hlc);
  merge(world, { puts: [put] });
  assert.equal(world.registry.size, 0);
});

Deno.test("Registry.merge: who may be long gone is listed when somebody has heard of it", () => {
  const world = forgetful();
  const hlc = hlcAt(world.wall - 2 * HOUR);
  adopt(world, IP, { hlc, heard: false });
  world.pass(15 * SECOND);
  adopt(world, IP, { hlc, heard: true, origin: THIRD });
  assert.equal(world.state(ID), "listed");
  world.pass(30 * SECOND);
  assert.equal(world.state(ID), "listed");
  assert.deepEqual(world.registry.snapshot().tombstones, []);
  adopt(world, "192.0.2.2", { hlc, heard: true });
  assert.equal(world.state("192.0.2.2:3030"), "listed", "at once where it is told of like that");
});

Deno.test("Registry.merge: what has changed since is no one who may be long gone", () => {
  const world = forgetful();
  adopt(world, IP, { heard: false });
  assert.equal(world.state(ID), "listed");
});

Deno.test("Registry.merge: to a master that has forgotten nobody, nobody may be long gone", () => {
  const world = new World();
  adopt(world, IP, { hlc: hlcAt(world.wall - 100 * HOUR), heard: false });
  assert.equal(world.state(ID), "listed");
});

Deno.test("Registry.merge: a clock that was ahead makes nobody doubtful who has come since", () => {
  const ahead = (world: World) => ({ hlc: hlcAt(world.wall + 24 * HOUR), origin: THIRD });
  const world = new World();
  const gone = tombstone(world, "192.0.2.200:3030", "quit", ahead(world));
  merge(world, { tombstones: [gone] });
  world.pass(HOUR, 10_000);
  adopt(world, IP, { heard: false });
  assert.equal(world.state(ID), "listed");
  const restarted = new World();
  const { origin, hlc } = ahead(restarted);
  restarted.registry.restore({ horizon: [[origin, hlc]] }, { others: true });
  adopt(restarted, IP, { heard: false });
  assert.equal(restarted.state(ID), "listed");
  adopt(restarted, "192.0.2.2", { hlc: hlcAt(restarted.wall - HOUR), heard: false });
  assert.equal(restarted.registry.size, 1, "who went may have gone an hour ago");
});

Deno.test("Registry.restore: names come first, a name that is another's waits for nobody", () => {
  const world = late({ key: "bob", name: "Bob's tanks" });
  merge(world, { names: [claim("Bob's tanks", "eve", 5)] });
  adopt(world, IP, { key: "bob", name: "Bob's tanks", hlc: hlcAt(world.wall - HOUR) });
  assert.equal(world.state(ID), undefined);
  assert.deepEqual(world.registry.snapshot().tombstones.map(({ cause }) => cause), ["quit"]);
});

Deno.test("Registry.merge: whoever tells the lease of one that is waited for has heard of it", () => {
  const world = late();
  merge(world, { leases: [{ id: ID, left: ALIVE / 2 }] });
  assert.equal(world.registry.get(ID)?.state, "listed");
  assert.equal(world.registry.size, 1);
});
