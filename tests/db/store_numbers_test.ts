import assert from "node:assert/strict";
import type { Numbers } from "../../db/_store.ts";
import { testOnBoth } from "./_databases.ts";
import { gone, NOW, server } from "./_records.ts";
import { loadAll, prepared } from "./_stores.ts";

testOnBoth(
  "SqlStore: Numbers are told of servers that do not have theirs",
  async ({ engine }) => {
    const told: Numbers[] = [];
    const store = await prepared(engine, { onNumbers: (numbers) => told.push(numbers) });
    const many = [...Array(123).keys()].map((n) => server(n + 1));
    const master = server(500, { gamename: "master", port: 28900 });
    const v6 = server(501, { ip: "2001:db8::1" });
    const all = [...many, v6, master];
    await store.write(all.map((record) => ({ type: "put", record })));
    assert.equal(told.length, 1);
    const rows = await engine.query("SELECT IP, Number FROM server_data");
    const stored = new Map(rows.map((row) => [row["IP"], row["Number"]]));
    assert.deepEqual(
      new Map(told[0]),
      new Map([...many, v6].map(({ id, ip }) => [id, stored.get(ip)])),
    );
    const number = Number(stored.get("10.0.0.1"));
    await store.write([{ type: "put", record: server(1, { number }) }, gone(server(2).id)]);
    assert.equal(told.length, 1, "nothing is new");
    await store.write([{ type: "put", record: server(2, { state: "challenged" }) }]);
    assert.deepEqual(told.slice(1), [[[server(2).id, stored.get("10.0.0.2")]]]);
  },
);

testOnBoth(
  "SqlStore: Numbers are told anew when the table that gave them went missing",
  async ({ engine }) => {
    const told: Numbers[] = [];
    const store = await prepared(engine, { onNumbers: (numbers) => told.push(numbers) });
    await engine.execute("DROP TABLE server_data");
    await store.prepare();
    await store.write([{ type: "put", record: server(1, { number: 71 }) }]);
    await store.write([{ type: "put", record: server(1, { number: 1 }) }]);
    assert.deepEqual(told, [[[server(1).id, 1]]]);
  },
);

testOnBoth("SqlStore: Numbers of what could not be written are not told", async ({ engine }) => {
  const told: Numbers[] = [];
  const store = await prepared(engine, { onNumbers: (numbers) => told.push(numbers) });
  const bad = { type: "seen", ids: ["no endpoint"], at: NOW } as const;
  await assert.rejects(store.write([{ type: "put", record: server(1) }, bad]), TypeError);
  assert.deepEqual(told, []);
  assert.deepEqual(await loadAll(store), []);
});
