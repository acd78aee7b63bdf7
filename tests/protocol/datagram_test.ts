import assert from "node:assert/strict";
import { decodeDatagram, MAX_MESSAGE_BYTES } from "../../protocol/mod.ts";
import { bytes } from "../_helpers.ts";

function command(text: string): string | undefined {
  return decodeDatagram(bytes(text))?.command;
}

Deno.test("decodeDatagram: a request is one with, without and with half an end", () => {
  for (const end of ["", "\\", "\\final", "\\final\\", "\\final\\\n", "\\final\n"]) {
    assert.equal(command(`\\status${end}`), "status", JSON.stringify(end));
  }
  const values = decodeDatagram(bytes("\\list\\gamename\\netpanzer"))?.values;
  assert.deepEqual([...values ?? []], [["gamename", "netpanzer"]]);
});

Deno.test("decodeDatagram: a run of backslashes is one separator", () => {
  assert.equal(command("\\\\\\status\\\\final\\\\"), "status");
});

Deno.test("decodeDatagram: only the first message of a datagram counts", () => {
  assert.equal(command("\\status\\final\\echo\\x\\final\\"), "status");
});

Deno.test("decodeDatagram: what does not begin with a backslash is no request", () => {
  for (const text of ["", "status\\final\\", " \\status\\final\\", "\n\\status\\", "\0"]) {
    assert.equal(decodeDatagram(bytes(text)), undefined, JSON.stringify(text));
  }
});

Deno.test("decodeDatagram: what is over a limit is no request", () => {
  assert.equal(command(`\\${"x".repeat(257)}\\final\\`), undefined);
  assert.equal(command(`\\list${"\\k\\v".repeat(65)}\\final\\`), undefined);
  assert.equal(command("\\status\\final\\".padEnd(MAX_MESSAGE_BYTES, "x")), "status");
  assert.equal(command("\\status\\final\\".padEnd(MAX_MESSAGE_BYTES + 1, "x")), undefined);
});
