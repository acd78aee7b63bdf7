import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { DaemonProcess, freePort } from "./_daemon.ts";
import { endToEnd } from "./_needs.ts";
import { ask, heartbeat, listed, TextConnection, untilListed } from "./_peers.ts";
import { pause } from "./_until.ts";

/** Milliseconds that a stop may take, whatever clients do. */
const STOP_MS = 5000;

/** Milliseconds for bytes to get from one process of this machine to another. */
const DELIVERY_MS = 200;

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  endToEnd(`${signal}: ends an idle daemon at once with status 0`, [], async () => {
    await using daemon = await DaemonProcess.start();
    await using idle = await TextConnection.open(daemon.port("ring 1 bis"));
    const told = performance.now();
    const { code } = await daemon.stop(signal);
    assert.equal(code, 0);
    assert.ok(performance.now() - told < 1000, "nothing was in hand, so nothing is waited for");
    assert.equal(await idle.rest(), "");
    assert.equal(daemon.lines("masterserver stops")[0]?.["reason"], signal);
    assert.equal(daemon.log().at(-1)?.message, "masterserver stopped");
  });
}

endToEnd("SIGTERM: a request of which half has come is still answered", [], async () => {
  await using daemon = await DaemonProcess.start({ set: { "game.verify-servers": "no" } });
  const [ring1bis, ring2bis] = [daemon.port("ring 1 bis"), daemon.port("ring 2 bis")];
  await ask(ring1bis, heartbeat(3030));
  await using list = await TextConnection.open(ring2bis);
  await using registration = await TextConnection.open(ring1bis);
  list.send("\\list\\gamename\\netp");
  registration.send("\\heartbeat\\gamename\\netpanzer\\port\\40");
  await pause(DELIVERY_MS);
  daemon.signal("SIGTERM");
  await daemon.logged("masterserver stops");
  await assert.rejects(TextConnection.open(ring2bis), "nobody new is let in");
  list.send("anzer\\final\\");
  assert.equal(await list.answer(), "\\ip\\127.0.0.1\\port\\3030\\final\\");
  registration.send("40\\final\\");
  assert.equal(await registration.answer(), "\\final\\");
  const { code } = await daemon.ended(STOP_MS);
  assert.equal(code, 0);
  await using again = await DaemonProcess.start({ home: daemon.home });
  const servers = await listed(again.port("ring 1 bis"));
  assert.deepEqual(servers, ["127.0.0.1:3030", "127.0.0.1:4040"], "what was accepted was stored");
});

endToEnd("SIGTERM: a client that never gets done does not hold the daemon up", [], async () => {
  await using daemon = await DaemonProcess.start();
  await using slow = await TextConnection.open(daemon.port("ring 1 bis"));
  slow.send("\\list\\gamename\\netp");
  await pause(DELIVERY_MS);
  const told = performance.now();
  daemon.signal("SIGTERM");
  const trickle = setInterval(() => slow.send("a"), 500);
  try {
    const { code } = await daemon.ended(STOP_MS);
    assert.equal(code, 0);
    assert.ok(performance.now() - told > 1000, "it was given some time");
  } finally {
    clearInterval(trickle);
  }
});

endToEnd("SIGTERM: a locked database does not hold the daemon up", [], async () => {
  await using daemon = await DaemonProcess.start();
  const database = new DatabaseSync(`${daemon.home}/.netpanzer/masterserver.db`);
  try {
    database.exec("BEGIN IMMEDIATE");
    await ask(daemon.port("ring 1 bis"), heartbeat(3030));
    await pause(DELIVERY_MS);
    daemon.signal("SIGTERM");
    const { code } = await daemon.ended(STOP_MS);
    assert.equal(code, 0);
  } finally {
    database.close();
  }
  // What the database did not take has waited in the journal.
  await using again = await DaemonProcess.start({ home: daemon.home });
  await again.logged("server challenged");
});

endToEnd("SIGHUP and SIGTERM: are heard while the daemon still waits to start", [], async () => {
  await using first = await DaemonProcess.start();
  assert.equal((await first.stop()).code, 0);
  const database = new DatabaseSync(`${first.home}/.netpanzer/masterserver.db`);
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    await using second = DaemonProcess.spawn({ home: first.home });
    await second.logged("ring 1 bis (game servers, old style) listens");
    second.signal("SIGHUP");
    await second.logged("configuration reloaded");
    assert.deepEqual(second.lines("masterserver is ready"), [], "it waits for its database");
    const told = performance.now();
    assert.equal((await second.stop()).code, 0);
    assert.ok(performance.now() - told < 2000, "there is nothing to wait for");
  } finally {
    database.close();
  }
});

endToEnd("pidfile: holds the process's number while it runs, and goes with it", [], async () => {
  await using daemon = await DaemonProcess.start({ set: { "system.pidfile": "$HOME/pid" } });
  const pidfile = `${daemon.home}/pid`;
  assert.equal(Deno.readTextFileSync(pidfile), `${daemon.pid}\n`);
  await daemon.stop();
  await assert.rejects(Deno.stat(pidfile), Deno.errors.NotFound);
});

endToEnd(
  "pidfile: one that was removed does not spoil the stop, nor another's life",
  [],
  async () => {
    await using first = await DaemonProcess.start({ set: { "system.pidfile": "$HOME/pid" } });
    const pidfile = `${first.home}/pid`;
    Deno.removeSync(pidfile);
    await using second = await DaemonProcess.start({ set: { "system.pidfile": pidfile } });
    assert.equal((await first.stop()).code, 0);
    assert.equal(Deno.readTextFileSync(pidfile), `${second.pid}\n`);
    Deno.removeSync(pidfile);
    assert.equal((await second.stop()).code, 0);
  },
);

endToEnd("pidfile: a live one refuses a second start, and the first goes on", [], async () => {
  await using first = await DaemonProcess.start({ set: { "system.pidfile": "$HOME/pid" } });
  const pidfile = `${first.home}/pid`;
  await using second = DaemonProcess.spawn({ set: { "system.pidfile": pidfile } });
  const { code, stderr } = await second.ended();
  assert.equal(code, 75);
  assert.ok(
    stderr.includes(`another masterserver (process ${first.pid}) holds the pid file ${pidfile}: `),
    stderr,
  );
  assert.ok(stderr.includes("[system] pidfile"), stderr);
  assert.equal(second.rawLog(), "", "whoever does not run writes no log");
  assert.equal(Deno.readTextFileSync(pidfile), `${first.pid}\n`);
  assert.deepEqual(await listed(first.port("ring 1 bis")), []);
});

endToEnd("pidfile: a stale one is taken over, even where its number is someone's", [], async () => {
  await using first = await DaemonProcess.start({ set: { "system.pidfile": "$HOME/pid" } });
  const pidfile = `${first.home}/pid`;
  await first.kill();
  assert.equal(Deno.readTextFileSync(pidfile), `${first.pid}\n`, "a crash leaves it behind");
  // Numbers are used again: this one belongs to a live process that is no masterserver.
  Deno.writeTextFileSync(pidfile, `${Deno.pid}\n`);
  await using second = await DaemonProcess.start({
    home: first.home,
    set: { "system.pidfile": pidfile },
  });
  assert.equal(second.lines("took over a stale pid file left by a crash").length, 1);
  assert.equal(Deno.readTextFileSync(pidfile), `${second.pid}\n`);
});

endToEnd("pidfile: a start that fails leaves none behind", [], async () => {
  await using daemon = DaemonProcess.spawn({
    set: { "system.pidfile": "$HOME/pid", "system.logfile": "$HOME/missing/folder/log" },
  });
  const { code, stderr } = await daemon.ended();
  assert.equal(code, 73);
  assert.ok(
    stderr.includes(`cannot write the log file ${daemon.home}/missing/folder/log: `),
    stderr,
  );
  await assert.rejects(Deno.stat(`${daemon.home}/pid`), Deno.errors.NotFound);
});

for (const transport of ["TCP", "UDP"] as const) {
  endToEnd(
    `daemon: a ${transport} port in use is told with its key, the other ring serves, and the ring ` +
      "comes up once the port is free",
    [],
    async () => {
      const port = freePort();
      const occupant = transport === "TCP"
        ? Deno.listen({ hostname: "0.0.0.0", port })
        : Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port });
      let occupied = true;
      try {
        await using daemon = await DaemonProcess.start({
          set: { "network.osport": port, "game.verify-servers": "no" },
        });
        const [line] = daemon.log().filter(({ level }) => level === "ERROR");
        assert.equal(
          line?.message,
          `ring1bis is down: ${transport} port ${port} on * is in use: stop the program that has ` +
            "it, or set [network] osport to another port or off",
        );
        const ring2bis = daemon.port("ring 2 bis");
        assert.deepEqual(await listed(ring2bis), []);
        occupant.close();
        occupied = false;
        await daemon.logged("ring 1 bis (game servers, old style) listens");
        await ask(port, heartbeat(3030));
        await untilListed(ring2bis, ["127.0.0.1:3030"]);
      } finally {
        if (occupied) occupant.close();
      }
    },
  );
}

endToEnd("daemon: with no ring at all it ends and says so", [], async () => {
  using occupant = Deno.listen({ hostname: "0.0.0.0", port: freePort() });
  const { port } = occupant.addr;
  await using daemon = DaemonProcess.spawn({
    set: { "network.osport": port, "network.ocport": "off", "system.pidfile": "$HOME/pid" },
  });
  const { code } = await daemon.ended();
  assert.equal(code, 69);
  assert.equal(daemon.lines("no ring could be started").length, 1);
  await assert.rejects(Deno.stat(`${daemon.home}/pid`), Deno.errors.NotFound);
});
