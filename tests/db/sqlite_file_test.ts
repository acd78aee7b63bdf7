import assert from "node:assert/strict";
import { SqliteStore, StoreError } from "../../db/mod.ts";
import { withTempDir } from "../_helpers.ts";
import { query, record, withStore } from "./_helpers.ts";

const A = record("192.0.2.1");

function assertRefused(path: string, ...patterns: RegExp[]): void {
  assert.throws(() => new SqliteStore(path), (error) => {
    assert.ok(error instanceof StoreError);
    assert.equal(error.name, "StoreError");
    assert.ok(error.message.includes(path), error.message);
    for (const pattern of patterns) assert.match(error.message, pattern);
    return true;
  });
}

Deno.test("SqliteStore: its file and directory are for its user alone", async () => {
  await withStore(({ path, put }) => {
    put(A);
    const mode = (path: string): number => (Deno.statSync(path).mode ?? 0) & 0o777;
    assert.equal(mode(path), 0o600);
    assert.equal(mode(path.slice(0, path.lastIndexOf("/"))), 0o700);
    for (const { name } of Deno.readDirSync(path.slice(0, path.lastIndexOf("/")))) {
      assert.equal(mode(path.replace(/[^/]*$/, name)) & 0o077, 0, name);
    }
  });
});

Deno.test("SqliteStore: a file of a newer program is refused and left alone", async () => {
  await withTempDir((directory) => {
    const path = `${directory}/masterserver.db`;
    const store = new SqliteStore(path);
    store.write([{ type: "put", record: A }]);
    store.close();
    query(path, "PRAGMA user_version = 99");
    assertRefused(path, /version 99/, /newer program/, /\[database\] base/);
    assert.deepEqual(query(path, "SELECT IP FROM server_data"), [{ IP: "192.0.2.1" }]);
    query(path, "PRAGMA user_version = 1");
    const again = new SqliteStore(path);
    assert.deepEqual([...again.load(0)], [A]);
    again.close();
  });
});

Deno.test("SqliteStore: a file that is no database is refused with advice, and left alone", async () => {
  await withTempDir((directory) => {
    const path = `${directory}/letter.txt`;
    const letter = "Dear Ann, this is not a database at all. ".repeat(100);
    Deno.writeTextFileSync(path, letter);
    assertRefused(path, /not a database/, /\[database\] base/);
    assert.equal(Deno.readTextFileSync(path), letter);
  });
});

Deno.test("SqliteStore: a file that cannot be opened is refused with advice", async () => {
  await withTempDir((directory) => {
    Deno.mkdirSync(`${directory}/is_a_directory`);
    assertRefused(`${directory}/is_a_directory`, /\[database\] base/);
    Deno.writeTextFileSync(`${directory}/file`, "");
    assertRefused(`${directory}/file/below`, /\[database\] base/);
  });
});

Deno.test("SqliteStore: damage in the middle is an error, not a shorter list", async () => {
  await withTempDir((directory) => {
    const path = `${directory}/masterserver.db`;
    const store = new SqliteStore(path);
    const records = Array.from({ length: 12_000 }, (_, i) => record(`10.0.${i >> 8}.${i & 255}`));
    store.write(records.map((record) => ({ type: "put", record })));
    store.close();
    const data = Deno.readFileSync(path);
    data.fill(0xaa, Math.floor(data.length / 4), Math.floor(data.length * 3 / 4));
    Deno.writeFileSync(path, data);
    assert.throws(() => {
      const damaged = new SqliteStore(path);
      try {
        for (const _ of damaged.load(0));
      } finally {
        damaged.close();
      }
    }, StoreError);
  });
});

Deno.test("SqliteStore: a row that makes no sense is left out and told of", async () => {
  await withStore((bench) => {
    const others = [record("192.0.2.2"), record("192.0.2.3"), record("192.0.2.4")];
    bench.put(A, ...others);
    const configs = ["not json", "null", "{}", '{"gamename":7,"settings":{}}', '{"gamename":"x"}'];
    for (const config of configs) {
      query(bench.path, `UPDATE server_data SET config = '${config}' WHERE IP = '192.0.2.3'`);
      const told: string[] = [];
      const loaded = [...bench.store.load(0, (server, reason) => told.push(`${server} ${reason}`))];
      assert.deepEqual(loaded.map(({ ip }) => ip), ["192.0.2.1", "192.0.2.2", "192.0.2.4"], config);
      assert.equal(told.length, 1);
      assert.match(told[0] ?? "", /^192\.0\.2\.3:3030 ./);
    }
  });
});

Deno.test("SqliteStore: two processes may open one new file", async () => {
  await withTempDir((directory) => {
    const [first, second] = [1, 2].map(() => new SqliteStore(`${directory}/masterserver.db`));
    first?.write([{ type: "put", record: A }]);
    second?.write([{ type: "put", record: record("192.0.2.2") }]);
    assert.equal([...first?.load(0) ?? []].length, 2);
    first?.close();
    second?.close();
  });
});

Deno.test("SqliteStore: what was committed is there though nobody closed the file", async () => {
  await withTempDir((directory) => {
    const path = `${directory}/masterserver.db`;
    const store = new SqliteStore(path);
    store.write([{ type: "put", record: A }]);
    for (const name of ["masterserver.db", "masterserver.db-wal"]) {
      Deno.copyFileSync(`${directory}/${name}`, `${directory}/copy-${name}`);
    }
    const copy = new SqliteStore(`${directory}/copy-masterserver.db`);
    assert.deepEqual([...copy.load(0)], [A]);
    copy.close();
    store.close();
  });
});
