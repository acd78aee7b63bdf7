import assert from "node:assert/strict";
import { MAX_GAME_PROTOCOL, prepareFilter } from "../../protocol/mod.ts";
import { ServerEntries, serverEntry } from "../../rings/_server_entry.ts";
import { status, stored, World } from "../registry/_helpers.ts";

const KEY = `${"A".repeat(43)}=`;
const world = new World();

Deno.test("serverEntry: tells of an old-style server what is known", () => {
  const settings = { gamename: "netpanzer", port: "3030", protocol: "1122" };
  const record = stored(world, "10.0.0.1", { settings, status: status("Two clans", 3) });
  assert.deepEqual(serverEntry({ ...record, lastSeen: Date.UTC(2026, 1, 3, 4, 5, 6, 7) }), {
    ip: "10.0.0.1",
    port: 3030,
    gamename: "netpanzer",
    name: "Bob's tanks",
    protocol: 1122,
    country: "",
    map: "Two clans",
    players: 3,
    max_players: 8,
    number: 0,
    verified: true,
    last_seen: "2026-02-03T04:05:06.007Z",
    settings,
  });
});

Deno.test("serverEntry: a name that belongs to a key stands before what the server says", () => {
  const more = { key: KEY, name: "Bob", country: "FR", number: 17, status: status() };
  const entry = serverEntry(stored(world, "2001:db8::1", more));
  assert.equal(entry.key, KEY);
  assert.equal(entry.name, "Bob");
  assert.equal(entry.country, "FR");
  assert.equal(entry.number, 17);
  assert.equal(entry.ip, "2001:db8::1");
});

Deno.test("serverEntry: what is not known is empty or zero, a key that is not there left out", () => {
  const entry = serverEntry(stored(world, "10.0.0.1"));
  assert.deepEqual(
    [entry.name, entry.map, entry.players, entry.max_players, entry.protocol, entry.number],
    ["", "", 0, 0, 0, 0],
  );
  assert.equal("key" in entry, false);
  assert.equal(serverEntry(stored(world, "10.0.0.1", { state: "unverified" })).verified, false);
});

Deno.test("serverEntry: a protocol that is no version is none", () => {
  const of = (protocol: string) =>
    serverEntry(stored(world, "10.0.0.1", { settings: { protocol } })).protocol;
  assert.equal(of(String(MAX_GAME_PROTOCOL)), MAX_GAME_PROTOCOL);
  for (
    const wrong of [String(MAX_GAME_PROTOCOL + 1), "-1", "1.5", "1e3", "", " 7", "x".repeat(200)]
  ) {
    assert.equal(of(wrong), 0, wrong);
  }
});

Deno.test("serverEntry: no secret is shown, however it is spelt", () => {
  const settings = Object.fromEntries([
    ["password", "sesame"],
    ["PassWord", "sesame"],
    ["passwords", "kept"],
    ["__proto__", "kept"],
  ]);
  const entry = serverEntry(stored(world, "10.0.0.1", { settings }));
  assert.deepEqual(Object.entries(entry.settings), [["passwords", "kept"], ["__proto__", "kept"]]);
  assert.ok(!JSON.stringify(entry).includes("sesame"));
});

Deno.test("ServerEntries: shows what matches, and never a master", () => {
  const entries = new ServerEntries();
  const record = stored(world, "10.0.0.1", { status: status("Two clans", 3) });
  assert.equal(entries.isShown(record, prepareFilter({})), true);
  assert.equal(entries.isShown(record, prepareFilter({ gamename: "netpanzer", players: 3 })), true);
  assert.equal(entries.isShown(record, prepareFilter({ players: 4 })), false);
  const master = stored(world, "10.0.0.2", { gamename: "master" });
  assert.equal(entries.isShown(master, prepareFilter({})), false);
  assert.equal(entries.isShown(master, prepareFilter({ gamename: "master" })), false);
});

Deno.test("ServerEntries: spells a record once", () => {
  const entries = new ServerEntries();
  const record = stored(world, "10.0.0.1");
  assert.deepEqual(JSON.parse(entries.json(record)), serverEntry(record));
  entries.isShown(record, prepareFilter({ players: 0 }));
  entries.json(record);
  assert.equal(entries.encodedCount, 1);
  assert.equal(JSON.parse(entries.json({ ...record, number: 5 })).number, 5);
  assert.equal(entries.encodedCount, 2);
});
