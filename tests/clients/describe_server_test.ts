import assert from "node:assert/strict";
import { describeServer, type OperatorWords } from "../../clients/_describe_server.ts";
import {
  decodeRing1Request,
  decodeStatus,
  encodeMessage,
  statusPairs,
} from "../../protocol/mod.ts";
import { bytes, Random } from "../_helpers.ts";
import { gameStatus } from "./_fake_game.ts";

const WORDS: OperatorWords = { port: 3030, admin: "", protocol: 1122 };

function described(answer: string, words: Partial<OperatorWords> = {}) {
  const data = bytes(answer);
  const status = decodeStatus(data);
  assert.ok(status);
  return describeServer({ status, values: statusPairs(data) }, { ...WORDS, ...words });
}

/** Held to what a master accepts. */
function accepted(answer: string, words: Partial<OperatorWords> = {}) {
  const result = described(answer, words);
  assert.ok(result.type === "described");
  const { server, report } = result;
  const decoded = decodeRing1Request(
    encodeMessage({ ...server, type: "register", status: report }),
  );
  assert.equal(decoded.type, "message", JSON.stringify(decoded));
  return result;
}

Deno.test("describeServer: what a netPanzer server says becomes a registration", () => {
  const { server, report } = accepted(
    gameStatus(
      { numplayers: "1" },
      "\\player_0\\Ann\\kills_0\\3\\deaths_0\\1\\points_0\\7\\flag_0\\2",
    ),
    { admin: "bob@example.org", country: "FR", netname: "play.example.org" },
  );
  assert.deepEqual(server, {
    gamename: "netpanzer",
    name: "Bob's tanks",
    port: 3030,
    protocol: 1122,
    admin: "bob@example.org",
    country: "FR",
    netname: "play.example.org",
    settings: {
      needs_password: "false",
      gameversion: "0.8.7",
      mapcycle: "Two clans, Bullet Hole",
      gamestyle: "Objective",
      units_per_player: "36",
      timelimit: "30",
      fraglimit: "300",
      objectivelimit: "7",
    },
  });
  assert.deepEqual(report, {
    map: "Two clans",
    players: 1,
    max_players: 8,
    roster: [{ name: "Ann", kills: 3, deaths: 1, points: 7 }],
  });
});

Deno.test("describeServer: what changes as the game goes on is no setting", () => {
  const before = accepted(gameStatus());
  const after = accepted(
    gameStatus(
      { time: "12", empty: "0", numplayers: "1", mapname: "Bullet Hole" },
      "\\player_0\\A",
    ),
  );
  assert.deepEqual(after.server, before.server);
  assert.notDeepEqual(after.report, before.report);
});

Deno.test("describeServer: a password is told of as a flag", () => {
  const { server } = accepted(gameStatus({ password: "y" }));
  assert.equal(server.settings["needs_password"], "true");
  assert.ok(!Object.hasOwn(server.settings, "password"));
  const others = accepted(gameStatus({}, "\\Password\\y\\ password\\y")).server.settings;
  assert.deepEqual(Object.keys(others).filter((key) => /password/i.test(key)), ["needs_password"]);
});

Deno.test("describeServer: the operator's name and protocol count when there are any", () => {
  assert.equal(accepted(gameStatus(), { name: "Ours" }).server.name, "Ours");
  assert.equal(accepted(gameStatus({ protocol: "1140" }), { protocol: 7 }).server.protocol, 1140);
  for (const protocol of ["", "x", "-1", "99999999999"]) {
    assert.equal(accepted(gameStatus({ protocol }), { protocol: 7 }).server.protocol, 7, protocol);
  }
});

Deno.test("describeServer: a server without a name needs one of its operator", () => {
  for (const hostname of ["", "   ", "\u0007\n"]) {
    assert.deepEqual(described(gameStatus({ hostname })), { type: "nameless" });
    assert.equal(described(gameStatus({ hostname }), { name: "Ours" }).type, "described");
  }
});

Deno.test("describeServer: whatever a server answers, a master accepts what is made of it", () => {
  const random = new Random(7);
  const parts = [
    "a",
    "\u0000",
    "\n",
    " ",
    "\u202e",
    "戦",
    "😀",
    "é",
    "\ufffd",
    "\u2028",
    "\u200b",
    "\ufeff",
    "_1",
    "=",
  ];
  const word = (): string =>
    Array.from({ length: random.below(400) }, () => random.pick(parts)).join("");
  for (let i = 0; i < 200; i++) {
    const more = Array.from({ length: random.below(120) }, () => `\\${word()}\\${word()}`).join("");
    const answer = gameStatus(
      { mapname: word(), hostname: `x${word()}` },
      `${more}\\player_1\\${word()}`,
    );
    if (bytes(answer).length <= 16 * 1024) accepted(answer);
  }
  accepted(gameStatus({ numplayers: "999999999", maxplayers: "-5" }));
  accepted(gameStatus({}, "\\__proto__\\x\\constructor\\y"));
});
