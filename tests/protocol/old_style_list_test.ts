import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeListRequest, OldStyleListDecoder } from "../../protocol/mod.ts";
import { bytes, text } from "../_helpers.ts";

interface Decoded {
  readonly servers: readonly string[];
  readonly isComplete: boolean;
  readonly refusal: string | undefined;
  readonly nonsense: string | undefined;
}

function decode(chunks: readonly Uint8Array[], ends = false): Decoded {
  const decoder = new OldStyleListDecoder();
  for (const chunk of chunks) assert.equal(decoder.push(chunk), decoder.isComplete);
  if (ends) decoder.end();
  return {
    servers: decoder.servers.map(({ ip, port }) => `${ip} ${port}`),
    isComplete: decoder.isComplete,
    refusal: decoder.refusal,
    nonsense: decoder.nonsense,
  };
}

function decodeText(answer: string, ends = false): Decoded {
  return decode([bytes(answer)], ends);
}

function singleBytes(data: Uint8Array): Uint8Array[] {
  return [...data].map((byte) => Uint8Array.of(byte));
}

const NOTHING = { servers: [], isComplete: false, refusal: undefined, nonsense: undefined };

Deno.test("encodeListRequest: asks for one game's servers", () => {
  assert.equal(text(encodeListRequest("master")), "\\list\\gamename\\master\\final\\");
});

Deno.test("OldStyleListDecoder: reads servers in order, however the bytes are cut", () => {
  const answer = "\\ip\\192.0.2.2\\port\\3030\\ip\\2001:DB8::1\\port\\1\\final\\";
  const expected = {
    ...NOTHING,
    servers: ["192.0.2.2 3030", "2001:db8::1 1"],
    isComplete: true,
  };
  assert.deepEqual(decodeText(answer), expected);
  assert.deepEqual(decode(singleBytes(bytes(answer))), expected);
  assert.deepEqual(decodeText(`\r\n ${answer}\n`), expected);
  assert.deepEqual(decodeText(answer.replaceAll("\\", "\\\\")), expected);
});

Deno.test("OldStyleListDecoder: an empty list and an accepted heartbeat are the end alone", () => {
  assert.deepEqual(decodeText("\\final\\"), { ...NOTHING, isComplete: true });
});

Deno.test("OldStyleListDecoder: the end needs its separator, or the end of the connection", () => {
  const answer = "\\ip\\192.0.2.2\\port\\3030\\final";
  assert.equal(decodeText(answer).isComplete, false);
  const ended = decodeText(answer, true);
  assert.deepEqual(ended, { ...NOTHING, servers: ["192.0.2.2 3030"], isComplete: true });
  assert.equal(decodeText("\\ip\\192.0.2.2\\port\\3030", true).isComplete, false);
  assert.equal(decodeText("", true).isComplete, false);
  assert.equal(decodeText("HTTP/1.0 400 Bad Request\r\n\r\n", true).isComplete, false);
});

Deno.test("OldStyleListDecoder: nothing after the end counts", () => {
  const decoder = new OldStyleListDecoder();
  assert.equal(decoder.push(bytes("\\final\\ip\\192.0.2.2\\port\\3030\\final\\")), true);
  assert.equal(decoder.push(bytes("\\ip\\192.0.2.2\\port\\3030\\final\\")), true);
  assert.deepEqual(decoder.servers, []);
});

Deno.test("OldStyleListDecoder: an error is told in the master's own words", () => {
  const answer = "\\error\\It is finally over\\final\\";
  const expected = { ...NOTHING, isComplete: true, refusal: "It is finally over" };
  assert.deepEqual(decodeText(answer), expected);
  assert.deepEqual(decode(singleBytes(bytes(answer))), expected);
  assert.equal(decodeText("\\error\\final\\").refusal, "");
  assert.equal(decodeText("\\error\\ä\\final\\").refusal, "ä");
  assert.equal(decodeText("\\ip\\192.0.2.2\\port\\1\\error\\x\\final\\").refusal, undefined);
  const long = decodeText(`\\error\\${"x".repeat(100_000)}\\final\\`);
  assert.ok((long.refusal as string).length <= 257);
});

Deno.test("OldStyleListDecoder: what makes no sense is left out, and the first of it kept", () => {
  const cases: [string, readonly string[], string][] = [
    ["\\ip\\nowhere\\port\\1\\ip\\192.0.2.1\\port\\2", ["192.0.2.1 2"], "ip\\nowhere\\port\\1"],
    ["\\ip\\192.0.2.1\\port\\0", [], "ip\\192.0.2.1\\port\\0"],
    ["\\ip\\192.0.2.1\\port\\65536", [], "ip\\192.0.2.1\\port\\65536"],
    ["\\ip\\192.0.2.1", [], "ip\\192.0.2.1"],
    ["\\ip\\192.0.2.1:3030", [], "ip\\192.0.2.1:3030"],
    ["\\hello\\world", [], "hello\\world"],
    ["\\a\\ip\\192.0.2.1\\port\\2", ["192.0.2.1 2"], "a\\ip\\192.0.2.1\\port"],
    ["\\ip\\ip\\192.0.2.1\\port\\2", ["192.0.2.1 2"], "ip\\ip\\192.0.2.1\\port"],
    ["\\port\\2\\ip\\192.0.2.1", [], "port\\2\\ip\\192.0.2.1"],
  ];
  for (const [answer, servers, nonsense] of cases) {
    const expected = { servers, isComplete: true, refusal: undefined, nonsense };
    assert.deepEqual(decodeText(`${answer}\\final\\`), expected, answer);
    assert.deepEqual(decode(singleBytes(bytes(`${answer}\\final\\`))), expected, answer);
  }
});

Deno.test("OldStyleListDecoder: has enough when there is one more than was wanted", () => {
  const answer = (count: number): Uint8Array =>
    bytes("\\ip\\192.0.2.1\\port\\1".repeat(count) + "\\final\\");
  const just = new OldStyleListDecoder(2);
  assert.equal(just.push(answer(2)), true);
  assert.deepEqual([just.servers.length, just.isTruncated], [2, false]);
  const over = new OldStyleListDecoder(2);
  assert.equal(over.push(answer(3).subarray(0, -7)), false);
  assert.equal(over.push(bytes("\\ip\\")), true, "without waiting for the end");
  assert.deepEqual([over.servers.length, over.isTruncated], [2, true]);
});

Deno.test("OldStyleListDecoder: any bytes in any pieces give the same and never throw", () => {
  const token = fc.constantFrom("ip", "port", "final", "error", "192.0.2.1", "3030", "", "x", "\n");
  const answers = fc.oneof(
    fc.array(token).map((tokens) => bytes(tokens.join("\\"))),
    fc.uint8Array({ maxLength: 200 }),
  );
  fc.assert(fc.property(answers, fc.array(fc.nat(200)), (data, cuts) => {
    const places = [0, ...cuts.map((cut) => Math.min(cut, data.length)), data.length]
      .sort((a, b) => a - b);
    const chunks = places.slice(1).map((end, i) => data.slice(places[i], end));
    assert.deepEqual(decode(chunks, true), decode([data], true));
  }));
});
