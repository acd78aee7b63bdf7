import assert from "node:assert/strict";
import { describeEvent } from "../../cli/_agent.ts";
import { ClientError, RING_1 } from "../../clients/mod.ts";
import { encodeKey } from "../../crypto/mod.ts";
import type { Registered } from "../../protocol/mod.ts";
import { sleep, until } from "../_helpers.ts";
import { FakeGame, gameStatus } from "../clients/_fake_game.ts";
import { FakeMaster, gcrypt, type Received, type Script } from "../clients/_fake_master.ts";
import { withPlace } from "./_helpers.ts";

const REGISTERED: Registered = {
  type: "registered",
  number: 17,
  interval: 60,
  listed: false,
  reason: "not challenged yet",
  masters: [],
};

function ring1(script: Script): FakeMaster {
  return new FakeMaster(script, { prologue: RING_1.prologue });
}

Deno.test("masterserver agent: registers a server until SIGTERM, a plain line an event", async () => {
  const came: Received[] = [];
  const keys: string[] = [];
  await using game = new FakeGame(gameStatus({ numplayers: "1" }, "\\player_0\\Ann\\kills_0\\3"));
  await using master = ring1(async (peer) => {
    keys.push(encodeKey(peer.clientKey));
    came.push(await peer.expect("register"));
    await peer.send({ ...REGISTERED });
    await peer.send({ type: "listed", listed: true });
    for (let message; (message = await peer.receive());) {
      came.push(message);
      if (message.type === "bye") await peer.send({ type: "bye" });
    }
  });
  const name = `127.0.0.1:${master.port}`;
  const key = encodeKey(master.keyPair.publicKey);
  await withPlace(async ({ start, run, home }) => {
    await using agent = start(
      ...["agent", "--master", name, "--server", `127.0.0.1:${game.port}`],
      ...["--admin", "bob@example.org", "--country", "fr", "--netname", "play.example.org"],
    );
    await agent.shows(/^listed$/m);
    const { code, out, err } = await agent.stop();
    assert.deepEqual([code, out], [0, ""]);
    const identity = (await run("key", "show", "--agent")).out.trim();
    assert.deepEqual(keys, [identity]);
    assert.deepEqual(err.split("\n"), [
      `made a new key in ${home}/.netpanzer/agent.key: ${identity}`,
      `the server 127.0.0.1:${game.port} answers: "Bob's tanks", map "Two clans"`,
      `connected to ${name}, key ${key}`,
      `the key of ${name} is not pinned, so any other would do as well: if this is the right ` +
      `one, run: masterserver key pin ${name} ${key}`,
      `registered with ${name} as number 17, not listed: not challenged yet`,
      "listed",
      "the server has left the list",
      "",
    ]);
  });
  const [register, ...others] = came;
  assert.equal(register?.name, "Bob's tanks");
  assert.equal(register?.port, game.port);
  assert.equal(register?.protocol, 1122);
  assert.equal(register?.admin, "bob@example.org");
  assert.equal(register?.country, "FR");
  assert.equal(register?.netname, "play.example.org");
  assert.deepEqual(register?.status, {
    map: "Two clans",
    players: 1,
    max_players: 8,
    roster: [{ name: "Ann", kills: 3, deaths: 0, points: 0 }],
  });
  assert.equal(others.at(-1)?.type, "bye");
});

Deno.test("masterserver agent: the same key at every start, a pinned master without advice", async () => {
  await using game = new FakeGame(gameStatus());
  const keys: string[] = [];
  await using master = ring1(async (peer) => {
    keys.push(encodeKey(peer.clientKey));
    await peer.expect("register");
    await peer.send({ ...REGISTERED, listed: true });
    await peer.expect("bye");
    await peer.send({ type: "bye" });
    await peer.waitForClose();
  });
  await withPlace(async ({ start, write, directory }) => {
    const name = `127.0.0.1:${master.port}`;
    const pins = write("pins", `${name} ${encodeKey(master.keyPair.publicKey)}\n`);
    for (let i = 0; i < 2; i++) {
      await using agent = start(
        ...["agent", "--master", name, "--server", `127.0.0.1:${game.port}`, "--name", "Ours"],
        ...["--pins", pins, "--key", `${directory}/own.key`],
      );
      await agent.shows(/registered with .* as number 17, listed\n/);
      const { code, err } = await agent.stop("SIGINT");
      assert.equal(code, 0);
      assert.match(err, i === 0 ? /^made a new key in / : /^the key in /);
      assert.doesNotMatch(err, /pinned/);
    }
  });
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
});

Deno.test("masterserver agent: a master that is away or another than the pinned one is told", async () => {
  await using game = new FakeGame(gameStatus());
  await using impostor = ring1((peer) => peer.waitForClose());
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  closed.close();
  await withPlace(async ({ start, write }) => {
    const name = `127.0.0.1:${impostor.port}`;
    const pins = write("pins", `${name} ${encodeKey(gcrypt.keyPair().publicKey)}\n`);
    await using agent = start(
      ...["agent", "--master", `127.0.0.1:${closed.addr.port},${name}`, "--pins", pins],
      ...["--server", `127.0.0.1:${game.port}`],
    );
    await agent.shows(
      new RegExp(`127\\.0\\.0\\.1:${closed.addr.port} failed.*: trying again at once\n`),
    );
    await agent.shows(
      new RegExp(
        `${name} shows the key .*: masterserver key pin --replace --pins ${RegExp.escape(pins)} ` +
          `${
            RegExp.escape(`${name} ${encodeKey(impostor.keyPair.publicKey)}`)
          }: next try in \\d+ s\n`,
      ),
    );
    assert.equal((await agent.stop()).code, 0);
  });
});

Deno.test("masterserver agent: ends within 3 s of SIGTERM whatever its master does", async () => {
  await using game = new FakeGame(gameStatus());
  const registers = Promise.withResolvers<void>();
  // It has registered the server and then is away without closing anything.
  await using hung = ring1(async (peer) => {
    await peer.expect("register");
    await peer.send({ ...REGISTERED });
    registers.resolve();
    await peer.waitForClose();
  });
  // It takes connections and nothing more, as when it is stopped.
  const stopped = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  closed.close();
  const cases: [number, RegExp][] = [
    [hung.port, /registered with/],
    [stopped.addr.port, /answers/],
    [closed.addr.port, /next try in/],
  ];
  await withPlace(async ({ start, directory }) => {
    await Promise.all(cases.map(async ([port, shown]) => {
      await using agent = start(
        ...["agent", "--master", `127.0.0.1:${port}`, "--server", `127.0.0.1:${game.port}`],
        ...["--key", `${directory}/${port}.key`],
      );
      await agent.shows(shown);
      const begun = performance.now();
      assert.equal((await agent.stop()).code, 0);
      const took = performance.now() - begun;
      assert.ok(took < 3000, `${took} ms for ${shown}`);
    }));
  });
  stopped.close();
});

Deno.test("masterserver agent: a server that is not there is told, and registers nothing", async () => {
  await using master = ring1(() => assert.fail("nobody is to connect"));
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  await withPlace(async ({ start }) => {
    await using agent = start(
      ...["agent", "--master", `127.0.0.1:${master.port}`, "--server", `127.0.0.1:${port}`],
    );
    await agent.shows(new RegExp(`the server 127\\.0\\.0\\.1:${port}: it does not answer`));
    assert.equal((await agent.stop()).code, 0);
  });
  socket.close();
  assert.equal(master.accepted, 0);
});

Deno.test("masterserver agent: what no master would take is status 64 at once", async () => {
  const wrong: [string[], RegExp][] = [
    [["--name", " x"], /name/],
    [["--name", ""], /name/],
    [["--country", "France"], /country.*France/i],
    [["--netname", "a b"], /netname/],
    [["--admin", "x".repeat(300)], /admin/],
    [["--protocol", "-1"], /--protocol "-1"/],
    [["--server", "127.0.0.1:0"], /"127\.0\.0\.1:0" is no HOST/],
    [["--master", ","], /"," is no HOST/],
    [["--master", "a b"], /"a b" is no HOST/],
  ];
  await withPlace(async ({ run, home }) => {
    await Promise.all(wrong.map(async ([args, pattern]) => {
      const { code, out, err } = await run("agent", "--master", "127.0.0.1", ...args);
      assert.equal(code, 64, `${args.join(" ")}: ${err}`);
      assert.equal(out, "");
      assert.match(err, pattern);
    }));
    assert.equal((await run("agent")).code, 64);
    assert.deepEqual([...Deno.readDirSync(home)], [], "no key is made for nothing");
  });
});

Deno.test("masterserver agent: a key file that cannot be used is status 66", async () => {
  await withPlace(async ({ run, write }) => {
    const key = write("open.key", "x\n");
    Deno.chmodSync(key, 0o644);
    const { code, err } = await run("agent", "--master", "127.0.0.1", "--key", key);
    assert.equal(code, 66);
    assert.match(err, /chmod 600/);
  });
});

Deno.test("describeEvent: comes with advice where there is any", () => {
  const error = new ClientError("refused", 'm refused (name_taken): "no"', { code: "name_taken" });
  const line = describeEvent({ type: "refused", error }, { host: "::1", port: 3030 });
  assert.match(line ?? "", /name_taken.*--name NAME.*--key FILE/);
  for (const answeredBefore of [false, true]) {
    const silent = { type: "silent", reason: "it does not answer", answeredBefore } as const;
    const text = describeEvent(silent, { host: "::1", port: 3030 }) ?? "";
    assert.match(text, /\[::1\]:3030/);
    assert.equal(text.includes("--master_server=none"), !answeredBefore);
  }
  const away = { host: "m.example.org", port: 7070 };
  for (
    const [family, pattern] of [[4, /no IPv4.*IPv6.*netPanzer 0\.8\.7/], [6, /no IPv6/]] as const
  ) {
    const text = describeEvent({ type: "other-family", family, master: away }, away) ?? "";
    assert.match(text, pattern);
  }
  assert.match(
    describeEvent({ type: "nameless" }, { host: "::1", port: 3030 }) ?? "",
    /--name NAME/,
  );
});

Deno.test("masterserver agent: a name that is taken is told once, with when it is tried again", async () => {
  await using game = new FakeGame(gameStatus());
  await using master = ring1(async (peer) => {
    await peer.expect("register");
    await peer.send({ type: "error", code: "name_taken", message: "taken" });
    await peer.waitForClose();
  });
  await withPlace(async ({ start }) => {
    await using agent = start(
      ...["agent", "--master", `127.0.0.1:${master.port}`, "--server", `127.0.0.1:${game.port}`],
    );
    await agent.shows(
      /refused \(name_taken\): "taken": give the server another name.*\nnext try in \d+ s\n/,
    );
    await until("one try", () => master.accepted === 1);
    assert.equal(agent.err.match(/name_taken/g)?.length, 1);
    await agent.stop();
  });
});

Deno.test("masterserver agent: one Ctrl-C that comes twice is one, a second one does not wait", async () => {
  await using game = new FakeGame(gameStatus());
  let answers = true;
  await using master = ring1(async (peer) => {
    await peer.expect("register");
    await peer.send({ ...REGISTERED });
    await peer.expect("bye");
    await sleep(100);
    if (answers) await peer.send({ type: "bye" });
    await peer.waitForClose();
  });
  const args = ["--master", `127.0.0.1:${master.port}`, "--server", `127.0.0.1:${game.port}`];
  await withPlace(async ({ start }) => {
    await using patient = start("agent", ...args);
    await patient.shows(/registered/);
    patient.signal("SIGINT");
    const { code, err } = await patient.stop("SIGINT");
    assert.equal(code, 0);
    assert.match(err, /left the list\n$/);
    answers = false;
    await using impatient = start("agent", ...args);
    await impatient.shows(/registered/);
    impatient.signal("SIGINT");
    await sleep(700);
    assert.equal((await impatient.stop("SIGINT")).code, 130);
  });
});

Deno.test("masterserver agent, relay, list, key: --help names what each of them takes", async () => {
  const options: [string[], string[]][] = [
    [["agent"], ["--master", "--server", "--name", "--admin", "--country", "--netname", "--key"]],
    [["agent"], ["--protocol", "--pins", "127.0.0.1:3030", "7070"]],
    [["relay"], ["--master", "--listen", "--pins", "127.0.0.1:28900", "3040"]],
    [["list"], ["--watch", "--filter", "--not-empty", "--not-full", "--text", "--pins"]],
    [["key"], ["show", "new", "pin"]],
    [["key", "show"], ["--agent", "--file", "--config"]],
    [["key", "pin"], ["--replace", "--pins"]],
  ];
  await withPlace(async ({ run }) => {
    await Promise.all(options.map(async ([command, words]) => {
      const { code, out } = await run(...command, "--help");
      assert.equal(code, 0);
      for (const word of words) assert.ok(out.includes(word), `${command.join(" ")}: ${word}`);
    }));
  });
});
