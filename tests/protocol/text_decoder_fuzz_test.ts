import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeDatagram,
  decodeStatus,
  MAX_MESSAGE_BYTES,
  MAX_PAIRS,
  TextDecoderStream,
} from "../../protocol/mod.ts";
import { bytes, Random } from "../_helpers.ts";
import { cut, decodeChunks, decodeWhole, type Plain, plain, SAMPLES } from "./_helpers.ts";
import { REAL_STATUS } from "./_status_samples.ts";

/** Bytes that mean something to the decoder come more often than others. */
const TELLING = bytes("\\\\\\\\\n\r \tfinal\\final\\");

function randomBytes(random: Random, length: number): Uint8Array<ArrayBuffer> {
  const telling = random.below(3) > 0;
  return Uint8Array.from({ length }, () => {
    return telling && random.below(4) > 0 ? random.pick([...TELLING]) : random.below(256);
  });
}

/** Changes, removes, doubles or puts in a few bytes. */
function mutate(data: Uint8Array, random: Random): Uint8Array {
  let mutated = [...data];
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const at = random.below(mutated.length + 1);
    const part = mutated.slice(at, at + random.below(12));
    const change = random.below(5);
    if (change === 0) mutated[at] = random.below(256);
    else if (change === 1) mutated.splice(at, 1 + random.below(4));
    else if (change === 2) mutated.splice(at, 0, ...part);
    else if (change === 3) mutated.splice(at, 0, random.pick([...TELLING]));
    else mutated = [...mutated.slice(at), ...mutated.slice(0, at)];
  }
  return Uint8Array.from(mutated);
}

/** What must hold of whatever is decoded. */
function assertSane(decoded: readonly Plain[], length: number): void {
  // The shortest message is `final` and its end.
  assert.ok(decoded.length <= length / 6 + 1);
  decoded.forEach((item, i) => {
    if ("refused" in item) assert.equal(i, decoded.length - 1);
    else assert.ok(item.values.length <= MAX_PAIRS);
  });
}

function assertSplitsAlike(data: Uint8Array, random: Random): void {
  const whole = decodeWhole(data);
  assertSane(whole, data.length);
  // Cheaper than comparing structures, which half of the time would go into.
  const split = decodeChunks(cut(data, random));
  if (JSON.stringify(split) !== JSON.stringify(whole)) assert.deepEqual(split, whole);
}

Deno.test("TextDecoderStream: 40,000 random inputs give the same whole and in pieces", () => {
  const random = new Random(1);
  for (let i = 0; i < 40_000; i++) {
    assertSplitsAlike(randomBytes(random, random.below(120)), random);
  }
});

Deno.test("TextDecoderStream: 50,000 mutated messages give the same whole and in pieces", () => {
  const random = new Random(2);
  const samples = SAMPLES.map(bytes);
  for (let i = 0; i < 50_000; i++) assertSplitsAlike(mutate(random.pick(samples), random), random);
});

Deno.test("TextDecoderStream: 200 inputs around the limits give the same whole and in pieces", () => {
  const random = new Random(3);
  for (let i = 0; i < 200; i++) {
    const unit = random.pick(["\\a\\b", "\\abc", "x".repeat(200) + "\\", "\\\\", "\\k\\value"]);
    const data = unit.repeat(Math.ceil((MAX_MESSAGE_BYTES - 4 + random.below(9)) / unit.length));
    assertSplitsAlike(mutate(bytes(`\\list\\${data}\\final\\`), random), random);
  }
});

Deno.test("TextDecoderStream: reads back whatever tokens fast-check puts into a message", () => {
  const token = fc.string({ unit: "binary", minLength: 1, maxLength: 40 })
    .map((text) => text.replaceAll(/[\\\r\n\t \ufeff]/g, "_"))
    .filter((text) => text !== "final");
  const sent = fc.record({
    command: token,
    values: fc.array(fc.tuple(token, token), { maxLength: MAX_PAIRS / 8, size: "max" }),
  });
  fc.assert(
    fc.property(fc.array(sent, { maxLength: 4 }), fc.integer(), (messages, seed) => {
      const data = bytes(
        messages.map(({ command, values }) => ["", command, ...values.flat(), "final\\"].join("\\"))
          .join("\r\n"),
      );
      const expected = messages.map(({ command, values }) => ({
        command,
        // The first of equal keys stays.
        values: values.filter(([key], i) => values.findIndex(([k]) => k === key) === i),
      }));
      assert.deepEqual(decodeWhole(data), expected);
      assert.deepEqual(decodeChunks(cut(data, new Random(seed))), expected);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("TextDecoderStream: one decoder fed garbage for long never throws", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300, size: "max" }), { maxLength: 40 }),
      (chunks) => {
        const decoder = new TextDecoderStream();
        for (const chunk of chunks) assertSane(plain(decoder.push(chunk)), chunk.length + 6);
        assertSane(plain(decoder.end()), 6);
      },
    ),
    { numRuns: 1000 },
  );
});

Deno.test("decodeDatagram: 30,000 random and mutated datagrams never throw", () => {
  const random = new Random(4);
  const samples = SAMPLES.map(bytes);
  let messages = 0;
  for (let i = 0; i < 30_000; i++) {
    const data = i % 2 === 0
      ? randomBytes(random, random.below(200))
      : mutate(random.pick(samples), random);
    const message = decodeDatagram(data);
    if (!message) continue;
    messages++;
    assert.equal(data[0], 0x5c);
    assert.ok(message.values.size <= MAX_PAIRS);
  }
  assert.ok(messages > 5000, `only ${messages} were messages, the inputs are too wild`);
});

Deno.test("decodeStatus: 30,000 random and mutated answers never throw", () => {
  const random = new Random(5);
  const real = bytes(REAL_STATUS);
  let statuses = 0;
  for (let i = 0; i < 30_000; i++) {
    const data = i % 3 === 0 ? randomBytes(random, random.below(200)) : mutate(real, random);
    const status = decodeStatus(data);
    if (!status) continue;
    statuses++;
    assert.ok(status.players >= 0 && status.maxPlayers >= 0);
    assert.ok(Number.isInteger(status.players) && Number.isInteger(status.maxPlayers));
  }
  assert.ok(statuses > 5000, `only ${statuses} were answers, the inputs are too wild`);
});
