import assert from "node:assert/strict";
import { decodeRing1Answer, encodeMessage } from "../../protocol/mod.ts";
import { accepted, KEY, malformation, MASTER, refusal, RING_1_ANSWERS } from "./_json_samples.ts";

Deno.test("decodeRing1Answer: what encodeMessage makes of answers reads back", () => {
  for (const message of RING_1_ANSWERS) {
    assert.deepEqual(decodeRing1Answer(encodeMessage(message)), { type: "message", message });
  }
});

Deno.test("decodeRing1Answer: unknown members are ignored, an unknown type is refused", () => {
  assert.deepEqual(accepted(decodeRing1Answer, { type: "listed", listed: true, x: 1 }), {
    type: "listed",
    listed: true,
  });
  assert.match(refusal(decodeRing1Answer, { type: "news" }), /^unknown_type: .* not "news"$/);
});

Deno.test("decodeRing1Answer: what a master should not send is malformed", () => {
  const registered = { type: "registered", number: 1, interval: 60, listed: true, masters: [] };
  assert.equal(accepted(decodeRing1Answer, registered).type, "registered");
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ number: -1 }, /^registered: number must be a whole number/],
    [{ number: "1" }, /^registered: number must be/],
    [{ interval: 0 }, /^registered: interval must be a whole number from 1 to 86400, not 0$/],
    [{ interval: 86_401 }, /^registered: interval must be/],
    [{ listed: 1 }, /^registered: listed must be true or false, not 1$/],
    [{ reason: "x".repeat(2049) }, /^registered: reason must be a text of at most 2048/],
    [{ masters: undefined }, /^registered: masters is missing/],
    [{ masters: Array(1001).fill(0) }, /^registered: masters must be a list of at most 1000/],
    [{ masters: [MASTER, 3] }, /^registered: masters\[1\] must be an object, not 3$/],
    [{ masters: [{ ...MASTER, name: "x".repeat(257) }] }, /masters\[0\]\.name must be a text/],
    [{ masters: [{ ...MASTER, host: 4 }] }, /masters\[0\]\.host must be a text/],
    [
      { masters: [{ ...MASTER, ports: [] }] },
      /masters\[0\]\.ports must be an object of at most 32/,
    ],
    [
      { masters: [{ ...MASTER, ports: { ring1: 0 } }] },
      /masters\[0\]\.ports\.ring1 must be a whole/,
    ],
    [{ masters: [{ ...MASTER, key: `${KEY}=` }] }, /masters\[0\]\.key must be a key, 32 bytes/],
    [{ masters: [{ ...MASTER, key: KEY.replace("Y=", "Z=") }] }, /masters\[0\]\.key must be a key/],
  ];
  for (const [members, reason] of cases) {
    assert.match(malformation(decodeRing1Answer, { ...registered, ...members }), reason);
  }
  assert.match(malformation(decodeRing1Answer, { type: "listed" }), /listed is missing/);
  assert.match(malformation(decodeRing1Answer, "x"), /not JSON/);
});

Deno.test("decodeRing1Answer: an error's retry_after is a bounded number of seconds", () => {
  const error = { type: "error", code: "busy", message: "later" };
  for (const retry_after of [0, 0.5, 86_400]) {
    assert.deepEqual(accepted(decodeRing1Answer, { ...error, retry_after }), {
      ...error,
      retry_after,
    });
  }
  for (const retry_after of [-1, 86_401, "5", null]) {
    assert.match(malformation(decodeRing1Answer, { ...error, retry_after }), /retry_after must be/);
  }
});

Deno.test("decodeRing1Answer: an error of a code that is not known is a bad request", () => {
  const error = { type: "error", code: "out_of_tanks", message: "no tanks left" };
  assert.deepEqual(accepted(decodeRing1Answer, error), { ...error, code: "bad_request" });
  assert.match(
    malformation(decodeRing1Answer, { ...error, code: 5 }),
    /code must be an error's code/,
  );
});
