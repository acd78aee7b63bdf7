import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeStatus,
  encodeEcho,
  encodeError,
  encodeMasterStatus,
  FINAL_ANSWER,
  gamespyListHead,
  listEntry,
  MAX_UDP_ANSWER_BYTES,
  STATUS_QUERY,
} from "../../protocol/mod.ts";
import { bytes, text } from "../_helpers.ts";
import { decodeWhole, message } from "./_helpers.ts";

Deno.test("FINAL_ANSWER, STATUS_QUERY, encodeEcho: are what real peers read", () => {
  assert.equal(text(FINAL_ANSWER), "\\final\\");
  assert.equal(text(STATUS_QUERY), "\\status\\final\\");
  assert.equal(text(encodeEcho("00ff")), "\\echo\\00ff");
});

Deno.test("encodeError: spells the answer to what is unknown as the protocol does", () => {
  assert.equal(text(encodeError("Unknown request")), "\\error\\Unknown request\\final\\");
});

Deno.test("encodeError: no text can end the message early or begin another", () => {
  const token = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60, size: "max" }),
    fc.constantFrom("final", "\\final\\", "a\\final\\list", "x\r\nfinal\n", "final\n", " final "),
  );
  fc.assert(
    fc.property(token, (reason) => {
      const decoded = decodeWhole(encodeError(reason));
      assert.equal(decoded.length, 1);
      const [item] = decoded;
      assert.ok(item && "command" in item && item.command === "error");
      assert.doesNotMatch(text(encodeError(reason)), /[\r\n]/);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("encodeError: a backslash and a line end are replaced, not dropped", () => {
  assert.equal(text(encodeError("C:\\x\r\n bad")), "\\error\\C:/x bad\\final\\");
});

Deno.test("listEntry: spells entries in both styles", () => {
  assert.equal(listEntry("192.0.2.1", 3030, "plain"), "\\ip\\192.0.2.1\\port\\3030");
  assert.equal(listEntry("192.0.2.1", 3030, "gamespy"), "\\ip\\192.0.2.1:3030");
  assert.equal(listEntry("2001:db8::1", 3030, "plain"), "\\ip\\2001:db8::1\\port\\3030");
  assert.equal(listEntry("2001:db8::1", 3030, "gamespy"), "\\ip\\[2001:db8::1]:3030");
});

Deno.test("gamespyListHead: a challenge of six capital letters, another one each time", () => {
  const heads = Array.from({ length: 20 }, () => text(gamespyListHead()));
  for (const head of heads) assert.match(head, /^\\basic\\\\secure\\[A-Z]{6}$/);
  assert.ok(new Set(heads).size > 15);
});

Deno.test("encodeMasterStatus: says what a game server would, readable as one", () => {
  const status = encodeMasterStatus({
    hostname: "master.example.org",
    servers: 17,
    players: 42,
    version: "0.1.0",
  });
  const [decoded] = decodeWhole(status);
  assert.deepEqual(
    decoded,
    message(
      "gamename",
      ["netpanzer-master", "hostname"],
      ["master.example.org", "numservers"],
      ["17", "numplayers"],
      ["42", "gameversion"],
    ),
  );
  assert.equal(decodeStatus(status)?.players, 42);
  assert.equal(decodeStatus(status)?.gameVersion, "0.1.0");
});

Deno.test("encodeMasterStatus: is whole and within 256 bytes whatever the host is called", () => {
  const hostname = fc.oneof(
    fc.string({ unit: "binary", maxLength: 400, size: "max" }),
    fc.constantFrom("", "final", "\\final\\", "x".repeat(253), "ü".repeat(300), "a\nb"),
  );
  const count = fc.integer({ min: 0, max: 999_999_999 });
  fc.assert(
    fc.property(hostname, count, count, (name, servers, players) => {
      const data = encodeMasterStatus({
        hostname: name,
        servers,
        players,
        version: "10.20.30-rc.4",
      });
      assert.ok(data.length <= MAX_UDP_ANSWER_BYTES, `${data.length} bytes`);
      assert.ok(text(data).endsWith("\\final\\"));
      assert.equal(decodeWhole(data).length, 1);
      const status = decodeStatus(data);
      assert.equal(status?.players, Math.min(players, 1_000_000));
      assert.notEqual(status?.hostname, "");
      assert.deepEqual(bytes(text(data)), data);
    }),
    { numRuns: 2000 },
  );
});
