import assert from "node:assert/strict";
import fc from "fast-check";
import type { ServerRecord } from "../../registry/mod.ts";
import { Changes, hlcAt, Replica } from "../../registry/mod.ts";
import { Reader, versions } from "./_reader.ts";
import { ALIVE, ORIGIN, replicated, SECOND, status, stored, World } from "./_helpers.ts";

Deno.test("Changes.since: tells what is new, changed and gone, and nothing else", () => {
  const world = new World();
  const reader = new Reader();
  for (const n of [1, 2, 3]) world.list(`192.0.2.${n}`);
  reader.catchUp(world.changes, world.replica);
  assert.equal(reader.servers.size, 3);
  world.registry.apply({ type: "status", id: "192.0.2.1:3030", status: status("A", 5) });
  world.registry.apply({ type: "quit", ip: "192.0.2.2", port: 3030 });
  world.list("192.0.2.4");
  const missed = world.changes.since(reader.known);
  assert.equal(missed.type, "changes");
  if (missed.type !== "changes") return;
  assert.deepEqual(missed.changed.map(({ id }) => id), ["192.0.2.1:3030", "192.0.2.4:3030"]);
  assert.deepEqual(missed.removed, ["192.0.2.2:3030"]);
  reader.catchUp(world.changes, world.replica);
  assert.deepEqual(world.changes.since(reader.known), {
    type: "changes",
    changed: [],
    removed: [],
  });
});

Deno.test("Changes.since: who has been away for two lifetimes gets everything", () => {
  const world = new World();
  const [early, late] = [new Reader(), new Reader()];
  world.list("192.0.2.1");
  early.catchUp(world.changes, world.replica);
  world.registry.apply({ type: "quit", ip: "192.0.2.1", port: 3030 });
  late.catchUp(world.changes, world.replica);
  world.pass(2 * ALIVE + 2 * SECOND, 1000);
  assert.equal(world.changes.tombstones, 0, "nothing is kept for ever");
  assert.equal(world.changes.since(early.known).type, "everything");
  assert.equal(world.changes.since(late.known).type, "changes", "it knew all that is forgotten");
  assert.equal(world.changes.since(new Map()).type, "everything");
});

Deno.test("Changes.since: a server that comes back before its proof stays gone for readers", () => {
  const world = new World();
  const reader = new Reader();
  world.list("192.0.2.1");
  reader.catchUp(world.changes, world.replica);
  world.registry.apply({ type: "quit", ip: "192.0.2.1", port: 3030 });
  world.register("192.0.2.1");
  reader.catchUp(world.changes, world.replica);
  assert.deepEqual(reader.ids, []);
  // A copy that is made now hears of it, too.
  const replica = new Replica();
  const changes = new Changes(replica);
  changes.load(world.registry.departures());
  assert.equal(changes.tombstones, 1);
  world.answer("192.0.2.1:3030");
  reader.catchUp(world.changes, world.replica);
  assert.deepEqual(reader.ids, ["192.0.2.1:3030"]);
  assert.equal(world.registry.departures().tombstones.length, 0);
});

Deno.test("Changes.since: a cursor outlives a restart of its master", () => {
  const before = new World();
  const reader = new Reader();
  for (const n of [1, 2, 3]) before.list(`192.0.2.${n}`);
  reader.catchUp(before.changes, before.replica);
  before.registry.apply({ type: "quit", ip: "192.0.2.1", port: 3030 });
  before.pass(10 * SECOND);
  const after = new World();
  after.wall = before.wall + 5 * SECOND;
  after.registry.restore({
    ...before.registry.departures(),
    records: [...before.registry.records()],
  });
  const replica = new Replica();
  const changes = new Changes(replica);
  changes.load(after.registry.departures());
  for (const record of after.registry.records()) replica.put(record);
  reader.catchUp(changes, replica);
  assert.equal(reader.whole, 1, "at the beginning alone");
  assert.deepEqual(reader.ids, ["192.0.2.2:3030", "192.0.2.3:3030"]);
});

Deno.test("Changes.since: servers that died while the master was down are gone for readers", () => {
  const world = new World();
  const dead = stored(world, "192.0.2.1", { lastSeen: world.wall - ALIVE - SECOND });
  const reader = new Reader();
  reader.servers.set(dead.id, dead);
  reader.known = new Map([[ORIGIN, dead.hlc]]);
  world.registry.restore({ records: [dead] });
  reader.catchUp(world.changes, world.replica);
  assert.deepEqual(reader.ids, []);
  assert.equal(reader.whole, 0);
});

Deno.test("Changes.since: who went, came back and was not proved before a restart stays gone", () => {
  const before = new World();
  const reader = new Reader();
  before.list("192.0.2.1");
  reader.catchUp(before.changes, before.replica);
  before.registry.apply({ type: "quit", ip: "192.0.2.1", port: 3030 });
  before.register("192.0.2.1");
  const after = new World();
  // A database holds one row a server: that it went is no more to be seen there.
  after.registry.restore({ records: [...before.registry.records()] });
  const changes = new Changes(new Replica());
  changes.load(after.registry.departures());
  reader.catchUp(changes, after.replica);
  assert.deepEqual(reader.ids, []);
});

Deno.test("Changes.since: a restart with the clock set back tells of every change after it", () => {
  const before = new World();
  const reader = new Reader();
  const id = before.list("192.0.2.1");
  const record = { ...before.registry.get(id) as ServerRecord };
  // This change is told to a reader, and lost with the power.
  before.registry.apply({ type: "status", id, status: status("Lost", 1) });
  reader.catchUp(before.changes, before.replica);
  const after = new World();
  after.wall = before.wall - 3_600_000;
  after.registry.restore({ records: [record] });
  const changes = new Changes(after.replica);
  changes.load(after.registry.departures());
  after.replica.put(after.registry.get(id) as ServerRecord);
  after.registry.apply({ type: "status", id, status: status("New", 2) });
  const last = after.registry.get(id) as ServerRecord;
  assert.ok(last.hlc > (reader.known.get(ORIGIN) ?? 0), "its version is above all that was told");
});

/** A master that starts with what another one, or itself before, has stored. */
function restarted(before: World, records: readonly ServerRecord[], later: number): Changes {
  const after = new World();
  after.wall = before.wall + later;
  after.registry.restore({ records });
  const changes = new Changes(after.replica);
  changes.load(after.registry.departures());
  for (const record of after.registry.records()) after.replica.put(record);
  return changes;
}

Deno.test("Changes.since: whoever knows of what the database has lost gets everything", () => {
  const before = new World();
  const [early, late] = [new Reader(), new Reader()];
  before.list("192.0.2.1");
  early.catchUp(before.changes, before.replica);
  const backup = [...before.registry.records()];
  before.pass(SECOND);
  before.list("192.0.2.2");
  late.catchUp(before.changes, before.replica);
  const older = restarted(before, backup, SECOND);
  assert.equal(older.since(late.known).type, "everything", "an older database");
  assert.equal(older.since(early.known).type, "changes");
  const newest = restarted(before, [...before.registry.records()], SECOND);
  assert.equal(newest.since(late.known).type, "changes", "all that was told is stored");
  const empty = restarted(before, [], SECOND);
  assert.equal(empty.since(late.known).type, "everything", "no database");
  assert.equal(empty.since(new Map([["00000000000000ff", 5]])).type, "everything", "another key");
  assert.equal(empty.since(new Map(empty.vector)).type, "changes", "what it gives out is good");
});

Deno.test("Changes.since: a master in a server's place does not hide that the server went", () => {
  const world = new World();
  const reader = new Reader();
  world.list("192.0.2.1");
  reader.catchUp(world.changes, world.replica);
  world.register("192.0.2.1", 3030, { gamename: "master" });
  const [departed] = world.registry.departures().tombstones;
  assert.equal(departed?.id, "192.0.2.1:3030");
  const changes = restarted(world, [], 0);
  changes.load(world.registry.departures());
  reader.catchUp(changes, new Replica());
  assert.deepEqual(reader.ids, []);
});

Deno.test("Changes.since: a Number is no change, and costs no reader anything", () => {
  const world = new World();
  const reader = new Reader();
  const id = world.list("192.0.2.1");
  reader.catchUp(world.changes, world.replica);
  const end = world.changes.end;
  world.registry.apply({ type: "number", id, number: 4 });
  assert.deepEqual(world.changes.since(reader.known), {
    type: "changes",
    changed: [],
    removed: [],
  });
  assert.equal(world.changes.between(end, world.changes.end)?.length, 1, "who stays hears of it");
});

Deno.test("Registry.restore: what left while the database was away does not come back", () => {
  const world = new World();
  const id = world.list("192.0.2.1");
  const old = { ...world.registry.get(id) as ServerRecord };
  world.registry.apply({ type: "quit", ip: "192.0.2.1", port: 3030 });
  assert.equal(world.registry.restore({ records: [old] }), 0);
  assert.equal(world.registry.get(id), undefined);
  assert.equal(world.registry.departures().tombstones.length, 1);
});

Deno.test("Changes.since: a clock that was set back makes no change older than those before", () => {
  const world = new World();
  const reader = new Reader();
  world.list("192.0.2.1");
  reader.catchUp(world.changes, world.replica);
  world.wall -= 3_600_000;
  world.list("192.0.2.2");
  reader.catchUp(world.changes, world.replica);
  assert.deepEqual(reader.ids, ["192.0.2.1:3030", "192.0.2.2:3030"]);
  assert.ok((world.registry.get("192.0.2.2:3030")?.hlc ?? 0) > hlcAt(world.wall + 3_600_000));
});

Deno.test("Changes.between: tells each change with the record before it", () => {
  const world = new World();
  world.load();
  const start = world.changes.end;
  const id = world.list("192.0.2.1");
  const middle = world.changes.end;
  world.registry.apply({ type: "status", id, status: status() });
  world.registry.apply({ type: "quit", ip: "192.0.2.1", port: 3030 });
  const all = world.changes.between(start, world.changes.end) ?? [];
  assert.deepEqual(all.map((change) => change.id), [id, id, id]);
  assert.deepEqual(all.map(({ before }) => before?.status?.map), [
    undefined,
    undefined,
    "Two clans",
  ]);
  assert.equal(all[0]?.before, undefined);
  assert.equal(world.changes.between(middle, world.changes.end)?.length, 2);
});

Deno.test("Changes.between: the log is bounded, and says when it does not reach back", () => {
  const world = new World();
  const id = world.list("192.0.2.1");
  const start = world.changes.end;
  for (let i = 0; i < 70_000; i++) {
    world.registry.apply({ type: "status", id, status: status("A", i % 7) });
  }
  assert.equal(world.changes.between(start, world.changes.end), undefined);
  const near = world.changes.end - 30_000;
  assert.equal(world.changes.between(near, world.changes.end)?.length, 30_000);
  world.changes.load(world.registry.departures());
  assert.equal(world.changes.between(near, world.changes.end), undefined, "a new beginning");
});

const step = fc.record({
  what: fc.constantFrom("list", "list", "quit", "status", "pass", "read", "announce", "locate"),
  n: fc.nat(5),
  who: fc.nat(1),
});

Deno.test("Changes: readers that come and go hold what is listed, whatever happens", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
      const world = new World();
      const readers = [new Reader(), new Reader()];
      for (const { what, n, who } of steps) {
        const ip = `192.0.2.${n}`;
        const id = `${ip}:3030`;
        if (what === "list") world.list(ip);
        else if (what === "quit") world.registry.apply({ type: "quit", ip, port: 3030 });
        else if (what === "status") {
          world.registry.apply({ type: "status", id, status: status("M", who) });
        } else if (what === "announce") world.announce(ip, `key ${who}`, `name ${who}`);
        else if (what === "locate") {
          world.registry.apply({ type: "locate", id, country: who ? "FR" : "", netName: "" });
        } else if (what === "pass") world.pass(n * 300 * SECOND, 1000);
        else readers[who]?.catchUp(world.changes, world.replica);
      }
      for (const reader of readers) {
        reader.catchUp(world.changes, world.replica);
        assert.deepEqual(versions(reader.servers.values()), versions(replicated(world.replica)));
      }
    }),
    { numRuns: 200 },
  );
});
