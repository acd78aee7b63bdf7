import assert from "node:assert/strict";
import { hlcAt } from "../../registry/mod.ts";
import { HOUR, ORIGIN, SECOND, status, stored, World } from "./_helpers.ts";
import { adopt, claim, merge, OTHER, remotePut, sync, THIRD } from "./_remote.ts";

const IP = "192.0.2.1";
const ID = "192.0.2.1:3030";
const NAME = "Bob's tanks";

/** A server that is listed under a name of its key here. */
function listedWorld(): World {
  const world = new World();
  world.announce(IP, "bob", NAME);
  world.answer(ID);
  world.takeEvents();
  return world;
}

/** When a name was claimed here. */
function claimedAt(world: World): number {
  return world.registry.snapshot().names.find(({ name }) => name === NAME)?.hlc ?? 0;
}

Deno.test("Registry.merge: the earliest claim of a name wins, in whatever order they come", () => {
  const claims = [
    claim(NAME, "late", 9),
    claim(NAME, "first", 3),
    claim(NAME, "same time", 3, THIRD),
  ];
  const orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
  for (const order of orders) {
    const world = new World();
    for (const i of order) merge(world, { names: claims.filter((_, at) => at === i) });
    merge(world, { names: claims });
    assert.deepEqual(world.registry.snapshot().names, [claim(NAME, "first", 3)]);
    assert.equal(world.announce(IP, "late", NAME).type, "refused");
    assert.equal(world.announce(IP, "first", NAME).type, "accepted");
  }
});

Deno.test("Registry.merge: a claim is told once, and again when an earlier one takes its place", () => {
  const world = new World();
  for (const hlc of [9, 9, 12, 3, 9]) merge(world, { names: [claim(NAME, "bob", hlc)] });
  const told = world.events.filter((event) => event.type === "name").map(({ hlc }) => hlc);
  assert.deepEqual(told, [9, 3]);
});

Deno.test("Registry.merge: who loses a name to an earlier claim loses the servers that bear it", () => {
  const world = listedWorld();
  world.announce("192.0.2.2", "bob", "Another");
  world.answer("192.0.2.2:3030");
  world.announce("192.0.2.3", "bob", NAME);
  world.takeEvents();
  merge(world, { names: [claim(NAME, "eve", claimedAt(world) - 1)] });
  assert.deepEqual(world.takeEvents(), [
    `name ${NAME}`,
    `removed ${ID} replaced`,
    "removed 192.0.2.3:3030 replaced",
  ]);
  assert.deepEqual(world.listed(), ["192.0.2.2:3030"]);
  const [gone] = world.registry.snapshot().tombstones;
  assert.deepEqual([gone?.id, gone?.cause, gone?.origin], [ID, "quit", ORIGIN]);
  const report = { type: "report", id: ID, key: "bob", status: status() } as const;
  assert.equal(world.registry.apply(report).type, "refused");
  const again = world.announce(IP, "bob", NAME);
  assert.equal(again.type === "refused" && again.refusal, "name_taken");
});

Deno.test("Registry.merge: a later claim of a name takes nothing from anyone", () => {
  const world = listedWorld();
  merge(world, { names: [claim(NAME, "eve", claimedAt(world) + 1)] });
  assert.deepEqual(world.takeEvents(), []);
  assert.equal(world.state(ID), "listed");
});

Deno.test("Registry.merge: an earlier claim of the same key takes nothing from it", () => {
  const world = listedWorld();
  merge(world, { names: [claim(NAME, "bob", 3)] });
  assert.deepEqual(world.takeEvents(), [`name ${NAME}`]);
  assert.equal(world.state(ID), "listed");
  assert.equal(claimedAt(world), 3);
});

Deno.test("Registry.merge: names that move all at once take their servers, and no others", () => {
  const world = new World();
  const names = Array.from({ length: 50 }, (_, i) => `name ${i}`);
  names.forEach((name, i) => adopt(world, `192.0.2.${i}`, { key: `key ${i % 2}`, name }));
  merge(world, { names: names.map((name) => claim(name, "key 1", 5)) });
  assert.equal(world.registry.listed, 25);
  assert.ok([...world.registry.records()].every(({ key }) => key === "key 1"));
});

Deno.test("Registry.merge: a name that a server is just proving here can be lost to another's claim", () => {
  const world = new World();
  world.announce(IP, "bob", NAME);
  merge(world, { names: [claim(NAME, "eve", hlcAt(world.wall + SECOND))] });
  assert.equal(world.registry.get(ID), undefined, "nobody had listed it under that name here");
  assert.equal(world.announce("192.0.2.2", "eve", NAME).type, "accepted");
});

Deno.test("Registry.merge: a claim of the key that is proving its server here leaves it in peace", () => {
  const world = new World();
  world.announce(IP, "bob", NAME);
  merge(world, { names: [claim(NAME, "bob", 5)] });
  assert.equal(world.state(ID), "challenged");
  world.answer(ID);
  assert.equal(world.state(ID), "listed");
  assert.equal(claimedAt(world), 5, "it is claimed once");
});

Deno.test("Registry: a server that has proved itself under a name that is lost is not listed", () => {
  const world = new World();
  const record = stored(world, IP, { key: "bob", name: NAME, state: "challenged" });
  world.registry.restore({ records: [record] });
  world.registry.restore({ names: [claim(NAME, "eve", 5)] });
  world.answer(ID);
  assert.equal(world.registry.get(ID), undefined);
  assert.equal(world.registry.listed, 0);
});

Deno.test("Registry.merge: a server under another's name goes, and who tells of it has to hear that", () => {
  const world = new World();
  merge(world, { names: [claim(NAME, "bob", 5)] });
  const id = adopt(world, IP, { key: "eve", name: NAME, hlc: hlcAt(world.wall + HOUR) });
  assert.equal(world.registry.get(id), undefined);
  assert.deepEqual(world.replica.get(id), undefined);
  const [gone] = world.registry.snapshot().tombstones;
  assert.deepEqual([gone?.cause, gone?.origin], ["quit", ORIGIN]);
  assert.ok((gone?.hlc ?? 0) > hlcAt(world.wall + HOUR));
});

Deno.test("Registry.merge: claims that come with servers count for them", () => {
  const world = new World();
  world.announce(IP, "bob", NAME);
  const put = remotePut(world, "192.0.2.2", { key: "eve", name: NAME });
  merge(world, { puts: [put], names: [claim(NAME, "eve", 5)] });
  assert.deepEqual(world.listed(), ["192.0.2.2:3030"]);
  assert.equal(world.registry.get(ID), undefined);
});

Deno.test("Registry.merge: a foreign server's name is its key's until it goes, claimed or not", () => {
  const world = new World();
  adopt(world, IP, { key: "bob", name: NAME });
  assert.equal(world.announce("192.0.2.2", "eve", NAME).type, "refused");
  merge(world, {
    tombstones: [{ id: ID, cause: "quit", hlc: hlcAt(world.wall + 1), origin: OTHER }],
  });
  assert.equal(world.announce("192.0.2.2", "eve", NAME).type, "accepted");
});

Deno.test("Registry.merge: a name that another key is proving here stays with it until it is claimed", () => {
  const world = new World();
  world.announce(IP, "bob", NAME);
  adopt(world, "192.0.2.2", { key: "eve", name: NAME });
  assert.equal(world.state("192.0.2.2:3030"), "listed");
  world.registry.apply({ type: "leave", id: "192.0.2.2:3030", key: "eve" });
  assert.equal(world.announce("192.0.2.3", "ann", NAME).type, "refused", "it is Bob's");
  world.answer(ID);
  assert.equal(world.registry.snapshot().names[0]?.key, "bob");
});

Deno.test("Registry.merge: readers hear that a server lost its name", () => {
  const world = listedWorld();
  const known = new Map(world.changes.vector);
  merge(world, { names: [claim(NAME, "eve", 5)] });
  sync(world);
  const missed = world.changes.since(known);
  assert.deepEqual(missed.type === "changes" && missed.removed, [ID]);
});
