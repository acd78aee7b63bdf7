import assert from "node:assert/strict";
import fc from "fast-check";
import { equalsSecret } from "../../rings/_secret.ts";

Deno.test("equalsSecret: is true for the secret and for nothing else", () => {
  fc.assert(fc.property(fc.string({ minLength: 1 }), fc.string(), (secret, guess) => {
    assert.equal(equalsSecret(secret, secret), true);
    assert.equal(equalsSecret(guess, secret), guess === secret);
    assert.equal(equalsSecret(secret + guess, secret), guess === "");
    assert.equal(equalsSecret(secret.slice(0, -1), secret), false);
  }));
});

Deno.test("equalsSecret: a guess that repeats the secret is wrong", () => {
  assert.equal(equalsSecret("xyxy", "xy"), false);
  assert.equal(equalsSecret("aaaa", "a"), false);
});

Deno.test("equalsSecret: an empty secret equals nothing, an empty guess neither", () => {
  assert.equal(equalsSecret("", ""), false);
  assert.equal(equalsSecret("x", ""), false);
  assert.equal(equalsSecret("", "x"), false);
});

Deno.test("equalsSecret: looks at every byte of the guess, wherever the first difference is", () => {
  const secret = "0123456789abcdef";
  const encoder = TextEncoder.prototype;
  const encode = encoder.encode;
  let reads = 0;
  encoder.encode = function (input?: string): Uint8Array<ArrayBuffer> {
    const data = encode.call(this, input);
    if (input === secret) return data;
    return new Proxy(data, {
      get(target, key): unknown {
        if (typeof key === "string" && /^[0-9]+$/.test(key)) reads++;
        return Reflect.get(target, key, target);
      },
    });
  };
  try {
    const counts = ["x123456789abcdef", "0123456789abcdex", secret.replace("7", "x")].map(
      (guess) => {
        reads = 0;
        assert.equal(equalsSecret(guess, secret), false);
        return reads;
      },
    );
    assert.deepEqual(counts, [16, 16, 16]);
  } finally {
    encoder.encode = encode;
  }
});
