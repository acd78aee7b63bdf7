import assert from "node:assert/strict";
import { decodeRing1Request, encodeMessage, MAX_ROSTER } from "../../protocol/mod.ts";
import { accepted, refusal, REGISTER, RING_1_REQUESTS, STATUS } from "./_json_samples.ts";

const request = (value: unknown) => accepted(decodeRing1Request, value);
const refused = (value: unknown) => refusal(decodeRing1Request, value);
const register = (members: Record<string, unknown>) => ({ ...REGISTER, ...members });
const bad = (rest: string) => `bad_request: ${rest}`;

Deno.test("decodeRing1Request: what encodeMessage makes of requests reads back", () => {
  for (const message of RING_1_REQUESTS) {
    assert.deepEqual(decodeRing1Request(encodeMessage(message)), { type: "message", message });
  }
});

Deno.test("decodeRing1Request: what is left out of register and status has its default", () => {
  assert.deepEqual(request(REGISTER), { ...REGISTER, settings: {} });
  const { roster: _, ...status } = STATUS;
  assert.deepEqual(request(status), { ...STATUS, roster: [] });
});

Deno.test("decodeRing1Request: defaults are not shared between messages", () => {
  const [first, second] = [request(REGISTER), request(REGISTER)];
  assert.ok(first.type === "register" && second.type === "register");
  assert.notEqual(first.settings, second.settings);
});

Deno.test("decodeRing1Request: unknown members are ignored and not kept, at any depth", () => {
  const player = { name: "Bob", kills: 1, deaths: 2, points: 3 };
  const status = { map: "m", players: 1, max_players: 2, roster: [{ ...player, ping: 20 }], x: [] };
  assert.deepEqual(request(register({ status, future: { a: [1] } })), {
    ...REGISTER,
    settings: {},
    status: { map: "m", players: 1, max_players: 2, roster: [player] },
  });
  assert.deepEqual(request({ type: "bye", why: "tired" }), { type: "bye" });
  assert.deepEqual(request('{"type":"ping","__proto__":{"type":"pong"}}'), { type: "ping" });
});

Deno.test("decodeRing1Request: each member that is needed is told when it is missing", () => {
  const expected: Record<string, string> = {
    gamename: "a text of 1 to 64 characters",
    name: "a text of 1 to 64 characters",
    port: "a whole number from 1 to 65535",
    protocol: "a whole number from 0 to 1000000000",
    admin: "a text of at most 255 characters",
  };
  for (const [member, what] of Object.entries(expected)) {
    assert.equal(
      refused(register({ [member]: undefined })),
      bad(`register: ${member} is missing, it must be ${what}`),
    );
  }
  for (const member of ["map", "players", "max_players"]) {
    assert.match(refused({ ...STATUS, [member]: undefined }), /^bad_request: status: \w+ is missi/);
  }
});

Deno.test("decodeRing1Request: port is a whole number from 1 to 65535", () => {
  for (const port of [1, 65_535]) {
    assert.deepEqual(request(register({ port })), {
      ...REGISTER,
      settings: {},
      port,
    });
  }
  const wrong: [unknown, string][] = [
    ["x", '"x"'],
    ["3030", '"3030"'],
    [0, "0"],
    [-1, "-1"],
    [65_536, "65536"],
    [3030.5, "3030.5"],
    [null, "null"],
    [true, "true"],
    [[3030], "a list of 1"],
    [{ a: 1 }, "an object of 1"],
  ];
  for (const [port, quoted] of wrong) {
    assert.equal(
      refused(register({ port })),
      bad(`register: port must be a whole number from 1 to 65535, not ${quoted}`),
    );
  }
  assert.match(refused('{"type":"register","gamename":"a","name":"a","port":1e999}'), /Infinity$/);
});

Deno.test("decodeRing1Request: counts are whole numbers within their bounds", () => {
  assert.match(refused(register({ protocol: 1e9 + 1 })), /protocol must be .* to 1000000000, not/);
  assert.match(refused(register({ protocol: -1 })), /protocol must be a whole number from 0/);
  assert.match(
    refused({ ...STATUS, players: -1 }),
    /players must be .* from 0 to 1000000, not -1$/,
  );
  assert.match(refused({ ...STATUS, max_players: 1e6 + 1 }), /max_players must be .* not 1000001$/);
  assert.match(refused({ ...STATUS, players: "2" }), /players must be .* not "2"$/);
  const player = { name: "Bob", kills: 0, deaths: 0, points: -1_000_000 };
  assert.deepEqual(request({ ...STATUS, roster: [player] }), { ...STATUS, roster: [player] });
  for (const member of ["kills", "deaths", "points"]) {
    assert.equal(
      refused({ ...STATUS, roster: [player, { ...player, [member]: 0.5 }] }),
      bad(
        `status: roster[1].${member} must be a whole number from -1000000 to 1000000, not 0.5`,
      ),
    );
  }
});

Deno.test("decodeRing1Request: a name is 1 to 64 characters without spaces around it", () => {
  for (const name of ["a", "x".repeat(64), "😀".repeat(64), "a  b", "Größe \\ 木村", "__proto__"]) {
    assert.deepEqual(request(register({ name })), { ...REGISTER, settings: {}, name });
  }
  const length = "register: name must be a text of 1 to 64 characters, not";
  assert.equal(refused(register({ name: "" })), bad(`${length} ""`));
  assert.equal(refused(register({ name: 5 })), bad(`${length} 5`));
  assert.equal(
    refused(register({ name: "x".repeat(65) })),
    bad(`${length} "${"x".repeat(64)}…"`),
  );
  assert.equal(
    refused(register({ name: "😀".repeat(65) })),
    bad(`${length} "${"😀".repeat(64)}…"`),
  );
  for (const name of [" a", "a ", "\u00a0a", "a\u3000"]) {
    assert.match(refused(register({ name })), /name must not begin or end with a space: "/);
  }
});

Deno.test("decodeRing1Request: control characters are refused and quoted escaped", () => {
  const control = "must not hold control characters";
  assert.equal(
    refused(register({ name: "a\u001b[31m\n\u007f\u0085\u202e" })),
    bad(`register: name ${control}: "a\\u001b[31m\\n\\u007f\\u0085\\u202e"`),
  );
  for (const member of ["gamename", "name", "admin"]) {
    for (const text of ["a\u0000b", "a\nb", "a\u009bb", "a\u2028b", "a\u2066b"]) {
      assert.match(refused(register({ [member]: text })), new RegExp(`${member} ${control}: `));
    }
    // What takes no room, up to its bounds.
    for (const code of [0x200b, 0x200d, 0x200f, 0x2060, 0xfeff]) {
      const text = `a${String.fromCodePoint(code)}b`;
      const quoted = `"a\\u${code.toString(16)}b"`;
      const message = refused(register({ [member]: text }));
      assert.equal(message, bad(`register: ${member} ${control}: ${quoted}`));
    }
  }
  assert.match(refused({ ...STATUS, map: "a\tb" }), /map must not hold control/);
  const player = { name: "a\u0007", kills: 0, deaths: 0, points: 0 };
  assert.match(refused({ ...STATUS, roster: [player] }), /roster\[0\]\.name must not hold/);
  assert.match(
    refused(register({ settings: { "a\u0001": "" } })),
    /settings key must not hold con/,
  );
  assert.match(refused(register({ settings: { a: "\u0001" } })), /settings\.a must not hold contr/);
});

Deno.test("decodeRing1Request: lone surrogates are refused everywhere", () => {
  const lone = '"a\\ud800b"';
  const wellFormed = 'must be well-formed Unicode, not "a\\ud800b"';
  for (const member of ["gamename", "name", "admin"]) {
    const json = JSON.stringify(register({ [member]: "LONE" })).replace('"LONE"', lone);
    assert.equal(refused(json), bad(`register: ${member} ${wellFormed}`));
  }
  const settings = (pair: string) =>
    JSON.stringify(register({ settings: "S" })).replace('"S"', `{${pair}}`);
  assert.equal(refused(settings(`"a":${lone}`)), bad(`register: settings.a ${wellFormed}`));
  assert.equal(refused(settings(`${lone}:"a"`)), bad(`register: settings key ${wellFormed}`));
  const status = JSON.stringify({ ...STATUS, map: "LONE" }).replace('"LONE"', lone);
  assert.equal(refused(status), bad(`status: map ${wellFormed}`));
});

Deno.test("decodeRing1Request: gamename is no master's and holds no backslash", () => {
  assert.equal(
    refused(register({ gamename: "master" })),
    bad('register: gamename must not be that of masters, who speak ring 0: "master"'),
  );
  assert.equal(
    refused(register({ gamename: "a\\b" })),
    bad('register: gamename must not hold a backslash: "a\\\\b"'),
  );
  assert.match(
    refused(register({ gamename: "x".repeat(65) })),
    /gamename must be a text of 1 to 64/,
  );
  const message = request(register({ gamename: "masters" }));
  assert.ok(message.type === "register" && message.gamename === "masters");
});

Deno.test("decodeRing1Request: admin may be empty and has at most 255 characters", () => {
  for (const admin of ["", "x".repeat(255)]) {
    assert.deepEqual(request(register({ admin })), { ...REGISTER, settings: {}, admin });
  }
  assert.match(
    refused(register({ admin: "x".repeat(256) })),
    /admin must be a text of at most 255/,
  );
});

Deno.test("decodeRing1Request: country is two letters and comes out in upper case", () => {
  for (const country of ["fr", "Fr", "FR"]) {
    assert.deepEqual(request(register({ country })), { ...REGISTER, settings: {}, country: "FR" });
  }
  for (const country of ["", "F", "FRA", "F1", "ſt", "fr\n", null, 33]) {
    assert.match(
      refused(register({ country })),
      /country must be the two letters of a country, not/,
    );
  }
});

Deno.test("decodeRing1Request: netname is a DNS name", () => {
  const label = "a".repeat(63);
  const longest = `${label}.${label}.${label}.${"b".repeat(61)}`;
  for (
    const netname of ["play.example.org", "localhost", "a-1.B_2.x3", "1.2.example", longest]
  ) {
    const message = request(register({ netname }));
    assert.ok(message.type === "register" && message.netname === netname, netname);
  }
  const wrong = [
    "",
    ".",
    "a.",
    ".a",
    "a..b",
    "-a.b",
    "a-.b",
    "a b",
    "192.0.2.1",
    "::1",
    "größe.example",
    `${label}a.org`,
    `${longest}b`,
    "a.b\n",
    null,
    7,
  ];
  for (const netname of wrong) {
    assert.match(
      refused(register({ netname })),
      /netname must be a DNS name such as play\.exam.*, not/,
    );
  }
});

Deno.test("decodeRing1Request: a roster over the limit is refused as a whole", () => {
  const player = { name: "", kills: 0, deaths: 0, points: 0 };
  const full = { ...STATUS, roster: Array(MAX_ROSTER).fill(player) };
  assert.deepEqual(request(full), full);
  assert.equal(
    refused({ ...STATUS, roster: Array(MAX_ROSTER + 1).fill(player) }),
    bad("status: roster must be a list of at most 128, not a list of 129"),
  );
  assert.match(refused({ ...STATUS, roster: {} }), /roster must be a list .* not an object of 0$/);
  assert.match(
    refused({ ...STATUS, roster: null }),
    /roster must be a list of at most 128, not nul/,
  );
  assert.match(
    refused({ ...STATUS, roster: ["Bob"] }),
    /roster\[0\] must be an object, not "Bob"$/,
  );
  assert.match(
    refused({ ...STATUS, roster: [player, { ...player, name: "x".repeat(65) }] }),
    /roster\[1\]\.name must be a text of at most 64 characters, not "x+…"$/,
  );
});

Deno.test("decodeRing1Request: register says what is wrong within its status", () => {
  const status = { map: "m", players: 1, max_players: 2 };
  assert.equal(
    refused(register({ status: { ...status, players: null } })),
    bad("register: status.players must be a whole number from 0 to 1000000, not null"),
  );
  assert.equal(
    refused(register({ status: null })),
    bad("register: status must be an object, not null"),
  );
  assert.match(refused(register({ status: [] })), /status must be an object, not a list of 0$/);
});
