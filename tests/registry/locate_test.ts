import assert from "node:assert/strict";
import { World } from "./_helpers.ts";

function located(country: string, netName: string): Parameters<World["registry"]["apply"]>[0] {
  return { type: "locate", id: "192.0.2.1:3030", country, netName };
}

Deno.test("Registry: where a server is becomes part of its record, once", () => {
  const world = new World({ verify: false });
  world.registry.apply({
    type: "register",
    ip: "192.0.2.1",
    port: 3030,
    settings: { gamename: "netpanzer", port: "3030" },
  });
  const before = world.events.length;
  world.registry.apply(located("", ""));
  assert.equal(world.events.length, before, "nothing was found out");
  world.registry.apply(located("FR", "play.example.org"));
  world.registry.apply(located("FR", "play.example.org"));
  assert.equal(world.events.length, before + 1);
  const record = world.registry.get("192.0.2.1:3030");
  assert.equal(record?.country, "FR");
  assert.equal(record?.netName, "play.example.org");
  assert.equal(record?.state, "listed");
  assert.deepEqual(world.events.at(-1), {
    type: "put",
    record,
    ...world.registry.snapshot().records[0]?.life,
  });
});

Deno.test("Registry: where an unknown server is makes no server of it", () => {
  const world = new World();
  world.registry.apply(located("FR", "play.example.org"));
  assert.equal(world.registry.size, 0);
  assert.deepEqual(world.events, []);
});
