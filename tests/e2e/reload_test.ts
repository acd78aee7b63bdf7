import assert from "node:assert/strict";
import { configText, DaemonProcess } from "./_daemon.ts";
import { endToEnd } from "./_needs.ts";
import { ask, heartbeat, listed, masterHeartbeat, TextConnection, untilListed } from "./_peers.ts";
import { until } from "./_until.ts";

const ACCEPTED = "\\final\\";
const WRONG_PASSWORD = "\\error\\Wrong masterserver password\\final\\";

/** Writes master.ini anew, sends SIGHUP, and waits for the line that tells what became of it. */
async function reload(daemon: DaemonProcess, text: string, message: string): Promise<void> {
  const before = daemon.lines(message).length;
  daemon.configure(text);
  daemon.signal("SIGHUP");
  await until(
    `another line "${message}"`,
    () => daemon.lines(message).length > before,
    { explain: () => daemon.rawLog() },
  );
}

const RELOADED = "configuration reloaded";
const REFUSED = "the new configuration is wrong: going on with the old one";

endToEnd("SIGHUP: a new server-alive-timeout counts for servers that are there", [], async () => {
  const settings = { "game.verify-servers": "no", "game.server-alive-timeout": 600 };
  await using daemon = await DaemonProcess.start({ config: configText(settings) });
  const port = daemon.port("ring 1 bis");
  await ask(port, heartbeat(3030), { from: "127.0.0.2" });
  await reload(daemon, configText({ ...settings, "game.server-alive-timeout": 1 }), RELOADED);
  await daemon.logged("server expired", { fields: { server: "127.0.0.2:3030" } });
  await untilListed(port, []);
  const [line] = daemon.lines(RELOADED);
  assert.equal(line?.["changed"], "game.server-alive-timeout");
});

endToEnd("SIGHUP: a new loglevel holds at once, for less and for more", [], async () => {
  await using daemon = await DaemonProcess.start({ config: configText() });
  const port = daemon.port("ring 1 bis");
  await ask(port, heartbeat(4001));
  await daemon.logged("server challenged", { fields: { server: "127.0.0.1:4001" } });
  await reload(daemon, configText({ "system.loglevel": "info" }), RELOADED);
  await ask(port, heartbeat(4002));
  await daemon.logged("server registered", { fields: { server: "127.0.0.1:4002" } });
  await reload(daemon, configText({ "system.loglevel": "debug" }), RELOADED);
  await ask(port, heartbeat(4003));
  await daemon.logged("server challenged", { fields: { server: "127.0.0.1:4003" } });
  const challenged = daemon.lines("server challenged", { detail: "try 1 of 4" });
  assert.deepEqual(
    challenged.map((line) => line["server"]),
    ["127.0.0.1:4001", "127.0.0.1:4003"],
  );
});

endToEnd(
  "SIGHUP: a new masterserver-password replaces the old one and is never told",
  [],
  async () => {
    const old = configText({ "game.masterserver-password": "old-secret-4711" });
    await using daemon = await DaemonProcess.start({ config: old });
    const port = daemon.port("ring 1 bis");
    assert.equal(await ask(port, masterHeartbeat(28900, "old-secret-4711")), ACCEPTED);
    await reload(daemon, configText({ "game.masterserver-password": "new-secret-4712" }), RELOADED);
    assert.equal(await ask(port, masterHeartbeat(28900, "old-secret-4711")), WRONG_PASSWORD);
    assert.equal(await ask(port, masterHeartbeat(28900, "new-secret-4712")), ACCEPTED);
    const [line] = daemon.lines(RELOADED);
    assert.equal(line?.["changed"], "game.masterserver-password");
    assert.ok(!(daemon.rawLog() + daemon.stderr).includes("-secret-"));
  },
);

endToEnd("SIGHUP: a new connection-limit holds for the next connection", [], async () => {
  await using daemon = await DaemonProcess.start({ config: configText() });
  const port = daemon.port("ring 1 bis");
  const from = "127.0.0.2";
  await using first = await TextConnection.open(port, { from });
  await using second = await TextConnection.open(port, { from });
  await using third = await TextConnection.open(port, { from });
  await reload(daemon, configText({ "game.connection-limit": 3 }), RELOADED);
  await using refused = await TextConnection.open(port, { from });
  assert.equal(
    await refused.rest(),
    "\\error\\More than 3 connections at once from this address\\final\\",
  );
  for (const connection of [first, second, third]) {
    connection.send("\\list\\gamename\\netpanzer\\final\\");
    assert.equal(await connection.answer(), ACCEPTED, "who is in stays in");
  }
  await third[Symbol.asyncDispose]();
  await until(
    "a place that is free again",
    () =>
      ask(port, "\\list\\gamename\\netpanzer\\final\\", { from })
        .then((answer) => answer === ACCEPTED, () => false),
  );
});

endToEnd("SIGHUP: a changed port is told to need a restart, the old one goes on", [], async () => {
  await using daemon = await DaemonProcess.start({ config: configText() });
  const port = daemon.port("ring 2 bis");
  await reload(
    daemon,
    configText({ "network.ocport": 3999, "game.status-interval": 30 }),
    RELOADED,
  );
  const [line] = daemon.lines(RELOADED);
  assert.equal(line?.["changed"], "game.status-interval");
  await daemon.logged(
    "network.ocport changed in the file: restart the masterserver to apply it",
  );
  assert.deepEqual(await listed(port), []);
  await assert.rejects(TextConnection.open(3999));
});

endToEnd("SIGHUP: a wrong file is told with line and column and changes nothing", [], async () => {
  const good = configText({ "game.masterserver-password": "good" });
  await using daemon = await DaemonProcess.start({ config: good });
  const port = daemon.port("ring 1 bis");
  const wrong = good.replace("= good;", "= better;") +
    "server-alive-timeout = soon;\n  conection-limit = 5;\n";
  await reload(daemon, wrong, REFUSED);
  const lines = wrong.split("\n").length;
  const file = `${daemon.home}/.netpanzer/config/master.ini`;
  const problems = daemon.lines("configuration").filter(({ level }) => level === "ERROR")
    .map((line) => String(line["problem"]));
  assert.equal(problems.length, 2, problems.join("\n"));
  assert.ok(problems[0]?.startsWith(`${file}:${lines - 2}:24: `), problems[0]);
  assert.ok(problems[0]?.includes('"soon"'), problems[0]);
  assert.ok(problems[1]?.startsWith(`${file}:${lines - 1}:3: `), problems[1]);
  assert.ok(problems[1]?.includes("connection-limit"), problems[1]);
  assert.equal(await ask(port, masterHeartbeat(28900, "good")), ACCEPTED);
  assert.equal(await ask(port, masterHeartbeat(28900, "better")), WRONG_PASSWORD);
});

endToEnd("SIGHUP: a file that cannot be read is told and changes nothing", [], async () => {
  await using daemon = await DaemonProcess.start({ config: configText() });
  const file = `${daemon.home}/.netpanzer/config/master.ini`;
  Deno.removeSync(file);
  Deno.mkdirSync(file);
  daemon.signal("SIGHUP");
  await daemon.logged(REFUSED);
  assert.ok(daemon.rawLog().includes(`${file}: cannot be read: `), daemon.rawLog());
  assert.deepEqual(await listed(daemon.port("ring 1 bis")), []);
});

endToEnd(
  "SIGHUP: a file that is gone is told, and does not turn all into defaults",
  [],
  async () => {
    await using daemon = await DaemonProcess.start({ config: configText() });
    Deno.removeSync(`${daemon.home}/.netpanzer/config/master.ini`);
    daemon.signal("SIGHUP");
    await daemon.logged(REFUSED);
  },
);

for (const what of ["right", "wrong"]) {
  endToEnd(
    `SIGHUP: lets go of a log file that was moved away, with a ${what} file`,
    [],
    async () => {
      await using daemon = await DaemonProcess.start({ config: configText() });
      const moved = `${daemon.logFile}.moved`;
      Deno.renameSync(daemon.logFile, moved);
      const port = Number(
        daemon.log(moved).find(({ message }) => message.startsWith("ring 1 bis"))?.["port"],
      );
      await ask(port, heartbeat(4001));
      await until(
        "a line in the file that was moved",
        () => daemon.rawLog(moved).includes(":4001"),
      );
      await reload(
        daemon,
        configText() + (what === "right" ? "" : "nonsense\n"),
        what === "right" ? RELOADED : REFUSED,
      );
      await ask(port, heartbeat(4002));
      await daemon.logged("server registered", { fields: { server: "127.0.0.1:4002" } });
      assert.ok(!daemon.rawLog(moved).includes(":4002"));
      assert.ok(!daemon.rawLog().includes("masterserver starts"));
    },
  );
}
