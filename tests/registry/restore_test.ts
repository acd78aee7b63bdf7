import assert from "node:assert/strict";
import {
  ALIVE,
  EXPIRY_SLACK,
  HOUR,
  replicated,
  SECOND,
  status,
  stored,
  World,
} from "./_helpers.ts";

Deno.test("Registry.restore: what was listed is listed at once, in the order given", () => {
  const world = new World();
  const records = ["192.0.2.3", "192.0.2.1", "2001:db8::1"].map((ip) => stored(world, ip));
  assert.equal(world.registry.restore({ records }), 3);
  assert.deepEqual([...world.registry.records()], records);
  assert.equal(world.registry.listed, 3);
  assert.deepEqual(world.challenges, []);
});

Deno.test("Registry.restore: a new server comes after the restored ones", () => {
  const world = new World();
  world.registry.restore({ records: [stored(world, "192.0.2.3"), stored(world, "192.0.2.2")] });
  world.list("192.0.2.1");
  assert.deepEqual(world.listed(), ["192.0.2.3:3030", "192.0.2.2:3030", "192.0.2.1:3030"]);
});

Deno.test("Registry.restore: each expires when it would have", () => {
  for (const silent of [0, SECOND, 100 * SECOND, 719 * SECOND]) {
    const world = new World();
    const record = stored(world, "192.0.2.1", { lastSeen: world.wall - silent });
    world.registry.restore({ records: [record] });
    world.pass(ALIVE - silent, 100);
    assert.equal(world.state(record.id), "listed", `${silent} ms silent`);
    world.pass(EXPIRY_SLACK + 100);
    assert.equal(world.state(record.id), undefined, `${silent} ms silent`);
  }
});

Deno.test("Registry.restore: those past their time are left out", () => {
  const world = new World();
  const records = [ALIVE + HOUR, ALIVE + 1, ALIVE, ALIVE - 1].map((silent, i) =>
    stored(world, `192.0.2.${i}`, { lastSeen: world.wall - silent })
  );
  assert.equal(world.registry.restore({ records }), 1);
  assert.deepEqual(world.listed(), ["192.0.2.3:3030"]);
  assert.deepEqual(world.steps("192.0.2.0:3030"), ["expired"]);
});

Deno.test("Registry.restore: a server heard of in the future lives one alive timeout", () => {
  const world = new World();
  world.registry.restore({
    records: [stored(world, "192.0.2.1", { lastSeen: world.wall + 1000 * HOUR })],
  });
  world.pass(ALIVE - 1, 1000);
  assert.equal(world.registry.listed, 1);
  world.pass(EXPIRY_SLACK + 101);
  assert.equal(world.registry.size, 0);
});

Deno.test("Registry.restore: the challenged and the unverified are challenged again", () => {
  const world = new World();
  const states = ["challenged", "unverified"] as const;
  world.registry.restore({
    records: states.map((state, i) => stored(world, `192.0.2.${i}`, { state })),
  });
  assert.deepEqual(world.challenges.map(({ id }) => id), ["192.0.2.0:3030", "192.0.2.1:3030"]);
  assert.equal(world.registry.listed, 0);
  for (const { id } of [...world.challenges]) world.answer(id);
  assert.equal(world.registry.listed, 2);
});

Deno.test("Registry.restore: without verify even the challenged are listed", () => {
  const world = new World({ verify: false });
  world.registry.restore({ records: [stored(world, "192.0.2.1", { state: "challenged" })] });
  assert.equal(world.registry.listed, 1);
  assert.deepEqual(replicated(world.replica).map(({ id }) => id), ["192.0.2.1:3030"]);
});

Deno.test("Registry.restore: a server that has registered since is not overwritten", () => {
  const world = new World();
  const id = world.list("192.0.2.1", 3030, { protocol: "1123" });
  assert.equal(world.registry.restore({ records: [stored(world, "192.0.2.1")] }), 0);
  assert.equal(world.registry.get(id)?.settings["protocol"], "1123");
  assert.equal(world.registry.listed, 1);
});

Deno.test("Registry.restore: the restored count for their host's limit and give way again", () => {
  const world = new World({ serversPerHost: 2 });
  world.registry.restore({ records: [1, 2].map((port) => stored(world, "192.0.2.1", { port })) });
  assert.equal(world.register("192.0.2.1", 3).type, "refused");
  world.registry.apply({ type: "quit", ip: "192.0.2.1", port: 1 });
  assert.equal(world.register("192.0.2.1", 3).type, "accepted");
});

Deno.test("Registry.restore: keeps first seen, last seen and status", () => {
  const world = new World();
  const record = stored(world, "192.0.2.1", { status: status("Duel", 5) });
  world.registry.restore({ records: [record] });
  assert.deepEqual(world.registry.get(record.id), record);
  world.register("192.0.2.1");
  assert.equal(world.registry.get(record.id)?.firstSeen, record.firstSeen);
  assert.equal(world.registry.get(record.id)?.lastSeen, world.wall);
});

Deno.test("Registry.restore: nobody is known twice", () => {
  const world = new World();
  const record = stored(world, "192.0.2.1");
  assert.equal(world.registry.restore({ records: [record, record] }), 1);
  assert.equal(world.registry.listed, 1);
  assert.equal(world.registry.size, 1);
});
