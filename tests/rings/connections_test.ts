import assert from "node:assert/strict";
import fc from "fast-check";
import { HostCounts } from "../../rings/_host_counts.ts";
import { Random, until } from "../_helpers.ts";
import { ask, TextClient, withRing } from "./_helpers.ts";

const LIST = "\\list\\gamename\\netpanzer\\final\\";

Deno.test("HostCounts: knows how many connections each host has, after any history", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(12), { maxLength: 800, size: "max" }), (history) => {
      const counts = new HostCounts();
      const model = new Map<string, number>();
      for (const [i, number] of history.entries()) {
        // Half of the hosts come once, as in a flood.
        const host = number < 6 ? `host ${number}` : `host ${i}`;
        const now = model.get(host) ?? 0;
        const leaves = now > 0 && i % 3 > 0;
        if (leaves) counts.leave(host);
        else counts.enter(host);
        model.set(host, now + (leaves ? -1 : 1));
        assert.equal(counts.of(host), model.get(host));
      }
      for (const [host, count] of model) assert.equal(counts.of(host), count);
      assert.equal(counts.of("nobody"), 0);
    }),
    { numRuns: 100 },
  );
});

Deno.test("ring: connections are counted right however they come and go", async () => {
  await withRing({ settings: { connectionLimit: 20 } }, async (trial) => {
    const random = new Random(11);
    const open: TextClient[] = [];
    try {
      for (let i = 0; i < 300; i++) {
        if (open.length > 0 && random.below(2) === 0) {
          open.splice(random.below(open.length), 1)[0]?.close();
        } else if (open.length < 20) open.push(await TextClient.connect(trial.port));
        await until("the count", () => trial.counter("connections_open") === open.length);
      }
      assert.equal(trial.counter("connections_refused"), 0);
      while (open.length < 20) open.push(await TextClient.connect(trial.port));
      await until("all of them", () => trial.counter("connections_open") === 20);
      assert.match(await ask(trial.port, LIST), /^\\error\\/);
      open.pop()?.close();
      await until("one less", () => trial.counter("connections_open") === 19);
      assert.equal(await ask(trial.port, LIST), "\\final\\");
    } finally {
      for (const client of open) client.close();
    }
  });
});

Deno.test("ring: of many idle connections each is closed when its own time is up", async () => {
  await withRing({ settings: { requestTimeout: 600, connectionLimit: 50 } }, async (trial) => {
    const clients: TextClient[] = [];
    try {
      for (let i = 0; i < 30; i++) clients.push(await TextClient.connect(trial.port));
      await until("all of them", () => trial.counter("connections_open") === 30);
      const kept = clients.filter((_, i) => i % 3 === 0);
      for (let round = 0; round < 4; round++) {
        for (const client of kept) {
          await client.send(LIST);
          assert.equal(await client.answer(), "\\final\\");
        }
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      assert.equal(trial.counter("connections_open"), kept.length);
      assert.equal(trial.counter("connections_timed_out"), 20);
    } finally {
      for (const client of clients) client.close();
    }
  });
});
