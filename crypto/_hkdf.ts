import { KEY_BYTES } from "./_sizes.ts";
import type { NoisePrimitives } from "./primitives.ts";

type Hmac = Pick<NoisePrimitives, "hmacSha256">;

/** The HKDF of the Noise specification, section 4.3, with two outputs. */
export function hkdf2(
  primitives: Hmac,
  chainingKey: Uint8Array,
  material: Uint8Array,
): [Uint8Array, Uint8Array] {
  const key = primitives.hmacSha256(chainingKey, material);
  const first = primitives.hmacSha256(key, Uint8Array.of(1));
  const second = next(primitives, key, first, 2);
  key.fill(0);
  return [first, second];
}

/** The same with three outputs. */
export function hkdf3(
  primitives: Hmac,
  chainingKey: Uint8Array,
  material: Uint8Array,
): [Uint8Array, Uint8Array, Uint8Array] {
  const key = primitives.hmacSha256(chainingKey, material);
  const first = primitives.hmacSha256(key, Uint8Array.of(1));
  const second = next(primitives, key, first, 2);
  const third = next(primitives, key, second, 3);
  key.fill(0);
  return [first, second, third];
}

/** An output is the MAC of the one before it and of its own number. */
function next(
  primitives: Hmac,
  key: Uint8Array,
  before: Uint8Array,
  number: number,
): Uint8Array {
  const input = new Uint8Array(KEY_BYTES + 1);
  input.set(before);
  input[KEY_BYTES] = number;
  const output = primitives.hmacSha256(key, input);
  input.fill(0);
  return output;
}
