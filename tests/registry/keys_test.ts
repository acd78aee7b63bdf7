import assert from "node:assert/strict";
import { ALIVE, EXPIRY_SLACK, HOUR, SECOND, status, stored, World } from "./_helpers.ts";

const IP = "192.0.2.1";
const ID = "192.0.2.1:3030";

function listedWorld(name = "Bob's tanks"): World {
  const world = new World();
  world.announce(IP, "bob", name);
  world.answer(ID);
  return world;
}

Deno.test("Registry.announce: a server is challenged, then listed under its name and key", () => {
  const world = new World();
  assert.deepEqual(world.announce(IP, "bob", "Bob's tanks", { country: "FR" }), {
    type: "accepted",
  });
  assert.deepEqual(world.registry.standing(ID), {
    listed: false,
    number: 0,
    reason: "its answer over UDP is awaited",
  });
  world.answer(ID);
  assert.deepEqual(world.registry.standing(ID), { listed: true, number: 0 });
  const record = world.registry.get(ID);
  assert.equal(record?.name, "Bob's tanks");
  assert.equal(record?.key, "bob");
  assert.equal(record?.country, "FR");
  assert.equal(record?.settings["admin"], undefined, "an address is nobody's business");
});

Deno.test("Registry.announce: a name belongs to the key that came first", () => {
  const world = listedWorld();
  const refused = world.announce("192.0.2.2", "mallory", "Bob's tanks");
  assert.equal(refused.type === "refused" && refused.refusal, "name_taken");
  assert.match(refused.type === "refused" ? refused.reason : "", /"Bob's tanks".*another name/);
  assert.equal(world.registry.get("192.0.2.2:3030"), undefined);
  assert.equal(world.announce("192.0.2.3", "bob", "Bob's tanks").type, "accepted");
});

Deno.test("Registry.announce: a name outlives its server, and a restart", () => {
  const world = listedWorld();
  const claims = world.events.filter((event) => event.type === "name");
  assert.equal(claims.length, 1);
  world.registry.apply({ type: "leave", id: ID, key: "bob" });
  assert.equal(world.announce(IP, "eve", "Bob's tanks").type, "refused");
  const next = new World();
  next.registry.restore({ names: claims });
  assert.equal(next.announce(IP, "eve", "Bob's tanks").type, "refused");
  assert.equal(next.announce(IP, "bob", "Bob's tanks").type, "accepted");
});

Deno.test("Registry.announce: who was never listed leaves no name behind", () => {
  const world = new World();
  world.announce(IP, "squatter", "Good name");
  world.pass(ALIVE + EXPIRY_SLACK, 500);
  assert.equal(world.registry.size, 0);
  assert.equal(world.announce("192.0.2.9", "bob", "Good name").type, "accepted");
});

Deno.test("Registry.announce: one host cannot hoard names, and is not locked out for good", () => {
  const world = new World({ verify: false });
  const taken = (key: string) => {
    let count = 0;
    for (let i = 0; i < 100; i++) {
      if (world.announce(IP, key, `${key} ${i}`).type === "accepted") count++;
      world.registry.apply({ type: "leave", id: ID, key });
    }
    return count;
  };
  assert.equal(taken("hoarder"), 32);
  assert.equal(world.announce("192.0.2.2", "another", "hoarder 99").type, "accepted");
  assert.equal(world.announce(IP, "hoarder", "hoarder 3").type, "accepted", "its own it has");
  world.registry.apply({ type: "leave", id: ID, key: "hoarder" });
  world.pass(HOUR, 1000);
  assert.equal(taken("later"), 4, "one every quarter of an hour");
});

Deno.test("Registry.announce: names that were never listed cost nobody anything", () => {
  const world = new World();
  for (let i = 0; i < 200; i++) {
    assert.equal(world.announce(IP, "restless", `name ${i}`).type, "accepted", String(i));
  }
  assert.equal(world.announce("192.0.2.2", "bob", "name 7").type, "accepted");
  assert.equal(world.announce("192.0.2.3", "eve", "name 199").type, "refused", "still borne");
  world.registry.apply({ type: "leave", id: ID, key: "restless" });
  assert.equal(world.announce("192.0.2.3", "eve", "name 199").type, "accepted");
});

Deno.test("Registry.announce: a name that two servers of a key bear is free when both are gone", () => {
  const world = new World();
  world.announce("192.0.2.1", "bob", "Two of them");
  world.announce("192.0.2.2", "bob", "Two of them");
  world.registry.apply({ type: "leave", id: "192.0.2.1:3030", key: "bob" });
  assert.equal(world.announce("192.0.2.3", "eve", "Two of them").type, "refused");
  world.registry.apply({ type: "leave", id: "192.0.2.2:3030", key: "bob" });
  assert.equal(world.announce("192.0.2.3", "eve", "Two of them").type, "accepted");
});

Deno.test("Registry.restore: a server whose name has become another's does not come back", () => {
  const world = new World();
  const names = [{ name: "Bob's tanks", key: "bob", hlc: 1, origin: "o" }];
  const record = stored(world, IP, { key: "eve", name: "Bob's tanks" });
  assert.equal(world.registry.restore({ names, records: [record] }), 0);
  assert.equal(world.registry.get(ID), undefined);
  const pending = stored(world, "192.0.2.2", { key: "ann", name: "Ann's", state: "challenged" });
  world.registry.restore({ records: [pending] });
  assert.equal(world.announce("192.0.2.3", "eve", "Ann's").type, "refused");
});

Deno.test("Registry: servers that prove nothing cannot fill the memory", () => {
  const world = new World({ serversPerHost: 60_000 });
  let refused = 0;
  for (let i = 0; i < 50_010; i++) {
    const ip = `10.${i >> 16}.${i >> 8 & 255}.${i & 255}`;
    if (world.register(ip).type === "refused") refused++;
  }
  assert.equal(refused, 10);
});

Deno.test("Registry.announce: another key takes an address over only from one that is silent", () => {
  const world = listedWorld();
  const refused = world.announce(IP, "eve", "Eve's");
  assert.equal(refused.type === "refused" && refused.refusal, "unauthorized");
  world.pass(181 * SECOND, 500);
  assert.equal(world.announce(IP, "eve", "Eve's").type, "accepted");
  assert.equal(world.registry.get(ID)?.key, "eve");
  assert.equal(world.state(ID), "challenged", "what Bob proved is not Eve's");
});

Deno.test("Registry: an old-style heartbeat keeps a key's server alive and changes nothing", () => {
  const world = listedWorld();
  const before = world.registry.get(ID);
  world.pass(170 * SECOND, 500);
  assert.equal(world.register(IP, 3030, { hostname: "Mallory" }).type, "accepted");
  assert.deepEqual({ ...world.registry.get(ID), lastSeen: 0 }, { ...before, lastSeen: 0 });
  world.pass(ALIVE - SECOND, 500);
  assert.equal(world.state(ID), "listed");
});

Deno.test("Registry: when a key's owner is gone its server goes on in the old style", () => {
  const world = listedWorld();
  const report = { type: "report", id: ID, key: "bob", status: status("Two clans", 7) } as const;
  world.registry.apply(report);
  world.pass(100 * SECOND, 500);
  world.registry.apply({ type: "refresh", ids: [ID], byOwner: true });
  world.pass(100 * SECOND, 500);
  world.register(IP, 3030);
  assert.equal(world.registry.get(ID)?.key, "bob", "heard of 100 s ago");
  world.pass(100 * SECOND, 500);
  world.registry.apply({ type: "refresh", ids: [ID] });
  world.register(IP, 3030);
  const record = world.registry.get(ID);
  assert.deepEqual([record?.key, record?.name, record?.admin], [undefined, undefined, undefined]);
  assert.equal(record?.status, undefined, "seven players of yesterday are nobody");
  assert.equal(record?.state, "listed");
  world.registry.apply({ type: "status", id: ID, status: status("Bullet Hole", 1) });
  assert.equal(world.registry.get(ID)?.status?.map, "Bullet Hole", "it is polled again");
  assert.equal(world.announce("192.0.2.9", "eve", "Bob's tanks").type, "refused", "the name stays");
  world.registry.apply({ type: "quit", ip: IP, port: 3030 });
  assert.equal(world.state(ID), undefined);
});

Deno.test("Registry: an answer to a poll is no word of a key's owner", () => {
  const world = listedWorld();
  world.registry.apply({ type: "status", id: ID, status: status("Spoofed", 99) });
  assert.equal(world.registry.get(ID)?.status, undefined);
});

Deno.test("Registry: an old-style quit does not end what a key has registered", () => {
  const world = listedWorld();
  world.registry.apply({ type: "quit", ip: IP, port: 3030 });
  assert.equal(world.state(ID), "listed");
  assert.equal(world.steps(ID).at(-1), "refused");
  world.registry.apply({ type: "leave", id: ID, key: "eve" });
  assert.equal(world.state(ID), "listed");
  world.registry.apply({ type: "leave", id: ID, key: "bob" });
  assert.equal(world.state(ID), undefined);
});

Deno.test("Registry.announce: takes over an old-style server of the same address, still listed", () => {
  const world = new World();
  world.list(IP);
  assert.equal(world.announce(IP, "bob", "Bob's tanks").type, "accepted");
  assert.equal(world.state(ID), "listed");
  assert.equal(world.registry.get(ID)?.key, "bob");
  assert.equal(world.announce("192.0.2.7", "eve", "Bob's tanks").type, "refused");
});

Deno.test("Registry.report: is a heartbeat and a status under the owned name", () => {
  const world = listedWorld();
  world.pass(ALIVE - SECOND, 500);
  const report = { ...status("Metalurgy", 3), hostname: "Another" };
  const outcome = world.registry.apply({ type: "report", id: ID, key: "bob", status: report });
  assert.equal(outcome.type, "accepted");
  world.pass(ALIVE - SECOND, 500);
  assert.equal(world.state(ID), "listed");
  assert.deepEqual(world.registry.get(ID)?.status, { ...report, hostname: "Bob's tanks" });
});

Deno.test("Registry.report: of a stranger is refused and keeps nobody alive", () => {
  const world = listedWorld();
  world.pass(ALIVE - SECOND, 500);
  for (const [id, key] of [[ID, "eve"], ["192.0.2.2:3030", "bob"]] as const) {
    const outcome = world.registry.apply({ type: "report", id, key, status: status() });
    assert.equal(outcome.type === "refused" && outcome.refusal, "unauthorized");
  }
  world.pass(2 * SECOND + EXPIRY_SLACK);
  assert.equal(world.state(ID), undefined);
});

Deno.test("Registry.report: an unverified server is challenged again", () => {
  const world = new World();
  world.announce(IP, "bob", "Bob's tanks");
  world.pass(10 * SECOND);
  assert.equal(world.state(ID), "unverified");
  assert.match(world.registry.standing(ID)?.reason ?? "", /port 3030 open/);
  world.registry.apply({ type: "report", id: ID, key: "bob", status: status() });
  assert.equal(world.state(ID), "challenged");
  world.answer(ID);
  assert.deepEqual(world.registry.standing(ID), { listed: true, number: 0 });
  assert.equal(world.registry.get(ID)?.reason, undefined);
});

Deno.test("Registry.locate: what a key's owner says of its country stands", () => {
  const world = new World();
  world.announce(IP, "bob", "Bob's tanks", { country: "FR" });
  world.answer(ID);
  world.registry.apply({ type: "locate", id: ID, country: "DE", netName: "host.example.org" });
  assert.equal(world.registry.get(ID)?.country, "FR");
  assert.equal(world.registry.get(ID)?.netName, "host.example.org");
});

Deno.test("Registry: a Number is kept and told", () => {
  const world = listedWorld();
  world.takeEvents();
  world.registry.apply({ type: "number", id: ID, number: 17 });
  world.registry.apply({ type: "number", id: ID, number: 17 });
  assert.deepEqual(world.takeEvents(), [`number ${ID} 17`]);
  assert.equal(world.registry.standing(ID)?.number, 17);
  assert.equal(world.replica.get(ID)?.number, 17);
});

Deno.test("Registry.restore: a key's server comes back with all that is its own", () => {
  const world = new World();
  const record = stored(world, IP, { key: "bob", name: "Bob's tanks", admin: "b@c", number: 4 });
  world.registry.restore({ records: [record] });
  assert.deepEqual(world.registry.get(ID), record);
});

Deno.test("Registry.restore: of two claims of a name the earlier one counts, in any order", () => {
  const claims = [["late", 5], ["first", 3], ["later", 9]] as const;
  for (const order of [[0, 1, 2], [1, 0, 2], [2, 0, 1]]) {
    const world = new World();
    for (const i of order) {
      const [key, hlc] = claims[i] as (typeof claims)[number];
      world.registry.restore({ names: [{ name: "Bob's tanks", key, hlc, origin: "o" }] });
    }
    assert.equal(world.announce(IP, "first", "Bob's tanks").type, "accepted");
    assert.equal(world.announce(IP, "late", "Bob's tanks").type, "refused");
  }
});
