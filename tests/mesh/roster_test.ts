import assert from "node:assert/strict";
import { idOfKey, Roster } from "../../mesh/roster.ts";
import type { KnownMaster } from "../../protocol/mod.ts";
import { FakeLink, FakeSource, helloOf, hostOf, idOf, keyOf, ME, SECOND } from "./_helpers.ts";

const DAY = 86_400 * SECOND;

function world() {
  const source = new FakeSource();
  return { source, roster: new Roster(ME, source) };
}

function member(master: number, changes: Partial<KnownMaster> = {}): KnownMaster {
  return {
    id: idOf(master),
    name: `m${master}`,
    host: hostOf(master).host,
    ports: { ring0: 6060 },
    key: keyOf(master),
    seen: 0,
    ...changes,
  };
}

Deno.test("idOfKey: the first 8 of 32 bytes, nothing of anything else", () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, place) => place + 9);
  assert.equal(idOfKey(bytes.toBase64()), "090a0b0c0d0e0f10");
  assert.equal(idOfKey(bytes.subarray(1).toBase64()), undefined);
  assert.equal(idOfKey("no key"), undefined);
});

Deno.test("Roster.connected: what a master says of itself counts, its address where it says nothing", () => {
  const { roster } = world();
  assert.equal(roster.connected(new FakeLink(2), helloOf(2)), true);
  assert.equal(roster.connected(new FakeLink(2), helloOf(2)), false);
  assert.equal(roster.connected(new FakeLink(2), helloOf(2, { ports: { ring0: 7 } })), true);
  assert.deepEqual(roster.targetsOf(idOf(2)), [{ host: "m2.example", port: 7 }]);
  const { host: _, ...nameless } = helloOf(3);
  roster.connected(new FakeLink(3), nameless);
  assert.deepEqual(roster.targetsOf(idOf(3)), [{ host: "192.0.2.3", port: 6060 }]);
  assert.equal(roster.nameOf(idOf(3)), "m3");
  assert.equal(roster.nameOf(idOf(4)), "");
});

Deno.test("Roster: a master without ring 0 is known, and nobody is sent there", () => {
  const { roster } = world();
  roster.connected(new FakeLink(2), helloOf(2, { ports: { ring2: 3040 } }));
  roster.met([member(3, { ports: {} })]);
  assert.equal(roster.size, 2);
  assert.deepEqual([...roster.targets()], []);
  assert.deepEqual(roster.members(""), []);
});

Deno.test("Roster.met: takes masters that others tell of, but not itself nor false keys", () => {
  const { roster } = world();
  roster.met([
    member(2),
    member(1),
    member(3, { key: keyOf(4) }),
    member(5, { seen: 7 * 86_400 + 1 }),
  ]);
  assert.deepEqual(roster.members("").map(({ id }) => id), [idOf(2)]);
});

Deno.test("Roster.met: later news count, of who is not connected", () => {
  const { roster, source } = world();
  roster.met([member(2, { host: "old.example", seen: 100 })]);
  roster.met([member(2, { host: "older.example", seen: 200 })]);
  assert.deepEqual(roster.targetsOf(idOf(2)), [{ host: "old.example", port: 6060 }]);
  roster.met([member(2, { host: "new.example", seen: 50 })]);
  assert.deepEqual(roster.targetsOf(idOf(2)), [{ host: "new.example", port: 6060 }]);
  roster.connected(new FakeLink(2), helloOf(2));
  source.pass(SECOND);
  roster.met([member(2, { host: "poison.example" })]);
  assert.deepEqual(roster.targetsOf(idOf(2)), [hostOf(2)]);
});

Deno.test("Roster.met: where a master was found is not forgotten for what others say", () => {
  const { roster, source } = world();
  roster.connected(new FakeLink(2), helloOf(2));
  roster.disconnected(idOf(2));
  source.pass(SECOND);
  for (let i = 0; i < 1000; i++) {
    source.pass(SECOND);
    roster.met([member(2, { host: `poison${i}.example` })]);
  }
  assert.deepEqual(roster.targetsOf(idOf(2)), [
    { host: "poison999.example", port: 6060 },
    hostOf(2),
  ]);
});

Deno.test("Roster.met: keeps 256 masters, one that is connected in place of the oldest", () => {
  const { roster } = world();
  const flood = Array.from({ length: 256 }, (_, i) => member(i + 100, { seen: 1000 - i }));
  roster.met(flood);
  roster.met([member(2)]);
  assert.equal(roster.size, 256);
  assert.equal(roster.nameOf(idOf(2)), "");
  roster.connected(new FakeLink(2), helloOf(2));
  assert.equal(roster.size, 256);
  assert.equal(roster.nameOf(idOf(2)), "m2");
  assert.equal(roster.nameOf(idOf(100)), "");
});

Deno.test("Roster.members: tells of all but the receiver, and how long they have been away", () => {
  const { roster, source } = world();
  roster.connected(new FakeLink(2), helloOf(2));
  roster.connected(new FakeLink(3), helloOf(3));
  roster.disconnected(idOf(3));
  source.pass(10.2 * SECOND);
  const { key, ports } = member(3);
  assert.deepEqual(roster.members(idOf(2)), [
    { id: idOf(3), name: "m3", host: "m3.example", ports, key, seen: 12 },
  ]);
  assert.deepEqual(roster.member(idOf(2))?.seen, 0);
  assert.equal(roster.member(idOf(9)), undefined);
});

Deno.test("Roster.members: a master that is gone does not grow younger as word of it goes round", () => {
  const source = new FakeSource();
  const rosters = [10, 11, 12].map((master) => new Roster(idOf(master), source));
  rosters[0]?.connected(new FakeLink(2), helloOf(2));
  rosters[0]?.disconnected(idOf(2));
  for (let hop = 0; hop < 4000; hop++) {
    const members = rosters[hop % 3]?.members("") ?? [];
    source.pass(50);
    rosters[(hop + 1) % 3]?.met(members);
  }
  for (const roster of rosters) {
    const seen = roster.member(idOf(2))?.seen ?? 0;
    assert.ok(seen >= 200 && seen < 210, String(seen));
    assert.equal(roster.takeViews()?.[0]?.isLive, false);
  }
});

Deno.test("Roster.tick: forgets a master a week after it was seen, unless it is connected", () => {
  const { roster, source } = world();
  roster.connected(new FakeLink(2), helloOf(2));
  roster.connected(new FakeLink(3), helloOf(3));
  roster.disconnected(idOf(3));
  source.pass(7 * DAY);
  roster.tick();
  assert.equal(roster.size, 2);
  source.pass(1);
  roster.tick();
  assert.equal(roster.size, 1);
  assert.equal(roster.nameOf(idOf(2)), "m2");
});

Deno.test("Roster.takeViews: tells when something is new, and who lives", () => {
  const { roster, source } = world();
  const live = () => roster.takeViews()?.map(({ id, isLive }) => [id, isLive]);
  assert.equal(live(), undefined);
  roster.connected(new FakeLink(2), helloOf(2));
  roster.met([member(3, { seen: 200 })]);
  assert.deepEqual(live(), [[idOf(2), true], [idOf(3), false]]);
  assert.equal(live(), undefined);
  roster.met([member(3, { seen: 3 })]);
  assert.deepEqual(live(), [[idOf(2), true], [idOf(3), true]]);
  roster.disconnected(idOf(2));
  source.pass(80 * SECOND);
  roster.met([member(3)]);
  assert.equal(live(), undefined);
  source.pass(10 * SECOND);
  assert.deepEqual(live(), [[idOf(2), false], [idOf(3), true]]);
  roster.met([member(3, { name: "another name" })]);
  assert.equal(roster.takeViews()?.[1]?.name, "another name");
  assert.equal(live(), undefined);
});

Deno.test("Roster.disconnected: who has said goodbye is not live from then on", () => {
  const { roster } = world();
  for (const master of [2, 3]) roster.connected(new FakeLink(master), helloOf(master));
  roster.takeViews();
  roster.disconnected(idOf(2), true);
  roster.disconnected(idOf(3));
  assert.deepEqual(roster.takeViews()?.map(({ isLive }) => isLive), [false, true]);
});

Deno.test("Roster.takeViews: the address is that of the latest connection", () => {
  const { roster } = world();
  roster.met([member(2)]);
  assert.deepEqual(roster.takeViews(), [{
    id: idOf(2),
    name: "m2",
    host: "m2.example",
    ip: undefined,
    ports: { ring0: 6060 },
    key: keyOf(2),
    isLive: true,
  }]);
  roster.connected(new FakeLink(2), helloOf(2));
  assert.equal(roster.takeViews()?.[0]?.ip, "192.0.2.2");
});

Deno.test("Roster: a master that was lost may live, one that has said goodbye does not", () => {
  const { source, roster } = world();
  for (const master of [2, 3]) roster.connected(new FakeLink(master), helloOf(master));
  roster.disconnected(idOf(2));
  roster.disconnected(idOf(3), true);
  source.now += 1;
  const live = roster.takeViews()?.map(({ id, isLive }) => [id, isLive]);
  assert.deepEqual(live, [[idOf(2), true], [idOf(3), false]]);
});
