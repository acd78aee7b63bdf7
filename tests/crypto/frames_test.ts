import assert from "node:assert/strict";
import { FrameReader } from "../../crypto/_frames.ts";
import { Random } from "../_helpers.ts";
import { concat } from "./_helpers.ts";

const MAXIMUM = 65_535;

function framed(message: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(message.length >> 8, message.length & 0xff), message]);
}

/** All messages that a chunk completes, in memory of their own. */
function read(reader: FrameReader, chunk: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  reader.feed(chunk);
  for (;;) {
    const message = reader.next(0, MAXIMUM);
    if (message === undefined) return messages;
    messages.push(message.slice());
  }
}

function randomMessages(random: Random): Uint8Array[] {
  const lengths = [0, 1, 2, 255, 256, 257, 4095, 4096, 4097, MAXIMUM];
  return Array.from({ length: 20 }, () => {
    const length = random.below(3) === 0 ? random.pick(lengths) : random.below(300);
    return Uint8Array.from({ length }, () => random.below(256));
  });
}

Deno.test("FrameReader: finds the same messages however the stream is cut", () => {
  const random = new Random(4);
  for (let round = 0; round < 40; round++) {
    const messages = randomMessages(random);
    const stream = concat(messages.map(framed));
    const longest = random.pick([1, 2, 3, 100, 5000, stream.length]);
    const reader = new FrameReader();
    const found: Uint8Array[] = [];
    for (let offset = 0; offset < stream.length;) {
      const end = offset + 1 + random.below(longest);
      found.push(...read(reader, stream.subarray(offset, end)));
      offset = end;
    }
    assert.deepEqual(found, messages);
    assert.equal(reader.pending, 0);
  }
});

Deno.test("FrameReader: takes empty chunks at any time", () => {
  const reader = new FrameReader();
  const found: Uint8Array[] = [];
  for (const byte of framed(Uint8Array.of(1, 2, 3))) {
    found.push(...read(reader, new Uint8Array(0)), ...read(reader, Uint8Array.of(byte)));
  }
  assert.deepEqual(found, [Uint8Array.of(1, 2, 3)]);
});

Deno.test("FrameReader.pending: counts what is held of a frame", () => {
  const reader = new FrameReader();
  const frame = framed(new Uint8Array(MAXIMUM));
  assert.equal(reader.pending, 0);
  for (const end of [1, 2, 3, 5000, frame.length - 1]) {
    read(reader, frame.subarray(reader.pending, end));
    assert.equal(reader.pending, end);
  }
  assert.equal(read(reader, frame.subarray(-1)).length, 1);
  assert.equal(reader.pending, 0);
});

Deno.test("FrameReader: does not copy a message that stands whole in a chunk", () => {
  const reader = new FrameReader();
  const chunk = concat([framed(Uint8Array.of(1)), framed(Uint8Array.of(2, 3))]);
  reader.feed(chunk);
  assert.equal(reader.next(0, MAXIMUM)?.buffer, chunk.buffer);
  const second = reader.next(0, MAXIMUM);
  assert.equal(second?.buffer, chunk.buffer);
  assert.deepEqual(second, Uint8Array.of(2, 3));
  assert.equal(reader.next(0, MAXIMUM), undefined);
});

Deno.test("FrameReader: keeps nothing of a chunk but copies", () => {
  const reader = new FrameReader();
  const chunk = framed(Uint8Array.of(1, 2, 3)).slice(0, 4);
  assert.deepEqual(read(reader, chunk), []);
  chunk.fill(0xff);
  assert.deepEqual(read(reader, Uint8Array.of(3)), [Uint8Array.of(1, 2, 3)]);
});

Deno.test("FrameReader: refuses a length as soon as it is known, and keeps nothing", () => {
  for (const length of [0, 9, 21, MAXIMUM]) {
    for (const start of [1, 2]) {
      const reader = new FrameReader();
      const stream = concat([Uint8Array.of(length >> 8, length & 0xff), new Uint8Array(5)]);
      for (const part of [stream.subarray(0, start), stream.subarray(start)]) {
        reader.feed(part);
        assert.equal(reader.next(10, 20), undefined);
      }
      assert.equal(reader.refusedLength, length);
      assert.equal(reader.pending, 0);
    }
  }
});

Deno.test("FrameReader: takes the lengths at both bounds", () => {
  for (const length of [10, 20]) {
    const reader = new FrameReader();
    reader.feed(framed(new Uint8Array(length)));
    assert.equal(reader.next(10, 20)?.length, length);
    assert.equal(reader.refusedLength, undefined);
  }
});

Deno.test("FrameReader: a long message byte by byte takes time in proportion", () => {
  const frame = framed(new Uint8Array(MAXIMUM));
  const reader = new FrameReader();
  let messages = 0;
  const started = performance.now();
  for (let round = 0; round < 4; round++) {
    for (let offset = 0; offset < frame.length; offset++) {
      messages += read(reader, frame.subarray(offset, offset + 1)).length;
    }
  }
  assert.equal(messages, 4);
  // A quarter of a million steps; copying what is held at each would move 8 GB.
  assert.ok(performance.now() - started < 2000);
});
