import assert from "node:assert/strict";
import { encodeKey } from "../../crypto/mod.ts";
import type { ServerEntry } from "../../protocol/mod.ts";
import { bytes, text } from "../_helpers.ts";
import {
  FakeMaster,
  gcrypt,
  type Received,
  type Script,
  server,
  servers,
} from "../clients/_fake_master.ts";
import { type Finished, withPlace } from "./_helpers.ts";

/** Runs `list --old` against a master that answers as told; what it was asked and what came of it. */
async function listFrom(answer: string, ...args: string[]): Promise<Finished & { asked: string }> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let asked = "";
  const serving = (async () => {
    const connection = await listener.accept();
    const buffer = new Uint8Array(4096);
    asked = text(buffer.subarray(0, await connection.read(buffer) ?? 0));
    await connection.write(bytes(answer));
    connection.close();
  })();
  let finished: Finished | undefined;
  await withPlace(async ({ run }) => {
    finished = await run("list", "--old", `127.0.0.1:${listener.addr.port}`, ...args);
  });
  await serving;
  listener.close();
  assert.ok(finished);
  return { ...finished, asked };
}

const SERVERS = "\\ip\\192.0.2.2\\port\\3030\\ip\\2001:db8::1\\port\\3031\\final\\";

Deno.test("masterserver list --old: prints a server a line", async () => {
  const { code, out, err, asked } = await listFrom(SERVERS);
  assert.deepEqual({ code, out, err }, {
    code: 0,
    out: "192.0.2.2:3030\n[2001:db8::1]:3031\n",
    err: "",
  });
  assert.equal(asked, "\\list\\gamename\\netpanzer\\final\\");
});

Deno.test("masterserver list --old --json: prints JSON, of another game when asked to", async () => {
  const { code, out, asked } = await listFrom(SERVERS, "--json", "--gamename", "master");
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(out), [
    { ip: "192.0.2.2", port: 3030 },
    { ip: "2001:db8::1", port: 3031 },
  ]);
  assert.equal(asked, "\\list\\gamename\\master\\final\\");
});

Deno.test("masterserver list --old: an empty list prints nothing, as JSON an empty array", async () => {
  assert.deepEqual((await listFrom("\\final\\")).out, "");
  assert.deepEqual(JSON.parse((await listFrom("\\final\\", "--json")).out), []);
});

Deno.test("masterserver list --old: a refusal or nonsense is status 76, and harmless to a terminal", async () => {
  const refused = await listFrom("\\error\\Go \x1b[31maway\u202e\\final\\");
  assert.deepEqual([refused.code, refused.out], [76, ""]);
  assert.match(refused.err, /refused the request: Go \\u001b\[31maway\\u202e\n$/);
  const nonsense = await listFrom("SSH-2.0-OpenSSH_9.2\r\n");
  assert.deepEqual([nonsense.code, nonsense.out], [76, ""]);
});

Deno.test("masterserver list --old: a closed port is status 69", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  await withPlace(async ({ run }) => {
    const { code, out, err } = await run("list", "--old", `127.0.0.1:${listener.addr.port}`);
    assert.deepEqual([code, out], [69, ""]);
    assert.match(err, new RegExp(`cannot reach 127\\.0\\.0\\.1 port ${listener.addr.port}`));
  });
});

Deno.test("masterserver list --old: a host that has no address is status 68", async () => {
  await withPlace(async ({ run }) => {
    // No name server is asked: a part of a name has 63 characters at most.
    const host = `${"x".repeat(64)}.example.org`;
    const { code, out, err } = await run("list", "--old", host);
    assert.deepEqual([code, out], [68, ""]);
    assert.match(err, /is unknown/);
  });
});

/** Answers every list alike, and keeps what was asked. */
function lists(list: readonly ServerEntry[], asked: Received[] = []): Script {
  return async (peer) => {
    for (let message; (message = await peer.receive());) {
      asked.push(message);
      await peer.send(servers("1", list));
    }
  };
}

/** Runs `list` against an encrypted master. */
async function listRing2(script: Script, ...args: string[]): Promise<Finished> {
  await using master = new FakeMaster(script);
  let finished: Finished | undefined;
  await withPlace(async ({ run }) => {
    finished = await run("list", `127.0.0.1:${master.port}`, ...args);
  });
  return finished as Finished;
}

const LIST = [
  server(3030, { name: "Ann's", players: 2 }),
  server(3031, { name: "戦車", map: "Bullet Hole", players: 7, country: "", protocol: 0 }),
  server(3032, { name: "Evil \x1b[31m\u202e", players: 2, settings: { motd: "\x9b2J" } }),
];

Deno.test("masterserver list: prints a table, most players first, harmless to a terminal", async () => {
  const asked: Received[] = [];
  const { code, out, err } = await listRing2(lists(LIST, asked));
  assert.deepEqual([code, err], [0, ""]);
  assert.equal(
    out,
    [
      "NAME                   MAP          PLAYERS  ADDRESS         COUNTRY  PROTOCOL",
      "戦車                   Bullet Hole      7/8  192.0.2.1:3031",
      "Ann's                  Two clans        2/8  192.0.2.1:3030  FR           1122",
      "Evil \\u001b[31m\\u202e  Two clans        2/8  192.0.2.1:3032  FR           1122",
      "",
    ].join("\n"),
  );
  assert.deepEqual(asked, [{ type: "list", filter: { gamename: "netpanzer" } }]);
});

Deno.test("masterserver list --json: prints what the master sent, harmless to a terminal", async () => {
  const { code, out } = await listRing2(lists(LIST), "--json");
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(out), LIST);
  for (const harm of ["\x1b", "\x9b", "\u202e"]) assert.ok(!out.includes(harm));
});

Deno.test("masterserver list: an empty list is a line of titles", async () => {
  const { code, out } = await listRing2(lists([]));
  assert.equal(code, 0);
  assert.equal(out, "NAME  MAP  PLAYERS  ADDRESS  COUNTRY  PROTOCOL\n");
});

Deno.test("masterserver list: every option for a filter reaches the master", async () => {
  const asked: Received[] = [];
  await listRing2(
    lists([], asked),
    ...["--gamename", "other", "--filter", "country=FR", "--filter", "gamestyle=a=b"],
    ...["--not-empty", "--not-full", "--text", "Bob"],
  );
  assert.deepEqual(asked, [{
    type: "list",
    filter: {
      gamename: "other",
      country: "FR",
      gamestyle: "a=b",
      not_empty: true,
      not_full: true,
      text: "Bob",
    },
  }]);
});

Deno.test("masterserver list: a refusal is status 76, harmless to a terminal", async () => {
  const { code, out, err } = await listRing2(async (peer) => {
    await peer.expect("list");
    await peer.send({ type: "error", code: "bad_request", message: "no \x1b[31m" });
    await peer.waitForClose();
  });
  assert.deepEqual([code, out], [76, ""]);
  assert.match(err, /refused \(bad_request\).*no /);
  assert.ok(!err.includes("\x1b"));
});

Deno.test("masterserver list: what does not speak the protocol is status 76", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    const connection = await listener.accept();
    await connection.write(bytes("SSH-2.0-OpenSSH_9.2\r\n".repeat(2000)));
    while (await connection.read(new Uint8Array(1024)) !== null);
    connection.close();
  })();
  await withPlace(async ({ run }) => {
    const { code, out, err } = await run("list", `127.0.0.1:${listener.addr.port}`);
    assert.deepEqual([code, out], [76, ""]);
    assert.match(err, new RegExp(`127\\.0\\.0\\.1:${listener.addr.port}`));
  });
  await serving;
  listener.close();
});

Deno.test("masterserver list: a closed port is status 69, a host without address 68", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  await withPlace(async ({ run }) => {
    const closed = await run("list", `127.0.0.1:${listener.addr.port}`);
    assert.deepEqual([closed.code, closed.out], [69, ""]);
    assert.match(closed.err, new RegExp(`127\\.0\\.0\\.1:${listener.addr.port}`));
    const unknown = await run("list", `${"x".repeat(64)}.example.org`);
    assert.deepEqual([unknown.code, unknown.out], [68, ""]);
  });
});

Deno.test("masterserver list: another key than the pinned one is status 76 and says what to do", async () => {
  await using master = new FakeMaster(lists(LIST));
  const name = `127.0.0.1:${master.port}`;
  await withPlace(async ({ run, write }) => {
    const wrong = write("wrong", `${name} ${encodeKey(gcrypt.keyPair().publicKey)}\n`);
    const right = write("right", `${name} ${encodeKey(master.keyPair.publicKey)}\n`);
    const refused = await run("list", name, "--pins", wrong);
    assert.deepEqual([refused.code, refused.out], [76, ""]);
    const command = `masterserver key pin --replace --pins ${wrong} ${name} ` +
      encodeKey(master.keyPair.publicKey);
    assert.ok(refused.err.includes(`: ${command}\n`), refused.err);
    assert.equal((await run("list", name, "--pins", right)).code, 0);
    const watched = await run("list", name, "--watch", "--pins", wrong);
    assert.deepEqual([watched.code, watched.out], [76, ""]);
    assert.ok(watched.err.includes(`: ${command}\n`), watched.err);
  });
});

Deno.test("masterserver list: options that make no sense are status 64", async () => {
  const wrong: [string[], RegExp][] = [
    [["--filter", "country"], /"country" is no KEY=VALUE/],
    [["--filter", "=FR"], /KEY=VALUE/],
    [["--filter", "not_empty=true"], /use --not-empty/],
    [["--filter", `${"x".repeat(100)}=1`], /64/],
    [["--old", "--watch"], /--watch.*leave out --old/],
    [["--old", "--filter", "a=b"], /--filter.*--old/],
    [["--old", "--not-full"], /--not-full.*--old/],
    [["--old", "--text", "x"], /--text.*--old/],
    [["--gamename", ""], /--gamename/],
  ];
  await withPlace(async ({ run }) => {
    await Promise.all(wrong.map(async ([args, pattern]) => {
      const { code, out, err } = await run("list", "127.0.0.1", ...args);
      assert.equal(code, 64, args.join(" "));
      assert.equal(out, "");
      assert.match(err, pattern);
    }));
  });
});

Deno.test("masterserver list --watch: prints the table anew on each change, until it is told to stop", async () => {
  const go = Promise.withResolvers<void>();
  await using master = new FakeMaster(async (peer) => {
    await peer.expect("subscribe");
    await peer.send(servers("1", [server(3030)]));
    await go.promise;
    await peer.send(
      servers("2", [server(3031, { name: "Ann's" })], { removed: ["192.0.2.1:3030"] }),
    );
    await peer.waitForClose();
  });
  await withPlace(async ({ start }) => {
    await using watch = start("list", `127.0.0.1:${master.port}`, "--watch");
    await watch.shows(/^NAME.*\nServer 3030 .*\n\n$/, "out");
    go.resolve();
    await watch.shows(/\n\nNAME.*\nAnn's .*\n\n$/, "out");
    const { code, out, err } = await watch.stop("SIGINT");
    assert.deepEqual([code, err], [0, ""]);
    assert.ok(!out.includes("\x1b"));
  });
});

Deno.test("masterserver list --watch --json: prints a JSON object per change, over a lost connection", async () => {
  await using master = new FakeMaster(async (peer) => {
    const { since } = await peer.expect("subscribe");
    if (since === undefined) {
      await peer.send(servers("1", [server(3030)]));
      await peer.send(servers("2", [server(3031)]));
      return;
    }
    assert.equal(since, "2");
    await peer.send(servers("3", [], { removed: ["192.0.2.1:3030"] }));
    await peer.waitForClose();
  });
  await withPlace(async ({ start }) => {
    await using watch = start("list", `127.0.0.1:${master.port}`, "--watch", "--json");
    await watch.shows(/(.*\n){3}/, "out");
    const { code, out, err } = await watch.stop();
    assert.equal(code, 0);
    assert.deepEqual(out.trimEnd().split("\n").map((line) => JSON.parse(line)), [
      { servers: [server(3030)], removed: [], full: true },
      { servers: [server(3031)], removed: [] },
      { servers: [], removed: ["192.0.2.1:3030"] },
    ]);
    assert.match(err, /closed the connection.*: next try in [0-9]+ s\n/);
  });
});
