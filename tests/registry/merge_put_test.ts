import assert from "node:assert/strict";
import { hlcAt } from "../../registry/mod.ts";
import { ALIVE, HOUR, ORIGIN, SECOND, status, World } from "./_helpers.ts";
import { Reader } from "./_reader.ts";
import { adopt, left, merge, OTHER, remotePut, sync, THIRD } from "./_remote.ts";

const IP = "192.0.2.1";
const ID = "192.0.2.1:3030";

Deno.test("Registry.merge: a server that only others know is listed as they tell of it", () => {
  const world = new World();
  const put = remotePut(world, IP, {
    status: status("Duel", 5),
    key: "bob",
    name: "Bob's tanks",
    country: "FR",
    left: 100 * SECOND,
  });
  merge(world, { puts: [put] });
  assert.deepEqual(world.takeEvents(), [`put ${ID} listed`]);
  assert.deepEqual(world.registry.get(ID), {
    ...put.record,
    state: "listed",
    lastSeen: world.wall - ALIVE + 100 * SECOND,
  });
  assert.deepEqual(world.replica.get(ID), world.registry.get(ID));
  assert.deepEqual(world.challenges, [], "it has been verified elsewhere");
  assert.equal(world.registry.listed, 1);
});

Deno.test("Registry.merge: a newer record replaces the one there is, and keeps its Number and place", () => {
  const world = new World();
  adopt(world, IP);
  const second = adopt(world, "192.0.2.2");
  world.registry.apply({ type: "number", id: ID, number: 7 });
  world.pass(SECOND);
  adopt(world, IP, { settings: { gamename: "netpanzer", port: "3030", protocol: "2" } });
  assert.equal(world.registry.get(ID)?.settings["protocol"], "2");
  assert.equal(world.registry.get(ID)?.number, 7);
  assert.deepEqual(world.listed(), [ID, second]);
});

Deno.test("Registry.merge: the same record again, and an older one, change nothing", () => {
  const world = new World();
  const put = remotePut(world, IP);
  merge(world, { puts: [put] });
  const before = world.registry.get(ID);
  world.takeEvents();
  merge(world, { puts: [put, put] });
  adopt(world, IP, { hlc: put.record.hlc - 1, gamename: "another" });
  adopt(world, IP, { hlc: put.record.hlc, origin: "00000000000000b1", gamename: "another" });
  assert.deepEqual(world.takeEvents(), []);
  assert.deepEqual(world.registry.get(ID), before);
  adopt(world, IP, { hlc: put.record.hlc, origin: THIRD, gamename: "another" });
  assert.equal(world.registry.get(ID)?.gamename, "another", "of two at one time the higher origin");
});

Deno.test("Registry.merge: an older record tells at least how long the server lives", () => {
  const world = new World();
  const id = adopt(world, IP, { left: 100 * SECOND });
  world.takeEvents();
  adopt(world, IP, { hlc: hlcAt(world.wall - HOUR), left: 300 * SECOND });
  assert.deepEqual(world.takeEvents(), [`seen ${id}`]);
  assert.ok((left(world, id) ?? 0) > 280 * SECOND);
});

Deno.test("Registry.merge: a server that is just proving itself here is listed by another's word", () => {
  const world = new World();
  world.announce(IP, "bob", "Bob's tanks");
  assert.equal(world.state(ID), "challenged");
  const own = world.registry.get(ID)?.hlc ?? 0;
  adopt(world, IP, { hlc: own - 1, key: "bob", name: "Bob's tanks" });
  assert.equal(world.state(ID), "listed");
  assert.equal(world.registry.get(ID)?.origin, OTHER);
  const sent = world.challenges.length;
  world.pass(20 * SECOND);
  assert.equal(world.challenges.length, sent, "it is challenged no more");
  assert.equal(world.state(ID), "listed");
  assert.equal(world.registry.snapshot().records[0]?.life.heard, true, "it was heard of here");
  world.answer(ID);
  assert.equal(world.registry.get(ID)?.origin, OTHER, "the answer comes too late");
});

Deno.test("Registry.merge: the unverified are listed by another's word, and counted once", () => {
  const world = new World({ serversPerHost: 1 });
  world.register(IP);
  world.pass(10 * SECOND);
  assert.equal(world.state(ID), "unverified");
  adopt(world, IP);
  assert.equal(world.registry.standing(ID)?.reason, undefined);
  assert.deepEqual([world.registry.size, world.registry.listed], [1, 1]);
  world.registry.apply({ type: "quit", ip: IP, port: 3030 });
  assert.equal(world.register(IP, 3031).type, "accepted", "its host has room again");
});

Deno.test("Registry.merge: another key's server at the same address takes what was there along", () => {
  const world = new World();
  world.announce(IP, "bob", "Bob's tanks");
  world.answer(ID);
  world.pass(SECOND);
  adopt(world, IP, { key: "eve", name: "Eve's" });
  assert.equal(world.registry.get(ID)?.key, "eve");
  const report = { type: "report", id: ID, key: "bob", status: status() } as const;
  assert.equal(world.registry.apply(report).type, "refused");
  assert.equal(
    world.announce("192.0.2.2", "ann", "Eve's").type,
    "refused",
    "Eve's server bears it",
  );
  world.registry.apply({ type: "leave", id: ID, key: "eve" });
  assert.equal(world.announce("192.0.2.2", "ann", "Eve's").type, "accepted");
});

Deno.test("Registry.merge: a name that is borne by the same key's record stays borne", () => {
  const world = new World();
  adopt(world, IP, { key: "eve", name: "Eve's" });
  world.pass(SECOND);
  adopt(world, IP, { key: "eve", name: "Eve's", status: status() });
  assert.equal(world.announce("192.0.2.2", "ann", "Eve's").type, "refused");
  world.pass(SECOND);
  adopt(world, IP, { key: "eve", name: "Renamed" });
  assert.equal(world.announce("192.0.2.2", "ann", "Eve's").type, "accepted");
  assert.equal(world.announce("192.0.2.3", "ann", "Renamed").type, "refused");
});

Deno.test("Registry.merge: what comes late keeps its version, and readers hear of it", () => {
  for (const origin of [ORIGIN, OTHER]) {
    const world = new World();
    const reader = new Reader();
    const hlc = hlcAt(world.wall);
    adopt(world, "192.0.2.9", { hlc: hlc + 100 });
    sync(world, OTHER, hlc + 200);
    reader.catchUp(world.changes, world.replica);
    const put = remotePut(world, IP, { hlc: hlc - 50, origin });
    merge(world, { puts: [put] });
    const { hlc: kept, origin: author } = world.registry.get(ID) ?? {};
    assert.deepEqual([kept, author], [put.record.hlc, origin], "it is nobody's new change");
    reader.catchUp(world.changes, world.replica);
    assert.deepEqual([reader.ids, reader.whole], [[ID, "192.0.2.9:3030"], 1]);
    const missed = world.changes.since(reader.known);
    assert.equal(missed.type === "changes" && missed.changed.length, 0, "once");
    world.registry.apply({ type: "status", id: ID, status: status() });
    reader.catchUp(world.changes, world.replica);
    const again = world.changes.since(reader.known);
    assert.equal(again.type === "changes" && again.changed.length, 0);
  }
});

Deno.test("Registry.merge: no time is given twice that another has from this master", () => {
  const world = new World();
  const lost = hlcAt(world.wall) + 5000;
  adopt(world, IP, { hlc: lost, origin: ORIGIN });
  assert.ok((world.registry.get(world.list("192.0.2.2"))?.hlc ?? 0) > lost);
});

Deno.test("Registry.merge: who is about to be given up by who tells of it is not taken over", () => {
  const world = new World();
  adopt(world, IP, { left: 0, heard: false });
  assert.equal(world.registry.size, 0);
  adopt(world, IP, { left: 0, heard: true });
  assert.equal(world.state(ID), "listed");
  world.pass(8 * SECOND);
  adopt(world, IP, { left: 0, heard: true });
  merge(world, { leases: [{ id: ID, left: 0 }] });
  world.pass(4 * SECOND);
  assert.equal(world.state(ID), undefined, "and nothing is added to the time that it has");
});

Deno.test("Registry.merge: what is from further in the future than clocks go wrong is nonsense", () => {
  const world = new World();
  const nonsense = hlcAt(world.wall + 400 * 24 * HOUR);
  const id = adopt(world, IP, { hlc: nonsense });
  merge(world, {
    tombstones: [{ id: "192.0.2.2:1", cause: "quit", hlc: nonsense, origin: OTHER }],
    names: [{ name: "Mine", key: "eve", hlc: nonsense, origin: OTHER }],
  });
  assert.equal(world.registry.get(id), undefined);
  assert.deepEqual(world.takeEvents(), []);
  const snapshot = world.registry.snapshot();
  assert.deepEqual([snapshot.tombstones, snapshot.names], [[], []]);
});

Deno.test("Registry.merge: a clock that is ahead moves this one's by a minute at most", () => {
  const world = new World();
  const ahead = hlcAt(world.wall + HOUR);
  adopt(world, IP, { hlc: ahead });
  merge(world, {
    tombstones: [{ id: "192.0.2.2:1", cause: "quit", hlc: ahead, origin: OTHER }],
    names: [{ name: "Theirs", key: "eve", hlc: ahead, origin: OTHER }],
  });
  const second = world.list("192.0.2.3");
  const hlc = world.registry.get(second)?.hlc ?? 0;
  assert.ok(hlc <= hlcAt(world.wall + 61 * SECOND));
  assert.ok(hlc > hlcAt(world.wall));
});

Deno.test("Registry.merge: what changes here is later even than what a clock ahead has stamped", () => {
  const world = new World();
  const ahead = hlcAt(world.wall + HOUR);
  adopt(world, IP, { hlc: ahead });
  world.registry.apply({ type: "status", id: ID, status: status() });
  const record = world.registry.get(ID);
  assert.equal(record?.origin, ORIGIN);
  assert.ok((record?.hlc ?? 0) > ahead);
  adopt(world, "192.0.2.2", { hlc: ahead });
  world.registry.apply({ type: "quit", ip: "192.0.2.2", port: 3030 });
  const [gone] = world.registry.snapshot().tombstones;
  assert.ok((gone?.hlc ?? 0) > ahead);
  world.list("192.0.2.2");
  assert.ok((world.registry.get("192.0.2.2:3030")?.hlc ?? 0) > (gone?.hlc ?? 0));
});

Deno.test("Registry.merge: times of another clock are shown as no later than now", () => {
  const world = new World();
  adopt(world, IP, { firstSeen: world.wall + HOUR, left: 100 * ALIVE });
  const record = world.registry.get(ID);
  assert.equal(record?.firstSeen, world.wall);
  assert.equal(record?.lastSeen, world.wall);
});

Deno.test("Registry.merge: masters are taken over like servers, and are no reader's business", () => {
  const world = new World();
  const reader = new Reader();
  world.load();
  reader.catchUp(world.changes, world.replica);
  const id = adopt(world, IP, { port: 28900, gamename: "master" });
  assert.equal(world.state(id), "listed");
  assert.equal(world.replica.servers, 0);
  reader.catchUp(world.changes, world.replica);
  assert.deepEqual(reader.ids, []);
});

Deno.test("Registry.merge: 300 servers that were heard of make one event", () => {
  const world = new World();
  const ids = Array.from(
    { length: 300 },
    (_, i) => adopt(world, `10.0.${i >> 8}.${i & 255}`, { left: 100 * SECOND }),
  );
  world.takeEvents();
  merge(world, { leases: ids.map((id) => ({ id, left: ALIVE })) });
  assert.equal(world.takeEvents().length, 1);
});
