import assert from "node:assert/strict";
import fc from "fast-check";
import { CONFIG_KEYS, formatProblem } from "../../config/mod.ts";
import { config, load, problem, problems, warnings } from "./_support.ts";

Deno.test("loadConfig: two listeners on one port are told at the second", () => {
  assert.equal(
    problem("[network]\nocport = 5000\nmmport = 5000\n"),
    "master.ini:3:10: mmport = 5000 is taken by ocport (line 2); " +
      "give each a port of its own, 0 (any free one), or off",
  );
  assert.match(problem("[network]\nmmport = 28900"), /^master\.ini:2:10: .*osport \(its default\)/);
  assert.match(problem("[console]\nport = 3030"), /the console's port = 3030 is taken by ocport/);
  assert.match(
    problem("[network]\nmmport = 1", ["network.smport=1"]),
    /^--set network\.smport=1: smport = 1 is taken by mmport \(line 2\)/,
  );
  assert.equal(problems("[network]\nmmport=1\nsmport=1\ncmport=1").length, 2);
  config("[network]\nmmport = 0; smport = 0; cmport = off; osport = off; ocport = 28900");
  // Different addresses of one machine don't meet.
  config("[network] adress = 192.0.2.1\n[console] port = 6060");
});

Deno.test("loadConfig: mysql's keys without mysql are warned about", () => {
  assert.deepEqual(warnings("[database]\nuser = npv2\npass = hunter2"), [
    "master.ini:2:8: warning: user has no effect with type = sqlite; " +
    "write type = mysql; or remove it",
    "master.ini:3:8: warning: pass has no effect with type = sqlite; " +
    "write type = mysql; or remove it",
  ]);
});

Deno.test("loadConfig: tells all problems at once, in order, each at its place", () => {
  const text = [
    "[netwrk]",
    "anything = 1;",
    "[network]",
    "  mport = 1; loglevel = info; stray",
    "mmport = 99999 # over",
    "mmport = 5",
    "[database]",
    "type = oracle",
    "[game]",
    "verify-servers = perhaps",
    "xyzzy = 1",
    "[system",
  ].join("\r\n");
  assert.deepEqual(problems(text, ["game.status-interval=x"]), [
    'master.ini:1:1: unknown section "netwrk"; allowed: [network], [console], [database], [game], ' +
    "[masters], [system]; nearest: [network]",
    'master.ini:4:3: unknown key "mport" in [network]; allowed: adress, publicadress, netname, ' +
    "mmport, smport, cmport, osport, ocport; nearest: mmport",
    'master.ini:4:14: unknown key "loglevel" in [network], it belongs in [system]; allowed: ' +
    "adress, publicadress, netname, mmport, smport, cmport, osport, ocport",
    'master.ini:4:31: text without "="; write key = value; with quotes around a value that holds ' +
    "; or #, and # before a comment",
    'master.ini:5:10: mmport = "99999" is more than 65535; allowed: a port from 1 to 65535, 0 ' +
    "(any free one), or off",
    'master.ini:6:1: "mmport" is repeated, it first stands at line 5; keep one of the two',
    'master.ini:8:8: type = "oracle" is none of the words allowed; allowed: sqlite, mysql',
    'master.ini:10:18: verify-servers = "perhaps" is neither yes nor no; allowed: yes or no',
    'master.ini:11:1: unknown key "xyzzy" in [game]; allowed: server-alive-timeout, ' +
    "client-request-timeout, connection-limit, masterserver-heartbeat-interval, " +
    "masterserver-password, verify-servers, status-interval, servers-per-address",
    'master.ini:12:1: section header without "]"; write [system]',
    '--set game.status-interval=x: status-interval = "x" is not a whole number; allowed: a whole ' +
    "number of seconds from 1 to 86400, or 0 (never)",
  ]);
});

Deno.test("loadConfig: the nearest key may be in another section or differ in case", () => {
  assert.match(problem("[network]\nLOGLEVEL = info"), /nearest: loglevel in \[system\]$/);
  assert.match(problem("[game]\nverify_server = yes"), /nearest: verify-servers$/);
  assert.match(problem("[network]\nmmprot = 1"), /nearest: mmport$/);
  assert.match(problem("[console]\nuser = u"), /it belongs in \[database\] or \[system\];/);
});

Deno.test("loadConfig: a forgotten ; is pointed out", () => {
  assert.match(
    problem("[database]\ntype = mysql; user = u; dbport = 3306 pass = hunter2"),
    /dbport = "3306 pass =…" is not a whole number, is a ";" missing before "pass"\?; allowed/,
  );
  assert.deepEqual(warnings("[system]\npidfile = /p loglevel = debug"), [
    'master.ini:2:11: warning: the value of pidfile goes on with "loglevel ="; end it with ";" ' +
    "before that, or put it in quotes",
  ]);
});

Deno.test("loadConfig: a section opened twice is read as one, with a warning", () => {
  const text = "[network]\nmmport = 1\n[game]\n[network]\nsmport = 2";
  assert.deepEqual([config(text).network.mmport, config(text).network.smport], [1, 2]);
  assert.deepEqual(warnings(text), [
    "master.ini:4:1: warning: section [network] was already opened at line 1; both are read as one",
  ]);
  assert.match(problem(`${text}\nmmport = 3`), /^master\.ini:6:1: "mmport" is repeated.*line 2;/);
});

Deno.test("loadConfig: values that undo themselves are warned about", () => {
  assert.match(warnings("[game]\nserver-alive-timeout = 300")[0] ?? "", /speak every 300 seconds/);
  assert.deepEqual(warnings("[game]\nserver-alive-timeout = 301"), []);
  assert.deepEqual(warnings("[masters]\noldpeer = a:28900"), []);
  assert.deepEqual(warnings("[masters]\npeer = a:6060"), [
    "master.ini:2:8: warning: peer has no effect without masterserver-password in [game], " +
    "the secret that all masters of one network share",
  ]);
});

Deno.test("loadConfig: overrides go over the file", () => {
  const text = "[network]\nmmport = 1\n[masters]\npeer = a:1\n[game]\nmasterserver-password = p";
  const loaded = config(text, [
    "network.mmport=2",
    "network.mmport=3",
    "network.address=::1",
    "masters.peer=b:2",
    "masters.peer=c:3",
    "system.pidfile=/a b#c;d=e",
    " system.logfile =~/log",
  ]);
  assert.equal(loaded.network.mmport, 3);
  assert.equal(loaded.network.address, "::1");
  assert.deepEqual(loaded.masters.peers, [{ host: "b", port: 2 }, { host: "c", port: 3 }]);
  assert.equal(loaded.system.pidFile, "/a b#c;d=e");
  assert.equal(loaded.system.logFile, "/home/tanker/log");
  assert.deepEqual(config(text, ["masters.peer="]).masters.peers, []);
  assert.equal(config("[network]\nmmport = wrong", ["network.mmport=2"]).network.mmport, 2);
});

Deno.test("loadConfig: wrong overrides are told with what was written", () => {
  assert.deepEqual(
    problems("", ["network.mmport=x", "network.prot=1", "mmport=1", "net.a=1", "x"]),
    [
      '--set network.prot=…: unknown key "prot" in [network]; allowed: adress, publicadress, ' +
      "netname, mmport, smport, cmport, osport, ocport; nearest: mmport",
      "--set mmport=…: this is not section.key=value; write for example --set network.mmport=6061",
      '--set net.a=…: unknown section "net"; allowed: [network], [console], [database], [game], ' +
      "[masters], [system]",
      "--set x: this is not section.key=value; write for example --set network.mmport=6061",
      '--set network.mmport=x: mmport = "x" is not a whole number; allowed: a port from 1 to 65535, ' +
      "0 (any free one), or off",
    ],
  );
});

Deno.test("loadConfig: no message holds a secret", () => {
  const long = "hunter2".repeat(50);
  const texts = [
    "[game]\nmasterserver-password = hunter2\\",
    `[game]\nmasterserver-password = ${long}`,
    '[game]\nmasterserver-password = "hunter2',
    "[game]\nmasterserver-password = x;hunter2",
    "[game]\nmasterserver-password = hunter2#hunter2",
    "[game]\nmasterserver-password = hunter2 status-interval = 3\nfoo = 1",
    "[game]\nmasterserver-password hunter2",
    "[game]\nmasterserver-password hunter2=3",
    "[game]\nmasterserver-pasword = hunter2",
    "[game]\nmasterserver-password = a\nmasterserver-password = hunter2",
    "[game]\nconnection-limit = 3 masterserver-password = hunter2",
    "[database]\nuser = npv2 pass = hunter2\ndbport = x pass=hunter2",
    "[database]\npass = hunter2\x07",
    "[databse]\npass = hunter2",
    "masterserver-password = hunter2",
    "[network]\npass = hunter2",
  ];
  const overrides = [
    "game.masterserver-password=hunter2\\",
    "game.masterserver-pasword=hunter2",
    "game.masterserver-password:hunter2",
    "masterserver-password=hunter2",
    "database.pass=hunter2\n",
    "game.connection-limit=masterserver-password=hunter2",
  ];
  const sources = [
    ...texts.map((text) => load(text)),
    ...overrides.map((override) => load("", [override])),
  ];
  for (const loaded of sources) {
    const told = [...(loaded.ok ? [] : loaded.problems), ...loaded.warnings];
    assert.ok(told.length > 0);
    assert.doesNotMatch(told.map(formatProblem).join("\n"), /hunter2/);
  }
});

Deno.test("loadConfig: a wrong file is told in a bounded number of lines", () => {
  const text = Array.from({ length: 500 }, (_, index) => `junk${index} = 1`).join("\n");
  const all = problems(`[network]\n${text}`);
  assert.equal(all.length, 101);
  assert.match(all[99] ?? "", /^master\.ini:101:1: unknown key "junk99"/);
  assert.equal(all[100], "master.ini: and 400 more of these; is this a master.ini at all?");
});

Deno.test("loadConfig: any text gives a configuration or problems with places in it", () => {
  const keyed = fc.array(
    fc.tuple(
      fc.constantFrom(...CONFIG_KEYS),
      fc.oneof(fc.string(), fc.constantFrom("0", "off", "~", "*", "::1", "a:1", "mysql", '"')),
    ),
    { maxLength: 12 },
  ).map((lines) =>
    lines.map(([key, value]) => `[${key.section}] ${key.key} = ${value}`).join("\n")
  );
  fc.assert(
    fc.property(fc.oneof(keyed, fc.string({ unit: "binary" })), (text) => {
      const loaded = load(text);
      const told = loaded.ok ? loaded.warnings : [...loaded.problems, ...loaded.warnings];
      assert.ok(loaded.ok || loaded.problems.length > 0);
      const lines = text.split("\n").length;
      for (const { file, line, column, message } of told) {
        assert.equal(file, "master.ini");
        assert.ok(line >= 1 && line <= lines && column >= 1);
        assert.doesNotMatch(message, /\p{Cc}/u);
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("formatProblem: place, kind and message", () => {
  const problem = { file: "a.ini", line: 3, column: 7, message: "m", severity: "error" } as const;
  assert.equal(formatProblem(problem), "a.ini:3:7: m");
  assert.equal(formatProblem({ ...problem, severity: "warning" }), "a.ini:3:7: warning: m");
  assert.equal(formatProblem({ ...problem, line: 0, column: 0 }), "a.ini: m");
});
