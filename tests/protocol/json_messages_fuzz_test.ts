import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type DecodedMessage,
  decodeRing0Message,
  decodeRing1Answer,
  decodeRing1Request,
  decodeRing2Answer,
  decodeRing2Request,
  encodeMessage,
  ERROR_CODES,
  type Ring0Message,
  type Ring1Answer,
  type Ring1Request,
  type Ring2Answer,
  type Ring2Request,
} from "../../protocol/mod.ts";
import { bytes, Random } from "../_helpers.ts";
import {
  RING_1_ANSWERS,
  RING_1_REQUESTS,
  RING_2_ANSWERS,
  RING_2_REQUESTS,
} from "./_json_samples.ts";
import { RING_0_MESSAGES } from "./_ring_0_samples.ts";

type AnyMessage = Ring0Message | Ring1Request | Ring1Answer | Ring2Request | Ring2Answer;

interface Side {
  readonly name: string;
  readonly decode: (bytes: Uint8Array) => DecodedMessage<AnyMessage>;
  readonly samples: readonly AnyMessage[];
}

const SIDES: readonly Side[] = [
  { name: "decodeRing1Request", decode: decodeRing1Request, samples: RING_1_REQUESTS },
  { name: "decodeRing1Answer", decode: decodeRing1Answer, samples: RING_1_ANSWERS },
  { name: "decodeRing2Request", decode: decodeRing2Request, samples: RING_2_REQUESTS },
  { name: "decodeRing2Answer", decode: decodeRing2Answer, samples: RING_2_ANSWERS },
  { name: "decodeRing0Message", decode: decodeRing0Message, samples: RING_0_MESSAGES },
];

/** Pieces of JSON that mean something to a decoder. */
const TELLING = [
  '"',
  "{}",
  "[]",
  "null",
  "true",
  "-1",
  "0.5",
  "1e999",
  '""',
  '"\\ud800"',
  '"\\u0000"',
  '"\\\\"',
  '"__proto__":1,',
  '"type":"ping",',
  '"password":"x",',
  "\u202e",
  "😀",
  "9".repeat(20),
].map(bytes);

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;

/** Changes, removes, doubles or puts in a few bytes. */
function mutate(data: Uint8Array, random: Random): Uint8Array {
  let mutated = [...data];
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    const at = random.below(mutated.length + 1);
    const change = random.below(6);
    if (change === 0) mutated[at] = random.below(256);
    else if (change === 1) mutated.splice(at, 1 + random.below(4));
    else if (change === 2) mutated.splice(at, 0, ...mutated.slice(at, at + random.below(12)));
    else if (change === 3) mutated.splice(at, random.below(3), ...random.pick(TELLING));
    else if (change === 4) mutated[at] = 0x30 + random.below(10);
    else mutated = replaceValue(mutated, random);
  }
  return Uint8Array.from(mutated);
}

/** Puts something else for a value, so that it stays JSON more often. */
function replaceValue(data: number[], random: Random): number[] {
  const text = new TextDecoder().decode(Uint8Array.from(data));
  const places = [...text.matchAll(/(?<=[:[,])("[^"]*"|[\d.]+|true|false|\{\}|\[\])/g)];
  if (places.length === 0) return data;
  const { index, 0: { length } } = random.pick(places);
  const piece = new TextDecoder().decode(random.pick(TELLING));
  return [...bytes(text.slice(0, index) + piece + text.slice(index + length))];
}

/** What must hold of whatever is decoded. */
function assertSane({ decode }: Side, decoded: DecodedMessage<AnyMessage>): void {
  if (decoded.type === "message") {
    const again = decode(encodeMessage(decoded.message));
    assert.deepEqual(JSON.stringify(again), JSON.stringify(decoded));
    return;
  }
  const said = decoded.type === "refused" ? decoded.error.message : decoded.reason;
  assert.ok(said.length > 0 && said.length < 2048, said);
  assert.doesNotMatch(said, UNPRINTABLE);
  assert.ok(said.isWellFormed());
  if (decoded.type === "refused") assert.ok(ERROR_CODES.includes(decoded.error.code));
}

for (const [index, side] of SIDES.entries()) {
  Deno.test(`${side.name}: 10,000 mutated messages never throw, and what is read reads back`, () => {
    const random = new Random(100 + index);
    const samples = side.samples.map(encodeMessage);
    const outcomes = new Map<string, number>();
    for (let i = 0; i < 10_000; i++) {
      const decoded = side.decode(mutate(random.pick(samples), random));
      assertSane(side, decoded);
      outcomes.set(decoded.type, (outcomes.get(decoded.type) ?? 0) + 1);
    }
    for (const type of ["message", "refused", "malformed"]) {
      assert.ok((outcomes.get(type) ?? 0) > 100, `${type} came ${outcomes.get(type)} times`);
    }
  });

  Deno.test(`${side.name}: whatever JSON a member holds, nothing throws`, () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...side.samples),
        fc.nat(),
        fc.jsonValue({ maxDepth: 3 }),
        (sample, at, value) => {
          const members = Object.keys(sample);
          const changed = { ...sample, [members[at % members.length] as string]: value };
          assertSane(side, side.decode(bytes(JSON.stringify(changed))));
        },
      ),
      { numRuns: 2000, seed: index },
    );
  });
}
