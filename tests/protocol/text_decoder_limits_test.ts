import assert from "node:assert/strict";
import {
  MAX_MESSAGE_BYTES,
  MAX_PAIRS,
  MAX_TOKEN_BYTES,
  TextDecoderStream,
} from "../../protocol/mod.ts";
import { bytes } from "../_helpers.ts";
import { decodeByteByByte, decodeWhole, type Plain } from "./_helpers.ts";

/** A message whose bytes, up to and with its end token, are exactly so many. */
function messageOfLength(length: number): string {
  const end = "\\final";
  let data = "\\list";
  for (let i = 10; length - end.length - data.length > 0; i++) {
    const left = length - end.length - data.length;
    // Pairs of some 200 bytes, the last one as long as it must be.
    const size = left > 400 ? 200 : left > MAX_TOKEN_BYTES ? left - 100 : left;
    data += `\\k${i}\\`.padEnd(size, "v");
  }
  return data + end;
}

function assertRefused(decoded: readonly Plain[], reason: RegExp): void {
  assert.equal(decoded.length, 1);
  const [item] = decoded;
  assert.ok(item && "refused" in item, JSON.stringify(decoded).slice(0, 200));
  assert.match(item.refused, reason);
}

function assertAccepted(decoded: readonly Plain[], pairs: number): void {
  assert.equal(decoded.length, 1);
  const [item] = decoded;
  assert.ok(item && "command" in item, JSON.stringify(decoded).slice(0, 200));
  assert.equal(item.values.length, pairs);
}

Deno.test("TextDecoderStream: a message of 4096 bytes is read, one more byte is refused", () => {
  assert.equal(MAX_MESSAGE_BYTES, 4096);
  const most = messageOfLength(MAX_MESSAGE_BYTES);
  assert.equal(bytes(most).length, MAX_MESSAGE_BYTES);
  for (const decode of [decodeWhole, decodeByteByByte]) {
    for (const end of ["\\", "\n", ""]) assertAccepted(decode(most + end), 21);
    assertRefused(decode(messageOfLength(MAX_MESSAGE_BYTES + 1) + "\\"), /4096 bytes/);
  }
});

Deno.test("TextDecoderStream: 64 pairs are read, 65 are refused", () => {
  assert.equal(MAX_PAIRS, 64);
  const pairs = (count: number): string =>
    `\\list${Array.from({ length: count }, (_, i) => `\\k${i}\\v`).join("")}\\final\\`;
  for (const decode of [decodeWhole, decodeByteByByte]) {
    assertAccepted(decode(pairs(MAX_PAIRS)), MAX_PAIRS);
    assertRefused(decode(pairs(MAX_PAIRS + 1)), /64 pairs/);
  }
});

Deno.test("TextDecoderStream: repeating one key is no way around the limit on pairs", () => {
  assertRefused(decodeWhole("\\list" + "\\k\\v".repeat(MAX_PAIRS + 1) + "\\final\\"), /64 pairs/);
});

Deno.test("TextDecoderStream: a token of 256 bytes is read, one of 257 is refused", () => {
  assert.equal(MAX_TOKEN_BYTES, 256);
  const place: ((token: string) => string)[] = [
    (token) => `\\${token}\\a\\b\\final\\`,
    (token) => `\\list\\${token}\\b\\final\\`,
    (token) => `\\list\\a\\${token}\\final\\`,
  ];
  for (const decode of [decodeWhole, decodeByteByByte]) {
    for (const put of place) {
      assertAccepted(decode(put("x".repeat(MAX_TOKEN_BYTES))), 1);
      assertRefused(decode(put("x".repeat(MAX_TOKEN_BYTES + 1))), /256 bytes/);
    }
    // Bytes count, not characters.
    assertAccepted(decode(`\\list\\a\\${"é".repeat(MAX_TOKEN_BYTES / 2)}\\final\\`), 1);
    assertRefused(decode(`\\list\\a\\${"é".repeat(MAX_TOKEN_BYTES / 2)}x\\final\\`), /256 bytes/);
  }
});

Deno.test("TextDecoderStream: what came before a refusal is still answered", () => {
  const decoded = decodeWhole("\\quit\\port\\1\\final\\" + "x".repeat(MAX_TOKEN_BYTES + 1));
  assert.equal(decoded.length, 2);
  assert.deepEqual(decoded[0], { command: "quit", values: [["port", "1"]] });
  assert.ok(decoded[1] && "refused" in decoded[1]);
});

Deno.test("TextDecoderStream: after a refusal there is nothing more", () => {
  const decoder = new TextDecoderStream();
  const refused = decoder.push(bytes("x".repeat(300) + "\\list\\gamename\\a\\final\\"));
  assert.deepEqual(refused.map(({ type }) => type), ["refused"]);
  assert.deepEqual(decoder.push(bytes("\\list\\gamename\\a\\final\\")), []);
  assert.deepEqual(decoder.end(), []);
  assert.equal(decoder.inMessage, false);
});

Deno.test("TextDecoderStream: endless input of any one byte ends or goes nowhere", () => {
  const chunk = new Uint8Array(64 * 1024);
  for (const byte of [0x5c, 0x20, 0x0a, 0x00, 0x66, 0xff]) {
    const decoder = new TextDecoderStream();
    chunk.fill(byte);
    const decoded = Array.from({ length: 32 }, () => decoder.push(chunk)).flat();
    assert.ok(decoded.length <= 1, `byte ${byte}`);
    assert.equal(decoder.inMessage, false, `byte ${byte}`);
  }
});

Deno.test("TextDecoderStream: idle decoders hold no buffer", () => {
  const before = Deno.memoryUsage().external;
  const count = 100_000;
  const decoders = Array.from({ length: count }, () => {
    const decoder = new TextDecoderStream();
    decoder.push(bytes("\\list\\gamename\\net"));
    assert.equal(decoder.push(bytes("panzer\\final\\")).length, 1);
    return decoder;
  });
  const grown = Deno.memoryUsage().external - before;
  // Each would hold 4 KiB; garbage that is not collected yet is allowed for.
  assert.ok(grown < count * MAX_MESSAGE_BYTES / 2, `${grown} bytes`);
  assert.ok(decoders.every((decoder) => !decoder.inMessage));
});
