import assert from "node:assert/strict";
import { hasGalera, hasMariadb, Mariadb } from "../db/_mariadb.ts";
import { daemonOn, registerMany, storedExactly } from "./_crowded_database.ts";
import { freePort } from "./_daemon.ts";

const FIRST = 10_000;
const DATABASE = "np_galera";

/** Options of one node of a cluster on this machine. */
function nodeOptions(name: string, port: number, all: readonly number[]): string[] {
  return [
    "--wsrep-on=ON",
    "--wsrep-provider=/usr/lib/galera/libgalera_smm.so",
    "--wsrep-cluster-name=masterserver-test",
    `--wsrep-cluster-address=gcomm://${all.map((each) => `127.0.0.1:${each}`).join(",")}`,
    `--wsrep-node-name=${name}`,
    "--wsrep-node-address=127.0.0.1",
    `--wsrep-provider-options=base_port=${port};gmcast.listen_addr=tcp://127.0.0.1:${port};` +
    "ist.recv_addr=127.0.0.1:" + (port + 1) + ";pc.weight=" + (name === "one" ? 1 : 2),
    `--wsrep-sst-receive-address=127.0.0.1:${port + 2}`,
    "--wsrep-sst-method=rsync",
    "--binlog-format=ROW",
    "--default-storage-engine=InnoDB",
    "--innodb-autoinc-lock-mode=2",
  ];
}

const ready = hasMariadb() && hasGalera();

Deno.test({
  name: `Galera (slow): one of two nodes is killed, the master goes on with the other${
    ready ? "" : " (needs root, mariadb-server, galera-4, rsync)"
  }`,
  ignore: !ready,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const ports = [freePort(), freePort() + 10, freePort() + 20];
    const [first, second] = ports as [number, number];
    const one = await Mariadb.start([
      ...nodeOptions("one", first, []),
    ]);
    const two = await Mariadb.join(nodeOptions("two", second, [first]));
    try {
      await one.database(DATABASE);
      const nodes = `127.0.0.1:${one.port},127.0.0.1:${two.port}`;
      await using daemon = await daemonOn(one, DATABASE, undefined, { "database.dbip": nodes });
      const before = await registerMany(daemon, FIRST, 500);
      await storedExactly(two, DATABASE, before);

      let killed: Promise<void> | undefined;
      const during = await registerMany(daemon, FIRST + 500, 1000, (so_far) => {
        if (so_far >= 300) killed ??= one.kill();
      });
      await killed;
      assert.equal(during.length, 1000);
      await storedExactly(two, DATABASE, [...before, ...during]);

      // A restart finds the node that is there.
      assert.equal((await daemon.stop()).code, 0);
      await using again = await daemonOn(one, DATABASE, daemon.home, { "database.dbip": nodes });
      const after = await registerMany(again, FIRST + 1500, 100);
      await storedExactly(two, DATABASE, [...before, ...during, ...after]);
    } finally {
      await one.remove();
      await two.remove();
    }
  },
});
