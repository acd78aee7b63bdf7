import assert from "node:assert/strict";
import {
  decodeRing0Message,
  decodeRing1Request,
  decodeStatus,
  encodeChanges,
  encodeMessage,
  MAX_LEASE_MS,
  MAX_RECORD_SETTINGS_BYTES,
  MAX_ROSTER,
  MAX_SETTINGS,
  MAX_SETTINGS_BYTES,
  MAX_STATUS_BYTES,
  MAX_TIME_MS,
  type Put,
} from "../../protocol/mod.ts";
import { bytes, text } from "../_helpers.ts";
import { accepted, KEY, refusal, REGISTER } from "./_json_samples.ts";
import { CHANGES, FULL_PUT, HLC, ORIGIN, PUT } from "./_ring_0_samples.ts";

/** A server as it is on the wire, all there is. */
const WIRE = JSON.parse(text(encodeMessage({ ...CHANGES, puts: [FULL_PUT] }))).puts[0];

function putOf(members: Record<string, unknown>): Put | undefined {
  const message = accepted(decodeRing0Message, {
    type: "changes",
    puts: [{ ...WIRE, ...members }],
  });
  assert.ok(message.type === "changes");
  return message.puts[0];
}

function refusedPut(members: Record<string, unknown>): string {
  const said = refusal(decodeRing0Message, {
    type: "changes",
    puts: [WIRE, { ...WIRE, ...members }],
  });
  const expected = "bad_request: changes: puts[1].";
  assert.ok(said.startsWith(expected), said);
  return said.slice(expected.length);
}

function refusedStatus(members: Record<string, unknown>): string {
  const said = refusedPut({ status: { ...WIRE.status, ...members } });
  assert.ok(said.startsWith("status."), said);
  return said.slice("status.".length);
}

/** Settings of so many bytes as JSON, most of them in values of one character. */
function filledSettings(size: number, unit: string): Record<string, string> {
  const settings: Record<string, string> = {};
  const rest = (): number => size - bytes(JSON.stringify(settings)).length;
  const value = unit.repeat(256);
  const most = bytes(JSON.stringify({ value })).length + 9;
  for (let i = 10; i < 25 && rest() > most; i++) settings[`k${i}`] = value;
  // Another setting takes 9 bytes and its value; what is left must have room for one more.
  for (let i = 100; rest() > 0; i++) {
    settings[`k${i}`] = "";
    const room = rest();
    settings[`k${i}`] = "x".repeat(room > 280 ? 256 : room <= 256 ? room : 200);
  }
  assert.equal(bytes(JSON.stringify(settings)).length, size);
  return settings;
}

/** What reaches another master of a server. */
function told(put: Put): Put | undefined {
  const parts = encodeChanges({ puts: [put] });
  assert.equal(parts.length, 1);
  const decoded = decodeRing0Message(parts[0] as Uint8Array);
  assert.ok(
    decoded.type === "message" && decoded.message.type === "changes",
    JSON.stringify(decoded),
  );
  return decoded.message.puts[0];
}

Deno.test("encodeMessage: a server has a version, and members of several words are spelt apart", () => {
  assert.deepEqual(WIRE, {
    v: [HLC, ORIGIN],
    left: 700_000,
    heard: false,
    ip: "2001:db8::7",
    port: 3030,
    gamename: "netpanzer",
    settings: FULL_PUT.settings,
    first: 1_783_000_000_000,
    name: "Bob's Größe",
    key: KEY,
    admin: "bob@example.org",
    country: "FR",
    netname: "play.example.org",
    status: {
      hostname: "Bob's Größe",
      map: "Two clans",
      players: 2,
      max_players: 8,
      game_version: "0.8.7",
      game_style: "Objective",
      needs_password: false,
      roster: FULL_PUT.status?.roster,
    },
    via: "old.example.org",
  });
});

Deno.test("decodeRing0Message: of a server only what is known is kept, and no secret", () => {
  assert.deepEqual(putOf({ weather: "rain", v: [HLC, ORIGIN, 3] }), FULL_PUT);
  const roster = [{ name: "", kills: 0, deaths: 0, points: 0, hat: "red" }];
  assert.deepEqual(putOf({ status: { ...WIRE.status, x: 1, roster } })?.status?.roster, [
    { name: "", kills: 0, deaths: 0, points: 0 },
  ]);
  assert.deepEqual(putOf({ settings: { PassWord: "x", a: "1" } })?.settings, { a: "1" });
  const needed = ["v", "left", "heard", "ip", "port", "gamename", "settings", "first"];
  const least = Object.fromEntries(needed.map((member) => [member, WIRE[member]]));
  const decoded = accepted(decodeRing0Message, { type: "changes", puts: [least] });
  assert.ok(decoded.type === "changes");
  assert.deepEqual(decoded.puts, [{ ...PUT, heard: false, ip: FULL_PUT.ip }]);
  for (const member of needed) {
    assert.ok(refusedPut({ [member]: undefined }).startsWith(`${member} is missing, it must be `));
  }
});

Deno.test("decodeRing0Message: texts of old-style servers may hold anything", () => {
  const wild = " \u001b[31m\\\ud800";
  const settings = { "": "", "\\": wild, [wild]: "\u0000" };
  const put = putOf({ gamename: wild, country: "", netname: wild, via: wild, settings });
  assert.deepEqual(put, {
    ...FULL_PUT,
    gamename: wild,
    country: "",
    netName: wild,
    via: wild,
    settings,
  });
  const proto = JSON.parse('{"__proto__":"x","password":"y"}');
  const open = putOf({ settings: proto })?.settings ?? {};
  assert.deepEqual(Object.entries(open), [["__proto__", "x"]]);
  assert.equal(Object.getPrototypeOf(open), Object.prototype);
  const longest = "😀".repeat(256);
  assert.equal(putOf({ gamename: longest })?.gamename, longest);
});

Deno.test("decodeRing0Message: a wrong server is refused, and it is said why", () => {
  const count = "must be a whole number from";
  const chars = "must be a text of at most 256 characters, not";
  const name = "must be a text of 1 to 64 characters, not";
  const cases: [Record<string, unknown>, string][] = [
    [{ v: [HLC] }, "v must be a time and a master's id, not a list of 1"],
    [{ v: [-1, ORIGIN] }, `v[0] ${count} 0 to ${Number.MAX_SAFE_INTEGER}, not -1`],
    [{ v: [1, "x"] }, `v[1] must be a master's id, 16 hexadecimal digits in lower case, not "x"`],
    [{ left: -1 }, `left ${count} 0 to ${MAX_LEASE_MS}, not -1`],
    [{ left: 0.5 }, `left ${count} 0 to ${MAX_LEASE_MS}, not 0.5`],
    [{ left: MAX_LEASE_MS + 1 }, `left ${count} 0 to ${MAX_LEASE_MS}, not ${MAX_LEASE_MS + 1}`],
    [{ heard: 1 }, "heard must be true or false, not 1"],
    [{ ip: "2001:DB8::7" }, 'ip must be a canonical IP address, not "2001:DB8::7"'],
    [{ ip: "1234" }, 'ip must be a canonical IP address, not "1234"'],
    [{ port: 65_536 }, `port ${count} 1 to 65535, not 65536`],
    [{ gamename: null }, `gamename ${chars} null`],
    [{ first: MAX_TIME_MS + 1 }, `first ${count} 0 to ${MAX_TIME_MS}, not ${MAX_TIME_MS + 1}`],
    [{ name: "" }, `name ${name} ""`],
    [{ name: "b " }, 'name must not begin or end with a space: "b "'],
    [{ key: "x" }, 'key must be a key, 32 bytes in base64, not "x"'],
    [{ admin: "\n" }, 'admin must not hold control characters: "\\n"'],
    [{ country: 1 }, `country ${chars} 1`],
    [{ netname: "x".repeat(257) }, `netname ${chars} "${"x".repeat(64)}…"`],
    [{ via: false }, `via ${chars} false`],
    [{ status: null }, "status must be an object, not null"],
    [{ status: [] }, "status must be an object, not a list of 0"],
  ];
  for (const [members, expected] of cases) assert.equal(refusedPut(members), expected);
  const entry = { name: "", kills: 0, deaths: 0, points: 0 };
  const statusCases: [Record<string, unknown>, string][] = [
    [{ map: undefined }, "map is missing, it must be a text of at most 256 characters"],
    [{ players: -1 }, `players ${count} 0 to 1000000, not -1`],
    [{ max_players: 1e9 }, `max_players ${count} 0 to 1000000, not 1000000000`],
    [{ needs_password: "y" }, 'needs_password must be true or false, not "y"'],
    [{ roster: {} }, "roster must be a list of at most 128, not an object of 0"],
    [
      { roster: Array(MAX_ROSTER + 1).fill(entry) },
      "roster must be a list of at most 128, not a list of 129",
    ],
    [
      { roster: [entry, { ...entry, points: -1_000_001 }] },
      `roster[1].points ${count} -1000000 to 1000000, not -1000001`,
    ],
  ];
  for (const [members, expected] of statusCases) assert.equal(refusedStatus(members), expected);
});

Deno.test("decodeRing0Message: settings are bounded by number, length and bytes", () => {
  const phrase = "settings must be an object of at most 256 texts of at most 256 characters, " +
    `${MAX_RECORD_SETTINGS_BYTES} bytes as JSON, not`;
  const many = (count: number, value: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, value]));
  const cases: [unknown, string][] = [
    [[], "a list of 0"],
    [null, "null"],
    ["x", '"x"'],
    [{ a: 1 }, "an object of 1"],
    [{ a: "x".repeat(257) }, "an object of 1"],
    [{ ["x".repeat(257)]: "" }, "an object of 1"],
    [many(257, ""), "an object of 257"],
    [many(60, "木".repeat(200)), "an object of 60"],
  ];
  for (const [settings, quoted] of cases) {
    assert.equal(refusedPut({ settings }), `${phrase} ${quoted}`);
  }
  assert.deepEqual(putOf({ settings: many(256, "") })?.settings, many(256, ""));
  // Up to the last byte, whether a character takes one, three or six.
  for (const unit of ["x", "木", "\u0000"]) {
    const settings = filledSettings(MAX_RECORD_SETTINGS_BYTES, unit);
    assert.deepEqual(putOf({ settings })?.settings, settings);
    const larger = filledSettings(MAX_RECORD_SETTINGS_BYTES + 1, unit);
    const quoted = `an object of ${Object.keys(larger).length}`;
    assert.equal(refusedPut({ settings: larger }), `${phrase} ${quoted}`);
  }
});

Deno.test("encodeChanges: the largest server that may register reaches another master", () => {
  const settings: Record<string, string> = {};
  for (let i = 0; i < MAX_SETTINGS; i++) {
    settings[`k${String(i).padStart(2, "0")}`] = "木".repeat(18);
  }
  for (const key of Object.keys(settings)) {
    const spare = MAX_SETTINGS_BYTES - bytes(JSON.stringify(settings)).length;
    settings[key] += "x".repeat(Math.min(200, spare));
  }
  assert.equal(bytes(JSON.stringify(settings)).length, MAX_SETTINGS_BYTES);
  const name = "😀".repeat(64);
  const player = { name, kills: 1_000_000, deaths: 1_000_000, points: -1_000_000 };
  const wide = '"'.repeat(64);
  const register = accepted(decodeRing1Request, {
    ...REGISTER,
    gamename: wide,
    name,
    admin: "😀".repeat(255),
    netname: `${"a".repeat(62)}.${"a".repeat(62)}.${"a".repeat(62)}.${"a".repeat(61)}`,
    country: "FR",
    settings,
    protocol: 1_000_000_000,
  });
  const report = accepted(decodeRing1Request, {
    type: "status",
    map: "\u{10FFFD}".repeat(256),
    players: 128,
    max_players: 128,
    roster: Array(MAX_ROSTER).fill(player),
  });
  assert.ok(register.type === "register" && report.type === "status");
  const put: Put = {
    ...PUT,
    gamename: register.gamename,
    settings: { ...register.settings, gamename: wide, port: "65535", protocol: "1000000000" },
    name,
    admin: register.admin,
    netName: register.netname ?? "",
    country: "FR",
    status: {
      hostname: name,
      map: report.map,
      players: 128,
      maxPlayers: 128,
      gameVersion: "木".repeat(256),
      gameStyle: "木".repeat(256),
      needsPassword: false,
      roster: report.roster,
    },
  };
  assert.deepEqual(told(put), put, "whole, with all of its players");
});

Deno.test("encodeChanges: the worst that old-style servers can send reaches another master", () => {
  for (const character of ["\u0001", "\u00ff", '"']) {
    const value = character.repeat(250);
    let answer =
      `\\gamename\\netpanzer\\numplayers\\99999999\\hostname\\${value}\\mapname\\${value}` +
      `\\gameversion\\${value}\\gamestyle\\${value}\\password\\y`;
    for (let i = 0; bytes(answer).length < MAX_STATUS_BYTES - 600; i++) {
      answer += `\\player_${i}\\${value}\\kills_${i}\\-99999999`;
    }
    const raw = bytes(answer);
    // Bytes that are no UTF-8 become three each.
    const status = decodeStatus(
      character === "\u00ff" ? raw.map((b) => b === 0xc3 ? 0xff : b) : raw,
    );
    assert.ok(status !== undefined && status.roster.length > 10);
    const settings: Record<string, string> = { gamename: value, port: "1" };
    for (let i = 0; bytes(JSON.stringify(settings)).length < 23_000 && i < 16; i++) {
      settings[`${i}${value.slice(2)}`] = value;
    }
    const put: Put = {
      ...PUT,
      gamename: value,
      netName: value,
      country: value,
      via: value,
      settings,
      status,
    };
    const known = told(put);
    const roster = known?.status?.roster ?? [];
    assert.deepEqual(known, { ...put, status: { ...status, roster } });
    assert.deepEqual(roster, status.roster.slice(0, roster.length));
    assert.ok(roster.length > 0);
  }
});
