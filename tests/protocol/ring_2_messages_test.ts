import assert from "node:assert/strict";
import { decodeRing2Request, encodeMessage } from "../../protocol/mod.ts";
import { accepted, refusal, RING_2_REQUESTS } from "./_json_samples.ts";

const request = (value: unknown) => accepted(decodeRing2Request, value);
const refused = (value: unknown) => refusal(decodeRing2Request, value);
const list = (filter: unknown) => ({ type: "list", filter });
const bad = (rest: string) => `bad_request: ${rest}`;

Deno.test("decodeRing2Request: what encodeMessage makes of requests reads back", () => {
  for (const message of RING_2_REQUESTS) {
    assert.deepEqual(decodeRing2Request(encodeMessage(message)), { type: "message", message });
  }
});

Deno.test("decodeRing2Request: a list without a filter is of all, unknown members are ignored", () => {
  for (const type of ["list", "subscribe"]) {
    assert.deepEqual(request({ type }), { type, filter: {} });
    assert.deepEqual(request({ type, limit: 5 }), { type, filter: {} });
  }
});

Deno.test("decodeRing2Request: a filter's values are texts, numbers, true and false", () => {
  const filter = { a: "", b: "x".repeat(256), c: 1.5, d: -3, e: true, f: false, "\u0007": "\n" };
  assert.deepEqual(request(list(filter)), { type: "list", filter });
  const value = "must be a text, a number, true or false, not";
  assert.equal(refused(list({ a: null })), bad(`list: filter.a ${value} null`));
  assert.equal(refused(list({ a: ["x"] })), bad(`list: filter.a ${value} a list of 1`));
  assert.equal(refused(list({ a: {} })), bad(`list: filter.a ${value} an object of 0`));
  assert.equal(
    refused('{"type":"list","filter":{"a":1e999}}'),
    bad(`list: filter.a ${value} Infinity`),
  );
  assert.match(refused(list({ a: "x".repeat(257) })), /filter\.a must be a text of at most 256/);
  assert.match(
    refused('{"type":"list","filter":{"a":"\\udc00"}}'),
    /filter\.a must be well-formed/,
  );
});

Deno.test("decodeRing2Request: the filter's own keys have their own kinds", () => {
  for (const key of ["not_empty", "not_full"]) {
    assert.deepEqual(request(list({ [key]: true })), list({ [key]: true }));
    assert.deepEqual(request(list({ [key]: false })), list({ [key]: false }));
    for (const [wrong, quoted] of [["true", '"true"'], [1, "1"], [null, "null"]]) {
      assert.equal(
        refused(list({ [key]: wrong })),
        bad(`list: filter.${key} must be true or false, not ${quoted}`),
      );
    }
  }
  assert.deepEqual(request(list({ text: "" })), list({ text: "" }));
  assert.equal(
    refused(list({ text: 5 })),
    bad("list: filter.text must be a text of at most 256 characters, not 5"),
  );
  assert.match(refused(list({ text: true })), /filter\.text must be a text/);
});

Deno.test("decodeRing2Request: a filter has at most 16 pairs with keys of 1 to 64 characters", () => {
  const pairs = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]));
  assert.deepEqual(request(list(pairs(16))), list(pairs(16)));
  const whole = "list: filter must be an object of at most 16 texts, numbers, true and false, not";
  assert.equal(refused(list(pairs(33))), bad(`${whole} an object of 33`));
  assert.equal(refused(list([])), bad(`${whole} a list of 0`));
  assert.equal(refused(list(null)), bad(`${whole} null`));
  assert.equal(refused(list("x")), bad(`${whole} "x"`));
  assert.deepEqual(request(list({ ["k".repeat(64)]: 1 })), list({ ["k".repeat(64)]: 1 }));
  assert.match(refused(list({ ["k".repeat(65)]: 1 })), /filter key must be a text of 1 to 64/);
  assert.match(
    refused(list({ "": 1 })),
    /filter key must be a text of 1 to 64 characters, not ""$/,
  );
});

Deno.test("decodeRing2Request: a filter may name __proto__ like any other setting", () => {
  const message = request('{"type":"list","filter":{"__proto__":"x","constructor":1}}');
  assert.ok(message.type === "list");
  assert.deepEqual(Object.entries(message.filter), [["__proto__", "x"], ["constructor", 1]]);
  assert.equal(Object.getPrototypeOf(message.filter), Object.prototype);
});

Deno.test("decodeRing2Request: since is a text of at most 8192 characters", () => {
  for (const since of ["", "x".repeat(8192)]) {
    assert.deepEqual(request({ type: "subscribe", since }), {
      type: "subscribe",
      filter: {},
      since,
    });
  }
  assert.match(
    refused({ type: "subscribe", since: "x".repeat(8193) }),
    /^bad_request: subscribe: since must be a text of at most 8192 characters, not "x+…"$/,
  );
  for (const since of [5, null, {}]) {
    assert.match(refused({ type: "list", since }), /since must be a text of at most 8192/);
  }
});

Deno.test("decodeRing2Request: login and whois take a name of 1 to 64 characters", () => {
  for (const type of ["login", "whois"]) {
    for (const user of ["a", "木".repeat(64), "Bob \\ Alice"]) {
      assert.deepEqual(request({ type, user }), { type, user });
    }
    const length = `${type}: user must be a text of 1 to 64 characters, not`;
    assert.equal(refused({ type, user: "" }), bad(`${length} ""`));
    assert.equal(refused({ type, user: 7 }), bad(`${length} 7`));
    assert.match(refused({ type, user: "x".repeat(65) }), /user must be a text of 1 to 64/);
    assert.match(refused({ type }), /user is missing, it must be a text of 1 to 64 characters$/);
    assert.match(
      refused({ type, user: " Bob" }),
      /user must not begin or end with a space: " Bob"/,
    );
    assert.match(
      refused({ type, user: "B\u0000b" }),
      /user must not hold control characters: "B\\u0/,
    );
    assert.match(
      refused(`{"type":"${type}","user":"\\ud800"}`),
      /user must be well-formed Unicode/,
    );
  }
});

Deno.test("decodeRing2Request: an unknown type is refused with what there is", () => {
  const known = "list, subscribe, login, whois, unsubscribe, masters, ping, pong";
  assert.equal(
    refused({ type: "register" }),
    `unknown_type: type must be one of ${known}, not "register"`,
  );
});
