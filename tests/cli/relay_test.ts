import assert from "node:assert/strict";
import { describeRelayEvent } from "../../cli/_relay.ts";
import { encodeKey } from "../../crypto/mod.ts";
import { FakeMaster, server, servers } from "../clients/_fake_master.ts";
import { ask } from "../e2e/_peers.ts";
import { withPlace } from "./_helpers.ts";

const LIST = "\\list\\gamename\\netpanzer\\final\\";

/** A port that nobody listens on. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return listener.addr.port;
}

Deno.test("masterserver relay: an old-style client gets the list of an encrypted master", async () => {
  await using master = new FakeMaster(async (peer) => {
    const { filter } = await peer.expect("subscribe");
    assert.deepEqual(filter, {}, "the servers of every game");
    await peer.send(servers("1", [server(3030), server(3031, { gamename: "other" })]));
    await peer.waitForClose();
  });
  const name = `127.0.0.1:${master.port}`;
  const key = encodeKey(master.keyPair.publicKey);
  await withPlace(async ({ start }) => {
    const port = freePort();
    await using relay = start("relay", "--master", name, "--listen", `127.0.0.1:${port}`);
    await relay.shows(/relaying a list of 2 servers\n/);
    assert.equal(await ask(port, LIST), "\\ip\\192.0.2.1\\port\\3030\\final\\");
    assert.equal(
      await ask(port, "\\list\\gamename\\other\\final\\"),
      "\\ip\\192.0.2.1\\port\\3031\\final\\",
    );
    const { code, out, err } = await relay.stop();
    assert.deepEqual([code, out], [0, ""]);
    assert.deepEqual(err.split("\n"), [
      `listening on 127.0.0.1:${port}`,
      `connected to ${name}, key ${key}`,
      `the key of ${name} is not pinned, so any other would do as well: if this is the right ` +
      `one, run: masterserver key pin ${name} ${key}`,
      "relaying a list of 2 servers",
      "",
    ]);
  });
});

Deno.test("masterserver relay: turns to the next master, and serves the last list meanwhile", async () => {
  const list = servers("1", [server(3030)]);
  await using second = new FakeMaster(async (peer) => {
    await peer.expect("subscribe");
    await peer.send({ ...list, servers: [server(3031)], full: true });
    await peer.waitForClose();
  });
  const first = new FakeMaster(async (peer) => {
    await peer.expect("subscribe");
    await peer.send(list);
    await peer.waitForClose();
  });
  await withPlace(async ({ start }) => {
    const port = freePort();
    await using relay = start(
      ...["relay", "--master", `127.0.0.1:${first.port},127.0.0.1:${second.port}`],
      ...["--listen", `127.0.0.1:${port}`],
    );
    await relay.shows(/relaying a list of 1 server\n/);
    assert.match(await ask(port, LIST), /3030/);
    await first[Symbol.asyncDispose]();
    await relay.shows(new RegExp(`connected to 127\\.0\\.0\\.1:${second.port}(.*\n)+relaying`));
    assert.equal(await ask(port, LIST), "\\ip\\192.0.2.1\\port\\3031\\final\\");
    await relay.stop();
  });
});

Deno.test("masterserver relay: a port that is taken is status 69, with advice", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const listen = `127.0.0.1:${listener.addr.port}`;
  await withPlace(async ({ run }) => {
    const taken = await run("relay", "--master", "127.0.0.1:1", "--listen", listen);
    assert.deepEqual([taken.code, taken.out], [69, ""]);
    assert.match(taken.err, /TCP port \d+ on 127\.0\.0\.1 is in use.*--listen/);
    const elsewhere = await run("relay", "--master", "127.0.0.1:1", "--listen", "192.0.2.1");
    assert.equal(elsewhere.code, 69);
    assert.match(elsewhere.err, /TCP port 28900 on 192\.0\.2\.1 cannot be opened.*--listen/);
  });
});

Deno.test("masterserver relay: a command line that is wrong is status 64", async () => {
  await withPlace(async ({ run }) => {
    for (const args of [[], ["--master", ""], ["--master", "127.0.0.1", "--listen", "x:y"]]) {
      const { code, out } = await run("relay", ...args);
      assert.deepEqual([code, out], [64, ""], args.join(" "));
    }
  });
});

Deno.test("describeRelayEvent: says since when no master answers", () => {
  const since = new Date("2026-01-02T03:04:05Z");
  assert.equal(
    describeRelayEvent({ type: "away", since, servers: 3 }),
    "no master has answered since 2026-01-02T03:04:05.000Z: the list of that time, 3 servers, is " +
      "served on",
  );
  assert.match(describeRelayEvent({ type: "away", since, servers: undefined }), /get no list/);
});
