import assert from "node:assert/strict";
import {
  decodeRing1Answer,
  decodeRing1Request,
  encodeMessage,
  MAX_ANSWER_TEXT_CHARACTERS,
  MAX_CHANNEL_MESSAGE_BYTES,
} from "../../protocol/mod.ts";
import { bytes } from "../_helpers.ts";
import { accepted, decodeJson, malformation, refusal, REGISTER } from "./_json_samples.ts";

const request = (value: unknown) => accepted(decodeRing1Request, value);
const refused = (value: unknown) => refusal(decodeRing1Request, value);
const register = (members: Record<string, unknown>) => ({ ...REGISTER, ...members });

Deno.test("decodeRing1Request: a bare message, which all share, cannot be changed", () => {
  assert.ok(Object.isFrozen(request({ type: "ping" })));
});

Deno.test("decodeRing1Request: an unknown type is refused with what there is", () => {
  const known = "unknown_type: type must be one of register, status, bye, ping, pong, not";
  assert.equal(refused({ type: "list" }), `${known} "list"`);
  assert.equal(refused({ type: "" }), `${known} ""`);
  assert.equal(refused({ type: "__proto__" }), `${known} "__proto__"`);
  assert.equal(refused({ type: "\u001b]0;x\u0007" }), `${known} "\\u001b]0;x\\u0007"`);
  assert.equal(refused({ type: "x".repeat(9999) }), `${known} "${"x".repeat(64)}…"`);
});

Deno.test("decodeRing1Request: what is no JSON object with a type is malformed", () => {
  const object = "the message is not a JSON object but";
  const cases: [unknown, string][] = [
    ["", "the message is not JSON"],
    ["{", "the message is not JSON"],
    ['{"type":"ping"} x', "the message is not JSON"],
    ['\ufeff{"type":"ping"}', "the message is not JSON"],
    ["\\heartbeat\\final\\", "the message is not JSON"],
    [[{ type: "ping" }], `${object} a list of 1`],
    ["null", `${object} null`],
    ["17", `${object} 17`],
    ['"ping"', `${object} "ping"`],
    [{}, 'the message has no text "type"'],
    [{ type: 5 }, 'the message has no text "type"'],
    ['{"__proto__":{"type":"ping"}}', 'the message has no text "type"'],
  ];
  for (const [value, reason] of cases) {
    assert.equal(malformation(decodeRing1Request, value), reason);
  }
  const notUtf8 = Uint8Array.of(...bytes('{"type":"ping","x":"'), 0xff, ...bytes('"}'));
  assert.deepEqual(decodeRing1Request(notUtf8), {
    type: "malformed",
    reason: "the message is not UTF-8",
  });
});

Deno.test("decodeRing1Request: the longest message is read, a longer one is not", () => {
  const padded = (length: number) => bytes('{"type":"bye"}'.padEnd(length));
  assert.equal(decodeRing1Request(padded(MAX_CHANNEL_MESSAGE_BYTES)).type, "message");
  assert.deepEqual(decodeRing1Request(padded(MAX_CHANNEL_MESSAGE_BYTES + 1)), {
    type: "malformed",
    reason: "the message has 65520 bytes, more than 65519",
  });
});

Deno.test("decodeRing1Request: nesting as deep as fits in a message does not overflow", () => {
  const depth = 32_000;
  const deep = "[".repeat(depth) + "]".repeat(depth);
  assert.deepEqual(request(`{"type":"ping","x":${deep}}`), { type: "ping" });
  assert.match(refused(`{"type":"status","map":${deep}}`), /map must be .* not a list of 1$/);
  assert.equal(decodeJson(decodeRing1Request, "[".repeat(65_000)).type, "malformed");
});

Deno.test("decodeRing1Answer: the longest refusal of a request can be read by who gets it", () => {
  // Each of them is quoted as ten characters.
  const worst = "\u{10ffff}";
  const decoded = decodeJson(
    decodeRing1Request,
    register({ settings: { [worst.repeat(64)]: worst.repeat(300) } }),
  );
  assert.ok(decoded.type === "refused");
  assert.ok(decoded.error.message.length > 1200);
  assert.ok(decoded.error.message.length <= MAX_ANSWER_TEXT_CHARACTERS);
  assert.deepEqual(decodeRing1Answer(encodeMessage(decoded.error)), {
    type: "message",
    message: decoded.error,
  });
});

Deno.test("encodeMessage: makes the UTF-8 of JSON, in bytes of its own", () => {
  const first = encodeMessage({ type: "login", user: "木村" });
  const second = encodeMessage({ type: "login", user: "木村" });
  assert.equal(new TextDecoder().decode(first), '{"type":"login","user":"木村"}');
  assert.notEqual(first.buffer, second.buffer);
});

Deno.test("encodeMessage: throws a RangeError over the bytes of one message, not before", () => {
  const room = MAX_CHANNEL_MESSAGE_BYTES - encodeMessage({ type: "whois", user: "" }).length;
  const longest = encodeMessage({ type: "whois", user: "x".repeat(room) });
  assert.equal(longest.length, MAX_CHANNEL_MESSAGE_BYTES);
  assert.throws(() => encodeMessage({ type: "whois", user: "x".repeat(room + 1) }), {
    name: "RangeError",
    message: 'A "whois" message of 65520 bytes is too long to send, ' +
      "split it into messages of at most 65519 bytes",
  });
  // Bytes count, not characters.
  assert.throws(() => encodeMessage({ type: "whois", user: "木".repeat(22_000) }), RangeError);
});
