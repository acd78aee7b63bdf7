import assert from "node:assert/strict";
import {
  decodeStatus,
  MAX_ROSTER,
  MAX_STATUS_BYTES,
  MAX_TOKEN_BYTES,
  statusPairs,
} from "../../protocol/mod.ts";
import { bytes } from "../_helpers.ts";
import { REAL_STATUS, statusWith } from "./_status_samples.ts";

const REAL = {
  hostname: "Player88",
  map: "Two clans",
  players: 0,
  maxPlayers: 8,
  gameVersion: "0.8.7",
  gameStyle: "Objective",
  needsPassword: false,
  roster: [],
};

Deno.test("decodeStatus: reads a real server's answer, with or without a leading backslash", () => {
  assert.deepEqual(decodeStatus(bytes(REAL_STATUS)), REAL);
  assert.deepEqual(decodeStatus(bytes(`\\${REAL_STATUS}`)), REAL);
});

Deno.test("decodeStatus: reads the players in the order they are named", () => {
  const status = decodeStatus(bytes(statusWith(["Ann", 3, 1, 40], ['Bob "x" ☂', 0, 12, -5])));
  assert.deepEqual(status, {
    ...REAL,
    players: 2,
    roster: [
      { name: "Ann", kills: 3, deaths: 1, points: 40 },
      { name: 'Bob "x" ☂', kills: 0, deaths: 12, points: -5 },
    ],
  });
});

Deno.test("decodeStatus: an empty value is a value and shifts nothing", () => {
  const data = statusWith(["", 7, 8, 9]).replace("hostname\\Player88", "hostname\\");
  const status = decodeStatus(bytes(data));
  assert.equal(status?.hostname, "");
  assert.equal(status?.map, "Two clans");
  assert.deepEqual(status?.roster, [{ name: "", kills: 7, deaths: 8, points: 9 }]);
});

Deno.test("decodeStatus: a value may be final, a key may not", () => {
  const named = REAL_STATUS.replace("Player88", "final");
  assert.equal(decodeStatus(bytes(named))?.hostname, "final");
  assert.equal(decodeStatus(bytes(named))?.maxPlayers, 8);
  const after = "gamename\\a\\numplayers\\1\\final\\\\maxplayers\\8\\";
  assert.equal(decodeStatus(bytes(after))?.maxPlayers, 0, "what comes after it does not count");
});

Deno.test("decodeStatus: a repeated key keeps its first value", () => {
  assert.equal(
    decodeStatus(bytes(REAL_STATUS.replace("final", "mapname\\x\\final")))?.map,
    "Two clans",
  );
});

Deno.test("decodeStatus: keys that objects are born with do no harm", () => {
  const data =
    "gamename\\a\\numplayers\\1\\__proto__\\x\\constructor\\y\\player___proto__\\z\\final\\";
  assert.deepEqual(decodeStatus(bytes(data))?.roster, [
    { name: "z", kills: 0, deaths: 0, points: 0 },
  ]);
});

Deno.test("decodeStatus: counts that are none are 0, and huge ones are bounded", () => {
  const players = (count: string): number | undefined =>
    decodeStatus(bytes(`gamename\\a\\numplayers\\${count}\\final\\`))?.players;
  for (const none of ["", "x", "1e9", "0x10", "1.5", " 1", "-3", "NaN", "9999999999999999999"]) {
    assert.equal(players(none), 0, none);
  }
  assert.equal(players("64"), 64);
  assert.equal(players("999999999"), 1_000_000);
});

Deno.test("decodeStatus: a password is needed only when the server says y", () => {
  assert.equal(
    decodeStatus(bytes(REAL_STATUS.replace("password\\n", "password\\y")))?.needsPassword,
    true,
  );
  assert.equal(
    decodeStatus(bytes(REAL_STATUS.replace("password\\n", "password\\")))?.needsPassword,
    false,
  );
});

Deno.test("decodeStatus: what is no status is none", () => {
  const none = [
    "",
    "\\",
    "\\final\\",
    "0123456789abcdef",
    "gamename\\netpanzer\\final\\",
    "numplayers\\1\\final\\",
    "gamename\\a\\numplayers",
    "final\\gamename\\a\\numplayers\\1\\",
  ];
  for (const data of none) assert.equal(decodeStatus(bytes(data)), undefined, data);
});

Deno.test("decodeStatus: size, values and players are bounded", () => {
  const fill = (length: number): Uint8Array => bytes(REAL_STATUS.padEnd(length, "x"));
  assert.ok(decodeStatus(fill(MAX_STATUS_BYTES)));
  assert.equal(decodeStatus(fill(MAX_STATUS_BYTES + 1)), undefined);
  const long = REAL_STATUS.replace("Player88", "n".repeat(MAX_TOKEN_BYTES + 1));
  assert.equal(decodeStatus(bytes(long))?.hostname, "n".repeat(MAX_TOKEN_BYTES));
  const crowd = Array.from({ length: MAX_ROSTER + 5 }, (_, i) => [`p${i}`, i, 0, 0] as const);
  const roster = decodeStatus(bytes(statusWith(...crowd)))?.roster;
  assert.deepEqual(
    roster?.map(({ name }) => name),
    crowd.slice(0, MAX_ROSTER).map(([name]) => name),
  );
});

Deno.test("statusPairs: gives every pair, an empty value included, none of it too long", () => {
  for (const start of ["", "\\"]) {
    assert.deepEqual(
      [...statusPairs(bytes(`${start}a\\1\\b\\\\a\\2\\final\\c\\3`))],
      [["a", "1"], ["b", ""]],
    );
  }
  assert.deepEqual([...statusPairs(bytes("a"))], []);
  assert.deepEqual([...statusPairs(bytes("a\\12345"), 3)], [["a", "123"]]);
});
