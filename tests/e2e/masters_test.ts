import assert from "node:assert/strict";
import { DaemonProcess } from "./_daemon.ts";
import { endToEnd } from "./_needs.ts";
import {
  ask,
  heartbeat,
  listed,
  masterHeartbeat,
  MASTERS,
  type Route,
  untilListed,
} from "./_peers.ts";
import { until } from "./_until.ts";

const ACCEPTED = "\\final\\";
const WRONG_PASSWORD = "\\error\\Wrong masterserver password\\final\\";

function masters(port: number, route: Route = {}): Promise<string[]> {
  return listed(port, MASTERS, route);
}

endToEnd("masters: the right password lets one in, anything else does not", [], async () => {
  await using daemon = await DaemonProcess.start({ set: { "game.masterserver-password": "xxx" } });
  const port = daemon.port("ring 1 bis");
  const own = `127.0.0.1:${port}`;
  const from = "127.0.0.2";
  for (const guess of [undefined, "", "xx", "xxxx", "XXX", "yyy", "xxx ", "*"]) {
    assert.equal(await ask(port, masterHeartbeat(28900, guess), { from }), WRONG_PASSWORD, guess);
  }
  assert.deepEqual(await masters(port), [own]);
  const line = await daemon.logged("server refused", { fields: { server: "127.0.0.2:28900" } });
  assert.equal(line["detail"], "Wrong masterserver password");

  assert.equal(await ask(port, masterHeartbeat(28900, "xxx"), { from }), ACCEPTED);
  assert.deepEqual(await masters(port), [own, "127.0.0.2:28900"]);
  await untilListed(daemon.port("ring 2 bis"), [own, "127.0.0.2:28900"], MASTERS);
  assert.deepEqual(await listed(port), [], "a master is no game server");
});

endToEnd("masters: without a password configured nobody is let in", [], async () => {
  await using daemon = await DaemonProcess.start();
  const port = daemon.port("ring 1 bis");
  for (const guess of [undefined, "", "xxx", "undefined", "null"]) {
    assert.equal(await ask(port, masterHeartbeat(28900, guess)), WRONG_PASSWORD, guess);
  }
  assert.deepEqual(await masters(port), [`127.0.0.1:${port}`]);
});

endToEnd("masters: the list names this master by the address the client came to", [], async () => {
  await using daemon = await DaemonProcess.start();
  const port = daemon.port("ring 1 bis");
  assert.deepEqual(await masters(port, { to: "127.0.0.1" }), [`127.0.0.1:${port}`]);
  assert.deepEqual(await masters(port, { to: "127.0.0.9" }), [`127.0.0.9:${port}`]);
  // Masters are reached at ring 1 bis, whichever ring tells of them.
  await untilListed(daemon.port("ring 2 bis"), [`127.0.0.9:${port}`], MASTERS, { to: "127.0.0.9" });
});

endToEnd(
  "masters: the list names this master by its publicadress, and names it once",
  [],
  async () => {
    await using daemon = await DaemonProcess.start({
      set: { "network.publicadress": "127.0.0.7", "game.masterserver-password": "xxx" },
    });
    const port = daemon.port("ring 1 bis");
    const own = `127.0.0.7:${port}`;
    await untilListed(port, [own], MASTERS);
    // A master behind the same address, or this one's own heartbeat come back to it.
    assert.equal(await ask(port, masterHeartbeat(port, "xxx"), { from: "127.0.0.7" }), ACCEPTED);
    assert.deepEqual(await masters(port), [own]);
  },
);

endToEnd("masters: quit removes the sender and nobody else", [], async () => {
  await using daemon = await DaemonProcess.start({ set: { "game.masterserver-password": "xxx" } });
  const port = daemon.port("ring 1 bis");
  const own = `127.0.0.1:${port}`;
  for (const from of ["127.0.0.2", "127.0.0.3"]) {
    await ask(port, masterHeartbeat(28900, "xxx"), { from });
  }
  const quit = "\\quit\\gamename\\master\\port\\28900\\final\\";
  assert.equal(await ask(port, quit, { from: "127.0.0.4" }), ACCEPTED);
  assert.deepEqual(await masters(port), [own, "127.0.0.2:28900", "127.0.0.3:28900"]);
  assert.equal(await ask(port, quit, { from: "127.0.0.2" }), ACCEPTED);
  assert.deepEqual(await masters(port), [own, "127.0.0.3:28900"]);
});

endToEnd("masters: a list tells nothing about the password, the log neither", [], async () => {
  await using daemon = await DaemonProcess.start({
    set: {
      "game.masterserver-password": "hush-4711",
      "game.verify-servers": "no",
      "system.loglevel": "trace",
    },
  });
  const port = daemon.port("ring 1 bis");
  await ask(port, masterHeartbeat(28900, "hush-4711"), { from: "127.0.0.2" });
  await ask(port, masterHeartbeat(28900, "hush-4712"), { from: "127.0.0.3" });
  await ask(port, heartbeat(3030, "netpanzer", "\\password\\hush-4713"));
  for (const ringPort of [port, daemon.port("ring 2 bis")]) {
    for (const gamename of ["master", "netpanzer"]) {
      const plain = await ask(ringPort, `\\list\\gamename\\${gamename}\\final\\`);
      for (const key of ["password", "Password", "PASSWORD"]) {
        for (const guess of ["hush-4711", "hush-4713", "wrong"]) {
          const filtered = `\\list\\gamename\\${gamename}\\${key}\\${guess}\\final\\`;
          assert.equal(await ask(ringPort, filtered), plain, filtered);
        }
      }
    }
  }
  assert.ok(!(daemon.rawLog() + daemon.stderr).includes("hush"), "no secret in the log");
  await daemon.stop();
  const database = Deno.readFileSync(`${daemon.home}/.netpanzer/masterserver.db`);
  assert.ok(!new TextDecoder("latin1").decode(database).includes("hush"), "nor in the database");
});

endToEnd("masters: a silent one expires, one that speaks stays", [], async () => {
  await using daemon = await DaemonProcess.start({
    set: { "game.masterserver-password": "xxx", "game.server-alive-timeout": 1 },
  });
  const port = daemon.port("ring 1 bis");
  const speak = () => ask(port, masterHeartbeat(28900, "xxx"), { from: "127.0.0.2" });
  await speak();
  await ask(port, masterHeartbeat(28900, "xxx"), { from: "127.0.0.3" });
  await until("the end of the silent one", async () => {
    await speak();
    return !(await masters(port)).includes("127.0.0.3:28900");
  });
  assert.deepEqual(await masters(port), [`127.0.0.1:${port}`, "127.0.0.2:28900"]);
  await daemon.logged("server expired", { fields: { server: "127.0.0.2:28900" } });
  await untilListed(port, [`127.0.0.1:${port}`], MASTERS);
});

endToEnd(
  "masters: a server that says it is a master from now on needs the password",
  [],
  async () => {
    await using daemon = await DaemonProcess.start({
      set: { "game.masterserver-password": "xxx", "game.verify-servers": "no" },
    });
    const port = daemon.port("ring 1 bis");
    const from = "127.0.0.2";
    await ask(port, heartbeat(3030), { from });
    assert.equal(await ask(port, masterHeartbeat(3030, "guess"), { from }), WRONG_PASSWORD);
    assert.deepEqual(await listed(port), ["127.0.0.2:3030"], "a wrong password changes nothing");
    assert.equal(await ask(port, masterHeartbeat(3030, "xxx"), { from }), ACCEPTED);
    assert.deepEqual(await listed(port), []);
    assert.deepEqual(await masters(port), [`127.0.0.1:${port}`, "127.0.0.2:3030"]);
  },
);
