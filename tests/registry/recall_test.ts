import assert from "node:assert/strict";
import { hlcAt } from "../../registry/mod.ts";
import { ALIVE, HOUR, ORIGIN, SECOND, stored, World } from "./_helpers.ts";
import { Reader } from "./_reader.ts";
import { adopt, claim } from "./_remote.ts";

const IP = "192.0.2.1";
const ID = "192.0.2.1:3030";

function recall(world: World, hlc: number): void {
  world.registry.apply({ type: "recall", hlc });
}

Deno.test("Registry.recall: what was made since the start is told anew, above what it had told", () => {
  const world = new World();
  world.list(IP);
  world.list("192.0.2.2");
  world.registry.apply({ type: "quit", ip: "192.0.2.2", port: 3030 });
  const known = hlcAt(world.wall + HOUR);
  world.takeEvents();
  recall(world, known);
  assert.deepEqual(world.takeEvents(), [
    `synced ${ORIGIN}`,
    `put ${ID} listed`,
    "removed 192.0.2.2:3030 quit",
  ]);
  const { records: [listed], tombstones: [gone] } = world.registry.snapshot();
  assert.ok((listed?.record.hlc ?? 0) > known);
  assert.ok((gone?.hlc ?? 0) > known);
  assert.equal(gone?.cause, "quit");
});

Deno.test("Registry.recall: what others know at most as well as this master changes nothing", () => {
  const world = new World();
  world.list(IP);
  world.takeEvents();
  recall(world, world.registry.get(ID)?.hlc ?? 0);
  recall(world, hlcAt(world.wall - HOUR));
  recall(world, hlcAt(world.wall + 400 * 24 * HOUR));
  assert.deepEqual(world.takeEvents(), []);
});

Deno.test("Registry.recall: what was stored, or came from others, is nothing of this start", () => {
  const world = new World();
  const record = stored(world, "192.0.2.2");
  world.registry.restore({ records: [record] });
  const own = hlcAt(world.wall + SECOND);
  adopt(world, IP, { hlc: own, origin: ORIGIN });
  world.takeEvents();
  recall(world, hlcAt(world.wall + HOUR));
  assert.deepEqual(world.takeEvents(), [`synced ${ORIGIN}`]);
  assert.equal(world.registry.get(ID)?.hlc, own);
  assert.equal(world.registry.get(record.id)?.hlc, record.hlc);
});

Deno.test("Registry.recall: readers who may know what was lost get everything", () => {
  const world = new World();
  const record = stored(world, "192.0.2.2");
  world.registry.restore({ records: [record] });
  world.load();
  const told = hlcAt(world.wall + HOUR);
  const since = (hlc: number) => world.changes.since(new Map([[ORIGIN, hlc]])).type;
  assert.equal(since(told), "changes");
  recall(world, told);
  assert.equal(since(told), "everything");
  assert.equal(since(record.hlc), "changes", "all of that was stored");
  const reader = new Reader();
  reader.catchUp(world.changes, world.replica);
  assert.equal(since(reader.known.get(ORIGIN) ?? 0), "changes", "what it gives out is good");
  world.changes.load(world.registry.departures());
  assert.equal(since(told), "everything", "a later copy says the same");
  assert.equal(since(reader.known.get(ORIGIN) ?? 0), "changes");
});

Deno.test("Registry.restore: who has polled before the database came gets everything", () => {
  const world = new World();
  const reader = new Reader();
  world.load();
  reader.catchUp(world.changes, world.replica);
  assert.deepEqual(reader.ids, []);
  world.pass(15 * SECOND);
  world.registry.restore({ records: [stored(world, IP)] });
  world.load();
  reader.catchUp(world.changes, world.replica);
  assert.deepEqual(reader.ids, [ID]);
});

Deno.test("Registry.restore: who was given a name before the database came loses it to its owner", () => {
  const world = new World();
  world.announce(IP, "eve", "Bravo");
  world.answer(ID);
  const bob = stored(world, "192.0.2.2", { key: "bob", name: "Bravo" });
  world.registry.restore({ names: [claim("Bravo", "bob", 5, ORIGIN)], records: [bob] });
  assert.deepEqual(world.listed(), [bob.id]);
  assert.equal(world.announce(IP, "eve", "Bravo").type, "refused");
  world.pass(ALIVE / 2, 1000);
  assert.deepEqual(world.listed(), [bob.id]);
});
