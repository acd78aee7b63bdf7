import assert from "node:assert/strict";
import { ask, entries, withRing } from "./_helpers.ts";

Deno.test("ring2bis: lists servers over TCP like ring 1 bis", async () => {
  await withRing({ ring: "ring2bis" }, async (trial) => {
    trial.add("192.0.2.1", 3030, { protocol: "1122" });
    trial.add("192.0.2.2", 3031, { protocol: "1123" });
    const list = async (pairs: string): Promise<string[]> =>
      entries(await ask(trial.port, `\\list\\gamename\\netpanzer${pairs}\\final\\`));
    assert.deepEqual(await list(""), ["192.0.2.1:3030", "192.0.2.2:3031"]);
    assert.deepEqual(await list("\\protocol\\1123"), ["192.0.2.2:3031"]);
    assert.equal(await ask(trial.port, "\\x\\final\\"), "\\error\\Unknown request\\final\\");
  });
});

Deno.test("ring2bis: names the port of ring 1 bis in a list of masters, not its own", async () => {
  await withRing({ ring: "ring2bis", settings: { oldServerPort: 28900 } }, async (trial) => {
    const list = await ask(trial.port, "\\list\\gamename\\master\\final\\");
    assert.deepEqual(entries(list), ["127.0.0.1:28900"]);
  });
});

Deno.test("ring2bis: a heartbeat or quit is told where to go, and nothing happens", async () => {
  await withRing({ ring: "ring2bis" }, async (trial) => {
    trial.add("127.0.0.1", 3030);
    for (const request of ["\\heartbeat\\gamename\\netpanzer\\port\\4040", "\\quit\\port\\3030"]) {
      const answer = await ask(trial.port, `${request}\\final\\`);
      assert.match(answer, /^\\error\\[^\\]*clients[^\\]*\\final\\$/);
    }
    assert.deepEqual(trial.commands, []);
    assert.equal(trial.registry.size, 1);
  });
});

Deno.test("ring2bis: sees what changes after its snapshot", async () => {
  await withRing({ ring: "ring2bis" }, async (trial) => {
    const list = async (): Promise<string[]> =>
      entries(await ask(trial.port, "\\list\\gamename\\netpanzer\\final\\"));
    assert.deepEqual(await list(), []);
    trial.add("192.0.2.1", 3030);
    assert.deepEqual(await list(), ["192.0.2.1:3030"]);
    trial.registry.apply({ type: "quit", ip: "192.0.2.1", port: 3030 });
    assert.deepEqual(await list(), []);
  });
});
