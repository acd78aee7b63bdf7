import assert from "node:assert/strict";
import fc from "fast-check";
import { parseIni, printIni } from "../../config/mod.ts";
import { fixture } from "./_support.ts";

function entries(text: string): readonly string[] {
  return parseIni(text, "t.ini").document.entries.map((entry) =>
    `${entry.section}.${entry.key}=${entry.value}`
  );
}

function told(text: string): readonly string[] {
  return parseIni(text, "t.ini").problems.map(({ line, column, severity, message }) =>
    `${line}:${column} ${severity} ${message}`
  );
}

/** Asserts that a text has one problem, at a place, that says something. */
function assertTold(text: string, place: string, message: RegExp): void {
  const [only = "", ...more] = told(text);
  assert.deepEqual(more, []);
  assert.ok(only.startsWith(`${place} `), `${only} is not at ${place}`);
  assert.match(only, message);
}

/** Text made of what the parser looks at, so that random texts reach its branches. */
const iniText = fc.array(
  fc.oneof(
    fc.constantFrom(..."[]=;#\"'\\ \t\r\n\0\uFEFF"),
    fc.constantFrom("[network]", "mmport", "adress", "peer", "= 1;", "\r\n", '"a b"', "# note\n"),
    fc.string({ maxLength: 4, unit: "grapheme" }),
  ),
  { maxLength: 40 },
).map((pieces) => pieces.join(""));

Deno.test("parseIni: sections, keys and values, with and without ;", () => {
  assert.deepEqual(told("[a]\nx = 1;\n\ty=2\n  z =  a b  ;\n[ b ]\nx\t= 3"), []);
  assert.deepEqual(entries("[a]\nx = 1;\n\ty=2\n  z =  a b  ;\n[ b ]\nx\t= 3"), [
    "a.x=1",
    "a.y=2",
    "a.z=a b",
    "b.x=3",
  ]);
});

Deno.test("parseIni: several settings on one line, also behind the header", () => {
  const text = "[a] x = 1; y = 2;; z = 3 # end\n";
  assert.deepEqual(told(text), []);
  assert.deepEqual(entries(text), ["a.x=1", "a.y=2", "a.z=3"]);
});

Deno.test("parseIni: # starts a comment anywhere outside quotes", () => {
  assert.deepEqual(told("#[x]\n[a] # c\nx = 1 # y = 2;\n# z = 3"), []);
  assert.deepEqual(entries("#[x]\n[a] # c\nx = 1 # y = 2;\n# z = 3"), ["a.x=1"]);
  assert.deepEqual(entries("[a]\nx = ab#cd;"), ["a.x=ab"]);
  assertTold("[a]\nx = ab#cd;", "2:7", /^2:7 warning # starts a comment/);
});

Deno.test("parseIni: quoted values keep #, ; and edge spaces", () => {
  const text = `[a]\nx = " a;b#c "; y = 'it "is" \\n';\nz = "say \\"hi\\" \\\\ C:\\new"\nq = "";`;
  assert.deepEqual(told(text), []);
  assert.deepEqual(entries(text), [
    "a.x= a;b#c ",
    'a.y=it "is" \\n',
    'a.z=say "hi" \\ C:\\new',
    "a.q=",
  ]);
});

Deno.test("parseIni: quotes inside an unquoted value are part of it", () => {
  assert.deepEqual(told("[a]\nx = Bob's tanks;"), []);
  assert.deepEqual(entries("[a]\nx = Bob's tanks;"), ["a.x=Bob's tanks"]);
});

Deno.test("parseIni: a second = belongs to the value", () => {
  assert.deepEqual(entries("[a]\nconnection-limit=10 = 10;"), ["a.connection-limit=10 = 10"]);
});

Deno.test("parseIni: positions of key and value", () => {
  const [entry] = parseIni('\uFEFF[a]\r\n\t key =  "v" ; # c', "t.ini").document.entries;
  assert.deepEqual([entry?.line, entry?.column, entry?.valueColumn], [2, 3, 10]);
});

Deno.test("parseIni: a byte order mark is no part of the first line", () => {
  assert.deepEqual(told("\uFEFF[a]\nx=1"), []);
  assert.deepEqual(entries("\uFEFF[a]\nx=1"), ["a.x=1"]);
});

Deno.test("parseIni: names of Object.prototype are names like others", () => {
  assert.deepEqual(entries("[__proto__]\nconstructor = 1;"), ["__proto__.constructor=1"]);
});

Deno.test("parseIni: tells each syntax error where it is", () => {
  assertTold("[a]\n  foo; x = 1", "2:3", /text without "="/);
  assertTold("[a]\n = 5", "2:2", /no key before "="/);
  assertTold("x = 1;\n[a]", "1:1", /"x" is outside a section/);
  assertTold("[a\nx = 1", "1:1", /without "\]"; write \[a\]/);
  assertTold("  []", "1:3", /without a name/);
  assertTold("[a]\nx = 1; [b]", "2:8", /first thing on its line/);
  assertTold('[a]\nx = "abc ; y = 1', "2:5", /quote without its end; add "/);
  assertTold("[a]\nx = 'abc", "2:5", /quote without its end; add '/);
  assertTold('[a]\nx = "a" b; y = 1', "2:9", /text after the closing quote/);
  assertTold("[a]\n; x = 1;", "2:1", /start a comment with #/);
  assertTold("[a]\n# x\0y\0\nz = \0", "2:4", /NUL byte/);
});

Deno.test("parseIni: goes on after an error", () => {
  assert.deepEqual(entries('[a\nx = "1\ny = 2; nonsense; z = "3" 3; w = 4'), [
    "a.x=1",
    "a.y=2",
    "a.z=3",
    "a.w=4",
  ]);
});

Deno.test("parseIni: a line with nothing but ; is harmless", () => {
  assert.deepEqual(told("[a]\n ; \n;; # c\nx = 1"), []);
});

Deno.test("parseIni: syntax messages never quote a value", () => {
  const text =
    '[a]\npw "hunter2\npw = "hunter2\npw = "x" hunter2;\npw = ab;hunter2\npw hunter2=1\n' +
    "pw = 1#hunter2\n[a\nhunter2";
  assert.doesNotMatch(told(text).join("\n"), /hunter2/);
});

Deno.test("parseIni: a long line takes time in proportion to its length", () => {
  const count = 100_000;
  const started = performance.now();
  const { document } = parseIni(`[a]\n${"k=1;".repeat(count)}`, "t.ini");
  assert.equal(document.entries.length, count);
  assert.equal(entries(`[a]\nx = ${"y".repeat(4_000_000)}`)[0]?.length, 4_000_004);
  assert.equal(entries(`[a]\nx = ${" ".repeat(1_000_000)}z`)[0], "a.x=z");
  // Quadratic behaviour would take minutes.
  assert.ok(performance.now() - started < 20_000);
});

Deno.test("printIni: gives the text back byte for byte", () => {
  const seed = fixture("fixtures/seed_master.ini");
  for (
    const text of [seed, seed.replaceAll("\n", "\r\n"), `\uFEFF${seed.trimEnd()}`, "", "\r\n\r"]
  ) {
    assert.equal(printIni(parseIni(text, "t.ini").document), text);
  }
});

Deno.test("parseIni: any text gives a document that prints back, with offsets that fit", () => {
  fc.assert(fc.property(fc.oneof(iniText, fc.string({ unit: "binary" })), (text) => {
    const { document, problems } = parseIni(text, "t.ini");
    assert.equal(printIni(document), text);
    const lines = document.lines.map((line) => text.slice(line.start, line.next)).join("");
    assert.equal(lines, text.replace(/^\uFEFF/, ""));
    for (const entry of document.entries) {
      const line = document.lines[entry.line - 1];
      assert.ok(line !== undefined && line.start <= entry.start && entry.end <= line.end);
      assert.ok(entry.start <= entry.valueStart && entry.valueStart <= entry.valueEnd);
      assert.ok(entry.valueEnd <= entry.end);
      assert.equal(text.slice(entry.start, entry.start + entry.key.length), entry.key);
    }
    for (const problem of problems) {
      assert.ok(problem.line >= 1 && problem.line <= document.lines.length);
      assert.ok(problem.column >= 1);
    }
  }));
});
