import assert from "node:assert/strict";
import { DaemonProcess, freePort } from "./_daemon.ts";
import { endToEnd } from "./_needs.ts";
import { ask, FakeServer, heartbeat, listed, TextConnection, untilListed } from "./_peers.ts";
import { pause, until } from "./_until.ts";

/** Milliseconds from the start of the process within which all live servers are listed again. */
const RESTORED_MS = 1000;

/** Milliseconds after which the daemon has surely written what was registered before. */
const WRITTEN_MS = 300;

/** Starts a daemon again in the HOME of another; gives it and when it listed what is expected. */
async function restart(
  before: DaemonProcess,
  port: number,
  set: Readonly<Record<string, string | number>>,
  expected: readonly string[],
): Promise<DaemonProcess> {
  const started = performance.now();
  const daemon = DaemonProcess.spawn({ home: before.home, set });
  try {
    // The first list that is answered at all has to be the whole one.
    const list = await until("an answer", () => listed(port).catch(() => undefined));
    const took = performance.now() - started;
    assert.deepEqual(list, expected);
    assert.ok(took < RESTORED_MS, `listed again after ${Math.round(took)} ms`);
  } catch (error) {
    await daemon[Symbol.asyncDispose]();
    throw error;
  }
  return daemon;
}

endToEnd(
  "daemon: killed and started again, it lists all live servers at once, in their order",
  [],
  async () => {
    const port = freePort();
    const set = { "network.osport": port, "game.verify-servers": "no" };
    await using first = await DaemonProcess.start({ set });
    const expected: string[] = [];
    for (let host = 2; host < 12; host++) {
      for (const gamePort of [3030, 3031]) {
        await ask(port, heartbeat(gamePort), { from: `127.0.0.${host}` });
        expected.push(`127.0.0.${host}:${gamePort}`);
      }
    }
    await ask(port, "\\quit\\port\\3030\\final\\", { from: "127.0.0.7" });
    expected.splice(expected.indexOf("127.0.0.7:3030"), 1);
    assert.deepEqual(await listed(port), expected);
    await pause(WRITTEN_MS);
    await first.kill();
    await using second = await restart(first, port, set, expected);
    const [line] = second.lines("servers taken over from the database");
    assert.equal(line?.["servers"], expected.length);
  },
);

endToEnd(
  "daemon: killed and started again, it lists who was verified and challenges who was not",
  [],
  async () => {
    const port = freePort();
    const set = { "network.osport": port, "game.status-interval": 0 };
    await using first = await DaemonProcess.start({ set });
    await using verified = new FakeServer({ ip: "127.0.0.2" });
    await using alsoVerified = new FakeServer({ ip: "127.0.0.3" });
    await using silent = new FakeServer({ ip: "127.0.0.4", echo: false });
    for (const server of [verified, silent, alsoVerified]) {
      await server.register(port);
      await until("a challenge", () => server.tokens.length > 0);
    }
    const expected = [verified.id, alsoVerified.id];
    await untilListed(port, expected);
    await pause(WRITTEN_MS);
    await first.kill();

    const [tokenBefore] = silent.tokens;
    const told = silent.tokens.length;
    await using second = await restart(first, port, set, expected);
    await until("a new challenge", () => silent.tokens.length > told);
    assert.notEqual(silent.tokens.at(-1), tokenBefore, "an old token is worth nothing");
    assert.equal(verified.tokens.length, 1, "who was verified is not asked again");
    await silent.send(tokenBefore ?? "", port);
    await silent.send(silent.tokens.at(-1) ?? "", port);
    await second.logged("server listed", { fields: { server: silent.id } });
    await untilListed(port, [...expected, silent.id]);
  },
);

endToEnd("daemon: a restart neither shortens nor lengthens a server's life", [], async () => {
  const aliveTimeout = 6000;
  const port = freePort();
  const set = {
    "network.osport": port,
    "game.verify-servers": "no",
    "game.server-alive-timeout": aliveTimeout / 1000,
  };
  await using first = await DaemonProcess.start({ set });
  await ask(port, heartbeat(3030), { from: "127.0.0.2" });
  await ask(port, heartbeat(3030), { from: "127.0.0.3" });
  await pause(1500);
  // A heartbeat like the one before is written with others of its second.
  await ask(port, heartbeat(3030), { from: "127.0.0.3" });
  const refreshed = Date.now();
  await pause(1500);
  await first.kill();
  await using second = await restart(first, port, set, ["127.0.0.2:3030", "127.0.0.3:3030"]);
  const line = await second.logged("server expired", {
    fields: { server: "127.0.0.3:3030" },
    within: aliveTimeout,
  });
  const [other] = second.lines("server expired", { server: "127.0.0.2:3030" });
  const age = Date.parse(line["@timestamp"]) - refreshed;
  assert.ok(age > aliveTimeout - 100 && age < aliveTimeout + 2000, `expired after ${age} ms`);
  assert.ok(other, "who was silent for longer went first");
  await untilListed(port, []);
});

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  endToEnd(
    `daemon: after ${signal} it starts again on the same ports at once, with connections cut off`,
    [],
    async () => {
      const [osport, ocport] = [freePort(), freePort()];
      const set = {
        "network.osport": osport,
        "network.ocport": ocport,
        "game.verify-servers": "no",
      };
      await using first = await DaemonProcess.start({ set });
      await using _toRing1 = await TextConnection.open(osport);
      await using _toRing2 = await TextConnection.open(ocport);
      // The daemon closes after a heartbeat, so that its side of the connection lingers.
      await ask(osport, heartbeat(3030));
      await pause(WRITTEN_MS);
      const { code } = await first.stop(signal);
      assert.equal(code, signal === "SIGTERM" ? 0 : 128 + 9);
      await using second = await restart(first, osport, set, ["127.0.0.1:3030"]);
      await second.logged("masterserver is ready");
      assert.deepEqual(await listed(ocport), ["127.0.0.1:3030"]);
      assert.deepEqual(second.log().filter(({ level }) => level === "ERROR"), []);
    },
  );
}
