/** Rings 1 and 2 of the whole daemon. */

import assert from "node:assert/strict";
import { ClientError, RING_2, SecureConnection } from "../../clients/mod.ts";
import type { Servers } from "../../protocol/mod.ts";
import { DaemonProcess } from "./_daemon.ts";
import { endToEnd } from "./_needs.ts";
import { ask, FakeServer, heartbeat, untilListed } from "./_peers.ts";
import { browser, CRYPTO, ENCRYPTED, register, REPORT } from "./_secure_peers.ts";
import { until } from "./_until.ts";

const LISTED_AT_ONCE = { ...ENCRYPTED, "game.verify-servers": "no" };

/** A list over a connection of its own. */
async function list(daemon: DaemonProcess, since?: string): Promise<Servers[]> {
  const master = { host: "127.0.0.1", port: daemon.port("ring 2") };
  await using connection = await SecureConnection.connect(master, {
    crypto: CRYPTO,
    ring: RING_2,
    keyPair: CRYPTO.keyPair(),
  });
  await connection.send({ type: "list", filter: {}, ...(since === undefined ? {} : { since }) });
  const pages: Servers[] = [];
  for await (const message of connection.messages) {
    assert.equal(message.type, "servers", JSON.stringify(message));
    if (message.type !== "servers") break;
    pages.push(message);
    if (message.last) break;
  }
  return pages;
}

endToEnd("daemon: a server registers by ring 1, proves itself, and is seen at all rings", [
  "namespace",
], async () => {
  await using daemon = await DaemonProcess.start({ set: ENCRYPTED });
  await using game = new FakeServer({ echo: true });
  await using _server = await register(daemon, "Bob's tanks", game.port);
  await using clients = browser(daemon);
  const server = await until("the list", async () => (await clients.list())[0]);
  assert.equal(server.name, "Bob's tanks");
  assert.equal(server.port, game.port);
  assert.equal(server.map, REPORT.map);
  assert.equal(server.players, 1);
  assert.ok(server.number >= 1, `Number ${server.number}`);
  assert.equal(server.verified, true);
  assert.ok(Math.abs(Date.parse(server.last_seen) - Date.now()) < 30_000);
  await untilListed(daemon.port("ring 2 bis"), [`127.0.0.1:${game.port}`]);
  assert.deepEqual((await clients.list({ not_empty: true, text: "tanks" })).length, 1);
  assert.deepEqual(await clients.list({ gamename: "other" }), []);
  const [master] = await clients.masters();
  assert.equal(master?.host, "127.0.0.1");
  assert.equal(master?.ports["ring1"], daemon.port("ring 1"));
  assert.equal(master?.ports["ring2"], daemon.port("ring 2"));
});

endToEnd(
  "daemon: where ring 1 bis is off, ring 1 sends the challenges",
  ["namespace"],
  async () => {
    const set = { ...ENCRYPTED, "network.osport": "off", "network.ocport": "off" };
    await using daemon = await DaemonProcess.start({ set });
    await using game = new FakeServer({ echo: true });
    await using _server = await register(daemon, "Bob's tanks", game.port);
    await using clients = browser(daemon);
    await until("the list", async () => (await clients.list()).length === 1);
    assert.equal(game.received[0]?.from.port, daemon.port("ring 1"));
  },
);

endToEnd("daemon: names, Numbers, users and cursors outlive kill -9", ["namespace"], async () => {
  await using daemon = await DaemonProcess.start({ set: LISTED_AT_ONCE });
  const [bob, ann] = [CRYPTO.keyPair(), CRYPTO.keyPair()];
  await using first = await register(daemon, "Bob's tanks", 3031, bob);
  await using _second = await register(daemon, "Second", 3032, bob);
  await using clients = browser(daemon, ann);
  const welcome = await clients.login("Ann");
  assert.ok(welcome.number >= 1);
  const whole = await list(daemon);
  assert.deepEqual(whole.at(-1)?.servers.map(({ name }) => name).sort(), ["Bob's tanks", "Second"]);
  const cursor = whole.at(-1)?.cursor ?? "";
  await first.client.stop();
  await clients.close();
  await until(
    "the end of the first",
    async () => (await list(daemon)).at(-1)?.servers.length === 1,
  );
  await daemon.kill();

  await using again = await DaemonProcess.start({ set: LISTED_AT_ONCE, home: daemon.home });
  const [changes] = await list(again, cursor);
  assert.equal(changes?.full, undefined, "the cursor is good after a restart");
  assert.deepEqual(changes?.removed, ["127.0.0.1:3031"]);
  assert.deepEqual(changes?.servers, []);
  await assert.rejects(
    register(again, "Bob's tanks", 3033),
    (error) => error instanceof ClientError && error.code === "name_taken",
  );
  await using back = await register(again, "Bob's tanks", 3031, bob);
  assert.equal(back.registered.number, first.registered.number, "the same row");
  await using stranger = browser(again);
  await assert.rejects(
    stranger.login("Ann"),
    (error) => error instanceof ClientError && error.code === "name_taken",
  );
  const known = await stranger.whois("Ann");
  assert.equal(known.number, welcome.number);
  assert.equal(known.online, true, "she is on the roster of a listed server");
  assert.match(String(known.server), /^127\.0\.0\.1:303[12]$/);
  const [later] = await list(again, changes?.cursor);
  assert.deepEqual(later?.servers.map(({ name }) => name), ["Bob's tanks"]);
});

endToEnd("daemon: old-style and encrypted clients see each other's servers", [
  "namespace",
], async () => {
  await using daemon = await DaemonProcess.start({ set: LISTED_AT_ONCE });
  await ask(daemon.port("ring 1 bis"), heartbeat(3031));
  await using _server = await register(daemon, "Encrypted", 3032);
  await using clients = browser(daemon);
  const servers = await until("both", async () => {
    const all = await clients.list({ gamename: "netpanzer" });
    return all.length === 2 && all;
  });
  assert.deepEqual(servers.map(({ port }) => port).sort(), [3031, 3032]);
  await untilListed(daemon.port("ring 2 bis"), ["127.0.0.1:3031", "127.0.0.1:3032"]);
  // The game server itself speaks the old style beside its agent: that must not undo the agent's.
  await ask(daemon.port("ring 1 bis"), heartbeat(3032));
  await ask(daemon.port("ring 1 bis"), "\\quit\\port\\3032\\final\\");
  const kept = (await clients.list({ name: "Encrypted" }))[0];
  assert.equal(kept?.port, 3032);
  assert.equal(kept?.map, REPORT.map);
});

endToEnd("daemon: without libgcrypt it says what to install, and the old style runs", [
  "namespace",
  "mounts",
], async () => {
  await using daemon = await DaemonProcess.start({
    set: ENCRYPTED,
    // Nothing of the library is left to be found, for this one process.
    hide: CRYPTO.path,
  });
  const line = await daemon.logged("rings 1 and 2 are off, because nothing can be encrypted");
  assert.equal(line.level, "ERROR");
  assert.match(String(line["reason"]), /libgcrypt/);
  await ask(daemon.port("ring 1 bis"), heartbeat(3031));
  assert.deepEqual(daemon.log().filter(({ message }) => /ring [12] \(.*listens/.test(message)), []);
});

endToEnd("daemon: the key is made once, for its owner only", ["namespace"], async () => {
  await using daemon = await DaemonProcess.start({ set: ENCRYPTED });
  const { key, file } = await daemon.logged("made this master's key");
  assert.equal(Deno.statSync(String(file)).mode! & 0o777, 0o600);
  await daemon.stop();
  await using again = await DaemonProcess.start({ set: ENCRYPTED, home: daemon.home });
  assert.equal((await again.logged("read this master's key"))["key"], key);
  await again.stop();
  Deno.chmodSync(String(file), 0o644);
  await using open = await DaemonProcess.start({ set: ENCRYPTED, home: daemon.home });
  const line = await open.logged("rings 1 and 2 are off, because nothing can be encrypted");
  assert.match(String(line["reason"]), /chmod 600/);
});
