import assert from "node:assert/strict";
import { hlcAt } from "../../registry/mod.ts";
import { ALIVE, EXPIRY_SLACK, HOUR, ORIGIN, SECOND, World } from "./_helpers.ts";
import { adopt, merge, OTHER, remotePut, tombstone } from "./_remote.ts";

const IP = "192.0.2.1";
const ID = "192.0.2.1:3030";
const VIA = "old.example.org:28900";

/** An old-style master lists a server. */
function hear(world: World, via = VIA, ip = IP): void {
  world.registry.apply({ type: "hearsay", ip, port: 3030, gamename: "netpanzer", via });
}

Deno.test("Registry.hearsay: a server that nobody else knows is listed, marked by who told of it", () => {
  const world = new World();
  hear(world);
  assert.equal(world.state(ID), "listed");
  const record = world.registry.get(ID);
  assert.equal(record?.via, VIA);
  assert.deepEqual(record?.settings, { gamename: "netpanzer", port: "3030" });
  assert.deepEqual(world.challenges, []);
  assert.deepEqual(world.takeEvents(), [`put ${ID} listed`]);
});

Deno.test("Registry.hearsay: keeps alive what came from the same master, and nobody else", () => {
  const world = new World();
  hear(world);
  world.list("192.0.2.2");
  world.takeEvents();
  for (let i = 0; i < 3; i++) {
    world.pass(ALIVE / 2, 1000);
    hear(world);
    hear(world, VIA, "192.0.2.2");
  }
  assert.equal(world.state(ID), "listed");
  assert.equal(world.state("192.0.2.2:3030"), undefined);
  world.pass(ALIVE / 2, 1000);
  hear(world, "another.example.org:28900");
  world.pass(ALIVE / 2 + EXPIRY_SLACK + 100, 1000);
  assert.equal(world.state(ID), undefined, "one master's word is not another's");
});

Deno.test("Registry.hearsay: does not bring back who went while that is remembered", () => {
  const world = new World();
  world.list(IP);
  world.registry.apply({ type: "quit", ip: IP, port: 3030 });
  hear(world);
  assert.equal(world.registry.size, 0);
  merge(world, { tombstones: [tombstone(world, "192.0.2.2:3030", "quit")] });
  hear(world, VIA, "192.0.2.2");
  assert.equal(world.registry.size, 0);
  world.pass(2 * ALIVE + 2 * SECOND, 1000);
  hear(world);
  assert.equal(world.state(ID), "listed");
});

Deno.test("Registry.hearsay: a heartbeat of its own takes its place, and has to be proved", () => {
  const world = new World({ serversPerHost: 1 });
  hear(world);
  assert.equal(world.register(IP).type, "accepted");
  assert.equal(world.state(ID), "challenged");
  assert.equal(world.registry.get(ID)?.via, undefined);
  world.answer(ID);
  assert.equal(world.state(ID), "listed");
});

Deno.test("Registry.hearsay: who registers by a key has to prove itself, and is no hearsay", () => {
  const world = new World();
  hear(world);
  assert.equal(world.announce(IP, "bob", "Bob's tanks").type, "accepted");
  assert.equal(world.state(ID), "challenged");
  assert.equal(world.registry.get(ID)?.via, undefined);
  assert.deepEqual(world.registry.snapshot().names, [], "nobody has proved anything");
  world.answer(ID);
  assert.equal(world.registry.get(ID)?.key, "bob");
});

Deno.test("Registry.hearsay: a host's limit holds for it, too", () => {
  const world = new World({ serversPerHost: 1 });
  world.register(IP, 3031);
  hear(world);
  assert.equal(world.registry.get(ID), undefined);
});

Deno.test("Registry.hearsay: what other masters tell takes its place, with or without a mark", () => {
  const world = new World();
  hear(world);
  world.pass(SECOND);
  adopt(world, IP, { key: "bob", name: "Bob's tanks" });
  assert.equal(world.registry.get(ID)?.via, undefined);
  const second = new World();
  adopt(second, IP, { via: VIA });
  assert.equal(second.registry.get(ID)?.via, VIA);
  second.pass(ALIVE / 2, 1000);
  hear(second);
  second.pass(ALIVE / 2 + 20 * SECOND, 1000);
  assert.equal(second.state(ID), "listed", "it hears the same master");
});

Deno.test("Registry.merge: another's hearsay does not replace a server that was heard of here", () => {
  const world = new World();
  world.announce(IP, "bob", "Bob's tanks");
  world.answer(ID);
  const before = world.registry.get(ID);
  const put = remotePut(world, IP, { via: VIA, hlc: hlcAt(world.wall + HOUR) });
  merge(world, { puts: [put] });
  const record = world.registry.get(ID);
  assert.deepEqual([record?.key, record?.via, record?.origin], ["bob", undefined, ORIGIN]);
  assert.ok((record?.hlc ?? 0) > put.record.hlc, "whoever has believed it is told");
  assert.deepEqual({ ...record, hlc: 0 }, { ...before, hlc: 0 });
});

Deno.test("Registry.merge: another's hearsay replaces what nobody here has heard of", () => {
  const world = new World();
  adopt(world, IP);
  world.pass(SECOND);
  adopt(world, IP, { via: VIA });
  assert.equal(world.registry.get(ID)?.via, VIA);
});

Deno.test("Registry.hearsay: a heartbeat that takes its place takes nothing from who heard it before", () => {
  const world = new World();
  world.list(IP);
  const elsewhere = new World({}, OTHER);
  elsewhere.pass(SECOND);
  hear(elsewhere);
  elsewhere.register(IP);
  const { tombstones } = elsewhere.registry.snapshot();
  assert.deepEqual(tombstones.map(({ cause }) => cause), ["expired"]);
  assert.match(elsewhere.registry.trace(ID).at(-3)?.detail ?? "", /old-style master/);
  merge(world, { tombstones });
  assert.equal(world.state(ID), "listed");
});
