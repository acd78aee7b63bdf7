import assert from "node:assert/strict";
import type { SqlEngine } from "../../db/_engine.ts";
import { openEngine } from "../../db/_open.ts";
import { migrate } from "../../db/_schema.ts";
import { SqlStore } from "../../db/_store.ts";
import { Users } from "../../db/_users.ts";
import type { Claim } from "../../threads/mod.ts";
import { testOnBoth } from "./_databases.ts";
import { NOW, version } from "./_records.ts";

function claim(user: string, key: string, change: Partial<Claim> = {}): Claim {
  return {
    user,
    key,
    ip: "10.0.0.1",
    country: "FR",
    netName: "home.example.org",
    at: NOW,
    ...version(1),
    ...change,
  };
}

testOnBoth("Users: a name belongs to the key that claimed it first", async ({ engine }) => {
  await migrate(engine);
  const users = new Users(engine);
  const first = await users.claim(claim("Bob", "key of Bob"));
  assert.ok(first.type === "welcome" && first.isNew);
  assert.deepEqual(await users.claim(claim("Bob", "key of Eve")), { type: "name_taken" });
  assert.deepEqual(await users.claim(claim("Bob", "key of Bob", version(9))), {
    ...first,
    isNew: false,
  });
  // Names are compared letter by letter.
  const other = await users.claim(claim("bob", "key of Eve"));
  assert.equal(other.type, "welcome");
  assert.notDeepEqual(other, first);
  const columns = "SELECT hlc, origin FROM Client_data ORDER BY Number";
  assert.deepEqual(
    (await engine.query(columns)).map((row) => ({ ...row })),
    [version(1), version(1)],
    "a claim that is not the first leaves the version of the first",
  );
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

testOnBoth("Users.page: all claims, in order and in parts", async ({ engine }) => {
  const store = new SqlStore(engine);
  await store.prepare();
  const users = new Users(engine);
  assert.deepEqual(await users.page(""), { users: [], last: true });
  const claims = [...Array(4500).keys()].map((n) => ({
    user: `user ${String(n).padStart(4, "0")} 🛡`,
    key: `key ${n}`,
    country: n % 2 === 0 ? "FR" : "",
    ...version(n),
  }));
  await store.write(claims.map((each) => ({ type: "user", ...each })));
  await users.claim(claim("user 9999", "key of Bob"));
  const parts = [];
  for (let after = "", last = false; !last;) {
    const page = await users.page(after);
    parts.push(page.users);
    after = page.users.at(-1)?.user ?? "";
    last = page.last;
  }
  assert.ok(parts.length > 1);
  assert.deepEqual(parts.flat(), [
    ...claims,
    { user: "user 9999", key: "key of Bob", country: "FR", ...version(1) },
  ]);
});

testOnBoth(
  "Users.page: rows that make no sense are left out, and do not end the list",
  async ({ engine }) => {
    const store = new SqlStore(engine);
    await store.prepare();
    const claims = [...Array(2500).keys()].map((n) => ({
      user: `user ${String(n).padStart(4, "0")}`,
      key: "k",
      country: "",
      ...version(n),
    }));
    await store.write(claims.map((each) => ({ type: "user", ...each })));
    await engine.execute("UPDATE Client_data SET config = '' WHERE User < 'user 2400'");
    assert.deepEqual(await new Users(engine).page(""), { users: claims.slice(2400), last: true });
    await engine.execute("UPDATE Client_data SET config = ''");
    assert.deepEqual(await new Users(engine).page(""), { users: [], last: true });
  },
);

testOnBoth(
  "Users.claim: an owner who loses the name at that moment does not get it back",
  async ({ engine }) => {
    const store = new SqlStore(engine);
    await store.prepare();
    await new Users(engine).claim(claim("Bob", "key of Eve"));
    const read = [await engine.query("SELECT * FROM Client_data")];
    const earlier = { user: "Bob", key: "key of Bob", country: "", ...version(0) };
    await store.write([{ type: "user", ...earlier }]);
    const late: SqlEngine = {
      dialect: engine.dialect,
      where: engine.where,
      query: (sql, values) => engine.query(sql, values),
      execute: (sql, values) => engine.execute(sql, values),
      exclusively: (name, work) => engine.exclusively(name, work),
      close: () => engine.close(),
      transaction: (work) =>
        engine.transaction((session) =>
          work({
            query: (sql, values) => Promise.resolve(read.pop() ?? session.query(sql, values)),
            execute: (sql, values) => session.execute(sql, values),
          })
        ),
    };
    const outcome = await new Users(late).claim(claim("Bob", "key of Eve"));
    assert.deepEqual(read, [], "it has read what was there before");
    assert.deepEqual(outcome, { type: "name_taken" });
    assert.deepEqual((await new Users(engine).page("")).users, [earlier]);
  },
);
