import assert from "node:assert/strict";
import { DaemonProcess } from "./_daemon.ts";
import { endToEnd } from "./_needs.ts";
import { ask, FakeServer, heartbeat, listed, TextConnection, untilListed } from "./_peers.ts";
import { pause, until } from "./_until.ts";

/** Bytes of an answer to a source that has not proved its address. */
const MAX_ANSWER_BYTES = 256;

/** Answers in a row that one network gets, and answers a second after that. */
const BURST = 5;
const ANSWERS_PER_SECOND = 1;

/** Milliseconds after which an answer would have come from a daemon on the same machine. */
const QUIET_MS = 400;

const RINGS = ["ring 1 bis", "ring 2 bis"] as const;

endToEnd("UDP: a challenge goes only where a TCP heartbeat came from", [], async () => {
  await using daemon = await DaemonProcess.start();
  const port = daemon.port("ring 1 bis");
  await using registered = new FakeServer({ ip: "127.0.0.2" });
  await using neighbour = new FakeServer({ ip: "127.0.0.3", port: registered.port });
  await using other = new FakeServer({ ip: "127.0.0.2" });
  await using overUdp = new FakeServer({ ip: "127.0.0.4" });
  await overUdp.send(heartbeat(overUdp.port), port);
  await overUdp.send(heartbeat(neighbour.port), port);
  // What looks like another address inside the message is only text.
  await registered.register(
    port,
    heartbeat(registered.port, "netpanzer", `\\ip\\127.0.0.3\\hostport\\${other.port}`),
  );
  await daemon.logged("server listed", { fields: { server: registered.id } });
  await untilListed(port, [registered.id]);
  await pause(QUIET_MS);
  assert.equal(registered.tokens.length, 1);
  assert.match(registered.tokens[0] ?? "", /^[0-9a-f]{32}$/);
  assert.equal(registered.received[0]?.from.port, port, "from the port it registered at");
  for (const server of [neighbour, other, overUdp]) assert.deepEqual(server.received, []);
  assert.deepEqual(await listed(port), [registered.id]);
});

endToEnd("UDP: only the token itself, from where it was sent, verifies a server", [], async () => {
  await using daemon = await DaemonProcess.start();
  const port = daemon.port("ring 1 bis");
  await using server = new FakeServer({ ip: "127.0.0.2", echo: false });
  await using samePort = new FakeServer({ ip: "127.0.0.3", port: server.port });
  await using sameHost = new FakeServer({ ip: "127.0.0.2", echo: false });
  await server.register(port);
  await until("a challenge", () => server.tokens.length > 0);
  const token = server.tokens[0] ?? "";
  const turned = (token.startsWith("0") ? "1" : "0") + token.slice(1);
  await samePort.send(token, port);
  await sameHost.send(token, port);
  await server.send(token, daemon.port("ring 2 bis"));
  const guesses = [
    turned,
    "",
    token.slice(1),
    `${token}0`,
    token.toUpperCase() + " ",
    "0".repeat(32),
  ];
  for (const guess of guesses) await server.send(guess, port);
  await server.send(`\\echo\\${token}`, port);
  await pause(QUIET_MS);
  assert.deepEqual(await listed(port), []);
  await server.send(token, port);
  await daemon.logged("server listed", { fields: { server: server.id } });
  assert.equal(daemon.lines("server answered").length, 1);
  await untilListed(port, [server.id]);
});

endToEnd("UDP: a token is good for one registration", [], async () => {
  await using daemon = await DaemonProcess.start();
  const port = daemon.port("ring 1 bis");
  await using server = new FakeServer({ ip: "127.0.0.2", echo: false });
  await server.register(port);
  await until("a challenge", () => server.tokens.length > 0);
  const [first = ""] = server.tokens;
  await server.send(first, port);
  await daemon.logged("server listed");
  await ask(port, `\\quit\\port\\${server.port}\\final\\`, { from: server.ip });
  await server.register(port);
  await until("another challenge", () => server.tokens.length > 1);
  assert.notEqual(server.tokens[1], first);
  await server.send(first, port);
  await pause(QUIET_MS);
  assert.deepEqual(await listed(port), []);
});

endToEnd(
  "UDP: who does not answer is asked four times, told of, and asked at its next heartbeat",
  [],
  async () => {
    await using daemon = await DaemonProcess.start();
    const port = daemon.port("ring 1 bis");
    await using server = new FakeServer({ ip: "127.0.0.2", echo: false });
    await server.register(port);
    const line = await daemon.logged("server unverified", { within: 12_000 });
    assert.equal(server.tokens.length, 4);
    assert.equal(line["level"], "WARN");
    assert.match(String(line["detail"]), new RegExp(`port ${server.port} open to the internet`));
    assert.deepEqual(await listed(port), []);
    await server.register(port);
    await until("another challenge", () => server.tokens.length > 4);
    await server.send(server.tokens.at(-1) ?? "", port);
    await untilListed(port, [server.id]);
  },
);

endToEnd(
  "UDP: answers are small, say no lists, and come to nothing but a request",
  [],
  async () => {
    await using daemon = await DaemonProcess.start({
      set: {
        "network.netname": "n".repeat(250),
        "game.verify-servers": "no",
        "game.status-interval": 0,
      },
    });
    for (let gamePort = 4001; gamePort <= 4032; gamePort++) {
      await ask(daemon.port("ring 1 bis"), heartbeat(gamePort));
    }
    const requests: Record<string, RegExp | undefined> = {
      "\\status\\final\\":
        /^\\gamename\\netpanzer-master\\.*\\numservers\\32\\numplayers\\0\\.*\\final\\$/,
      "\\status\\": /^\\gamename\\netpanzer-master\\/,
      "\\echo\\some token": /^some token$/,
      [`\\echo\\${"t".repeat(256)}`]: /^t{256}$/,
      [`\\echo\\${"t".repeat(257)}`]: undefined,
      "\\list\\gamename\\netpanzer\\final\\": /^\\error\\Lists go over TCP\\final\\$/,
      "\\list\\gamename\\master\\final\\": /^\\error\\Lists go over TCP\\final\\$/,
      [heartbeat(3030)]: undefined,
      "\\quit\\port\\4001\\final\\": undefined,
      "\\final\\": undefined,
      "\\error\\Unknown request\\final\\": undefined,
      "\\gamename\\netpanzer-master\\final\\": undefined,
      "": undefined,
      "\0\xff": undefined,
      [`\\status\\${"x\\y\\".repeat(2000)}`]: undefined,
    };
    let network = 0;
    for (const ring of RINGS) {
      for (const [request, expected] of Object.entries(requests)) {
        // A network of its own for each, so that none runs out of answers.
        await using client = new FakeServer({ ip: `127.9.${++network}.1` });
        await client.send(request, daemon.port(ring));
        if (expected === undefined) continue;
        const [answer] = await until(
          `an answer of ${ring} to ${request}`,
          () => client.received.length > 0 && client.received,
        );
        assert.match(answer?.text ?? "", expected);
        assert.ok(new TextEncoder().encode(answer?.text).length <= MAX_ANSWER_BYTES);
        assert.ok(!answer?.text.includes("\\ip\\"));
        assert.equal(answer?.from.port, daemon.port(ring));
      }
    }
    await using silent = new FakeServer({ ip: "127.10.1.1" });
    for (const ring of RINGS) {
      for (const [request, expected] of Object.entries(requests)) {
        if (expected === undefined) await silent.send(request, daemon.port(ring));
      }
    }
    await pause(QUIET_MS);
    assert.deepEqual(silent.received, []);
    assert.equal((await listed(daemon.port("ring 1 bis"))).length, 32, "no quit over UDP");
  },
);

endToEnd(
  "UDP: a flood from one network gets a burst and then one answer a second",
  [],
  async () => {
    await using daemon = await DaemonProcess.start({
      set: { "game.status-interval": 0, "network.netname": "m".repeat(100) },
    });
    const port = daemon.port("ring 2 bis");
    await using sources = new AsyncDisposableStack();
    const flooding = Array.from(
      { length: 20 },
      (_, i) => sources.use(new FakeServer({ ip: `127.0.0.${2 + i}` })),
    );
    const bystander = sources.use(new FakeServer({ ip: "127.0.1.2" }));
    const started = performance.now();
    while (performance.now() - started < 3000) {
      for (const source of flooding) await source.send("\\status\\final\\", port);
      await pause(20);
    }
    await bystander.send("\\status\\final\\", port);
    await until("an answer to another network", () => bystander.received.length > 0);
    await pause(QUIET_MS);
    const seconds = (performance.now() - started) / 1000;
    const answers = flooding.flatMap(({ received }) => received);
    const most = BURST + Math.ceil(seconds * ANSWERS_PER_SECOND);
    assert.ok(
      answers.length >= BURST && answers.length <= most,
      `${answers.length} in ${seconds} s`,
    );
    assert.ok(answers.every(({ text }) => text.length <= MAX_ANSWER_BYTES));
  },
);

endToEnd("UDP: a flood from everywhere gets no more than 16 KB a second", [], async () => {
  await using daemon = await DaemonProcess.start({
    set: { "game.status-interval": 0, "network.netname": "m".repeat(100) },
  });
  await using sources = new AsyncDisposableStack();
  const flooding = Array.from(
    { length: 200 },
    (_, i) => sources.use(new FakeServer({ ip: `127.1.${i}.1` })),
  );
  const started = performance.now();
  while (performance.now() - started < 2000) {
    for (const source of flooding) {
      for (const ring of RINGS) await source.send("\\status\\final\\", daemon.port(ring));
    }
    await pause(100);
  }
  await pause(QUIET_MS);
  const seconds = (performance.now() - started) / 1000;
  const bytes = flooding.flatMap(({ received }) => received)
    .reduce((sum, { text }) => sum + text.length, 0);
  // What may be sent at once comes on top of what comes with time.
  const most = (1 + seconds) * 16 * 1024;
  assert.ok(bytes > 0 && bytes <= most, `${bytes} bytes in ${seconds} s`);
  await using connection = await TextConnection.open(daemon.port("ring 1 bis"));
  connection.send("\\list\\gamename\\netpanzer\\final\\");
  assert.equal(await connection.answer(), "\\final\\", "TCP does not suffer");
});
