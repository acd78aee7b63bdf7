import assert from "node:assert/strict";
import fc from "fast-check";
import {
  closeLog,
  escapeControls,
  formatText,
  log,
  LogFileError,
  openLog,
} from "../../daemon/_log.ts";
import { withTempDir } from "../_helpers.ts";

/** Whatever could end a line, move a cursor, or turn the direction of writing. */
// deno-lint-ignore no-control-regex
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

const nasty = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60, size: "max" }),
  fc.array(
    fc.constantFrom(
      "\n",
      "\r",
      "\0",
      "\x1b[2J",
      "\u2028",
      "\u202e",
      "\u2066",
      "\x85",
      '"',
      "\\",
      " level=INFO",
      "=",
      "{server}",
      "{",
      "}",
      "{{",
      "2026-01-01T00:00:00.000Z ERROR",
      "a",
      "\ud800",
    ),
    { maxLength: 12, size: "max" },
  ).map((parts) => parts.join("")),
);

function format(message: string, properties: Record<string, string | number | boolean>): string {
  return formatText({
    category: ["masterserver"],
    level: "warning",
    message: [message],
    rawMessage: message,
    timestamp: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
    properties,
  });
}

/** The log's lines as parsed JSON, every one of which must be an object. */
function jsonLines(path: string): Record<string, unknown>[] {
  const text = Deno.readTextFileSync(path);
  assert.ok(text === "" || text.endsWith("\n"));
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

/** Runs with a directory, the log closed afterwards. */
function withLog(use: (directory: string) => void): Promise<void> {
  return withTempDir((directory) => {
    try {
      use(directory);
    } finally {
      closeLog();
    }
  });
}

Deno.test("escapeControls: leaves nothing that could harm a terminal, and all else alone", () => {
  fc.assert(fc.property(nasty, (text) => {
    const escaped = escapeControls(text);
    assert.doesNotMatch(escaped, UNSAFE);
    if (!UNSAFE.test(text)) assert.equal(escaped, text);
  }));
  assert.equal(escapeControls("a\nb\x1b[31m"), "a\\u000ab\\u001b[31m");
  assert.equal(escapeControls("Żółw 🐢"), "Żółw 🐢");
});

Deno.test("formatText: one line with time, level, message and particulars", () => {
  assert.equal(
    format("server listed", { server: "192.0.2.1:3030", players: 3, new: true }),
    "2026-01-02T03:04:05.006Z WARNING server listed server=192.0.2.1:3030 players=3 new=true\n",
  );
});

Deno.test("formatText: whatever peers send, it is exactly one line", () => {
  fc.assert(
    fc.property(nasty, nasty, nasty, (message, server, detail) => {
      const line = format(message, { server, detail });
      assert.ok(line.endsWith("\n"));
      assert.doesNotMatch(line.slice(0, -1), UNSAFE);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("formatText: a value cannot pass for another particular or for a line of its own", () => {
  const forged = 'x" level=ERROR server=evil';
  const line = format("m", { detail: forged, server: "good" });
  assert.match(line, / detail="x\\" level=ERROR server=evil" server=good\n$/);
  fc.assert(fc.property(nasty, (detail) => {
    const [, value] = / detail=(.*) end=1\n$/s.exec(format("m", { detail, end: 1 })) ?? [];
    assert.ok(value !== undefined);
    const bare = /^[^\s"=]+$/.test(value);
    // Not bare, it is a string that JSON reads back as what was sent.
    if (bare) assert.equal(value, detail);
    else assert.equal(JSON.parse(value), detail);
  }));
});

Deno.test("log: a file gets a line of JSON for each, whatever is in it", async () => {
  await withLog((directory) => {
    const path = `${directory}/masterserver.log`;
    openLog({ file: path, level: "debug" });
    const values: string[] = [];
    fc.assert(
      fc.property(nasty, (value) => {
        values.push(value);
        log("warning", "connection refused", { reason: value });
      }),
      { numRuns: 300 },
    );
    const lines = jsonLines(path);
    assert.equal(lines.length, values.length);
    assert.doesNotMatch(Deno.readTextFileSync(path).replaceAll("\n", ""), UNSAFE);
    lines.forEach((line, i) => {
      assert.equal(line["level"], "WARN");
      assert.equal(line["message"], "connection refused");
      assert.equal(line["reason"], values[i]);
      assert.ok(!Number.isNaN(Date.parse(String(line["@timestamp"]))));
    });
  });
});

Deno.test("log: a particular with braces in it fills in nothing", async () => {
  await withLog((directory) => {
    const path = `${directory}/masterserver.log`;
    openLog({ file: path, level: "info" });
    log("error", "ring1bis is down: {secret} {", { secret: "sesame" });
    const [line] = jsonLines(path);
    assert.equal(line?.["message"], "ring1bis is down: {secret} {");
  });
});

Deno.test("log: what is below the level is left out", async () => {
  await withLog((directory) => {
    const path = `${directory}/masterserver.log`;
    openLog({ file: path, level: "warning" });
    for (const level of ["debug", "info", "warning", "error"] as const) log(level, level);
    assert.deepEqual(jsonLines(path).map((line) => line["message"]), ["warning", "error"]);
  });
});

Deno.test("log: is on the disk at once, and appended to after a restart", async () => {
  await withLog((directory) => {
    const path = `${directory}/masterserver.log`;
    openLog({ file: path, level: "info" });
    log("info", "one");
    assert.equal(jsonLines(path).length, 1);
    closeLog();
    openLog({ file: path, level: "info" });
    log("info", "two");
    assert.deepEqual(jsonLines(path).map((line) => line["message"]), ["one", "two"]);
  });
});

Deno.test("openLog: opened again lets go of a file that was moved away", async () => {
  await withLog((directory) => {
    const path = `${directory}/masterserver.log`;
    openLog({ file: path, level: "info" });
    log("info", "before");
    Deno.renameSync(path, `${path}.old`);
    log("info", "between");
    openLog({ file: path, level: "info" });
    log("info", "after");
    assert.deepEqual(jsonLines(`${path}.old`).map((l) => l["message"]), ["before", "between"]);
    assert.deepEqual(jsonLines(path).map((line) => line["message"]), ["after"]);
  });
});

Deno.test("openLog: a file that cannot be written is told, and the log goes on as before", async () => {
  await withLog((directory) => {
    const path = `${directory}/masterserver.log`;
    openLog({ file: path, level: "info" });
    assert.throws(
      () => openLog({ file: `${directory}/no/such/place.log`, level: "info" }),
      (error) => {
        assert.ok(error instanceof LogFileError);
        assert.match(error.message, /no\/such\/place\.log.*\[system\] logfile/);
        return true;
      },
    );
    log("info", "still here");
    assert.deepEqual(jsonLines(path).map((line) => line["message"]), ["still here"]);
  });
});

Deno.test("log: a file grows to 16 MiB, then another begins, five are kept", async () => {
  await withLog((directory) => {
    const path = `${directory}/masterserver.log`;
    openLog({ file: path, level: "info" });
    const detail = "x".repeat(1024 * 1024 - 200);
    for (let i = 0; i < 100; i++) log("info", `line ${i}`, { detail });
    const names = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["", ".1", ".2", ".3", ".4"].map((end) => `masterserver.log${end}`));
    const numbers = ["", ".1", ".2", ".3", ".4"].map((end) => {
      assert.ok(Deno.statSync(path + end).size <= 17 * 1024 * 1024);
      return jsonLines(path + end).map((line) => Number(String(line["message"]).slice(5)));
    });
    const kept = numbers.reverse().flat();
    assert.deepEqual(kept, Array.from({ length: kept.length }, (_, i) => 100 - kept.length + i));
    assert.ok(kept.length >= 64);
  });
});
