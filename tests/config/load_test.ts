import assert from "node:assert/strict";
import { formatProblem, loadConfig, printIni } from "../../config/mod.ts";
import { config, ENVIRONMENT, fixture, load, problem, warnings } from "./_support.ts";

Deno.test("loadConfig: the seed's file gives its values and one warning", () => {
  const loaded = load(fixture("fixtures/seed_master.ini"));
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.config, {
    network: {
      address: "*",
      publicAddress: undefined,
      netName: "tank-host",
      mmport: 6060,
      smport: 7070,
      cmport: 3040,
      osport: 28900,
      ocport: 3030,
    },
    console: { address: "127.0.0.1", port: 8010, cert: undefined, key: undefined },
    database: {
      type: "mysql",
      base: "netpanzer",
      user: "npv2",
      pass: "npv2",
      dbip: [{ host: "127.0.0.1", port: undefined }],
      dbport: 3306,
    },
    game: {
      serverAliveTimeout: 720,
      clientRequestTimeout: 30,
      connectionLimit: 10,
      masterserverHeartbeatInterval: 300,
      masterserverPassword: "xxx",
      verifyServers: true,
      statusInterval: 60,
      serversPerAddress: 32,
    },
    masters: { peers: [], oldPeers: [] },
    system: {
      logFile: "/var/log/masterserver.log",
      logLevel: "info",
      serverCacheFile: "/var/cache/masterserver/neighboors",
      pidFile: "/var/run/masterserver.pid",
      keyFile: "/home/tanker/.netpanzer/master.key",
      chroot: undefined,
      user: undefined,
    },
  });
  assert.deepEqual(loaded.warnings, [{
    file: "master.ini",
    line: 20,
    column: 23,
    message: 'connection-limit has its value twice; it is read as "10", ' +
      "write connection-limit = VALUE;",
    severity: "warning",
  }]);
  assert.equal(printIni(loaded.document), fixture("fixtures/seed_master.ini"));
});

Deno.test("loadConfig: without text everything has its default", () => {
  const loaded = loadConfig({ fileName: "none", overrides: [], environment: ENVIRONMENT });
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.warnings, []);
  const { network, console, database, game, masters, system } = loaded.config;
  assert.deepEqual([network.mmport, network.osport, network.netName], [6060, 28900, "tank-host"]);
  assert.deepEqual([console.address, console.port], ["127.0.0.1", 8010]);
  assert.equal(database.type, "sqlite");
  assert.equal(database.base, "/home/tanker/.netpanzer/masterserver.db");
  assert.equal(game.masterserverPassword, undefined);
  assert.deepEqual(masters, { peers: [], oldPeers: [] });
  assert.equal(system.logFile, undefined);
  assert.equal(system.serverCacheFile, "/home/tanker/.netpanzer/neighbors");
});

Deno.test("loadConfig: the configuration is frozen all the way down", () => {
  const { masters, database, network } = config(
    "[masters]\npeer = a:1\n[game] masterserver-password = p",
  );
  for (const value of [masters, masters.peers, masters.peers[0], database.dbip, network]) {
    assert.ok(Object.isFrozen(value));
  }
});

Deno.test("loadConfig: takes both spellings of adress", () => {
  for (const key of ["adress", "address"]) {
    assert.equal(config(`[network]\n${key} = ::1;`).network.address, "::1");
    assert.equal(config(`[console]\n${key} = *;`).console.address, "*");
  }
  for (const key of ["publicadress", "publicaddress"]) {
    assert.equal(
      config(`[network]\n${key} = M.Example.org.`).network.publicAddress,
      "m.example.org",
    );
  }
  assert.equal(
    problem("[network]\nadress = *;\naddress = *;"),
    'master.ini:3:1: "address" is another spelling of "adress", which stands at line 2; ' +
      "keep one of the two",
  );
});

Deno.test("loadConfig: ports are a number, 0 or off", () => {
  const { network } = config("[network]\nmmport=off; smport=0; cmport=65535; osport=OFF; ocport=1");
  assert.deepEqual(
    [network.mmport, network.smport, network.cmport, network.osport, network.ocport],
    ["off", 0, 65535, "off", 1],
  );
  for (const wrong of ["65536", "-1", "1.5", "http", "0x10", "6060 6061"]) {
    assert.match(
      problem(`[network]\nmmport = ${wrong};`),
      /^master\.ini:2:10: mmport = ".*" is .*; allowed: a port from 1 to 65535, 0 .* or off/,
    );
  }
});

Deno.test("loadConfig: numbers keep their range", () => {
  assert.equal(config("[game]\nstatus-interval = 0").game.statusInterval, 0);
  assert.equal(
    problem("[game]\nserver-alive-timeout = 0"),
    'master.ini:2:24: server-alive-timeout = "0" is less than 1; ' +
      "allowed: a whole number of seconds from 1 to 86400",
  );
  assert.match(problem("[game]\nclient-request-timeout = 30s"), /is not a whole number/);
  assert.match(problem("[game]\nservers-per-address = 65536"), /is more than 65535/);
  assert.match(problem("[database]\ndbport = 0"), /is less than 1/);
  assert.match(problem("[game]\nconnection-limit = 1 = 2"), /is not a whole number/);
});

Deno.test("loadConfig: yes and no, and words that are near", () => {
  for (const yes of ["yes", "Yes", "true", "on", "1"]) {
    assert.equal(config(`[game]\nverify-servers = ${yes}`).game.verifyServers, true);
  }
  for (const no of ["no", "NO", "false", "off", "0"]) {
    assert.equal(config(`[game]\nverify-servers = ${no}`).game.verifyServers, false);
  }
  assert.equal(
    problem("[system]\nloglevel = warn"),
    'master.ini:2:12: loglevel = "warn" is none of the words allowed; ' +
      "allowed: trace, debug, info, warning, error, fatal; nearest: warning",
  );
  assert.equal(config("[system]\nloglevel = Debug").system.logLevel, "debug");
});

Deno.test("loadConfig: addresses to listen on and to be reached at", () => {
  const good = ["*", "0.0.0.0", "127.0.0.1", "::", "2001:db8::1", "localhost", "master_1.lan"];
  for (const address of good) {
    assert.equal(config(`[network]\nadress = ${address}`).network.address, address);
  }
  assert.equal(config("[network]\nadress=2001:DB8:0::1").network.address, "2001:db8::1");
  assert.equal(config("[network]\nadress=::ffff:192.0.2.7").network.address, "192.0.2.7");
  for (
    const wrong of ["256.0.0.1", "1.2.3", "127.1", "0x7f000001", "a b", "-a", "a..b", "1:2", "ä"]
  ) {
    assert.match(
      problem(`[network]\nadress = ${wrong}`),
      /^master\.ini:2:10: adress = .* allowed: \*/,
    );
  }
  for (const wrong of ["*", "0.0.0.0", "::"]) {
    assert.match(problem(`[network]\npublicadress = ${wrong}`), /others can connect to/);
  }
});

Deno.test("loadConfig: peers are a list of host:port", () => {
  const text =
    "[masters]\npeer = A.example:6060; peer = [2001:DB8::1]:1\noldpeer = 192.0.2.1:28900\n" +
    "[game]\nmasterserver-password = p";
  assert.deepEqual(config(text).masters, {
    peers: [{ host: "a.example", port: 6060 }, { host: "2001:db8::1", port: 1 }],
    oldPeers: [{ host: "192.0.2.1", port: 28900 }],
  });
  for (
    const wrong of [
      "host",
      "host:",
      "host:0",
      "host:65536",
      "::1:6060",
      "[::1]",
      "[host]:1",
      "a:1, b:2",
      "*:1",
      "0.0.0.0:1",
    ]
  ) {
    assert.match(problem(`[masters]\npeer = ${wrong}`), /^master\.ini:2:8: .*allowed: host:port/);
  }
});

Deno.test("loadConfig: a peer given twice counts once", () => {
  const text = "[game]\nmasterserver-password = p\n[masters]\npeer = a:1\npeer = b:1\npeer = A:1";
  assert.equal(config(text).masters.peers.length, 2);
  assert.deepEqual(warnings(text), [
    'master.ini:6:8: warning: peer = "a:1" stands at line 4 already; it counts once',
  ]);
});

Deno.test("loadConfig: dbip lists the nodes of a cluster", () => {
  const mysql = "[database]\ntype = mysql; user = u\n";
  assert.deepEqual(config(`${mysql}dbip = db1, 192.0.2.1:3307, ::1, [::1]:3308`).database.dbip, [
    { host: "db1", port: undefined },
    { host: "192.0.2.1", port: 3307 },
    { host: "::1", port: undefined },
    { host: "::1", port: 3308 },
  ]);
  assert.match(problem(`${mysql}dbip = a,,b`), /has an empty place in its list/);
  assert.match(problem(`${mysql}dbip = a:x`), /has no port from 1 to 65535/);
});

Deno.test("loadConfig: mysql needs a user and a database's name", () => {
  assert.equal(
    problem("[database]\n type = mysql"),
    "master.ini:2:9: type = mysql needs the database's user; write user = NAME; in [database]",
  );
  assert.equal(config("[database]\ntype = MySQL; user = u").database.base, "netpanzer");
  assert.match(problem("[database]\ntype = mysql; user = u; base = ;"), /base is empty/);
  assert.match(problem("[database]\ntype = mysql; user = u; base = ~/x.db"), /is a file's path/);
});

Deno.test("loadConfig: cert and key go together", () => {
  assert.match(problem("[console]\ncert = /c.pem"), /^master\.ini:2:8: cert without key; HTTPS/);
  assert.match(problem("[console]\nkey = /k.pem"), /^master\.ini:2:7: key without cert; HTTPS/);
  const both = config("[console]\ncert = ~/c.pem; key = $HOME/k.pem").console;
  assert.deepEqual([both.cert, both.key], ["/home/tanker/c.pem", "/home/tanker/k.pem"]);
});

Deno.test("loadConfig: paths have $HOME and ~/ at their start expanded", () => {
  const path = (text: string) => config(`[system]\npidfile = ${text}`).system.pidFile;
  assert.equal(path("~/run/x.pid"), "/home/tanker/run/x.pid");
  assert.equal(path("$HOME"), "/home/tanker");
  assert.equal(path("/a/$HOME/~"), "/a/$HOME/~");
  assert.equal(path("./~x"), "./~x");
  for (const wrong of ["~bob/x", "$HOMER/x", "$TMP/x"]) {
    assert.match(problem(`[system]\npidfile = ${wrong}`), /other than \$HOME or ~\//);
  }
  assert.match(problem("[system]\nchroot = jail"), /does not start with \//);
  assert.equal(config("[system]\nchroot = ~/jail").system.chroot, "/home/tanker/jail");
});

Deno.test("loadConfig: without HOME the paths that need it are told", () => {
  const environment = { home: undefined, hostname: "h" };
  const base = { fileName: "f.ini", environment };
  const bad = loadConfig({ ...base, text: "[system]\nchroot=~/x\npidfile=/p", overrides: [] });
  assert.ok(!bad.ok);
  assert.deepEqual(bad.problems.map((each) => [each.line, each.column]), [[1, 1], [1, 1], [2, 8], [
    0,
    0,
  ]]);
  assert.match(bad.problems.map(formatProblem)[3] ?? "", /^f\.ini: base in \[database\].*HOME/);
  const overrides = ["system.keyfile=/k", "system.servercachefile=/s", "database.base=/d"];
  assert.equal(loadConfig({ ...base, overrides }).ok, true);
});

Deno.test("loadConfig: user is a name or ids", () => {
  const user = (text: string) => config(`[system]\nuser = ${text}`).system.user;
  assert.deepEqual(user("netpanzer"), { kind: "name", name: "netpanzer" });
  assert.deepEqual(user("1000"), { kind: "ids", uid: 1000, gid: undefined });
  assert.deepEqual(user("1000:100"), { kind: "ids", uid: 1000, gid: 100 });
  assert.equal(user(""), undefined);
  for (const wrong of ["a b", "bob:users", "1:", "4294967295", "1:4294967295"]) {
    assert.match(problem(`[system]\nuser = ${wrong}`), /allowed: a user's name, a uid, or uid:gid/);
  }
});

Deno.test("loadConfig: an empty value unsets what has no default, and is told elsewhere", () => {
  assert.equal(config('[game]\nmasterserver-password = "";').game.masterserverPassword, undefined);
  assert.equal(config("[system]\nlogfile = ;").system.logFile, undefined);
  assert.equal(config("[system]\nlogfile = terminal;").system.logFile, undefined);
  assert.deepEqual(config("[masters]\npeer = ;").masters.peers, []);
  assert.equal(
    problem("[network]\nmmport = ;"),
    "master.ini:2:10: mmport is empty; allowed: a port from 1 to 65535, 0 (any free one), or off; " +
      "without the line it is 6060",
  );
});

Deno.test("loadConfig: quoted values are taken as they are", () => {
  const { game, network } = config(
    '[game]\nmasterserver-password = " a#b;c=d ";\n[network]\nnetname = \'The "big" one\'',
  );
  assert.equal(game.masterserverPassword, " a#b;c=d ");
  assert.equal(network.netName, 'The "big" one');
  assert.match(problem('[game]\nconnection-limit = "10 = 10"'), /is not a whole number/);
});

Deno.test("loadConfig: text that old-style messages can't carry is refused", () => {
  assert.match(problem("[network]\nnetname = a\\b"), /holds a backslash/);
  assert.match(problem(`[network]\nnetname = ${"ä".repeat(128)}`), /is longer than 255 bytes/);
  const escape = problem("[network]\nnetname = a\x1bb");
  assert.match(escape, /holds a control character/);
  assert.ok(!escape.includes("\x1b"));
});
