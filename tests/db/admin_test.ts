import assert from "node:assert/strict";
import { DatabaseAdmin } from "../../db/admin.ts";
import { openEngine } from "../../db/_open.ts";
import { SqlStore } from "../../db/_store.ts";
import { Users } from "../../db/_users.ts";
import type { DatabaseSettings } from "../../threads/mod.ts";
import { hasMariadb, sharedServer } from "./_mariadb.ts";
import { testOnBoth } from "./_databases.ts";
import { gone, NOW, server, version } from "./_records.ts";

async function* linesOf(lines: readonly string[]): AsyncGenerator<string> {
  for (const line of lines) yield await Promise.resolve(line);
}

async function exported(settings: DatabaseSettings): Promise<string[]> {
  const admin = await DatabaseAdmin.open(settings);
  try {
    return await Array.fromAsync(admin.export());
  } finally {
    await admin.close();
  }
}

async function fill(settings: DatabaseSettings): Promise<void> {
  const engine = await openEngine(settings);
  const store = new SqlStore(engine);
  await store.prepare();
  await store.write([...Array(2500).keys()].map((n) => ({ type: "put", record: server(n + 1) })));
  await store.write([
    gone(server(7).id, 3),
    { type: "name", name: "Zwölf 🛡", key: "key", ...version(4) },
    { type: "name", name: "tanks", key: "key", ...version(5) },
    { type: "put", record: server(9, { gamename: "master", port: 28900 }) },
    {
      type: "master",
      master: {
        id: version(0).origin,
        name: "Bob's master",
        ip: "10.0.0.9",
        port: 6060,
        netName: "master.example.org",
        key: "key",
        ports: { ring0: 6060 },
        lastSeen: NOW,
      },
    },
    { type: "user", user: "Eve", key: "key of Eve", country: "FR", ...version(1, "elsewhere") },
    {
      type: "samples",
      samples: [{ id: server(1).id, players: 3, maxPlayers: 8, map: "Zwölf 🛡 \"' \\ \n" }],
      at: NOW,
    },
  ]);
  for (const user of ["Bob", "Zoë 🛡", "'; DROP TABLE Client_data; --"]) {
    await new Users(engine).claim({
      user,
      key: `of ${user}`,
      ip: "::1",
      country: "",
      netName: "",
      at: NOW,
      ...version(6),
    });
  }
  await engine.close();
}

testOnBoth(
  "DatabaseAdmin: status of an empty database, and after a migration",
  async ({ settings }) => {
    const admin = await DatabaseAdmin.open(settings);
    const { where: _where, ...before } = await admin.status();
    assert.deepEqual(before, { schema: 0, wanted: 3, rows: {} });
    assert.equal(await admin.migrate(), 0);
    const { where, ...after } = await admin.status();
    assert.deepEqual(after, {
      schema: 3,
      wanted: 3,
      rows: { master_data: 0, server_data: 0, Client_data: 0, server_history: 0, server_names: 0 },
    });
    assert.ok(!where.includes("secret"));
    assert.equal(await admin.migrate(), 3);
    await admin.close();
  },
);

Deno.test({
  name: `DatabaseAdmin: SQLite to MySQL and back loses nothing${
    hasMariadb() ? "" : " (needs root and mariadb-server)"
  }`,
  ignore: !hasMariadb(),
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const directory = await Deno.makeTempDir();
    const first: DatabaseSettings = { type: "sqlite", path: `${directory}/first.db` };
    const second = await (await sharedServer()).database("np_carry");
    const third: DatabaseSettings = { type: "sqlite", path: `${directory}/third.db` };
    await fill(first);
    const original = await exported(first);
    assert.equal(original.length, 1 + 2500 + 2 + 4 + 1 + 2);
    let lines = original;
    for (const settings of [second, third]) {
      const admin = await DatabaseAdmin.open(settings);
      assert.deepEqual(await admin.import(linesOf(lines)), {
        master_data: 2,
        server_data: 2500,
        Client_data: 4,
        server_history: 1,
        server_names: 2,
      });
      await admin.close();
      lines = await exported(settings);
      assert.deepEqual(lines, original, settings.type);
    }
    await Deno.remove(directory, { recursive: true });
  },
});

testOnBoth(
  "DatabaseAdmin: what was imported goes on with the next Number",
  async ({ settings, engine }) => {
    const admin = await DatabaseAdmin.open(settings);
    const row = {
      Number: 41,
      User: "Bob",
      IP: "::1",
      NetName: "",
      Country: "",
      config: JSON.stringify({
        key: "k",
        first_seen: "2026-11-22T12:00:00.000Z",
        last_seen: "2026-11-22T12:00:00.000Z",
      }),
    };
    await admin.import(linesOf([
      '{"format":"netpanzer-masterserver-export","version":2}',
      JSON.stringify({ table: "Client_data", row }),
    ]));
    const from = { ip: "::1", country: "", netName: "", at: NOW };
    const claim = { user: "Eve", key: "e", ...from, ...version(0) };
    assert.deepEqual(await new Users(engine).claim(claim), {
      type: "welcome",
      number: 42,
      isNew: true,
    });
    assert.deepEqual((await new Users(engine).page("")).users, [
      { user: "Bob", key: "k", country: "", hlc: 0, origin: "" },
      { user: "Eve", key: "e", country: "", ...version(0) },
    ]);
    await admin.close();
  },
);

testOnBoth(
  "DatabaseAdmin: import refuses what it cannot take, and keeps nothing of it",
  async ({ settings }) => {
    const admin = await DatabaseAdmin.open(settings);
    const header = '{"format":"netpanzer-masterserver-export","version":2}';
    const good = JSON.stringify({
      table: "Client_data",
      row: { Number: 1, User: "Bob", IP: "::1", NetName: "", Country: "", config: "{}" },
    });
    const cases: [string[], RegExp][] = [
      [[], /empty/],
      [["{}"], /line 1/],
      [['{"format":"netpanzer-masterserver-export","version":4}'], /newer/],
      [['{"format":"netpanzer-masterserver-export","version":"1"}'], /line 1/],
      [[header, good, "{"], /line 3 is no JSON/],
      [
        [header, good, '{"table":"users","row":{}}'],
        /line 3: the table must be one of master_data/,
      ],
      [[header, good, '{"table":"Client_data","row":{"Number":2}}'], /line 3: the column User/],
      [
        [header.replace("2", "3"), good],
        /line 2: the column hlc of Client_data is missing/,
      ],
      [
        [header, '{"table":"server_names","row":{"name":"tanks","owner":"k"}}'],
        /line 2: the column hlc of server_names is missing/,
      ],
      [[header, good, good], /UNIQUE|Duplicate/],
    ];
    for (const [lines, message] of cases) {
      await assert.rejects(admin.import(linesOf(lines)), message);
      assert.equal((await admin.status()).rows["Client_data"], 0);
    }
    await admin.import(linesOf([header, good]));
    await assert.rejects(admin.import(linesOf([header, good])), /has rows in Client_data already/);
    await admin.close();
  },
);

testOnBoth(
  "DatabaseAdmin: an export of the first version is read, with versions of none",
  async ({ settings }) => {
    const admin = await DatabaseAdmin.open(settings);
    const common = { Name: "", IP: "10.0.0.1", NetName: "", config: "{}", state: "listed" };
    const times = { first_seen: "2026-11-22 12:00:00.123", last_seen: "2026-11-22 12:00:00.124" };
    const server_data = { Number: 3, Country: "", Admin: "", port: 3030, verified: 1 };
    const rows = [
      { table: "master_data", row: { Number: 2, port: 28900, ...common, ...times } },
      { table: "server_data", row: { ...server_data, ...common, ...times } },
    ];
    const header = '{"format":"netpanzer-masterserver-export","version":1}';
    const lines = [header, ...rows.map((each) => JSON.stringify(each))];
    assert.deepEqual(await admin.import(linesOf(lines)), {
      master_data: 1,
      server_data: 1,
      Client_data: 0,
      server_history: 0,
      server_names: 0,
    });
    const again = (await Array.fromAsync(admin.export())).map((line) => JSON.parse(line));
    assert.deepEqual(
      again.slice(1),
      rows.map(({ table, row }) => ({
        table,
        row: {
          ...row,
          hlc: 0,
          origin: "",
          ...(table === "server_data" ? { gone_at: 0, gone_cause: "" } : {}),
        },
      })),
    );
    await admin.close();
  },
);

testOnBoth("DatabaseAdmin: a schema of another version is not exported", async ({ settings }) => {
  const admin = await DatabaseAdmin.open(settings);
  await assert.rejects(Array.fromAsync(admin.export()), /schema version 0.*db migrate/);
  await admin.close();
});
