import assert from "node:assert/strict";
import { decodeRing1Request, encodeMessage, MAX_SETTINGS } from "../../protocol/mod.ts";
import { accepted, refusal, REGISTER } from "./_json_samples.ts";

const request = (value: unknown) => accepted(decodeRing1Request, value);
const refused = (value: unknown) => refusal(decodeRing1Request, value);
const register = (members: Record<string, unknown>) => ({ ...REGISTER, ...members });
const bad = (rest: string) => `bad_request: ${rest}`;

function settingsOf(settings: unknown): Readonly<Record<string, string>> {
  const message = request(register({ settings }));
  assert.ok(message.type === "register");
  return message.settings;
}

/** So many settings. */
function many(count: number, value = "x"): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`key${i}`, value]));
}

Deno.test("decodeRing1Request: settings are texts, at most 64 of them", () => {
  assert.deepEqual(settingsOf({ mode: "", "a b": "1" }), { mode: "", "a b": "1" });
  assert.deepEqual(settingsOf(many(MAX_SETTINGS)), many(MAX_SETTINGS));
  const whole = "register: settings must be an object of at most 64 texts, not";
  assert.equal(refused(register({ settings: many(65) })), bad(`${whole} an object of 65`));
  assert.equal(refused(register({ settings: [] })), bad(`${whole} a list of 0`));
  assert.equal(refused(register({ settings: null })), bad(`${whole} null`));
  assert.equal(refused(register({ settings: "x" })), bad(`${whole} "x"`));
  const value = "must be a text of at most 256 characters, not";
  for (const [wrong, quoted] of [[3, "3"], [true, "true"], [null, "null"], [[], "a list of 0"]]) {
    assert.equal(
      refused(register({ settings: { fps: wrong } })),
      bad(`register: settings.fps ${value} ${quoted}`),
    );
  }
  assert.equal(
    refused(register({ settings: { 'a"': 1 } })),
    bad(`register: settings["a\\""] ${value} 1`),
  );
});

Deno.test("decodeRing1Request: keys and values of settings are bounded, without backslashes", () => {
  const longest = { ["k".repeat(64)]: "v".repeat(256) };
  assert.deepEqual(settingsOf(longest), longest);
  const cases: [Record<string, string>, RegExp][] = [
    [{ "": "x" }, /settings key must be a text of 1 to 64 characters, not ""$/],
    [{ ["k".repeat(65)]: "x" }, /settings key must be a text of 1 to 64 characters, not "k+…"$/],
    [{ a: "v".repeat(257) }, /settings\.a must be a text of at most 256 characters, not "v+…"$/],
    [{ "a\\b": "x" }, /settings key must not hold a backslash: "a\\\\b"$/],
    [{ a: "\\final\\" }, /settings\.a must not hold a backslash: "\\\\final\\\\"$/],
  ];
  for (const [settings, expected] of cases) {
    assert.match(refused(register({ settings })), expected);
  }
});

Deno.test("decodeRing1Request: settings are never more than an old-style message", () => {
  assert.equal(Object.keys(settingsOf(many(64, "v".repeat(40)))).length, 64);
  const long = many(15, "v".repeat(256));
  const room = 4096 - JSON.stringify({ ...long, last: "" }).length;
  assert.ok(room > 3 && room < 256);
  settingsOf({ ...long, last: "v".repeat(room) });
  for (const last of ["v".repeat(room + 1), "木".repeat(Math.floor(room / 3) + 1)]) {
    assert.match(
      refused(register({ settings: { ...long, last } })),
      /settings must have at most 4096 bytes, not an object of 16$/,
    );
  }
});

Deno.test("decodeRing1Request: passwords among the settings are dropped unread", () => {
  const passwords = { password: "xxx", PASSWORD: "yyy", PassWord: 5 };
  assert.deepEqual(settingsOf({ ...passwords, mode: "a" }), { mode: "a" });
  assert.deepEqual(settingsOf({ ...passwords, ...many(64) }), many(64));
  assert.deepEqual(settingsOf({ passwords: "kept" }), { passwords: "kept" });
});

Deno.test("decodeRing1Request: settings named like members of every object are plain ones", () => {
  const json = JSON.stringify(register({ settings: "S" }))
    .replace('"S"', '{"__proto__":"a","constructor":"b","toString":"c"}');
  const message = request(json);
  assert.ok(message.type === "register");
  const { settings } = message;
  assert.deepEqual(Object.entries(settings), [
    ["__proto__", "a"],
    ["constructor", "b"],
    ["toString", "c"],
  ]);
  assert.equal(Object.getPrototypeOf(settings), Object.prototype);
  assert.deepEqual(Object.entries(structuredClone(settings)), Object.entries(settings));
  assert.deepEqual(decodeRing1Request(encodeMessage(message)), { type: "message", message });
  assert.match(
    refused(json.replace('"a"', "{}")),
    /settings\.__proto__ must be a text .* object of/,
  );
});
