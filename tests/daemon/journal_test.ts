import assert from "node:assert/strict";
import { ServerJournal } from "../../daemon/_journal.ts";
import { closeLog, openLog } from "../../daemon/_log.ts";
import { withTempDir } from "../_helpers.ts";

const ID = "192.0.2.1:3030";

/** The messages, servers and details that a journal writes to a log of this level. */
async function written(
  level: "debug" | "info",
  use: (journal: ServerJournal) => void,
): Promise<unknown[][]> {
  let lines: unknown[][] = [];
  await withTempDir((directory) => {
    const file = `${directory}/masterserver.log`;
    openLog({ file, level });
    try {
      use(new ServerJournal());
    } finally {
      closeLog();
    }
    lines = Deno.readTextFileSync(file).split("\n").slice(0, -1).map((line) => {
      const { level, message, server, detail } = JSON.parse(line);
      return [level, message, server, detail];
    });
  });
  return lines;
}

Deno.test("ServerJournal: writes each step with its server and detail", async () => {
  const lines = await written("debug", (journal) => {
    journal.write(ID, { at: 0, step: "registered", detail: "netpanzer" });
    journal.write(ID, { at: 0, step: "unverified", detail: "no answer\nto anything" });
    journal.write(ID, { at: 0, step: "listed", detail: "" });
  });
  assert.deepEqual(lines, [
    ["INFO", "server registered", ID, "netpanzer"],
    ["WARN", "server unverified", ID, "no answer\nto anything"],
    ["INFO", "server listed", ID, undefined],
  ]);
});

Deno.test("ServerJournal: what happens all the time is for debugging only", async () => {
  const lines = await written("info", (journal) => {
    for (const step of ["status", "challenged", "answered", "quit"] as const) {
      journal.write(ID, { at: 0, step, detail: "" });
    }
  });
  assert.deepEqual(lines.map(([, message]) => message), ["server quit"]);
});

Deno.test("ServerJournal: is silent while servers come from the database", async () => {
  const lines = await written("debug", (journal) => {
    journal.quiet = true;
    journal.write(ID, { at: 0, step: "registered", detail: "" });
    journal.quiet = false;
    journal.write(ID, { at: 0, step: "quit", detail: "" });
  });
  assert.deepEqual(lines.map(([, message]) => message), ["server quit"]);
});

Deno.test("ServerJournal: a flood of refusals is not written, other steps always are", async () => {
  const lines = await written("debug", (journal) => {
    for (let i = 0; i < 1000; i++) {
      journal.write(ID, { at: 0, step: "refused", detail: `${i}` });
      if (i % 10 === 0) journal.write(ID, { at: 0, step: "quit", detail: "" });
    }
  });
  const count = (message: string): number => lines.filter(([, said]) => said === message).length;
  assert.equal(count("server quit"), 100);
  assert.ok(count("server refused") >= 50 && count("server refused") <= 100);
});
