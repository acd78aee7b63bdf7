import assert from "node:assert/strict";
import fc from "fast-check";
import {
  parseIni,
  printIni,
  readIniValues,
  removeIniKey,
  setConfigValue,
  setIniValue,
} from "../../config/mod.ts";
import { fixture } from "./_support.ts";

type Value = string | readonly string[];

function set(text: string, section: string, key: string, value: Value): string {
  const edit = setIniValue(parseIni(text, "t.ini").document, section, key, value);
  assert.ok(edit.ok, edit.ok ? "" : edit.message);
  return printIni(edit.document);
}

function remove(text: string, section: string, key: string): string {
  return printIni(removeIniKey(parseIni(text, "t.ini").document, section, key));
}

function linesOf(text: string): string[] {
  return text.replace(/^\uFEFF/, "").split("\n").map((line) => line.replace(/\r$/, ""));
}

const spaces = fc.constantFrom("", " ", "\t", "   ", "\r");
const comment = fc.constantFrom("", "", "# note", "# key = x;", '#key=1 # "');
const statement = fc.tuple(
  fc.constantFrom("key", "key", "key", "other", ""),
  spaces,
  fc.constantFrom("=", "=", "=", ""),
  spaces,
  fc.oneof(fc.constantFrom("", "1", '"a; # b"', "'c'", '"d" e', '"f', "g = h", "[s]"), fc.string()),
  spaces,
  fc.constantFrom(";", ";", ";;", ""),
).map((pieces) => pieces.join(""));
const line = fc.tuple(
  spaces,
  fc.constantFrom("", "", "", "[s]", "[s]", "[t]", "[s", ";", "[]"),
  spaces,
  fc.array(statement, { maxLength: 3 }).map((all) => all.join("")),
  spaces,
  comment,
).map((pieces) => pieces.join(""));

/** Texts with all that a master.ini may hold, right and wrong, around the key `key` in `[s]`. */
const iniText = fc.tuple(
  fc.constantFrom("", "\uFEFF"),
  fc.constantFrom("\n", "\r\n"),
  fc.constantFrom("[s]", ""),
  fc.array(line, { maxLength: 8 }),
).map(([mark, eol, first, lines]) => mark + [first, ...lines].join(eol));

const writable = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.string({ unit: fc.constantFrom(..."ab \t\\\"'#;=[]"), maxLength: 12 }),
).filter((text) => !/\p{Cc}/u.test(text.replaceAll("\t", "")));

Deno.test("setIniValue: replaces a value and keeps the rest of its line", () => {
  assert.equal(set("[a]\n  x   =  1 ;\t# c\n", "a", "x", "2"), "[a]\n  x   =  2 ;\t# c\n");
  assert.equal(set("[a]\nx=1", "a", "x", "22"), "[a]\nx=22");
  assert.equal(set("[a]\r\nx = 1\r\ny = 2\r\n", "a", "x", "z"), "[a]\r\nx = z\r\ny = 2\r\n");
  assert.equal(set("[a] x = 1; y = 2; z = 3;", "a", "y", "long"), "[a] x = 1; y = long; z = 3;");
});

Deno.test("setIniValue: fills in an empty value", () => {
  assert.equal(set("[a]\nx =\n", "a", "x", "1"), "[a]\nx =1\n");
  assert.equal(set("[a]\nx = ;\n", "a", "x", "1"), "[a]\nx = 1;\n");
  assert.equal(set("[a]\nx =    # c\n", "a", "x", "1"), "[a]\nx = 1  # c\n");
  assert.equal(set("[a]\nx=# c\n", "a", "x", "1"), "[a]\nx=1 # c\n");
});

Deno.test("setIniValue: keeps a comment in its column where there is room", () => {
  assert.equal(set("[a]\nx = 10;    # c", "a", "x", "1"), "[a]\nx = 1;     # c");
  assert.equal(set("[a]\nx = 10;    # c", "a", "x", "1000"), "[a]\nx = 1000;  # c");
  assert.equal(set("[a]\nx = 10;    # c", "a", "x", "1000000"), "[a]\nx = 1000000; # c");
  assert.equal(set("[a]\nx = 1;\t\t# c", "a", "x", "12"), "[a]\nx = 12;\t\t# c");
  assert.equal(set("[a]\nx = 1;\t# c", "a", "x", "1234567"), "[a]\nx = 1234567; # c");
});

Deno.test("setIniValue: quotes what needs it, and keeps quotes", () => {
  for (const value of ["a#b", "a;b", 'say "x"', "it's", " edge", "edge ", "", "a=b", "\\ \"'#"]) {
    const text = set("[a]\nx = 1; # c\n", "a", "x", value);
    assert.match(text, /x = ".*"; # c\n$/);
    assert.deepEqual(readIniValues(parseIni(text, "t.ini").document, "a", "x"), [value]);
  }
  assert.equal(set("[a]\nx = C:\\new", "a", "x", "D:\\old"), "[a]\nx = D:\\old");
  assert.equal(set("[a]\nx = 'b'; # c", "a", "x", "d"), '[a]\nx = "d"; # c');
});

Deno.test("setIniValue: a value that stands already is not touched", () => {
  const text = "[a]\nx  =  'same'\t; # c\n";
  assert.equal(set(text, "a", "x", "same"), text);
});

Deno.test("setIniValue: mends a broken value", () => {
  assert.equal(set('[a]\nx = "ab\ny = 1', "a", "x", "c"), '[a]\nx = "c"\ny = 1');
  assert.equal(set('[a]\nx = "a" b; # c', "a", "x", "c"), '[a]\nx = "c";   # c');
});

Deno.test("setIniValue: adds a missing key after its section's last one", () => {
  const text = "[a]\n   x = 1;  # c\n           # more\n\n# about b\n[b]\ny = 1";
  assert.equal(
    set(text, "a", "z", "2"),
    "[a]\n   x = 1;  # c\n           # more\n   z = 2;\n\n# about b\n[b]\ny = 1",
  );
  assert.equal(set(text, "b", "z", "2"), `${text}\nz = 2;`);
  assert.equal(set("[a]\nx = 1\n# about b\n[b]\n", "a", "z", "2").split("\n")[2], "z = 2;");
  assert.equal(set(" [a]\r\n[b]", "a", "z", "2"), " [a]\r\n   z = 2;\r\n[b]");
});

Deno.test("setIniValue: adds a missing key below its commented example", () => {
  const text =
    "[a]\n  x = 1;\n\n  # What z is.\n  # z = 5;  # so\n\n  # What w is.\n  #w=1\n[b]\n# z = 1;";
  assert.equal(
    set(text, "a", "z", "7"),
    text.replace("# z = 5;  # so\n", "# z = 5;  # so\n  z = 7;\n"),
  );
  assert.equal(set(text, "a", "w", "7"), text.replace("#w=1\n", "#w=1\n  w = 7;\n"));
});

Deno.test("setIniValue: adds a missing section at the end", () => {
  assert.equal(set("", "a", "x", "1"), "[a]\n  x = 1;\n");
  assert.equal(set("\uFEFF", "a", "x", "1"), "\uFEFF[a]\n  x = 1;\n");
  assert.equal(set("[b]\r\ny = 1", "a", "x", "1"), "[b]\r\ny = 1\r\n\r\n[a]\r\n  x = 1;\r\n");
});

Deno.test("setIniValue: a repeated key is set as a list", () => {
  const text = "[m]\n peer = a:1; # first\n peer = b:2\nz = 1\n";
  assert.equal(
    set(text, "m", "peer", ["a:1", "c:3", "d:4"]),
    "[m]\n peer = a:1; # first\n peer = c:3\n peer = d:4;\nz = 1\n",
  );
  assert.equal(set(text, "m", "peer", ["b:2"]), "[m]\n peer = b:2; # first\nz = 1\n");
  assert.equal(set(text, "m", "peer", []), "[m]\nz = 1\n");
  assert.equal(
    set("[m]\n# peer = host:1;\n", "m", "peer", ["a:1", "[::1]:2"]),
    "[m]\n# peer = host:1;\npeer = a:1;\npeer = [::1]:2;\n",
  );
});

Deno.test("setIniValue: refuses what can't be written, without quoting it", () => {
  const { document } = parseIni("[a]\nx = 1", "t.ini");
  for (const value of ["hunter2\n", "hunter2\r", "hunter2\0", "hunter2\x1b", "hunter2\ud800"]) {
    const edit = setIniValue(document, "a", "x", value);
    assert.ok(!edit.ok);
    assert.match(edit.message, /the value of x/);
    assert.doesNotMatch(edit.message, /hunter2/);
  }
  for (const [section, key] of [["a]", "x"], ["", "x"], ["a", "x = 1;"], ["a", ""]] as const) {
    assert.equal(setIniValue(document, section, key, "1").ok, false);
  }
});

Deno.test("removeIniKey: takes the line, or only the setting when it shares its line", () => {
  assert.equal(remove("[a]\n  x = 1; # c\ny = 2\n", "a", "x"), "[a]\ny = 2\n");
  assert.equal(remove("[a]\ny = 2\nx = 1", "a", "x"), "[a]\ny = 2\n");
  assert.equal(remove("[a] x = 1;\ny = 2", "a", "x"), "[a]\ny = 2");
  assert.equal(remove("[a]\nx = 1;; y = 2; # c", "a", "x"), "[a]\ny = 2; # c");
  assert.equal(remove("[a]\ny = 2; x = 1 # c", "a", "x"), "[a]\ny = 2; # c");
  assert.equal(remove("[a]\nx = 1\nx = 2\n[b]\nx = 3", "a", "x"), "[a]\n[b]\nx = 3");
  assert.equal(remove("[a]\nx = 1", "a", "y"), "[a]\nx = 1");
});

Deno.test("setIniValue: only the value changes in the seed's file", () => {
  const seed = fixture("fixtures/seed_master.ini");
  const edited = set(seed, "game", "connection-limit", "12");
  assert.equal(edited, seed.replace("connection-limit=10 = 10; ", "connection-limit=12;      "));
});

Deno.test("setIniValue: any text reads back the value, and no other line changes", () => {
  fc.assert(
    fc.property(iniText, writable, (text, value) => {
      const { document } = parseIni(text, "t.ini");
      const edit = setIniValue(document, "s", "key", value);
      assert.ok(edit.ok);
      const again = parseIni(printIni(edit.document), "t.ini").document;
      assert.deepEqual(readIniValues(again, "s", "key"), [value]);
      assertOthersKept(text, printIni(edit.document), touchedLines(text));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("setIniValue: any text reads back a list; where it had no error, other keys keep their values", () => {
  fc.assert(
    fc.property(iniText, fc.array(writable, { maxLength: 4 }), (text, values) => {
      const { document: before, problems } = parseIni(text, "t.ini");
      const edit = setIniValue(before, "s", "key", values);
      assert.ok(edit.ok);
      const after = parseIni(printIni(edit.document), "t.ini").document;
      assert.deepEqual(readIniValues(after, "s", "key"), values);
      const others = (document: typeof before) =>
        document.entries.filter((entry) => entry.section !== "s" || entry.key !== "key")
          .map(({ section, key, value }) => ({ section, key, value }));
      // A removed statement may uncover a header that stood wrongly behind it.
      if (problems.some((problem) => problem.severity === "error")) return;
      assert.deepEqual(others(after), others(before));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("setConfigValue: knows both spellings", () => {
  const { document } = parseIni("[network]\naddress = *; # all\n", "t.ini");
  const edit = setConfigValue(document, "network", "adress", "::1");
  assert.ok(edit.ok);
  assert.equal(printIni(edit.document), "[network]\naddress = ::1; # all\n");
});

Deno.test("setConfigValue: refuses an unknown key and a list where one value goes", () => {
  const { document } = parseIni("", "t.ini");
  const unknown = setConfigValue(document, "network", "mport", "1");
  assert.ok(!unknown.ok);
  assert.match(unknown.message, /nearest: mmport/);
  const section = setConfigValue(document, "netwrk", "mmport", "1");
  assert.ok(!section.ok);
  assert.match(section.message, /nearest: \[network\]/);
  assert.equal(setConfigValue(document, "network", "mmport", ["1", "2"]).ok, false);
  assert.equal(setConfigValue(document, "masters", "peer", ["a:1", "b:2"]).ok, true);
});

/** The lines that a change of [s] key may touch. */
function touchedLines(text: string): ReadonlySet<number> {
  const { entries } = parseIni(text, "t.ini").document;
  const mine = entries.filter((entry) => entry.section === "s" && entry.key === "key");
  return new Set(mine.map((entry) => entry.line - 1));
}

/** Asserts that all lines but the touched ones stand in the new text, in order. */
function assertOthersKept(before: string, after: string, touched: ReadonlySet<number>): void {
  const now = linesOf(after);
  let position = 0;
  linesOf(before).forEach((line, index) => {
    if (touched.has(index)) return;
    const found = now.indexOf(line, position);
    assert.ok(found >= 0, `line ${index + 1}, ${JSON.stringify(line)}, is gone`);
    position = found + 1;
  });
}
