import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Filter,
  FilteredServer,
  matchesFilter,
  prepareFilter,
  type ServerEntry,
} from "../../protocol/mod.ts";
import { KEY, SERVER } from "./_json_samples.ts";

function matches(filter: Filter, members: Partial<ServerEntry> = {}): boolean {
  return matchesFilter(filter, { ...SERVER, ...members });
}

/** The key of a filter that is ready. */
function filterKey(filter: Filter): string {
  return prepareFilter(filter).key;
}

function without(member: "key"): ServerEntry {
  const { [member]: _, ...rest } = SERVER;
  return rest;
}

Deno.test("matchesFilter: an empty filter passes every server", () => {
  assert.ok(matches({}));
});

Deno.test("matchesFilter: every member that can be compared is, as number, text or truth", () => {
  const passing: Filter[] = [
    { ip: "192.0.2.7" },
    { port: 3030 },
    { port: "3030" },
    { gamename: "netpanzer" },
    { name: "Bob's Größe" },
    { protocol: 1122 },
    { protocol: "1122" },
    { country: "FR" },
    { map: "Two clans" },
    { players: 3 },
    { players: "3" },
    { max_players: 8 },
    { key: KEY },
    { number: 17 },
    { verified: true },
    { verified: "true" },
  ];
  for (const filter of passing) assert.ok(matches(filter), JSON.stringify(filter));
  const failing: Filter[] = [
    { ip: "192.0.2.8" },
    { port: 3031 },
    { port: "03030" },
    { gamename: "NETPANZER" },
    { name: "Bob" },
    { protocol: 0 },
    { country: "fr" },
    { map: "" },
    { players: 2 },
    { players: true },
    { max_players: "8 " },
    { key: "" },
    { number: "017" },
    { verified: false },
    { verified: 1 },
  ];
  for (const filter of failing) assert.ok(!matches(filter), JSON.stringify(filter));
});

Deno.test("matchesFilter: every pair has to pass", () => {
  assert.ok(matches({ gamename: "netpanzer", players: 3, not_full: true, mode: "objective" }));
  assert.ok(!matches({ gamename: "netpanzer", players: 4, not_full: true, mode: "objective" }));
  assert.ok(!matches({ gamename: "netpanzer", players: 3, not_full: true, mode: "frags" }));
});

Deno.test("matchesFilter: what is no member is a setting", () => {
  assert.ok(matches({ mode: "objective" }));
  assert.ok(matches({ "a b": "1" }));
  assert.ok(matches({ "a b": 1 }));
  assert.ok(matches({ flag: true }, { settings: { flag: "true" } }));
  assert.ok(!matches({ mode: "Objective" }));
  assert.ok(!matches({ mode: "" }));
  assert.ok(matches({ mode: "" }, { settings: { mode: "" } }));
});

Deno.test("matchesFilter: a setting that a server has not matches nothing", () => {
  for (const value of ["", "undefined", 0, false]) assert.ok(!matches({ nothing: value }));
});

Deno.test("matchesFilter: a member hides a setting of its name", () => {
  assert.ok(!matches({ players: "hidden" }));
  const settings = { key: "mine", verified: "true", not_empty: "x", text: "y" };
  assert.ok(!matches({ verified: "true" }, { settings, verified: false }));
  assert.ok(!matchesFilter({ key: "mine" }, { ...without("key"), settings }));
});

Deno.test("matchesFilter: a server without a key matches no key", () => {
  for (const key of ["", "undefined", KEY]) assert.ok(!matchesFilter({ key }, without("key")));
});

Deno.test("matchesFilter: members that are not compared leave their names to settings", () => {
  assert.ok(!matches({ last_seen: SERVER.last_seen }));
  assert.ok(!matches({ settings: "[object Object]" }));
  const settings = { last_seen: "today", settings: "all", reachable_from: "2", type: "ctf" };
  assert.ok(matches({ ...settings, reachable_from: 2 }, { settings, reachable_from: 9 }));
});

Deno.test("matchesFilter: names of what every object has are settings like others", () => {
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    const filter = Object.fromEntries([[name, "x"]]);
    assert.ok(!matches(filter));
    assert.ok(!matches(Object.fromEntries([[name, String(Reflect.get({}, name))]])));
    assert.ok(matches(filter, { settings: Object.fromEntries([[name, "x"]]) }));
  }
});

Deno.test("matchesFilter: not_empty and not_full look at the players", () => {
  assert.ok(matches({ not_empty: true }, { players: 1 }));
  assert.ok(!matches({ not_empty: true }, { players: 0 }));
  assert.ok(matches({ not_full: true }, { players: 7, max_players: 8 }));
  assert.ok(!matches({ not_full: true }, { players: 8, max_players: 8 }));
  assert.ok(!matches({ not_full: true }, { players: 9, max_players: 8 }));
  assert.ok(!matches({ not_full: true }, { players: 0, max_players: 0 }));
  for (const players of [0, 8]) {
    assert.ok(matches({ not_empty: false, not_full: false }, { players, max_players: 8 }));
  }
});

Deno.test("matchesFilter: text is part of name or map, upper and lower case alike", () => {
  assert.ok(matches({ text: "BOB" }));
  assert.ok(matches({ text: "two" }));
  assert.ok(matches({ text: "" }));
  assert.ok(matches({ text: "GRÖSSE" }));
  assert.ok(matches({ text: "größe" }));
  assert.ok(!matches({ text: "bobtwo" }));
  assert.ok(!matches({ text: "objective" }), "settings are not searched");
  assert.ok(!matches({ text: ".*" }));
  const names: [string, string][] = [
    ["ΟΔΟΣ", "οδοσ"],
    ["οδος", "ΟΔΟΣ"],
    ["танки", "ТАНК"],
    ["İstanbul", "i"],
    ["\u212a9", "k9"],
    ["ﬁre", "FIRE"],
  ];
  for (const [name, text] of names) assert.ok(matches({ text }, { name }), `${name} ${text}`);
});

Deno.test("matchesFilter: nobody can try out passwords", () => {
  const settings = { password: "secret", Password: "secret" };
  for (const key of ["password", "PASSWORD", "Password"]) {
    for (const guess of ["secret", "wrong", "", true, 0]) {
      assert.ok(matches({ [key]: guess }, { settings }));
      assert.ok(matches({ [key]: guess }));
      assert.ok(!matches({ [key]: guess, players: 99 }, { settings }));
    }
  }
});

Deno.test("prepareFilter: what is searched is folded once for a server, and a filter once for all", () => {
  const entry = { ...SERVER };
  let reads = 0;
  Object.defineProperty(entry, "name", { get: () => (reads++, "Größe") });
  const server = new FilteredServer(entry);
  for (const text of ["GRÖSSE", "two", "größer"]) {
    assert.equal(prepareFilter({ text }).passes(server), text !== "größer");
  }
  assert.equal(reads, 1);
});

Deno.test("prepareFilter: pairs that pass all are not looked at", () => {
  const cases = ["password", "PASSWORD", "Password"].map((key): [string, string] => [key, "x"]);
  const filter = { ...Object.fromEntries(cases), not_full: false, not_empty: false, text: "" };
  const server = new FilteredServer(
    new Proxy(SERVER, { get: (_, member) => assert.fail(`${String(member)} was read`) }),
  );
  assert.equal(prepareFilter(filter).key, "[]");
  assert.equal(prepareFilter(filter).passes(server), true);
});

Deno.test("prepareFilter: order, spelling of values and pairs that pass all make no difference", () => {
  const same: [Filter, Filter][] = [
    [{ a: "1", b: "2" }, { b: "2", a: "1" }],
    [{ players: 3 }, { players: "3" }],
    [{ verified: true }, { verified: "true" }],
    [{ text: "Bob" }, { text: "BOB" }],
    [{ text: "straße" }, { text: "STRASSE" }],
    [{ text: "" }, {}],
    [{ not_empty: false, not_full: false }, {}],
    [{ password: "x", PassWord: 5 }, {}],
  ];
  for (const [one, other] of same) {
    assert.equal(filterKey(one), filterKey(other), JSON.stringify([one, other]));
  }
});

Deno.test("prepareFilter: filters that differ in what passes have different keys", () => {
  const keys = [
    {},
    { a: "1" },
    { a: "2" },
    { b: "1" },
    { A: "1" },
    { a: "1", b: "1" },
    { a: 'b"],["c' },
    { a: "b", c: "" },
    { not_empty: true },
    { not_full: true },
    { text: "true" },
    { name: "bob" },
    { name: "BOB" },
    JSON.parse('{"__proto__":"1"}'),
  ].map((filter: Filter) => filterKey(filter));
  assert.equal(new Set(keys).size, keys.length);
});

Deno.test("prepareFilter: holds no password", () => {
  assert.ok(!filterKey({ password: "s3cret", PASSWORD: "s3cret", a: "b" }).includes("s3cret"));
});

Deno.test("prepareFilter: filters of one key pass the same servers, whatever they are", () => {
  const value = fc.oneof(fc.constantFrom("1", "0", "true", "Bob", "BOB"), fc.nat(2), fc.boolean());
  const key = fc.constantFrom("players", "verified", "name", "mode", "password", "__proto__");
  const own = fc.record(
    { not_empty: fc.boolean(), not_full: fc.boolean(), text: fc.constantFrom("", "b", "B", "1") },
    { requiredKeys: [] },
  );
  const filter = fc.tuple(own, fc.array(fc.tuple(key, value), { maxLength: 2 }))
    .map(([special, pairs]): Filter => ({ ...special, ...Object.fromEntries(pairs) }));
  const servers: ServerEntry[] = [0, 1, 8].flatMap((players) =>
    ["Bob", "BOB", "1"].flatMap((name) =>
      [{}, { mode: "1" }, { mode: "true", password: "1" }].map((settings) => ({
        ...SERVER,
        players,
        name,
        verified: players === 1,
        settings,
      }))
    )
  );
  const passing = new Map<string, string>();
  fc.assert(
    fc.property(filter, (filter) => {
      const passed = servers.map((server) => matchesFilter(filter, server)).join();
      const text = filterKey(filter);
      assert.equal(passing.get(text) ?? passed, passed);
      passing.set(text, passed);
    }),
    { numRuns: 3000, seed: 7 },
  );
  assert.ok(new Set(passing.values()).size > 20);
  assert.ok(passing.size < 2500, "no two filters had the same key");
});
