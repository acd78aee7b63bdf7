import assert from "node:assert/strict";
import { Changes, hlcAt, Replica, type Stored } from "../../registry/mod.ts";
import { ALIVE, HOUR, ORIGIN, SECOND, status, stored, World } from "./_helpers.ts";
import { Reader } from "./_reader.ts";
import { adopt, merge, OTHER, sync, THIRD, tombstone } from "./_remote.ts";

const IP = "192.0.2.1";
const ID = "192.0.2.1:3030";

/** How far a master's changes are known, as the registry and as its copies say. */
function known(world: World, origin = OTHER): number | undefined {
  const vector = new Map(world.registry.departures().vector);
  assert.equal(world.changes.vector.get(origin), vector.get(origin), "copies know the same");
  return vector.get(origin);
}

Deno.test("Registry.merge: what others have changed is not known to be all before they say so", () => {
  const world = new World();
  const first = hlcAt(world.wall);
  adopt(world, IP, { hlc: first });
  merge(world, { tombstones: [tombstone(world, "192.0.2.2:1")] });
  assert.equal(known(world), undefined);
  sync(world, OTHER, first + 100);
  assert.equal(known(world), first + 100);
  world.registry.apply({ type: "status", id: ID, status: status() });
  assert.equal(known(world), first + 100, "this is a change of this master");
  assert.ok((known(world, ORIGIN) ?? 0) > first);
});

Deno.test("Registry.merge: readers are told what others changed until all of it is known", () => {
  const world = new World();
  const reader = new Reader();
  adopt(world, IP);
  reader.catchUp(world.changes, world.replica);
  const missed = world.changes.since(reader.known);
  assert.equal(missed.type === "changes" && missed.changed.length, 1);
  sync(world);
  reader.catchUp(world.changes, world.replica);
  assert.deepEqual(world.changes.since(reader.known), {
    type: "changes",
    changed: [],
    removed: [],
  });
});

Deno.test("Registry.synced: is told once, and takes nothing back", () => {
  const world = new World();
  world.load();
  for (const hlc of [10, 10, 5, 12]) sync(world, OTHER, hlc);
  const told = world.events.filter((event) => event.type === "synced").map(({ hlc }) => hlc);
  assert.deepEqual(told, [10, 12]);
  assert.equal(known(world), 12);
});

Deno.test("Registry.synced: nobody tells this master what it has changed itself", () => {
  const world = new World();
  world.list(IP);
  const own = known(world, ORIGIN);
  sync(world, ORIGIN, hlcAt(world.wall + HOUR));
  assert.equal(known(world, ORIGIN), own);
});

Deno.test("Registry.tick: what a master had told that was not heard of for long is all there will be", () => {
  const world = new World();
  const first = hlcAt(world.wall);
  adopt(world, IP, { hlc: first });
  world.pass(ALIVE, 5000);
  adopt(world, IP, { hlc: first + 1000 });
  world.pass(ALIVE, 5000);
  assert.equal(known(world), undefined);
  world.pass(2 * SECOND);
  assert.equal(known(world), first, "what came since may not be all yet");
  adopt(world, "192.0.2.2", { hlc: first + 500 });
  assert.equal(world.registry.get("192.0.2.2:3030")?.origin, OTHER);
  world.pass(2 * ALIVE + SECOND, 5000);
  assert.equal(known(world), first + 1000);
});

Deno.test("Registry.tick: a master that says how far it is known is not lost", () => {
  const world = new World();
  const first = hlcAt(world.wall);
  adopt(world, IP, { hlc: first + 50 });
  sync(world, OTHER, first + 20);
  world.pass(3 * ALIVE, 5000);
  assert.ok((known(world) ?? 0) >= first + 20);
  const before = known(world) ?? 0;
  sync(world, OTHER, before + 1000);
  world.pass(3 * ALIVE, 5000);
  assert.equal(known(world), before + 1000);
});

Deno.test("Registry.tick: a tombstone that is forgotten does not make every cursor too old", () => {
  const world = new World();
  const reader = new Reader();
  adopt(world, IP);
  const gone = tombstone(world, ID, "quit");
  merge(world, { tombstones: [gone] });
  world.pass(2 * ALIVE + 2 * SECOND, 5000);
  assert.ok((known(world) ?? 0) >= gone.hlc);
  reader.catchUp(world.changes, world.replica);
  reader.catchUp(world.changes, world.replica);
  assert.equal(reader.whole, 1);
});

Deno.test("Registry.restore: a row of another master's tells nothing of how far it is known", () => {
  const world = new World();
  world.registry.restore({ records: [stored(world, IP, { origin: OTHER })] });
  world.load();
  assert.equal(known(world), undefined);
});

/** Whether a reader of before gets everything when another master has told all after so long. */
function isTooOld(world: World, milliseconds: number): boolean {
  world.load();
  const reader = new Map([...world.changes.vector, [OTHER, 50]]);
  world.pass(milliseconds, 10_000);
  sync(world, OTHER, hlcAt(world.wall));
  return world.changes.since(reader).type === "everything";
}

Deno.test("Registry.synced: what another has forgotten since it told all before, readers may know", () => {
  const apart = (milliseconds: number) => {
    const world = new World();
    sync(world, OTHER, 50);
    return isTooOld(world, milliseconds);
  };
  assert.equal(apart(2 * ALIVE - SECOND), false);
  assert.equal(apart(2 * ALIVE), true);
  const world = new World();
  for (let i = 0; i < 10; i++) {
    world.pass(ALIVE, 10_000);
    sync(world, OTHER, 50);
  }
  assert.equal(isTooOld(world, ALIVE), false, "it had nothing new to tell all the while");
});

Deno.test("Registry.synced: who gets everything once for what was forgotten gets changes from then on", () => {
  const world = new World();
  sync(world, OTHER, 50);
  assert.equal(isTooOld(world, 3 * ALIVE), true);
  const reader = new Reader();
  reader.catchUp(world.changes, world.replica);
  reader.catchUp(world.changes, world.replica);
  assert.equal(reader.whole, 1);
  const copy = new Changes(new Replica());
  copy.load(world.registry.departures());
  assert.equal(copy.since(reader.known).type, "changes");
  assert.equal(copy.since(new Map([...reader.known, [OTHER, 50]])).type, "everything");
});

Deno.test("Registry.synced: what was forgotten during a short absence of this master is nothing", () => {
  const absent = (milliseconds: number, more: Partial<Stored> = {}) => {
    const world = new World();
    const record = stored(world, IP, { lastSeen: world.wall - milliseconds });
    world.registry.restore({ records: [record], ...more }, { others: true });
    return isTooOld(world, 10 * SECOND);
  };
  assert.equal(absent(5 * SECOND), false);
  assert.equal(absent(ALIVE), false);
  assert.equal(absent(5 * SECOND, { horizon: [[ORIGIN, 5]] }), false);
  assert.equal(absent(2 * ALIVE), true);
  assert.equal(absent(-HOUR), true, "with a clock that was set back nobody knows");
  const fresh = new World();
  assert.equal(isTooOld(fresh, 10 * SECOND), false);
});

/** A master that has forgotten tombstones of one that is gone for ever, and starts again. */
function restarted(forgotten: number): World {
  const world = new World();
  world.registry.restore({
    records: [stored(world, IP)],
    horizon: [[THIRD, forgotten], [ORIGIN, 5]],
  });
  world.load();
  return world;
}

Deno.test("Registry.restore: a master that is gone for ever does not make every cursor too old", () => {
  const world = restarted(hlcAt(Date.UTC(2025, 0, 1)));
  const reader = new Reader();
  reader.catchUp(world.changes, world.replica);
  reader.catchUp(world.changes, world.replica);
  assert.equal(reader.whole, 1, "at the beginning alone");
  world.list("192.0.2.2");
  reader.catchUp(world.changes, world.replica);
  assert.deepEqual([reader.whole, reader.ids], [1, [ID, "192.0.2.2:3030"]]);
});

Deno.test("Registry.restore: who knows less than what was forgotten before a start gets everything", () => {
  const forgotten = hlcAt(Date.UTC(2025, 11, 31));
  const world = restarted(forgotten);
  const before = hlcAt(world.wall - HOUR);
  const since = (third: number) => world.changes.since(new Map([[ORIGIN, before], [THIRD, third]]));
  assert.equal(since(forgotten - 1).type, "everything");
  assert.equal(since(forgotten).type, "changes");
});

Deno.test("Changes.load: a copy that is made later knows what was forgotten before the start", () => {
  const world = restarted(hlcAt(Date.UTC(2025, 11, 31)));
  const reader = new Reader();
  reader.catchUp(world.changes, world.replica);
  world.pass(100 * SECOND);
  const replica = new Replica();
  const copy = new Changes(replica);
  copy.load(world.registry.departures());
  assert.equal(copy.since(reader.known).type, "changes");
  assert.equal(copy.since(new Map([[ORIGIN, 6]])).type, "everything");
});

Deno.test("Registry.snapshot: holds what is listed, who is gone, names and how far all is known", () => {
  const world = new World();
  world.announce(IP, "bob", "Bob's tanks");
  world.answer(ID);
  world.register("192.0.2.2");
  adopt(world, "192.0.2.3");
  const gone = tombstone(world, "192.0.2.4:1", "quit");
  merge(world, { tombstones: [gone] });
  sync(world);
  const { records, tombstones, names, vector } = world.registry.snapshot();
  assert.deepEqual(records.map(({ record }) => record.id), [ID, "192.0.2.3:3030"]);
  assert.deepEqual(records.map(({ life }) => life.heard), [true, false]);
  assert.deepEqual(tombstones, [gone]);
  assert.deepEqual(names.map(({ name }) => name), ["Bob's tanks"]);
  assert.deepEqual(vector, world.registry.departures().vector);
});

Deno.test("Registry.stamp: each is later than all changes before it", () => {
  const world = new World();
  const first = world.registry.stamp();
  world.list(IP);
  const second = world.registry.stamp();
  assert.ok(first.hlc < (world.registry.get(ID)?.hlc ?? 0));
  assert.ok((world.registry.get(ID)?.hlc ?? Infinity) < second.hlc);
  assert.equal(second.origin, ORIGIN);
});
