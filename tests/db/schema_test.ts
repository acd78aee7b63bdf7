import assert from "node:assert/strict";
import { DatabaseAdmin } from "../../db/admin.ts";
import type { SqlEngine } from "../../db/_engine.ts";
import { migrate, SCHEMA_VERSION, schemaVersion } from "../../db/_schema.ts";
import { SqlStore } from "../../db/_store.ts";
import { Users } from "../../db/_users.ts";
import type { ServerRecord } from "../../registry/mod.ts";
import type { DatabaseSettings } from "../../threads/mod.ts";
import { testOnBoth } from "./_databases.ts";
import { makeFirstSchema } from "./_first_schema.ts";
import { makeSecondSchema } from "./_second_schema.ts";
import { gone, NOW, server, version } from "./_records.ts";

/** What version 1 left of its servers, as it is loaded now. */
const CARRIED: readonly ServerRecord[] = [
  server(1, {
    settings: { gamename: "netpanzer", port: "3030" },
    firstSeen: NOW,
    country: "FR",
    number: 11,
    hlc: 0,
    origin: "",
  }),
  server(9, {
    gamename: "master",
    port: 28900,
    settings: { gamename: "master", port: "28900" },
    firstSeen: NOW,
    number: 5,
    hlc: 0,
    origin: "",
  }),
];

async function assertCarried(engine: SqlEngine): Promise<void> {
  assert.equal(await schemaVersion(engine), SCHEMA_VERSION);
  const parts = await Array.fromAsync(new SqlStore(engine).load(0));
  assert.deepEqual(parts.flatMap(({ records }) => records), CARRIED);
  assert.deepEqual(parts.flatMap(({ tombstones }) => tombstones), [], "it had no version");
  assert.deepEqual(parts.flatMap(({ horizon }) => horizon), []);
  const [row] = await engine.query("SELECT Number, state FROM server_data WHERE IP = '10.0.0.2'");
  assert.deepEqual({ ...row }, { Number: 12, state: "gone" });
  assert.equal((await new Users(engine).find("Bob"))?.number, 21);
  const { users } = await new Users(engine).page("");
  assert.deepEqual(users, [{ user: "Bob", key: "k", country: "FR", hlc: 0, origin: "" }]);
  assert.equal((await engine.query("SELECT peak FROM server_history"))[0]?.["peak"], 3);
}

testOnBoth(
  "migrate: a database of version 1 keeps its rows and takes versions and names",
  async ({ engine, settings }) => {
    await makeFirstSchema(engine, settings.type);
    assert.equal(await migrate(engine), 1);
    await assertCarried(engine);
    const store = new SqlStore(engine);
    await store.write([
      { type: "put", record: server(2) },
      gone(server(1).id, 5),
      { type: "name", name: "tanks", key: "key of Bob", ...version(6) },
    ]);
    const parts = await Array.fromAsync(store.load(0));
    assert.deepEqual(parts.flatMap(({ tombstones }) => tombstones), [
      { id: server(1).id, ...version(5), cause: "quit" },
    ]);
    const [back] = parts.flatMap(({ records }) => records);
    assert.deepEqual(back, server(2, { number: 12, country: "FR" }));
  },
);

testOnBoth(
  "migrate: in a database of version 2 it is known when servers went, and not why",
  async ({ engine, settings }) => {
    await makeSecondSchema(engine, settings.type);
    assert.equal(await migrate(engine), 2);
    const store = new SqlStore(engine);
    const load = async (since: number) => (await Array.fromAsync(store.load(since))).slice(2);
    const nothing = { records: [], tombstones: [], horizon: [], names: [] };
    const tombstone = { id: server(4).id, ...version(4), cause: "expired" };
    assert.deepEqual(await load(NOW), [{ ...nothing, tombstones: [tombstone] }]);
    assert.deepEqual(await load(NOW + 1), [
      { ...nothing, horizon: [[version(4).origin, version(4).hlc]] },
    ]);
    const gone_at = "SELECT Number, gone_at, gone_cause FROM server_data ORDER BY Number";
    const expected = [[11, 0, ""], [12, 0, ""], [13, 0, ""], [14, NOW, ""]];
    const rows = async () => (await engine.query(gone_at)).map((row) => Object.values(row));
    assert.deepEqual(await rows(), expected);
    await store.write([gone(server(3).id, 9)]);
    const later = await rows();
    assert.equal(await migrate(engine), SCHEMA_VERSION);
    assert.deepEqual(await rows(), later, "what is known stays");
    const { countIndexes } = engine.dialect;
    const [index] = await engine.query(countIndexes, ["server_data", "server_data_gone"]);
    assert.equal(index?.["count"], 0, "nobody looks by it any more");
  },
);

testOnBoth("migrate: twice is as good as once", async ({ engine, settings }) => {
  await makeFirstSchema(engine, settings.type);
  assert.equal(await migrate(engine), 1);
  assert.equal(await migrate(engine), SCHEMA_VERSION);
  await assertCarried(engine);
});

/** Starts another program that is going to migrate; gives what lets it go. */
async function migratingProgram(settings: DatabaseSettings): Promise<() => Promise<string>> {
  const program = new URL("_migrating_program.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-all", program, JSON.stringify(settings)],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await output.read()).value, "ready\n");
  return async () => {
    await child.stdin.getWriter().write(new Uint8Array(1));
    const { value = "" } = await output.read();
    await output.cancel();
    assert.equal((await child.status).code, 0);
    return value.trim();
  };
}

testOnBoth("migrate: several programs at once, one database", async ({ engine, settings }) => {
  await makeFirstSchema(engine, settings.type);
  const programs = await Promise.all([1, 2, 3].map(() => migratingProgram(settings)));
  const found = await Promise.all(programs.map((migrateNow) => migrateNow()));
  assert.ok(found.includes("1"), `${found}`);
  const versions = ["1", String(SCHEMA_VERSION)];
  assert.ok(found.every((before) => versions.includes(before)), `${found}`);
  await assertCarried(engine);
});

testOnBoth(
  "migrate: one that was cut off is brought to its end",
  async ({ engine, settings }) => {
    await makeFirstSchema(engine, settings.type);
    await engine.execute("ALTER TABLE master_data ADD COLUMN hlc BIGINT NOT NULL DEFAULT 0");
    assert.equal(await migrate(engine), 1);
    await assertCarried(engine);
  },
);

testOnBoth(
  "migrate: a table that went missing since is made as it is now",
  async ({ engine, settings }) => {
    await makeFirstSchema(engine, settings.type);
    await migrate(engine);
    await engine.execute("DROP TABLE server_data");
    await engine.execute("DROP TABLE server_names");
    assert.equal(await migrate(engine), SCHEMA_VERSION);
    const store = new SqlStore(engine);
    await store.write([
      { type: "put", record: server(1) },
      { type: "name", name: "tanks", key: "key of Bob", ...version(6) },
    ]);
    const [names, servers] = await Array.fromAsync(store.load(0));
    assert.equal(names?.names.length, 1);
    assert.deepEqual(servers?.records, [server(1, { number: 1 })]);
  },
);

testOnBoth(
  "migrate: what another node's master added in between is no failure",
  async ({ engine, settings }) => {
    await makeFirstSchema(engine, settings.type);
    // Every look says at first that nothing was done; by then someone else has done it.
    await migrate(engine);
    const looked = new Set<string>();
    const late: SqlEngine = {
      dialect: engine.dialect,
      where: engine.where,
      query: (sql, values) => engine.query(sql, values),
      execute: (sql, values) => engine.execute(sql, values),
      transaction: (work) => engine.transaction(work),
      close: () => engine.close(),
      exclusively: (name, work) =>
        engine.exclusively(name, (session) =>
          work({
            execute: (sql, values) => session.execute(sql, values),
            query: (sql, values = []) => {
              const look = `${sql} ${values.join(" ")}`;
              if (values.length !== 2 || looked.has(look)) return session.query(sql, values);
              looked.add(look);
              return Promise.resolve([{ count: values[1] === "server_data_gone" ? 1 : 0 }]);
            },
          })),
    };
    assert.equal(await migrate(late), SCHEMA_VERSION);
    assert.equal(looked.size, 10, "versions of three tables, two columns more, two indexes");
    await assertCarried(engine);
    await assert.rejects(
      migrate({
        ...late,
        exclusively: (name, work) =>
          engine.exclusively(name, (session) =>
            work({
              execute: (sql, values) =>
                sql.startsWith("ALTER") || sql.startsWith("CREATE INDEX")
                  ? Promise.reject(new Error("no room"))
                  : session.execute(sql, values),
              query: (sql, values = []) =>
                values.length === 2 ? Promise.resolve([{ count: 0 }]) : session.query(sql, values),
            })),
      }),
      /no room/,
    );
  },
);

testOnBoth(
  "DatabaseAdmin: a database of version 1 is counted, exported only once migrated",
  async ({ engine, settings }) => {
    await makeFirstSchema(engine, settings.type);
    const admin = await DatabaseAdmin.open(settings);
    try {
      const { where: _, ...before } = await admin.status();
      assert.deepEqual(before, {
        schema: 1,
        wanted: SCHEMA_VERSION,
        rows: { master_data: 1, server_data: 2, Client_data: 1, server_history: 1 },
      });
      await assert.rejects(
        Array.fromAsync(admin.export()),
        /schema version 1, this program exports 3: run masterserver db migrate/,
      );
      await admin.migrate();
      assert.equal((await Array.fromAsync(admin.export())).length, 1 + 1 + 2 + 1 + 1);
      assert.equal((await admin.status()).rows["server_names"], 0);
    } finally {
      await admin.close();
    }
  },
);

testOnBoth(
  "migrate: tombstones are found by an index",
  async ({ engine, settings }) => {
    await migrate(engine);
    const explain = settings.type === "sqlite" ? "EXPLAIN QUERY PLAN" : "EXPLAIN";
    const asked = [
      `SELECT origin, MAX(hlc) FROM server_data WHERE state = 'gone' AND gone_at < 5
       AND origin <> '' GROUP BY origin`,
      `SELECT Number FROM server_data WHERE state = 'gone' AND gone_at >= 5 AND hlc > 0
       ORDER BY gone_at, origin, hlc, Number`,
      "UPDATE server_data SET gone_at = 5 WHERE state = 'gone' AND gone_at = 0 AND hlc > 0",
    ];
    for (const sql of asked) {
      const plan = JSON.stringify(await engine.query(`${explain} ${sql}`));
      assert.match(plan, /server_data_gone_at/, sql);
      // Those of one moment stand in the index as they are read.
      if (sql.includes("ORDER")) assert.doesNotMatch(plan, /TEMP B-TREE|filesort/);
    }
  },
);
