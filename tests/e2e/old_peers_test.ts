import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { configText, DaemonProcess, freePort } from "./_daemon.ts";
import { endToEnd } from "./_needs.ts";
import { OldMaster } from "./_old_master.ts";
import { ask, GAMES, heartbeat, listed, MASTERS, untilListed } from "./_peers.ts";
import { pause, until } from "./_until.ts";

const ANSWERS = "an old-style master answers";
const REFUSES = "an old-style master refuses this one";
const UNREACHABLE = "an old-style master cannot be reached";

const LIST_MASTERS = "\\list\\gamename\\master\\final\\";
const LIST_GAMES = "\\list\\gamename\\netpanzer\\final\\";

/** Settings of a daemon that has one old-style master, and forgets soon. */
function settings(
  oldpeer: string,
  more: Readonly<Record<string, string | number>> = {},
): Record<string, string | number> {
  return {
    "masters.oldpeer": oldpeer,
    "game.masterserver-password": "xxx",
    "game.masterserver-heartbeat-interval": 1,
    "game.server-alive-timeout": 3,
    "game.verify-servers": "no",
    ...more,
  };
}

endToEnd(
  "old peers: the bytes of a heartbeat and of a goodbye are those of an old-style master",
  ["namespace"],
  async () => {
    await using old = new OldMaster();
    await using daemon = await DaemonProcess.start({
      set: settings(old.id, {
        "network.osport": 28900,
        "game.masterserver-heartbeat-interval": 300,
      }),
    });
    await daemon.logged(ANSWERS, { fields: { peer: old.id, masters: 1, servers: 0 } });
    assert.deepEqual(old.received.map(({ text }) => text), [
      "\\heartbeat\\port\\28900\\gamename\\master\\password\\xxx\\final\\",
      LIST_MASTERS,
      LIST_GAMES,
    ]);
    assert.deepEqual([...old.registered], ["127.0.0.1:28900"]);
    const { code } = await daemon.stop();
    assert.equal(code, 0);
    assert.deepEqual(old.received.slice(3).map(({ text }) => text), [
      "\\quit\\gamename\\master\\password\\xxx\\port\\28900\\final\\",
    ]);
    assert.equal(old.registered.size, 0);
  },
);

endToEnd("old peers: what one lists is listed, as long as it lists it", [], async () => {
  await using old = new OldMaster({
    ip: "127.0.0.2",
    servers: ["192.0.2.1:3030", "192.0.2.2:3031"],
    masters: ["192.0.2.9:28900"],
  });
  await using daemon = await DaemonProcess.start({ set: settings(old.id) });
  const own = `127.0.0.1:${daemon.port("ring 1 bis")}`;
  const rings = [daemon.port("ring 1 bis"), daemon.port("ring 2 bis")];
  for (const port of rings) {
    await untilListed(port, ["192.0.2.1:3030", "192.0.2.2:3031"], GAMES);
    await untilListed(port, [own, "192.0.2.9:28900", old.id], MASTERS);
  }
  // It tells on each interval that it lives, and so do the lists.
  await until("more heartbeats", () => old.requests("heartbeat").length >= 5, { within: 10_000 });
  for (const port of rings) {
    assert.deepEqual(await listed(port), ["192.0.2.1:3030", "192.0.2.2:3031"]);
  }
  old.servers = ["192.0.2.2:3031"];
  old.masters = [];
  const start = performance.now();
  for (const port of rings) {
    await until("the end of what is not listed", async () => (await listed(port)).length === 1, {
      within: 30_000,
    });
    assert.deepEqual(await listed(port), ["192.0.2.2:3031"]);
    await untilListed(port, [own, old.id], MASTERS);
  }
  assert.ok(performance.now() - start > 1500, "not before its time");
  assert.equal(daemon.lines(ANSWERS).length, 1, "told once");
});

endToEnd("old peers: a wrong password is told, and so is that it is right again", [], async () => {
  await using old = new OldMaster({ password: "other", servers: ["192.0.2.1:3030"] });
  await using daemon = await DaemonProcess.start({ set: settings(old.id) });
  const line = await daemon.logged(REFUSES, { fields: { peer: old.id } });
  assert.equal(line.level, "WARN");
  assert.equal(line["reason"], "wrong password for master update");
  assert.match(String(line["advice"]), /masterserver-password in \[game\]/);
  await untilListed(daemon.port("ring 1 bis"), ["192.0.2.1:3030"]);
  await until("another try", () => old.requests("heartbeat").length >= 3);
  assert.equal(daemon.lines(REFUSES).length, 1, "once");
  old.password = "xxx";
  await until("the good news", () => daemon.lines(ANSWERS).length === 2);
  await daemon.stop();
  assert.equal(old.registered.size, 0);
  assert.ok(!daemon.rawLog().includes("xxx"));
});

endToEnd("old peers: one out of reach is told, and so is that it is back", [], async () => {
  const port = freePort();
  const id = `127.0.0.1:${port}`;
  await using daemon = await DaemonProcess.start({ set: settings(id) });
  const line = await daemon.logged(UNREACHABLE, { fields: { peer: id } });
  assert.match(String(line["reason"]), /refused/i);
  assert.match(String(line["advice"]), /oldpeer in \[masters\]/);
  await pause(2500);
  assert.equal(daemon.lines(UNREACHABLE).length, 1, "once");
  {
    await using _old = new OldMaster({ port });
    await daemon.logged(ANSWERS, { fields: { peer: id } });
  }
  await until("the second loss", () => daemon.lines(UNREACHABLE).length === 2);
  const start = performance.now();
  const { code } = await daemon.stop();
  assert.equal(code, 0);
  assert.ok(performance.now() - start < 3000, "nobody waits for it at the end");
});

endToEnd("old peers: one that hangs holds up neither clients nor the end", [], async () => {
  await using old = new OldMaster({ isSilent: true });
  await using daemon = await DaemonProcess.start({ set: settings(old.id) });
  await until("its heartbeat", () => old.received.length === 1);
  const port = daemon.port("ring 1 bis");
  await ask(port, heartbeat(3030), { from: "127.0.0.5" });
  await untilListed(port, ["127.0.0.5:3030"]);
  const start = performance.now();
  const { code } = await daemon.stop();
  const took = performance.now() - start;
  assert.equal(code, 0);
  assert.ok(took < 3000, `${took} ms`);
  assert.match(old.received.at(-1)?.text ?? "", /^\\quit\\/);
});

endToEnd("old peers: a reload adds and removes them", [], async () => {
  await using first = new OldMaster({ ip: "127.0.0.2", servers: ["192.0.2.1:3030"] });
  await using second = new OldMaster({ ip: "127.0.0.3", servers: ["192.0.2.2:3030"] });
  const config = (...peers: readonly string[]): string => {
    const { "masters.oldpeer": _, ...others } = settings("");
    return `${configText(others)}[masters]\n${peers.map((id) => `oldpeer = ${id};\n`).join("")}`;
  };
  await using daemon = await DaemonProcess.start({ config: config(first.id) });
  await untilListed(daemon.port("ring 1 bis"), ["192.0.2.1:3030"]);
  daemon.configure(config(first.id, second.id));
  daemon.signal("SIGHUP");
  await until("the second", () => second.registered.size === 1);
  await untilListed(daemon.port("ring 1 bis"), ["192.0.2.1:3030", "192.0.2.2:3030"]);
  daemon.configure(config(second.id));
  daemon.signal("SIGHUP");
  await until("the goodbye", () => first.requests("quit").length === 1);
  assert.equal(first.registered.size, 0);
  await until(
    "the end of what it listed",
    async () => (await listed(daemon.port("ring 1 bis"))).length === 1,
    { within: 30_000 },
  );
  assert.deepEqual(await listed(daemon.port("ring 1 bis")), ["192.0.2.2:3030"]);
  assert.equal(second.registered.size, 1);
});

endToEnd("old peers: without a password they are asked, and not told of this one", [], async () => {
  await using old = new OldMaster({ servers: ["192.0.2.1:3030"] });
  const { "game.masterserver-password": _, ...set } = settings(old.id);
  await using daemon = await DaemonProcess.start({ set });
  await untilListed(daemon.port("ring 1 bis"), ["192.0.2.1:3030"]);
  await until("more rounds", () => old.requests("list").length >= 6);
  const told = daemon.log().filter(({ message }) => message.includes("not told of this one"));
  assert.equal(told.length, 1);
  assert.match(String(told[0]?.["advice"]), /masterserver-password/);
  await daemon.stop();
  assert.deepEqual([old.requests("heartbeat"), old.requests("quit")], [[], []]);
});

endToEnd("old peers: two that ask each other keep nothing dead alive", [], async () => {
  const [a, b] = [freePort(), freePort()];
  const start = (osport: number, peer: number): Promise<DaemonProcess> =>
    DaemonProcess.start({
      set: settings(`127.0.0.1:${peer}`, {
        "network.osport": osport,
        "game.server-alive-timeout": 2,
      }),
    });
  await using _first = await start(a, b);
  await using _second = await start(b, a);
  const beat = async (): Promise<void> => {
    await ask(a, heartbeat(3030), { from: "127.0.0.5" });
    await ask(b, heartbeat(4040), { from: "127.0.0.6" });
  };
  const both = ["127.0.0.5:3030", "127.0.0.6:4040"];
  for (const port of [a, b]) {
    await until("both servers", async () => {
      await beat();
      return isDeepStrictEqual((await listed(port)).toSorted(), both);
    }, { within: 15_000 });
    const masters = await listed(port, MASTERS);
    assert.deepEqual(masters.toSorted(), [`127.0.0.1:${a}`, `127.0.0.1:${b}`].toSorted());
  }
  // Both servers are silent from now on.
  await until("their end", async () => (await listed(a)).length + (await listed(b)).length === 0, {
    within: 30_000,
  });
  // Longer than it is remembered that they are gone.
  const end = performance.now() + 8000;
  while (performance.now() < end) {
    assert.deepEqual([...await listed(a), ...await listed(b)], []);
    await pause(100);
  }
});
