import assert from "node:assert/strict";
import { peerCounts, peersTable } from "../../cli/_peers_table.ts";
import { textWidth } from "../../cli/_table.ts";
import { formatBytes, formatDuration, formatMilliseconds } from "../../cli/_units.ts";
import type { Hello, NetworkView, Peer } from "../../clients/mod.ts";
import { otherMaster } from "../clients/_fake_network.ts";

const TIME = 1_700_000_000_000;

const HELLO: Hello = {
  type: "hello",
  version: 1,
  id: "00112233445566aa",
  name: "alpha.example.org",
  ports: { ring0: 6060 },
  time: TIME,
  program: "0.1.0",
};

function view(peers: readonly Peer[], master: Partial<Hello> = {}): NetworkView {
  return { master: { ...HELLO, ...master }, peers, time: TIME };
}

const CONNECTED = otherMaster(7, {
  since: TIME - 7_500_000,
  lag_ms: 12,
  clock_ms: -1500,
  behind: 3,
  sent_bytes: 1234,
  received_bytes: 5_600_000,
});

const WAITING: Peer = {
  id: "",
  name: "",
  host: "2001:db8::1",
  port: 6061,
  state: "waiting",
  since: TIME - 61_000,
  next: 12,
  reason: "Connection \x1b[2J refused",
  sent_bytes: 0,
  received_bytes: 0,
};

Deno.test("peersTable: tells of each master, those that are not connected first", () => {
  assert.deepEqual(peersTable(view([CONNECTED, WAITING])), [
    "alpha.example.org, id 00112233445566aa, version 0.1.0",
    "NAME      ADDRESS              STATE      SINCE  NEXT    LAG   CLOCK  BEHIND    SENT  RECEIVED  SERVERS  REASON",
    "-         [2001:db8::1]:6061   waiting       1m   12s                            0 B       0 B           Connection \\u001b[2J refused",
    "master 7  m7.example.org:6060  connected   2h5m        12 ms  -1.5 s       3  1.2 kB    5.6 MB        7",
  ]);
});

Deno.test("peersTable: columns that nobody has anything for take no room", () => {
  const [, titles] = peersTable(view([CONNECTED]));
  assert.equal(
    titles,
    "NAME      ADDRESS              STATE      SINCE    LAG   CLOCK  BEHIND    SENT  RECEIVED  SERVERS",
  );
});

Deno.test("peersTable: nobody else is told, with what to do", () => {
  assert.deepEqual(peersTable(view([], { name: "", program: "" })), [
    "-, id 00112233445566aa, version -",
    "no other master is known: name one with [masters] peer",
  ]);
});

Deno.test("peersTable: a connection that came to be has no reason not to", () => {
  const [, titles = ""] = peersTable(view([{ ...CONNECTED, reason: "refused before" }]));
  assert.doesNotMatch(titles, /REASON/);
});

Deno.test("peersTable: a hundred masters fit into any terminal, as many columns as it has room for", () => {
  const peers = Array.from(
    { length: 100 },
    (_, i) => i % 9 === 4 ? { ...WAITING, port: 7000 + i } : otherMaster(i, { since: TIME - i }),
  );
  const titles: Record<number, string> = {
    200: "NAME ADDRESS STATE SINCE NEXT LAG CLOCK BEHIND SENT RECEIVED SERVERS REASON",
    100: "NAME ADDRESS STATE SINCE NEXT LAG BEHIND REASON",
    80: "NAME ADDRESS STATE NEXT REASON",
  };
  for (const [width, expected] of Object.entries(titles)) {
    const lines = peersTable(view(peers), Number(width));
    assert.equal(lines.length, 102);
    assert.equal(lines[1]?.replaceAll(/ +/g, " "), expected, width);
  }
  for (let width = 10; width <= 150; width += 7) {
    for (const line of peersTable(view(peers), width)) assert.ok(textWidth(line) <= width, line);
  }
});

Deno.test("peersTable: names are sorted as people count", () => {
  const lines = peersTable(view([10, 9, 1].map((number) => otherMaster(number))));
  const names = lines.slice(2).map((line) => line.slice(0, 9).trim());
  assert.deepEqual(names, ["master 1", "master 9", "master 10"]);
});

Deno.test("peerCounts: counts who is there", () => {
  assert.deepEqual(peerCounts(view([CONNECTED])), ["1 other master", "1 connected"]);
  assert.deepEqual(peerCounts(view([CONNECTED, WAITING])), ["2 other masters", "1 connected"]);
});

Deno.test("formatBytes: two digits or more, never four", () => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [9949, "9.9 kB"],
    [9950, "10 kB"],
    [999_499, "999 kB"],
    [999_500, "1.0 MB"],
    [123_456_789_012, "123 GB"],
    [Number.MAX_SAFE_INTEGER, "9.0 PB"],
  ];
  for (const [bytes, text] of cases) assert.equal(formatBytes(bytes), text);
});

Deno.test("formatDuration: one unit, or two that follow each other", () => {
  const cases: [number, string][] = [
    [-5, "0s"],
    [0, "0s"],
    [59.9, "59s"],
    [60, "1m"],
    [3599, "59m"],
    [3600, "1h"],
    [7500, "2h5m"],
    [86_399, "23h59m"],
    [86_400, "1d"],
    [86_400 + 3600, "1d1h"],
    [86_400 + 3599, "1d"],
    [400 * 86_400, "400d"],
  ];
  for (const [seconds, text] of cases) assert.equal(formatDuration(seconds), text);
});

Deno.test("formatMilliseconds: grows into seconds and minutes", () => {
  const cases: [number, string][] = [
    [0, "0 ms"],
    [999, "999 ms"],
    [1000, "1.0 s"],
    [59_949, "59.9 s"],
    [59_950, "1m"],
    [7_500_000, "2h5m"],
  ];
  for (const [ms, text] of cases) assert.equal(formatMilliseconds(ms), text);
});
