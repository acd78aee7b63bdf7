import assert from "node:assert/strict";
import {
  decodeRing2Answer,
  encodeMessage,
  MAX_ANSWER_REMOVED,
  MAX_ANSWER_SERVERS,
  MAX_CHANNEL_MESSAGE_BYTES,
  type ServerEntry,
} from "../../protocol/mod.ts";
import { accepted, malformation, refusal, RING_2_ANSWERS, SERVER } from "./_json_samples.ts";

const SERVERS = { type: "servers", servers: [SERVER], removed: [], last: true, cursor: "c" };

function malformedServer(members: Record<string, unknown>): string {
  const servers = [SERVER, { ...SERVER, ...members }];
  return malformation(decodeRing2Answer, { ...SERVERS, servers });
}

function serverOf(members: Record<string, unknown>): ServerEntry | undefined {
  const servers = [{ ...SERVER, ...members }];
  const message = accepted(decodeRing2Answer, { ...SERVERS, servers });
  assert.ok(message.type === "servers");
  return message.servers[0];
}

Deno.test("decodeRing2Answer: what encodeMessage makes of answers reads back", () => {
  for (const message of RING_2_ANSWERS) {
    assert.deepEqual(decodeRing2Answer(encodeMessage(message)), { type: "message", message });
  }
});

Deno.test("decodeRing2Answer: unknown members are ignored, an unknown type is refused", () => {
  assert.deepEqual(serverOf({ weather: "rain" }), SERVER);
  assert.deepEqual(accepted(decodeRing2Answer, { ...SERVERS, full: false, x: 1 }), SERVERS);
  assert.match(refusal(decodeRing2Answer, { type: "news" }), /^unknown_type: .* not "news"$/);
});

Deno.test("decodeRing2Answer: addresses come out canonical", () => {
  assert.equal(serverOf({ ip: "::ffff:192.0.2.7" })?.ip, "192.0.2.7");
  assert.equal(serverOf({ ip: "2001:DB8:0::1" })?.ip, "2001:db8::1");
  const removed = ["[2001:DB8::1]:3030", "[::ffff:192.0.2.7]:3030", "192.0.2.7:1"];
  const message = accepted(decodeRing2Answer, { ...SERVERS, removed });
  assert.ok(message.type === "servers");
  assert.deepEqual(message.removed, ["[2001:db8::1]:3030", "192.0.2.7:3030", "192.0.2.7:1"]);
});

Deno.test("decodeRing2Answer: texts of old-style servers may hold anything", () => {
  const wild = { name: " \u001b[31m\\ ", map: "", settings: { "": "\u0000", "\\": "\ud800" } };
  const server = serverOf(wild);
  assert.deepEqual(server, { ...SERVER, ...wild });
  const longest = {
    name: "😀".repeat(256),
    map: "😀".repeat(256),
    settings: { a: "😀".repeat(256) },
  };
  assert.deepEqual(serverOf(longest), { ...SERVER, ...longest });
});

Deno.test("decodeRing2Answer: one wrong server spoils the whole message", () => {
  const texts = ["gamename", "name", "country", "map"];
  for (const member of texts) {
    const expected = `servers: servers[1].${member} must be a text of at most 256 characters, not`;
    assert.equal(malformedServer({ [member]: 5 }), `${expected} 5`);
    assert.ok(malformedServer({ [member]: "x".repeat(257) }).startsWith(expected));
  }
  const needed = [...Object.keys(SERVER)].filter((member) => member !== "key");
  for (const member of needed) {
    const reason = malformedServer({ [member]: undefined });
    assert.ok(reason.startsWith(`servers: servers[1].${member} is missing, it must be `), reason);
  }
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ ip: "example.org" }, /servers\[1\]\.ip must be an IP address, not "example\.org"$/],
    [{ ip: "192.0.2.300" }, /servers\[1\]\.ip must be an IP address/],
    [{ ip: "fe80::1%eth0" }, /servers\[1\]\.ip must be an IP address/],
    [{ ip: 5 }, /servers\[1\]\.ip must be an IP address, not 5$/],
    [{ port: 0 }, /servers\[1\]\.port must be a whole number from 1 to 65535, not 0$/],
    [{ port: "3030" }, /servers\[1\]\.port must be/],
    [{ protocol: -1 }, /servers\[1\]\.protocol must be/],
    [{ players: 0.5 }, /servers\[1\]\.players must be/],
    [{ max_players: 1e7 }, /servers\[1\]\.max_players must be/],
    [{ key: "" }, /servers\[1\]\.key must be a key/],
    [{ number: -1 }, /servers\[1\]\.number must be/],
    [{ verified: "yes" }, /servers\[1\]\.verified must be true or false, not "yes"$/],
    [{ last_seen: "yesterday" }, /servers\[1\]\.last_seen must be a time, ISO 8601, not "yest/],
    [{ last_seen: "2026-13-01T00:00:00Z" }, /servers\[1\]\.last_seen must be a time/],
    [{ last_seen: 5 }, /servers\[1\]\.last_seen must be a time/],
    [{ settings: { a: 5 } }, /servers\[1\]\.settings\.a must be a text of at most 256.*, not 5$/],
    [{ settings: { ["k".repeat(257)]: "" } }, /servers\[1\]\.settings key must be a text/],
    [{ settings: [] }, /servers\[1\]\.settings must be an object of at most 256 texts/],
    [{ reachable_from: "all" }, /servers\[1\]\.reachable_from must be/],
  ];
  for (const [members, reason] of cases) assert.match(malformedServer(members), reason);
  const settings = Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`k${i}`, ""]));
  assert.match(malformedServer({ settings }), /settings must be an object of at most 256 texts/);
});

Deno.test("decodeRing2Answer: lists and cursor of a servers message are bounded", () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ servers: undefined }, /^servers: servers is missing/],
    [{ servers: {} }, /^servers: servers must be a list of at most 512, not an object of 0$/],
    [{ servers: Array(MAX_ANSWER_SERVERS + 1).fill(0) }, /^servers: servers must be a list/],
    [{ removed: undefined }, /^servers: removed is missing/],
    [{ removed: Array(MAX_ANSWER_REMOVED + 1).fill("") }, /^servers: removed must be a list/],
    [{ removed: ["192.0.2.7"] }, /^servers: removed\[0\] must be an ip:port, not "192\.0\.2\.7"$/],
    [{ removed: ["192.0.2.7:0"] }, /^servers: removed\[0\] must be an ip:port/],
    [{ removed: ["example.org:3030"] }, /^servers: removed\[0\] must be an ip:port/],
    [{ removed: ["2001:db8::1:3030"] }, /^servers: removed\[0\] must be an ip:port/],
    [{ removed: [null] }, /^servers: removed\[0\] must be an ip:port, not null$/],
    [{ last: 1 }, /^servers: last must be true or false/],
    [{ cursor: "x".repeat(8193) }, /^servers: cursor must be a text of at most 8192/],
    [{ cursor: null }, /^servers: cursor must be a text/],
    [{ full: "yes" }, /^servers: full must be true or false/],
  ];
  for (const [members, reason] of cases) {
    assert.match(malformation(decodeRing2Answer, { ...SERVERS, ...members }), reason);
  }
});

Deno.test("decodeRing2Answer: limits of lists are never in the way of what fits a message", () => {
  const { key: _, ...old } = SERVER;
  const shortest = {
    ...old,
    ip: "1.1.1.1",
    port: 1,
    gamename: "a",
    name: "",
    protocol: 0,
    country: "",
    map: "",
    players: 0,
    max_players: 0,
    number: 0,
    last_seen: "2026-07-01T12:00Z",
    settings: {},
  };
  const room = (entry: unknown) =>
    Math.floor(MAX_CHANNEL_MESSAGE_BYTES / (JSON.stringify(entry).length + 1));
  assert.ok(room(shortest) <= MAX_ANSWER_SERVERS);
  assert.ok(room("1.1.1.1:1") <= MAX_ANSWER_REMOVED);
});

Deno.test("decodeRing2Answer: what is wrong in the other answers is malformed", () => {
  const user = { type: "user", number: 4, user: "Bob", country: "DE", online: true };
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ type: "welcome", number: 4 }, /^welcome: user is missing/],
    [{ type: "welcome", number: "4", user: "Bob" }, /^welcome: number must be/],
    [{ ...user, online: undefined }, /^user: online is missing, it must be true or false$/],
    [{ ...user, country: 49 }, /^user: country must be a text/],
    [{ ...user, server: "nowhere" }, /^user: server must be an ip:port, not "nowhere"$/],
    [{ type: "masters" }, /^masters: masters is missing, it must be a list of at most 1000$/],
    [{ type: "error", code: "busy" }, /^error: message is missing/],
  ];
  for (const [value, reason] of cases) {
    assert.match(malformation(decodeRing2Answer, value), reason);
  }
});
