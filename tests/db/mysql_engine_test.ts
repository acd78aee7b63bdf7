import assert from "node:assert/strict";
import { SqlError } from "../../db/_engine.ts";
import { MysqlEngine, type MysqlOptions } from "../../db/_mysql_engine.ts";
import { freePort } from "../e2e/_daemon.ts";
import { hasMariadb, sharedServer } from "./_mariadb.ts";

function testWithServer(title: string, run: (options: MysqlOptions) => Promise<void>): void {
  Deno.test({
    name: hasMariadb() ? title : `${title} (needs root and mariadb-server)`,
    ignore: !hasMariadb(),
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => await run(await (await sharedServer()).database("np_engine")),
  });
}

async function failure(work: Promise<unknown>): Promise<SqlError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof SqlError, String(error));
    return error;
  }
  assert.fail("it succeeded");
}

testWithServer(
  "MysqlEngine: nodes are tried in turn, and the one that answers is kept",
  async (options) => {
    const dead = { host: "127.0.0.1", port: freePort() };
    const engine = await MysqlEngine.open({ ...options, nodes: [dead, dead, ...options.nodes] });
    const [row] = await engine.query("SELECT 1 AS one");
    assert.equal(row?.["one"], 1);
    assert.ok(engine.where.endsWith(String(options.nodes[0]?.port)), engine.where);
    await engine.close();
  },
);

testWithServer("MysqlEngine: failures say what kind they are and what to do", async (options) => {
  const engine = await MysqlEngine.open(options);
  assert.equal((await failure(engine.query("SELECT * FROM nothing"))).kind, "no-table");
  await engine.execute("CREATE TABLE small (text VARCHAR(3) UNIQUE)");
  await engine.execute("INSERT INTO small VALUES (?)", ["abc"]);
  for (const value of ["abcd", "abc"]) {
    const error = await failure(engine.execute("INSERT INTO small VALUES (?)", [value]));
    assert.equal(error.kind, "bad-data", error.message);
  }
  await engine.close();

  const stranger = await MysqlEngine.open({ ...options, password: "wrong secret" });
  const denied = await failure(stranger.query("SELECT 1"));
  assert.equal(denied.kind, "unavailable");
  assert.match(denied.message, /check \[database\] user and pass/);
  assert.ok(!denied.message.includes("wrong secret"));
  await stranger.close();

  const lost = await MysqlEngine.open({ ...options, database: "np_missing" });
  assert.match((await failure(lost.query("SELECT 1"))).message, /create the database/);
  await lost.close();

  const nobody = await MysqlEngine.open({
    ...options,
    nodes: [{ host: "127.0.0.1", port: freePort() }],
  });
  assert.equal((await failure(nobody.query("SELECT 1"))).kind, "unavailable");
  await nobody.close();
});

testWithServer(
  "MysqlEngine: a connection cut in the middle of a transaction leaves nothing",
  async (options) => {
    const engine = await MysqlEngine.open(options);
    await engine.execute("CREATE TABLE t (n INTEGER)");
    const cut = await failure(engine.transaction(async (session) => {
      await session.execute("INSERT INTO t VALUES (?)", [1]);
      const [row] = await session.query("SELECT CONNECTION_ID() AS id");
      await (await sharedServer()).sql(`KILL ${row?.["id"]}`);
      await session.execute("INSERT INTO t VALUES (?)", [2]);
    }));
    assert.equal(cut.kind, "unavailable");
    assert.deepEqual(await engine.query("SELECT n FROM t"), []);
    await engine.transaction((session) => session.execute("INSERT INTO t VALUES (?)", [3]));
    assert.deepEqual((await engine.query("SELECT n FROM t")).map((row) => row["n"]), [3]);
    await engine.close();
  },
);
