import assert from "node:assert/strict";
import { hasMariadb, Mariadb, sharedServer } from "../db/_mariadb.ts";
import {
  daemonOn,
  LIST_P99_MS,
  listedPorts,
  p99,
  registerMany,
  storedExactly,
  watchLists,
} from "./_crowded_database.ts";
import type { DaemonProcess } from "./_daemon.ts";
import { pause, until } from "./_until.ts";

const FIRST = 10_000;

let databases = 0;

/** A test on an empty database of a real server, which may be hurt as long as it is well again. */
function onRealServer(
  title: string,
  run: (server: Mariadb, database: string) => Promise<void>,
): void {
  Deno.test({
    name: hasMariadb() ? title : `${title} (needs root and mariadb-server)`,
    ignore: !hasMariadb(),
    // The server is shared by all tests of this file.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const server = await sharedServer();
      const database = `np_fault${++databases}`;
      await server.database(database);
      await run(server, database);
    },
  });
}

/** Registers while something is done to the database; lists must not notice. */
async function registerThrough(
  daemon: DaemonProcess,
  count: number,
  at: number,
  fault: () => Promise<unknown>,
): Promise<number[]> {
  const stopWatching = await watchLists(daemon);
  let hurt: Promise<unknown> | undefined;
  const accepted = await registerMany(daemon, FIRST, count, (so_far) => {
    if (so_far >= at) hurt ??= fault();
  });
  await hurt;
  const times = await stopWatching();
  assert.equal(accepted.length, count, "every registration is answered");
  assert.ok(times.length >= 50, `${times.length} lists`);
  assert.ok(p99(times) <= LIST_P99_MS, `p99 of ${times.length} lists: ${p99(times)} ms`);
  return accepted;
}

onRealServer(
  "MariaDB: rows of servers, a master and their Numbers outlast both programs",
  async (server, database) => {
    await using daemon = await daemonOn(server, database);
    const accepted = await registerMany(daemon, FIRST, 200);
    await storedExactly(server, database, accepted);
    const numbers = await server.sql(
      "SELECT port, Number FROM server_data ORDER BY port",
      database,
    );
    await daemon.kill();
    await using again = await daemonOn(server, database, daemon.home);
    assert.deepEqual(
      (await listedPorts(again)).toSorted((a, b) => a - b),
      accepted.toSorted((a, b) => a - b),
    );
    await registerMany(again, FIRST, 200);
    assert.equal((await again.stop()).code, 0);
    assert.equal(
      await server.sql("SELECT port, Number FROM server_data ORDER BY port", database),
      numbers,
    );
  },
);

onRealServer(
  "MariaDB: two masters share one database from its first moment",
  async (server, database) => {
    const both = await Promise.all([daemonOn(server, database), daemonOn(server, database)]);
    await using one = both[0];
    await using two = both[1];
    const [first, second] = await Promise.all([
      registerMany(one, FIRST, 300),
      registerMany(two, FIRST + 200, 300),
    ]);
    const all = [...new Set([...first, ...second])];
    assert.equal(all.length, 500, "a hundred are known to both");
    await storedExactly(server, database, all);
    await one.kill();
    await using again = await daemonOn(server, database, one.home);
    assert.deepEqual(
      (await listedPorts(again)).toSorted((a, b) => a - b),
      all.toSorted((a, b) => a - b),
    );
  },
);

onRealServer(
  "MariaDB: SIGKILL in the middle of 10,000 registrations loses none",
  async (server, database) => {
    await using daemon = await daemonOn(server, database);
    const accepted = await registerThrough(daemon, 10_000, 3000, () => server.kill());
    await daemon.logged("the database takes no changes, they wait in the journal until it does");
    await server.restart();
    await storedExactly(server, database, accepted);
    await daemon.logged("the database takes changes", { within: 60_000 });
  },
);

onRealServer(
  "MariaDB: frozen for 60 s, rings go on, and afterwards all rows are there",
  async (server, database) => {
    await using daemon = await daemonOn(server, database);
    const accepted = await registerThrough(daemon, 3000, 1000, async () => {
      server.signal("SIGSTOP");
      await pause(60_000);
      server.signal("SIGCONT");
    });
    await storedExactly(server, database, accepted);
  },
);

onRealServer(
  "MariaDB: a wrong password is told, and mended without a restart",
  async (server, database) => {
    await using daemon = await daemonOn(server, database);
    const before = await registerMany(daemon, FIRST, 50);
    await storedExactly(server, database, before);
    await server.sql("ALTER USER 'npv2'@'127.0.0.1' IDENTIFIED BY 'another'");
    await cutConnections(server);
    const later = await registerMany(daemon, FIRST + 50, 50);
    const line = await daemon.logged(
      "the database takes no changes, they wait in the journal until it does",
    );
    assert.match(String(line["reason"]), /check \[database\] user and pass/);
    assert.ok(!daemon.rawLog().includes("npv2 secret"));
    await server.sql("ALTER USER 'npv2'@'127.0.0.1' IDENTIFIED BY 'npv2 secret'");
    await storedExactly(server, database, [...before, ...later]);
  },
);

onRealServer(
  "MariaDB: a dropped table is made again, with all that lives",
  async (server, database) => {
    await using daemon = await daemonOn(server, database);
    const accepted = await registerThrough(
      daemon,
      1000,
      500,
      () => server.sql("DROP TABLE server_data", database),
    );
    await storedExactly(server, database, accepted);
    await daemon.logged("tables were missing in the database and are made again");
  },
);

onRealServer(
  "MariaDB: connections cut in the middle of statements lose and double nothing",
  async (server, database) => {
    await using daemon = await daemonOn(server, database);
    const accepted = await registerThrough(daemon, 2000, 100, async () => {
      for (let i = 0; i < 10; i++) {
        await cutConnections(server);
        await pause(50);
      }
    });
    await storedExactly(server, database, accepted);
  },
);

onRealServer(
  "MariaDB: away while the master is killed, nothing acknowledged is missing",
  async (server, database) => {
    await using daemon = await daemonOn(server, database);
    let killed: Promise<void> | undefined;
    let away: Promise<void> | undefined;
    const accepted = await registerMany(daemon, FIRST, 3000, (so_far) => {
      if (so_far >= 500) away ??= server.kill();
      if (so_far >= 1500) killed ??= daemon.kill();
    });
    await away;
    await killed;
    assert.ok(accepted.length >= 1500 && accepted.length < 3000, `${accepted.length} acknowledged`);

    // The database is still away: what waits in the journal is listed all the same.
    await using again = await daemonOn(server, database, daemon.home);
    const listed = new Set(await listedPorts(again));
    assert.ok(listed.size > 0);
    await server.restart();
    await until("all that was acknowledged is listed", async () => {
      const ports = new Set(await listedPorts(again));
      return accepted.every((port) => ports.has(port));
    }, { within: 60_000 });
    const all = await listedPorts(again);
    assert.equal(new Set(all).size, all.length);
    await storedExactly(server, database, all);
  },
);

Deno.test({
  name: `MariaDB: a full disk loses nothing, and is told${
    hasMariadb() ? "" : " (needs root and mariadb-server)"
  }`,
  ignore: !hasMariadb(),
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const disk = await Deno.makeTempDir({ prefix: "mariadb-disk-" });
    await command("mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", disk);
    try {
      const server = await Mariadb.start(["--innodb-log-file-size=16M"], `${disk}/server`);
      try {
        const database = "np_full";
        await server.database(database);
        await using daemon = await daemonOn(server, database);
        const before = await registerMany(daemon, FIRST, 200);
        await storedExactly(server, database, before);
        await fillUp(`${disk}/filler`);
        // Rows of some kilobytes each, so that the tables have to grow.
        const more = [...Array(10).keys()].map((n) => `\\k${n}\\${"x".repeat(250)}`).join("");
        const during = await registerMany(daemon, FIRST + 200, 6000, () => {}, more);
        assert.equal(during.length, 6000);
        await daemon.logged(
          "the database takes no changes, they wait in the journal until it does",
          {
            within: 30_000,
          },
        );
        await Deno.remove(`${disk}/filler`);
        await server.revive();
        await storedExactly(server, database, [...before, ...during], 120_000);
      } finally {
        await server.remove();
      }
    } finally {
      await command("umount", disk);
      await Deno.remove(disk);
    }
  },
});

async function command(name: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(name, { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** Writes until there is no room left. */
async function fillUp(path: string): Promise<void> {
  using file = await Deno.create(path);
  for (const block of [new Uint8Array(1024 * 1024), new Uint8Array(4096)]) {
    try {
      for (;;) await file.write(block);
    } catch (error) {
      assert.match(String(error), /no space|os error 28/i);
    }
  }
}

async function cutConnections(server: Mariadb): Promise<void> {
  const ids = await server.sql(
    "SELECT id FROM information_schema.processlist WHERE user = 'npv2'",
  );
  for (const id of ids.split("\n").filter((line) => line !== "")) {
    await server.sql(`KILL ${id}`).catch(() => {});
  }
}
