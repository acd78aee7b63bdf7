import assert from "node:assert/strict";
import fc from "fast-check";
import { TextDecoderStream } from "../../protocol/mod.ts";
import { bytes } from "../_helpers.ts";
import {
  decodeByteByByte,
  decodeChunks,
  decodeWhole,
  message,
  plain,
  SAMPLES,
} from "./_helpers.ts";

const LIST = "\\list\\gamename\\netpanzer\\final\\";
const LISTED = message("list", ["gamename", "netpanzer"]);

Deno.test("TextDecoderStream: reads a real heartbeat", () => {
  assert.deepEqual(decodeWhole(SAMPLES[0] ?? ""), [
    message("heartbeat", ["gamename", "netpanzer"], ["port", "3030"], ["protocol", "1122"]),
  ]);
});

Deno.test("TextDecoderStream: one byte at a time gives what the whole gives", () => {
  for (const sample of SAMPLES) {
    assert.deepEqual(decodeByteByByte(sample), decodeWhole(sample), sample);
  }
});

Deno.test("TextDecoderStream: a split at any two places changes nothing", () => {
  const data = bytes(`${SAMPLES[3]}\r\n ${SAMPLES[5]}`);
  const whole = decodeWhole(data);
  assert.equal(whole.length, 4);
  for (let i = 0; i <= data.length; i++) {
    for (let j = i; j <= data.length; j += 7) {
      const chunks = [data.subarray(0, i), data.subarray(i, j), data.subarray(j)];
      assert.deepEqual(decodeChunks(chunks), whole, `split at ${i} and ${j}`);
    }
  }
});

Deno.test("TextDecoderStream: several messages of one push come in order", () => {
  const decoder = new TextDecoderStream();
  const numbers = Array.from({ length: 50 }, (_, i) => String(i));
  const decoded = decoder.push(bytes(numbers.map((n) => `\\list\\n\\${n}\\final`).join("") + "\\"));
  assert.deepEqual(plain(decoded), numbers.map((n) => message("list", ["n", n])));
  assert.equal(decoder.inMessage, false);
});

Deno.test("TextDecoderStream: a run of backslashes is one separator, wherever it stands", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 9, maxLength: 9 }),
      (runs) => {
        const tokens = ["list", "a", "b", "final", "quit", "port", "1", "final"];
        const data = tokens.map((token, i) => "\\".repeat(runs[i] ?? 1) + token).join("") +
          "\\".repeat(runs[8] ?? 1);
        const expected = [message("list", ["a", "b"]), message("quit", ["port", "1"])];
        assert.deepEqual(decodeWhole(data), expected);
        assert.deepEqual(decodeByteByByte(data), expected);
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("TextDecoderStream: line ends after a run of backslashes belong to no message", () => {
  // As typed into a terminal by someone who doubles every backslash.
  const line = "\\\\list\\\\gamename\\\\netpanzer\\\\final\\\\\r\n";
  assert.deepEqual(decodeWhole(line.repeat(3)), [LISTED, LISTED, LISTED]);
  const decoder = new TextDecoderStream();
  decoder.push(bytes(line));
  assert.equal(decoder.inMessage, false);
});

Deno.test("TextDecoderStream: a token that merely begins or ends with final ends nothing", () => {
  for (const value of ["finale", "final frontier", "finalfinal", "semifinal", "Final", "fina"]) {
    for (const decode of [decodeWhole, decodeByteByByte]) {
      assert.deepEqual(decode(`\\list\\map\\${value}\\final\\`), [message("list", ["map", value])]);
    }
  }
});

Deno.test("TextDecoderStream: a key or value that is final ends the message", () => {
  assert.deepEqual(decodeWhole("\\list\\map\\final\\quit\\port\\1\\final\\"), [
    message("list"),
    message("quit", ["port", "1"]),
  ]);
});

Deno.test("TextDecoderStream: line ends and spaces around a message are ignored", () => {
  for (const [before, after] of [["\n", "\n"], [" ", " "], ["\r\n\t ", " \t\r\n"]] as const) {
    const data = (before + LIST + after).repeat(2);
    for (const decode of [decodeWhole, decodeByteByByte]) {
      assert.deepEqual(decode(data), [LISTED, LISTED], JSON.stringify(data));
    }
  }
});

Deno.test("TextDecoderStream: a line end after final ends the message like a backslash", () => {
  for (const end of ["\n", "\r", "\r\n", " \n", " \t \r\n"]) {
    const data = (LIST.slice(0, -1) + end).repeat(2);
    for (const decode of [decodeWhole, decodeByteByByte]) {
      assert.deepEqual(decode(data), [LISTED, LISTED], JSON.stringify(data));
    }
  }
});

Deno.test("TextDecoderStream: a line end within a message is part of its token", () => {
  assert.deepEqual(decodeWhole("\\list\\motd\\two\nlines\\final\\"), [
    message("list", ["motd", "two\nlines"]),
  ]);
});

Deno.test("TextDecoderStream: messages without a leading backslash are messages", () => {
  assert.deepEqual(decodeWhole("list\\gamename\\netpanzer\\final\\"), [LISTED]);
});

Deno.test("TextDecoderStream: a message of nothing has an empty command", () => {
  assert.deepEqual(decodeWhole("\\final\\final\\"), [message(""), message("")]);
});

Deno.test("TextDecoderStream: a last key without a value is no pair", () => {
  assert.deepEqual(decodeWhole("\\list\\a\\1\\b\\final\\"), [message("list", ["a", "1"])]);
});

Deno.test("TextDecoderStream: a repeated key keeps its first value and its place", () => {
  assert.deepEqual(decodeWhole("\\list\\a\\1\\b\\2\\a\\3\\A\\4\\final\\"), [
    message("list", ["a", "1"], ["b", "2"], ["A", "4"]),
  ]);
});

Deno.test("TextDecoderStream: keys that objects are born with are keys like others", () => {
  const keys = ["__proto__", "constructor", "toString", "hasOwnProperty", "prototype"];
  const data = `\\list${keys.map((key) => `\\${key}\\x`).join("")}\\final\\`;
  assert.deepEqual(decodeWhole(data), [message("list", ...keys.map((key) => [key, "x"] as const))]);
  assert.equal(({} as Record<string, unknown>)["x"], undefined);
});

Deno.test("TextDecoderStream: bytes that are no UTF-8 become replacement characters", () => {
  const data = Uint8Array.of(...bytes("\\list\\a\\"), 0xff, 0xc0, 0x80, ...bytes("\\final\\"));
  assert.deepEqual(decodeWhole(data), [message("list", ["a", "\ufffd\ufffd\ufffd"])]);
  assert.deepEqual(decodeByteByByte(data), decodeWhole(data));
});

Deno.test("TextDecoderStream: a character of several bytes may be split", () => {
  const data = "\\list\\name\\Żółw 🐢\\final\\";
  assert.deepEqual(decodeByteByByte(data), [message("list", ["name", "Żółw 🐢"])]);
});

Deno.test("TextDecoderStream: NUL is a character like others", () => {
  assert.deepEqual(decodeByteByByte("\\list\\a\0\\\0b\\final\\"), [
    message("list", ["a\0", "\0b"]),
  ]);
});

Deno.test("TextDecoderStream: end() completes a bare final once, and nothing else", () => {
  const decoder = new TextDecoderStream();
  assert.deepEqual(decoder.push(bytes("\\list\\gamename\\netpanzer\\final")), []);
  assert.equal(decoder.inMessage, true);
  assert.deepEqual(plain(decoder.end()), [LISTED]);
  assert.equal(decoder.inMessage, false);
  assert.deepEqual(decoder.end(), []);
  for (const unfinished of ["", "\\", "\\list\\gamename\\x", "\\list\\fina", "\\list\\finals"]) {
    assert.deepEqual(decodeWhole(unfinished), [], unfinished);
  }
});

Deno.test("TextDecoderStream: inMessage tells when part of a message has come", () => {
  const decoder = new TextDecoderStream();
  assert.equal(decoder.inMessage, false);
  decoder.push(bytes(" \r\n"));
  assert.equal(decoder.inMessage, false);
  decoder.push(bytes("\\l"));
  assert.equal(decoder.inMessage, true);
  decoder.push(bytes("ist\\gamename\\netpanzer\\final\\"));
  assert.equal(decoder.inMessage, false);
});

Deno.test("TextDecoderStream: keeps nothing of the chunk it was given", () => {
  const decoder = new TextDecoderStream();
  const chunk = bytes("\\list\\gamename\\netpan");
  decoder.push(chunk);
  chunk.fill(0x21);
  assert.deepEqual(plain(decoder.push(bytes("zer\\final\\"))), [LISTED]);
});
