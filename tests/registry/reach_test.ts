import assert from "node:assert/strict";
import { ORIGIN, SECOND, status, World } from "./_helpers.ts";
import { adopt, OTHER, THIRD } from "./_remote.ts";

const ID = "192.0.2.1:3030";

function reach(world: World, master: string | undefined, reached: boolean, id = ID): void {
  const servers = [{ id, reached }];
  world.registry.apply({ type: "reach", servers, ...(master === undefined ? {} : { master }) });
}

Deno.test("Registry.reach: counts the masters that reach a server, each by its latest finding", () => {
  const world = new World();
  adopt(world, "192.0.2.1");
  reach(world, OTHER, true);
  reach(world, THIRD, false);
  reach(world, undefined, true);
  assert.deepEqual(world.registry.get(ID)?.reach, { reached: 2, probed: 3 });
  assert.deepEqual(world.replica.get(ID)?.reach, { reached: 2, probed: 3 });
  reach(world, THIRD, true);
  assert.deepEqual(world.registry.get(ID)?.reach, { reached: 3, probed: 3 });
});

Deno.test("Registry.reach: tells of what has changed, and always of what this master found", () => {
  const world = new World();
  adopt(world, "192.0.2.1");
  world.takeEvents();
  reach(world, OTHER, true);
  reach(world, OTHER, true);
  reach(world, undefined, false);
  reach(world, undefined, false);
  const told = world.events.filter((event) => event.type === "reach");
  assert.deepEqual(told.map(({ servers, found }) => [servers.length, found.length]), [
    [1, 0],
    [1, 1],
    [0, 1],
  ]);
});

Deno.test("Registry.reach: is no change of the server, stays when it changes, and goes with it", () => {
  const world = new World();
  adopt(world, "192.0.2.1");
  const before = world.registry.get(ID)?.hlc;
  reach(world, OTHER, true);
  assert.equal(world.registry.get(ID)?.hlc, before);
  world.pass(SECOND);
  adopt(world, "192.0.2.1", { status: status() });
  assert.deepEqual(world.registry.get(ID)?.reach, { reached: 1, probed: 1 });
  world.registry.apply({ type: "quit", ip: "192.0.2.1", port: 3030 });
  world.list("192.0.2.1");
  assert.equal(world.registry.get(ID)?.origin, ORIGIN);
  assert.equal(world.registry.get(ID)?.reach, undefined);
  reach(world, THIRD, true);
  assert.deepEqual(world.registry.get(ID)?.reach, { reached: 1, probed: 1 });
});

Deno.test("Registry.reach: what is not listed is nobody's business", () => {
  const world = new World();
  world.register("192.0.2.1");
  world.takeEvents();
  reach(world, OTHER, true);
  reach(world, OTHER, true, "192.0.2.9:1");
  assert.deepEqual(world.takeEvents(), []);
  assert.equal(world.registry.get(ID)?.reach, undefined);
});
