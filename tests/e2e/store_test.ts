import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { DaemonProcess, freePort } from "./_daemon.ts";
import { endToEnd } from "./_needs.ts";
import { ask, heartbeat, listed, untilListed } from "./_peers.ts";
import { pause, until } from "./_until.ts";

/** Milliseconds after which the daemon has surely written what was registered before. */
const WRITTEN_MS = 300;

const DATABASE = ".netpanzer/masterserver.db";

/** Registers a server and sees it listed by both rings. */
async function assertServes(daemon: DaemonProcess): Promise<void> {
  await ask(daemon.port("ring 1 bis"), heartbeat(3030));
  for (const ring of ["ring 1 bis", "ring 2 bis"] as const) {
    await untilListed(daemon.port(ring), ["127.0.0.1:3030"]);
  }
}

/** The lines about errors. */
function errors(daemon: DaemonProcess): string[] {
  return daemon.log().filter(({ level }) => level === "ERROR").map(({ message }) => message);
}

endToEnd(
  "store: a file in a place that cannot be written is told, the rings serve",
  [],
  async () => {
    // No folder can be made below a file, not even by root.
    await using daemon = await DaemonProcess.start({
      set: { "database.base": "$HOME/masterserver.log/below.db", "game.verify-servers": "no" },
    });
    await assertServes(daemon);
    const [line] = errors(daemon);
    const file = `${daemon.logFile}/below.db`;
    assert.ok(line?.startsWith(`store is down: the file ${file}.journal for changes`), line);
    assert.ok(line?.includes("beside [database] base"), line);
  },
);

endToEnd(
  "store: a file that is no database is told and left alone, the rings serve; it is used " +
    "once it is put right",
  [],
  async () => {
    await using first = await DaemonProcess.start();
    await first.stop();
    const file = `${first.home}/${DATABASE}`;
    const garbage = "This is no database, it is somebody's diary.\n".repeat(200);
    Deno.writeTextFileSync(file, garbage);
    const set = { "game.verify-servers": "no" };
    await using second = await DaemonProcess.start({ home: first.home, set });
    await assertServes(second);
    const line = await second.logged(
      "the database takes no changes, they wait in the journal until it does",
    );
    const reason = String(line["reason"]);
    assert.ok(reason.startsWith(`the database file ${file} cannot be used: `), reason);
    assert.ok(reason.includes("or set [database] base to another file"), reason);
    assert.equal(Deno.readTextFileSync(file), garbage);

    Deno.removeSync(file);
    await second.logged("servers taken over from the database", { within: 10_000 });
    await pause(WRITTEN_MS);
    await second.kill();
    await using third = await DaemonProcess.start({ home: first.home, set });
    assert.deepEqual(await listed(third.port("ring 1 bis")), ["127.0.0.1:3030"]);
  },
);

endToEnd(
  "store: a database with a damaged page is told with what to do, the rings serve",
  [],
  async () => {
    const set = { "game.verify-servers": "no", "game.servers-per-address": 1000 };
    await using first = await DaemonProcess.start({ set });
    for (let port = 4001; port <= 4100; port++) {
      await ask(
        first.port("ring 1 bis"),
        heartbeat(port),
      );
    }
    await first.stop();
    const file = `${first.home}/${DATABASE}`;
    const bytes = Deno.readFileSync(file);
    bytes.fill(0xff, 4096);
    Deno.writeFileSync(file, bytes);
    await using second = await DaemonProcess.start({ home: first.home, set });
    await assertServes(second);
    const told = second.log().filter(({ level }) => level === "ERROR");
    assert.ok(told.length > 0 && told.length < 10, second.rawLog());
    assert.ok(second.rawLog().includes(file), second.rawLog());
    assert.ok(second.rawLog().includes("[database] base"), second.rawLog());
  },
);

endToEnd(
  "store: rows that make no sense do not keep the others from coming back",
  [],
  async () => {
    const set = { "game.verify-servers": "no" };
    await using first = await DaemonProcess.start({ set });
    for (let port = 4001; port <= 4003; port++) {
      await ask(
        first.port("ring 1 bis"),
        heartbeat(port),
      );
    }
    await first.stop();
    const database = new DatabaseSync(`${first.home}/${DATABASE}`);
    for (const [port, config] of [[4002, "x"], [4004, "{}"], [4005, "null"]] as const) {
      database.prepare("UPDATE server_data SET config = ? WHERE port = ?").run(config, port);
    }
    database.close();
    await using second = await DaemonProcess.start({ home: first.home, set });
    assert.deepEqual(
      await listed(second.port("ring 1 bis")),
      ["127.0.0.1:4001", "127.0.0.1:4003"],
    );
    assert.ok(
      second.log().some(({ level }) => level !== "INFO" && level !== "DEBUG"),
      "it is told",
    );
  },
);

endToEnd(
  "store: a newer program's database is told and left alone, the rings serve",
  [],
  async () => {
    await using first = await DaemonProcess.start();
    await first.stop();
    const file = `${first.home}/${DATABASE}`;
    const database = new DatabaseSync(file);
    database.exec("UPDATE schema_version SET version = 4711");
    database.close();
    await using second = await DaemonProcess.start({
      home: first.home,
      set: { "game.verify-servers": "no" },
    });
    await assertServes(second);
    const line = await second.logged(
      "the database takes no changes, they wait in the journal until it does",
    );
    assert.match(
      String(line["reason"]),
      /has schema version 4711, .* run the newer program, or set/,
    );
  },
);

endToEnd(
  "store: while another program holds the database, changes wait and are not lost",
  [],
  async () => {
    const port = freePort();
    const set = { "network.osport": port, "game.verify-servers": "no" };
    await using first = await DaemonProcess.start({ set });
    const database = new DatabaseSync(`${first.home}/${DATABASE}`);
    try {
      database.exec("BEGIN IMMEDIATE");
      const told = performance.now();
      await ask(port, heartbeat(4001));
      assert.deepEqual(await listed(port), ["127.0.0.1:4001"]);
      assert.ok(performance.now() - told < 1000, "no request waits for the database");
      await first.logged("the database takes no changes, they wait in the journal until it does", {
        within: 10_000,
      });
      await ask(port, heartbeat(4002));
      database.exec("COMMIT");
    } finally {
      database.close();
    }
    await until(
      "the end of what waits",
      () => first.lines("the database takes changes").length > 1,
      {
        within: 20_000,
      },
    );
    await first.kill();
    await using second = await DaemonProcess.start({ home: first.home, set });
    await untilListed(port, ["127.0.0.1:4001", "127.0.0.1:4002"]);
    assert.deepEqual(errors(second), []);
  },
);

endToEnd("store: the file is for its owner only", [], async () => {
  await using daemon = await DaemonProcess.start();
  const { mode } = Deno.statSync(`${daemon.home}/${DATABASE}`);
  assert.equal((mode ?? 0) & 0o777, 0o600);
});
