import assert from "node:assert/strict";
import { type SqlEngine, SqlError, type SqlSession } from "../../db/_engine.ts";
import { mergeClaims } from "../../db/_user_claims.ts";
import { Users } from "../../db/_users.ts";
import { hlcAt, type UserClaim } from "../../registry/mod.ts";
import { testOnBoth } from "./_databases.ts";
import { NOW, ORIGIN, version } from "./_records.ts";
import { prepared } from "./_stores.ts";

const LATER_MASTER = "fedcba9876543210";

function claim(user: string, key: string, step: number, origin = ORIGIN): UserClaim {
  return { user, key, country: "FR", ...version(step, origin) };
}

/** Writes claims that another master has told. */
async function tell(engine: SqlEngine, ...claims: UserClaim[]): Promise<void> {
  const store = await prepared(engine);
  await store.write(claims.map((each) => ({ type: "user", ...each })));
}

/** Someone claims a name at this master. */
function login(engine: SqlEngine, user: string, key: string, step: number): Promise<unknown> {
  const netName = "home.example.org";
  const from = { ip: "10.0.0.1", country: "DE", netName };
  return new Users(engine).claim({ user, key, ...from, at: NOW, ...version(step) });
}

async function rows(engine: SqlEngine): Promise<Record<string, unknown>[]> {
  const found = await engine.query("SELECT * FROM Client_data ORDER BY User");
  return found.map(({ config, ...row }) => ({ ...row, ...JSON.parse(String(config)) }));
}

testOnBoth("SqlStore: a user of another master has a row", async ({ engine }) => {
  await tell(engine, claim("Zoë 🛡", "key of Zoë", 5), claim("Bob", "key of Bob", 1));
  const seen = "2026-11-22T12:00:00.123Z";
  const common = { IP: "", NetName: "", Country: "FR", first_seen: seen, last_seen: seen };
  assert.deepEqual(await rows(engine), [
    { Number: 2, User: "Bob", key: "key of Bob", ...common, ...version(1) },
    { Number: 1, User: "Zoë 🛡", key: "key of Zoë", ...common, ...version(5) },
  ]);
  assert.deepEqual(await login(engine, "Bob", "key of Eve", 9), { type: "name_taken" });
});

testOnBoth(
  "SqlStore: a user's name stays with its earliest claim, in any order",
  async ({ engine }) => {
    const earlier = claim("Bob", "first", 1);
    const told = [claim("Bob", "second", 2), earlier, claim("Bob", "third", 3)];
    const sameTime = ["c", "a", "b"].map((origin) => claim("Ann", `key ${origin}`, 4, origin));
    await tell(engine, ...told, ...sameTime);
    const [ann, bob] = await rows(engine);
    assert.deepEqual([ann?.["key"], ann?.["origin"]], ["key a", "a"]);
    assert.deepEqual([bob?.["key"], bob?.["hlc"]], ["first", earlier.hlc]);
    await engine.execute("DELETE FROM Client_data");
    for (const each of [...told, ...sameTime]) await tell(engine, each);
    assert.deepEqual(
      (await rows(engine)).map(({ key, hlc, origin }) => ({ key, hlc, origin })),
      [ann, bob].map((row) => ({ key: row?.["key"], hlc: row?.["hlc"], origin: row?.["origin"] })),
    );
  },
);

testOnBoth(
  "SqlStore: a user who claimed a name later loses it, and the row goes over with its Number",
  async ({ engine }) => {
    await prepared(engine);
    await login(engine, "Ann", "key of Ann", 3);
    await login(engine, "Bob", "key of Eve", 5);
    await tell(engine, claim("Bob", "key of Bob", -hlcAt(60_000)));
    const claimed = "2026-11-22T11:59:00.123Z";
    const [ann, bob] = await rows(engine);
    assert.deepEqual([ann?.["key"], ann?.["IP"]], ["key of Ann", "10.0.0.1"]);
    assert.deepEqual(bob, {
      Number: 2,
      User: "Bob",
      IP: "",
      NetName: "",
      Country: "FR",
      key: "key of Bob",
      first_seen: claimed,
      last_seen: claimed,
      ...version(-hlcAt(60_000)),
    });
    assert.deepEqual(await login(engine, "Bob", "key of Eve", 6), { type: "name_taken" });
    assert.deepEqual(await login(engine, "Bob", "key of Bob", 7), {
      type: "welcome",
      number: 2,
      isNew: false,
    });
  },
);

testOnBoth("SqlStore: later and equal claims change nothing of a user", async ({ engine }) => {
  await prepared(engine);
  await login(engine, "Bob", "key of Bob", 5);
  const before = await rows(engine);
  await tell(engine, claim("Bob", "key of Eve", 6));
  await tell(engine, claim("Bob", "key of Eve", 5, LATER_MASTER), claim("Bob", "key of Bob", 5));
  assert.deepEqual(await rows(engine), before);
});

testOnBoth(
  "SqlStore: an owner's own earlier claim makes the row older, and leaves where they were",
  async ({ engine }) => {
    await prepared(engine);
    await login(engine, "Bob", "key of Bob", 5);
    const [before] = await rows(engine);
    await tell(engine, claim("Bob", "key of Bob", -hlcAt(60_000)));
    assert.deepEqual(await rows(engine), [
      { ...before, first_seen: "2026-11-22T11:59:00.123Z", ...version(-hlcAt(60_000)) },
    ]);
    const [older] = await rows(engine);
    await tell(engine, { ...claim("Bob", "key of Bob", 0), hlc: 0, origin: "" });
    assert.deepEqual(await rows(engine), [{ ...older, hlc: 0, origin: "" }]);
  },
);

testOnBoth(
  "SqlStore: a row from before there were versions is the earliest of all",
  async ({ engine }) => {
    await prepared(engine);
    await login(engine, "Bob", "key of Bob", 5);
    await engine.execute("UPDATE Client_data SET hlc = 0, origin = ''");
    const before = await rows(engine);
    await tell(engine, { ...claim("Bob", "key of Eve", 0), hlc: 1, origin: "" });
    await tell(engine, { ...claim("Bob", "key of Eve", 0), hlc: 0, origin: ORIGIN });
    assert.deepEqual(await rows(engine), before);
    // And so is one that another master tells of.
    await login(engine, "Ann", "key of Ann", 5);
    await tell(engine, { ...claim("Ann", "key of Eve", 0), hlc: 0, origin: "" });
    const [ann] = await rows(engine);
    assert.deepEqual([ann?.["key"], ann?.["hlc"], ann?.["Number"]], ["key of Eve", 0, 2]);
    assert.ok(String(ann?.["first_seen"]) > "2020", "not 1970");
  },
);

testOnBoth(
  "SqlStore: a user's row that makes no sense goes to an earlier claim",
  async ({ engine }) => {
    await prepared(engine);
    await login(engine, "Bob", "key of Bob", 5);
    await engine.execute("UPDATE Client_data SET config = '{}'");
    await tell(engine, claim("Bob", "key of Eve", 6));
    assert.equal((await rows(engine))[0]?.["key"], undefined);
    await tell(engine, claim("Bob", "key of Ann", 4));
    assert.equal((await rows(engine))[0]?.["key"], "key of Ann");
  },
);

testOnBoth("SqlStore: many users at once, some of them known", async ({ engine }) => {
  const claims = (count: number, key: string, step: number) =>
    [...Array(count).keys()].map((n) => claim(`user ${n}`, key, step));
  await tell(engine, ...claims(123, "first", 5));
  await tell(engine, ...claims(1234, "second", 4));
  const users = await rows(engine);
  assert.equal(users.length, 1234);
  assert.ok(users.every(({ key }) => key === "second"));
});

testOnBoth("SqlStore: a user's name that no column takes is refused", async ({ engine }) => {
  for (const user of ["", "x".repeat(256), "a\0b", "\ud800"]) {
    await assert.rejects(tell(engine, claim("Bob", "k", 1), claim(user, "k", 1)), RangeError);
  }
  assert.deepEqual(await rows(engine), []);
});

testOnBoth(
  "mergeClaims: a row that another master changes meanwhile is not overwritten",
  async ({ engine }) => {
    await tell(engine, claim("Bob", "key of Eve", 9));
    await engine.transaction(async (session) => {
      const late: SqlSession = {
        execute: (sql, values) => session.execute(sql, values),
        query: async (sql, values) => {
          const found = await session.query(sql, values);
          await session.execute("UPDATE Client_data SET hlc = 7");
          return found;
        },
      };
      const changed = (error: unknown) =>
        error instanceof SqlError && error.kind === "bad-data" && /"Bob"/.test(error.message);
      for (const key of ["key of Eve", "key of Bob"]) {
        await session.execute("UPDATE Client_data SET hlc = 9");
        await assert.rejects(
          mergeClaims(late, [{ ...claim("Bob", key, 0), hlc: 8 }], NOW),
          changed,
        );
      }
      await mergeClaims(session, [{ ...claim("Bob", "key of Ann", 0), hlc: 6 }], NOW);
    });
    assert.equal((await rows(engine))[0]?.["key"], "key of Ann");
  },
);
