import assert from "node:assert/strict";
import { type Column, cutToWidth, formatTable, textWidth } from "../../cli/_table.ts";

const COLUMNS: readonly Column[] = [
  { title: "NAME", shrinksTo: 6 },
  { title: "MAP", shrinksTo: 4 },
  { title: "PLAYERS", align: "right" },
  { title: "ADDRESS" },
];

Deno.test("textWidth: counts cells, not characters", () => {
  const widths: [string, number][] = [
    ["", 0],
    ["plain", 5],
    ["héllo", 5],
    ["e\u0301", 1],
    ["戦車", 4],
    ["ひらカタ", 8],
    ["탱크", 4],
    ["\u1112\u1161\u11ab", 2],
    ["ＡＢ", 4],
    ["ｱｲ", 2],
    ["🎮", 2],
    ["👩‍👩‍👧", 2],
    ["❤\ufe0f", 2],
    ["\u200b\u200d", 0],
    ["Привет", 6],
  ];
  for (const [text, width] of widths) assert.equal(textWidth(text), width, JSON.stringify(text));
});

Deno.test("cutToWidth: never cuts a character apart, and says that it cut", () => {
  assert.equal(cutToWidth("abcdef", 6), "abcdef");
  assert.equal(cutToWidth("abcdef", 4), "abc…");
  assert.equal(cutToWidth("戦車戦車", 5), "戦車…");
  assert.equal(cutToWidth("戦車戦車", 4), "戦…");
  assert.equal(cutToWidth("e\u0301e\u0301e\u0301", 2), "e\u0301…");
  assert.equal(cutToWidth("abc", 1), "…");
  assert.equal(cutToWidth("abc", 0), "");
});

Deno.test("formatTable: columns line up whatever they hold", () => {
  const lines = formatTable(COLUMNS, [
    ["Bob's tanks", "Two clans", "3/8", "192.0.2.1:3030"],
    ["戦車 e\u0301", "", "10/16", "[2001:db8::1]:3030"],
  ]);
  assert.deepEqual(lines, [
    "NAME         MAP        PLAYERS  ADDRESS",
    "Bob's tanks  Two clans      3/8  192.0.2.1:3030",
    `戦車 e\u0301${" ".repeat(5 + 2 + 9 + 2)}  10/16  [2001:db8::1]:3030`,
  ]);
});

Deno.test("formatTable: a narrow terminal shortens what may be shortened, evenly", () => {
  const rows = [["A name of twenty-one.", "A map of eighteen.", "3/8", "192.0.2.1:3030"]];
  assert.deepEqual(formatTable(COLUMNS, rows, 50), [
    "NAME         MAP           PLAYERS  ADDRESS",
    "A name of …  A map of ei…      3/8  192.0.2.1:3030",
  ]);
  assert.deepEqual(formatTable(COLUMNS, rows, 66), formatTable(COLUMNS, rows));
});

Deno.test("formatTable: no line is wider than the terminal, however narrow that is", () => {
  const rows = [["name", "map", "3/8", "192.0.2.1:3030"], ["戦車戦車戦車", "戦車", "1/2", "x"]];
  for (let width = 0; width < 60; width++) {
    for (const line of formatTable(COLUMNS, rows, width)) {
      assert.ok(textWidth(line) <= width, `${width}: ${line}`);
      assert.equal(line, line.trimEnd());
    }
  }
});

Deno.test("formatTable: no rows leave the titles", () => {
  assert.deepEqual(formatTable(COLUMNS, []), ["NAME  MAP  PLAYERS  ADDRESS"]);
});
