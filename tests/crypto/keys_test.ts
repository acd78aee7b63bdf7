import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { decodeKey, encodeKey } from "../../crypto/mod.ts";
import { Random } from "../_helpers.ts";

Deno.test("encodeKey: is standard base64 with padding, and decodeKey undoes it", () => {
  const random = new Random(1);
  for (let round = 0; round < 200; round++) {
    const key = Uint8Array.from({ length: 32 }, () => random.below(256));
    const text = encodeKey(key);
    assert.equal(text, Buffer.from(key).toString("base64"));
    assert.equal(text.length, 44);
    assert.deepEqual(decodeKey(text), key);
  }
});

Deno.test("encodeKey: refuses another length than 32 bytes", () => {
  for (const length of [0, 31, 33, 64]) {
    assert.throws(() => encodeKey(new Uint8Array(length)), RangeError);
  }
});

Deno.test("decodeKey: takes one text only for each key", () => {
  const text = encodeKey(new Uint8Array(32).fill(0xff));
  assert.equal(text, `${"/".repeat(42)}8=`);
  for (
    const wrong of [
      "",
      "=",
      text.slice(0, 43),
      text.slice(0, 40),
      `${text}=`,
      `${text}\n`,
      ` ${text}`,
      text.replaceAll("/", "_"),
      `${"/".repeat(42)}9=`,
      `${"/".repeat(42)}/=`,
      `${"/".repeat(43)}/`,
      `${"/".repeat(42)}==`,
      "A".repeat(88),
      `${"é".repeat(43)}=`,
    ]
  ) {
    assert.equal(decodeKey(wrong), undefined, wrong);
  }
});
