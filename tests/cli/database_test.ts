import assert from "node:assert/strict";
import { withPlace } from "./_helpers.ts";

Deno.test("masterserver db: a new database is told, migrated, exported and imported", async () => {
  await withPlace(async (place) => {
    const at = (name: string): string[] => ["--set", `database.base=${place.directory}/${name}.db`];
    const empty = await place.run("db", "status", ...at("one"));
    assert.equal(empty.code, 0, empty.err);
    assert.match(empty.out, /^schema +none, this program wants 3: masterserver db migrate$/m);

    const migrated = await place.run("db", "migrate", ...at("one"));
    assert.deepEqual([migrated.code, migrated.out], [0, "schema 0 -> 3\n"], migrated.err);
    const again = await place.run("db", "migrate", ...at("one"));
    assert.equal(again.out, "schema 3 is up to date\n");

    const file = `${place.directory}/export.jsonl`;
    const exported = await place.run("db", "export", file, ...at("one"));
    assert.equal(exported.code, 0, exported.err);
    assert.equal(
      (Deno.statSync(file).mode ?? 0) & 0o777,
      0o600,
      "it holds what the database holds",
    );
    const shown = await place.run("db", "export", ...at("one"));
    assert.equal(shown.out, Deno.readTextFileSync(file));

    const imported = await place.run("db", "import", file, ...at("two"));
    assert.equal(imported.code, 0, imported.err);
    assert.match(imported.out, /^server_data +0$/m);
  });
});

Deno.test("masterserver db: what cannot be done is told, with the status that fits", async () => {
  await withPlace(async (place) => {
    const base = ["--set", `database.base=${place.directory}/one.db`];
    const garbage = place.write("garbage", "no export\n");
    const wrong = await place.run("db", "import", garbage, ...base);
    assert.equal(wrong.code, 65, wrong.err);
    assert.match(wrong.err, /line 1 is no JSON object/);

    const missing = await place.run("db", "import", `${place.directory}/missing`, ...base);
    assert.equal(missing.code, 66, missing.err);

    const taken = await place.run("db", "export", garbage, ...base);
    assert.equal(taken.code, 73, taken.err);
    assert.equal(Deno.readTextFileSync(garbage), "no export\n", "it is left as it is");

    const away = await place.run(
      "db",
      "status",
      ...["type=mysql", "user=npv2", "dbport=1"].flatMap((one) => ["--set", `database.${one}`]),
    );
    assert.equal(away.code, 69, away.err);
    assert.match(away.err, /netpanzer at 127\.0\.0\.1:1/);
  });
});
