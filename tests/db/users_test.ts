import assert from "node:assert/strict";
import { openEngine } from "../../db/_open.ts";
import { migrate } from "../../db/_schema.ts";
import { Users } from "../../db/_users.ts";
import type { Claim } from "../../threads/mod.ts";
import { testOnBoth } from "./_databases.ts";
import { NOW } from "./_records.ts";

function claim(user: string, key: string, change: Partial<Claim> = {}): Claim {
  return {
    user,
    key,
    ip: "10.0.0.1",
    country: "FR",
    netName: "home.example.org",
    at: NOW,
    ...change,
  };
}

testOnBoth("Users: a name belongs to the key that claimed it first", async ({ engine }) => {
  await migrate(engine);
  const users = new Users(engine);
  const first = await users.claim(claim("Bob", "key of Bob"));
  assert.equal(first.type, "welcome");
  assert.deepEqual(await users.claim(claim("Bob", "key of Eve")), { type: "name_taken" });
  assert.deepEqual(await users.claim(claim("Bob", "key of Bob")), first);
  // Names are compared letter by letter.
  const other = await users.claim(claim("bob", "key of Eve"));
  assert.equal(other.type, "welcome");
  assert.notDeepEqual(other, first);
});

testOnBoth(
  "Users: the row has the seed's columns, and moves with its owner",
  async ({ engine }) => {
    await migrate(engine);
    const users = new Users(engine);
    await users.claim(claim("Zoë 🛡", "k"));
    await users.claim(
      claim("Zoë 🛡", "k", { ip: "2001:db8::1", country: "", netName: "", at: NOW + 1 }),
    );
    const rows = await engine.query("SELECT User, IP, NetName, Country, config FROM Client_data");
    assert.equal(rows.length, 1);
    assert.deepEqual({ ...rows[0] }, {
      User: "Zoë 🛡",
      IP: "2001:db8::1",
      NetName: "",
      Country: "",
      config: JSON.stringify({
        key: "k",
        first_seen: "2026-11-22T12:00:00.123Z",
        last_seen: "2026-11-22T12:00:00.124Z",
      }),
    });
  },
);

testOnBoth("Users: find tells whose a name is, and knows no stranger", async ({ engine }) => {
  await migrate(engine);
  const users = new Users(engine);
  const outcome = await users.claim(claim("Bob", "k"));
  assert.equal(await users.find("Alice"), undefined);
  assert.deepEqual(await users.find("Bob"), {
    number: outcome.type === "welcome" ? outcome.number : 0,
    user: "Bob",
    country: "FR",
    key: "k",
  });
});

testOnBoth("Users: names that no column takes are refused", async ({ engine }) => {
  await migrate(engine);
  const users = new Users(engine);
  for (const name of ["", "x".repeat(256), "a\0b", "\ud800"]) {
    await assert.rejects(users.claim(claim(name, "k")), /1 to 255 characters/);
  }
});

testOnBoth(
  "Users: of many who claim one name at once, one gets it",
  async ({ engine, settings }) => {
    await migrate(engine);
    // A SQLite file has one program; a server has many.
    const others = settings.type === "sqlite"
      ? []
      : await Promise.all([1, 2, 3].map(() => openEngine(settings)));
    const outcomes = await Promise.all(
      [0, 1, 2, 3].map((n) => new Users(others[n] ?? engine).claim(claim("Bob", `key ${n}`))),
    );
    assert.equal(outcomes.filter(({ type }) => type === "welcome").length, 1);
    assert.equal(outcomes.filter(({ type }) => type === "name_taken").length, 3);
    for (const each of others) await each.close();
  },
);

testOnBoth(
  "Users: the host's name stays when nobody could say it this time",
  async ({ engine }) => {
    await migrate(engine);
    const users = new Users(engine);
    await users.claim(claim("Ann", "k"));
    await users.claim(claim("Ann", "k", { netName: "", at: NOW + 1 }));
    const [row] = await engine.query("SELECT NetName FROM Client_data");
    assert.equal(row?.["NetName"], claim("Ann", "k").netName);
  },
);
