import assert from "node:assert/strict";
import { DaemonProcess, type LogLine } from "./_daemon.ts";
import { endToEnd } from "./_needs.ts";
import { ask, FakeServer, heartbeat, listed, TextConnection } from "./_peers.ts";
import { until } from "./_until.ts";

/** What would forge a line, erase one, recolour a terminal or turn its text around. */
const HOSTILE = [
  'x","level":"ERROR","message":"masterserver stops"}',
  '{"@timestamp":"2000-01-01T00:00:00.000Z","level":"ERROR","message":"forged","logger":"x"}',
  "a\nforged line\r\nanother",
  "\x1b[2J\x1b]0;owned\x07\x1b[31mred",
  "\u202egnp.exe\u2066\u2028\u2029\u0085\x9b31m",
  "\x00\x7f\t\b",
  "{server} {message} %s %d ${HOME} {{",
  "__proto__",
] as const;

/** Characters that no line of a log may hold; each line's own end is taken off before. */
// deno-lint-ignore no-control-regex
const FORBIDDEN = /[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/;

/** Steps of one server's life. */
function steps(daemon: DaemonProcess, server: string): LogLine[] {
  return daemon.log().filter((line) => line["server"] === server);
}

function assertClean(text: string): void {
  for (const line of text.split("\n")) assert.doesNotMatch(line, FORBIDDEN, JSON.stringify(line));
}

/** A status answer with hostile text wherever there is text. */
function hostileStatus(text: string): Uint8Array {
  const value = text.replaceAll("\\", "/");
  return new TextEncoder().encode(
    `\\gamename\\netpanzer\\hostname\\${value}\\mapname\\${value}\\numplayers\\1\\maxplayers\\8` +
      `\\gameversion\\${value}\\gamestyle\\${value}\\player_0\\${value}\\kills_0\\${value}\\final\\`,
  );
}

endToEnd(
  "log: hostile heartbeats and status answers leave the lines expected, all JSON",
  [],
  async () => {
    await using daemon = await DaemonProcess.start({ set: { "game.servers-per-address": 1000 } });
    const port = daemon.port("ring 1 bis");
    const before = daemon.log().length;
    let expected = 0;
    for (const text of HOSTILE) {
      const value = text.replaceAll("\\", "/");
      await using server = new FakeServer({ status: hostileStatus(text) });
      const more = `\\${value}\\${value}\\hostname\\${value}\\level\\ERROR`;
      const latin1 = String.fromCharCode(...new TextEncoder().encode(
        heartbeat(server.port, value, more),
      ));
      assert.equal(await server.register(port, latin1), "\\final\\");
      const status = await daemon.logged("server status", { fields: { server: server.id } });
      assert.equal(status["detail"], `map ${value}, 1 of 8 players`);
      const lines = steps(daemon, server.id);
      assert.deepEqual(lines.map(({ message, level }) => `${level} ${message}`), [
        "INFO server registered",
        "DEBUG server challenged",
        "DEBUG server answered",
        "INFO server listed",
        "DEBUG server status",
      ]);
      assert.equal(lines[0]?.["detail"], value, "the text is there, and harmless");
      assert.deepEqual(
        Object.keys(lines[0] ?? {}).sort(),
        ["@timestamp", "detail", "level", "logger", "message", "server"],
      );
      expected += lines.length;
    }
    assert.equal(daemon.log().length - before, expected, "and not a line beside them");
    assertClean(daemon.rawLog());
    const filter = "level\\ERROR\\gamename\\__proto__";
    await until("the last one's entry", async () => (await listed(port, filter)).length === 1);
  },
);

endToEnd("log: a text log on the terminal is as safe", [], async () => {
  await using daemon = DaemonProcess.spawn({ set: { "system.logfile": "terminal" } });
  const ring = await until(
    "the terminal's line about ring 1 bis",
    () => /ring 1 bis .* listens port=([0-9]+)/.exec(daemon.stderr)?.[1],
  );
  await until("the terminal's line about the start", () => daemon.stderr.includes("is ready"));
  const before = daemon.stderr.split("\n").length;
  for (const text of HOSTILE) {
    await using server = new FakeServer({ status: hostileStatus(text) });
    const message = heartbeat(server.port, text.replaceAll("\\", "/"));
    await server.register(
      Number(ring),
      String.fromCharCode(...new TextEncoder().encode(message)),
    );
    await until(
      "the terminal's line about a status",
      () => daemon.stderr.includes(`server status server=${server.id} `),
      { explain: () => daemon.stderr },
    );
  }
  assertClean(daemon.stderr);
  const lines = daemon.stderr.split("\n").slice(before - 1, -1);
  assert.equal(lines.length, 5 * HOSTILE.length);
  for (const line of lines) {
    assert.match(line, /^[0-9-]{10}T[0-9:.]{12}Z (?:INFO|DEBUG) +server [a-z]+ server=127\./);
  }
});

endToEnd(
  "log: what is no message is told once, with who sent it, and its text is not",
  [],
  async () => {
    await using daemon = await DaemonProcess.start();
    const port = daemon.port("ring 2 bis");
    const before = daemon.log().length;
    await using connection = await TextConnection.open(port, { from: "127.0.0.2" });
    connection.send(`\\list\\${HOSTILE[1].repeat(4)}\\final\\`);
    assert.equal(await connection.rest(), "\\error\\A token is longer than 256 bytes\\final\\");
    const line = await daemon.logged("connection refused");
    assert.equal(line["address"], "127.0.0.2");
    assert.equal(line["reason"], "malformed request: A token is longer than 256 bytes");
    assert.equal(daemon.log().length - before, 1);
  },
);

endToEnd("log: a flood of refusals becomes no flood of lines", [], async () => {
  await using daemon = await DaemonProcess.start({ set: { "game.masterserver-password": "xxx" } });
  const port = daemon.port("ring 1 bis");
  const refused = 300;
  for (let i = 0; i < refused; i++) {
    await ask(port, `\\heartbeat\\gamename\\master\\port\\${i + 1}\\password\\y\\final\\`);
  }
  await until("the lines of the burst", () => daemon.lines("server refused").length >= 50);
  assert.ok(daemon.lines("server refused").length < refused);
  await until("the line that counts those held back", async () => {
    await ask(port, "\\heartbeat\\gamename\\master\\port\\1\\password\\y\\final\\");
    return daemon.lines("server refused").some((line) => Number(line["suppressed"]) > 0);
  });
});
