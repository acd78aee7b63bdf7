import assert from "node:assert/strict";
import { encodeKey, PROLOGUES } from "../../crypto/mod.ts";
import { bytes, sleep, until } from "../_helpers.ts";
import { LIFE, Trial, type TrialOptions, withRing, withUdp } from "./_helpers.ts";
import { CRYPTO, MASTER_KEY, SECURE, SecureClient } from "./_secure.ts";

const REGISTER = {
  type: "register",
  gamename: "netpanzer",
  name: "Bob's tanks",
  port: 3030,
  protocol: 1122,
  admin: "bob@example.org",
};
const ID = "127.0.0.1:3030";

function withRing1(options: TrialOptions, use: (trial: Trial) => Promise<void>): Promise<void> {
  return withRing({
    ...options,
    ring: "ring1",
    settings: { ...SECURE, probes: false, ...options.settings },
  }, use);
}

/** Runs with a ring 1 whose servers need no proof, and one client. */
function withClient(
  options: TrialOptions,
  use: (client: SecureClient, trial: Trial) => Promise<void>,
): Promise<void> {
  return withRing1(options, async (trial) => {
    using client = await SecureClient.connect(trial.port);
    await use(client, trial);
  });
}

Deno.test("ring1: register is answered with Number, interval, listing and masters", async () => {
  await withClient({}, async (client, trial) => {
    assert.equal(client.masterKey, encodeKey(MASTER_KEY.publicKey));
    const answer = await client.ask({ ...REGISTER, country: "fr", settings: { gamestyle: "x" } });
    assert.deepEqual(answer, {
      type: "registered",
      number: 0,
      interval: 60,
      listed: true,
      masters: [{
        name: "master.example.org",
        host: "127.0.0.1",
        ports: { ring1: 7070, ring2: 3040 },
        key: encodeKey(MASTER_KEY.publicKey),
      }],
    });
    const record = trial.registry.get(ID);
    assert.equal(record?.key, client.key);
    assert.equal(record?.country, "FR");
    assert.equal(record?.admin, "bob@example.org");
    assert.deepEqual(record?.settings, {
      gamestyle: "x",
      gamename: "netpanzer",
      port: "3030",
      protocol: "1122",
    });
  });
});

Deno.test("ring1: a server is told when its proof has listed it, and when it has failed", async () => {
  const options = { limits: { verify: true }, settings: { probes: true, statusInterval: 1000 } };
  await withRing1(options, async (trial) => {
    await withUdp(["127.0.0.1"], async (game) => {
      using client = await SecureClient.connect(trial.port);
      const answer = await client.ask({ ...REGISTER, port: game.port });
      assert.equal(answer["listed"], false);
      assert.match(String(answer["reason"]), /UDP/);
      const challenge = await game.next(0);
      const token = /^\\echo\\([0-9a-f]{32})/.exec(challenge)?.[1];
      assert.ok(token, challenge);
      await game.send(game.received[0]?.port ?? 0, token);
      assert.deepEqual(await client.next(), { type: "listed", listed: true });
    });
  });
});

Deno.test("ring1: interval follows server-alive-timeout, never under a second", async () => {
  for (const [aliveTimeout, interval] of [[90_000, 30], [1000, 1], [720_000, 60]] as const) {
    await withClient({ settings: { aliveTimeout } }, async (client) => {
      assert.equal((await client.ask(REGISTER))["interval"], interval);
    });
  }
});

Deno.test("ring1: a status is a heartbeat without an answer", async () => {
  await withClient({}, async (client, trial) => {
    await client.ask(REGISTER);
    const status = { type: "status", map: "Bullet Hole", players: 1, max_players: 8 };
    const roster = [{ name: "Ann", kills: 1, deaths: 2, points: 3 }];
    await client.send({ ...status, roster });
    await until("the status", () => trial.registry.get(ID)?.status?.map === "Bullet Hole");
    assert.deepEqual(trial.registry.get(ID)?.status?.roster, roster);
    assert.equal(trial.registry.get(ID)?.status?.hostname, "Bob's tanks");
    await client.send({ ...status, roster });
    await until("a refresh", () => trial.commands.some(({ type }) => type === "refresh"));
    assert.deepEqual(await client.ask({ type: "ping" }), { type: "pong" });
    assert.equal(trial.commands.filter(({ type }) => type === "report").length, 1);
  });
});

Deno.test("ring1: a ping of a registered server keeps it alive, one of a stranger nobody", async () => {
  await withClient({}, async (client, trial) => {
    await client.ask({ type: "ping" });
    await client.ask(REGISTER);
    await client.ask({ type: "ping" });
    await until("a refresh", () => trial.commands.some(({ type }) => type === "refresh"));
    const refreshes = trial.commands.filter(({ type }) => type === "refresh");
    assert.deepEqual(refreshes, [{ type: "refresh", ids: [ID], byOwner: true }]);
  });
});

Deno.test("ring1: bye is answered and the entry goes at once", async () => {
  await withClient({}, async (client, trial) => {
    await client.ask(REGISTER);
    assert.deepEqual(await client.ask({ type: "bye" }), { type: "bye" });
    assert.equal(trial.registry.size, 0);
    const status = { type: "status", map: "m", players: 0, max_players: 8, roster: [] };
    assert.equal((await client.ask(status))["code"], "unauthorized");
    assert.equal((await client.ask(REGISTER))["type"], "registered", "it may come back");
  });
});

Deno.test("ring1: a bye of an earlier connection leaves what the same key registered later", async () => {
  await withRing1({}, async (trial) => {
    const keyPair = CRYPTO.keyPair();
    using earlier = await SecureClient.connect(trial.port, { keyPair });
    await earlier.ask(REGISTER);
    using later = await SecureClient.connect(trial.port, { keyPair });
    await later.ask(REGISTER);
    assert.deepEqual(await earlier.ask({ type: "bye" }), { type: "bye" });
    assert.equal(trial.registry.listed, 1);
    assert.deepEqual(await later.ask({ type: "bye" }), { type: "bye" });
    assert.equal(trial.registry.size, 0);
  });
});

Deno.test("ring1: who has not registered in time is told so and closed", async () => {
  await withRing1({ settings: { requestTimeout: 400 } }, async (trial) => {
    using idle = await SecureClient.connect(trial.port);
    using gone = await SecureClient.connect(trial.port);
    using busy = await SecureClient.connect(trial.port);
    await gone.ask({ ...REGISTER, name: "Gone", port: 3031 });
    await gone.ask({ type: "bye" });
    await busy.ask(REGISTER);
    for (const client of [idle, gone]) {
      await idle.send({ type: "ping" });
      await until("the error", () => client.received.some(({ type }) => type === "error"));
      const error = client.received.at(-1);
      assert.equal(error?.["code"], "bad_request");
      assert.match(String(error?.["message"]), /registered/);
      await client.end();
    }
    assert.deepEqual(await busy.ask({ type: "ping" }), { type: "pong" });
    await until("the others to be gone", () => trial.counter("sessions") === 1);
  });
});

Deno.test("ring1: a registration that takes long is waited for", async () => {
  await withRing1({ held: true, settings: { requestTimeout: 300 } }, async (trial) => {
    using client = await SecureClient.connect(trial.port);
    await client.send(REGISTER);
    await sleep(600);
    trial.settle();
    assert.equal((await client.next())["type"], "registered");
  });
});

/** A status with so many players. */
function playing(players: number) {
  return { type: "status", map: "m", players, max_players: 8, roster: [] };
}

Deno.test("ring1: reports that come too fast wait, and the last of them counts", async () => {
  await withClient({}, async (client, trial) => {
    await client.ask(REGISTER);
    for (const players of [1, 2, 3, 4, 5]) await client.send(playing(players));
    await client.ask({ type: "ping" });
    const reported = () => trial.commands.filter(({ type }) => type === "report").length;
    assert.equal(reported(), 2, "the registration was a change, too");
    assert.equal(trial.registry.get(ID)?.status?.players, 2);
    assert.equal(trial.counter("changes_delayed"), 1);
    await until("the last one", () => trial.registry.get(ID)?.status?.players === 5);
    assert.equal(reported(), 3);
    assert.deepEqual(client.received, []);
  });
});

Deno.test("ring1: a report that waits is dropped when it says nothing new any more", async () => {
  await withClient({}, async (client, trial) => {
    await client.ask(REGISTER);
    for (const players of [1, 2, 3, 2]) await client.send(playing(players));
    await client.ask({ type: "ping" });
    await sleep(2500);
    assert.equal(trial.registry.get(ID)?.status?.players, 2);
    assert.equal(trial.commands.filter(({ type }) => type === "report").length, 2);
    await client.send(playing(4));
    await until("a report that came in time", () => {
      return trial.registry.get(ID)?.status?.players === 4;
    });
  });
});

Deno.test("ring1: a report that waits is not lost with its connection, nor when the ring stops", async () => {
  const trial = new Trial({ ring: "ring1", settings: { ...SECURE, probes: false } });
  await trial.start();
  using client = await SecureClient.connect(trial.port);
  await client.ask(REGISTER);
  for (const players of [1, 2, 3]) await client.send(playing(players));
  await client.ask({ type: "ping" });
  client[Symbol.dispose]();
  await until("the end", () => trial.counter("sessions") === 0);
  await trial.stop();
  assert.equal(trial.registry.get(ID)?.status?.players, 3);
  await sleep(5);
});

Deno.test("ring1: a bye takes a report with it that waits", async () => {
  await withClient({}, async (client, trial) => {
    await client.ask(REGISTER);
    for (const players of [1, 2, 3]) await client.send(playing(players));
    assert.deepEqual(await client.ask({ type: "bye" }), { type: "bye" });
    await sleep(2500);
    assert.deepEqual(client.received, []);
    assert.equal(trial.commands.filter(({ type }) => type === "report").length, 2);
  });
});

Deno.test("ring1: a server that registers changes too fast is told when it may", async () => {
  await withClient({}, async (client, trial) => {
    const named = (name: string) => client.ask({ ...REGISTER, name });
    for (const name of ["one", "two", "three"]) {
      assert.equal((await named(name))["type"], "registered");
    }
    const refused = await named("four");
    assert.deepEqual([refused["code"], refused["retry_after"]], ["too_many", 2]);
    assert.equal((await named("three"))["type"], "registered", "that is no change");
    assert.equal(trial.registry.get(ID)?.name, "three");
    await client.send(playing(1));
    assert.deepEqual(await client.ask({ type: "ping" }), { type: "pong" });
    assert.equal(trial.registry.get(ID)?.status, undefined);
    await until("the report", () => trial.registry.get(ID)?.status?.players === 1);
    using other = await SecureClient.connect(trial.port);
    assert.equal((await other.ask({ ...REGISTER, name: "x", port: 3031 }))["type"], "registered");
  });
});

Deno.test("ring1: a neighbour's attempts use up nothing of a server's changes", async () => {
  await withClient({}, async (client, trial) => {
    await client.ask(REGISTER);
    using eve = await SecureClient.connect(trial.port);
    for (let i = 0; i < 5; i++) await eve.ask({ ...REGISTER, name: `Eve ${i}` });
    assert.equal((await client.ask({ ...REGISTER, name: "Bob" }))["type"], "registered");
  });
});

Deno.test("ring1: a server whose connection ends without bye keeps its entry", async () => {
  await withRing1({}, async (trial) => {
    const keyPair = CRYPTO.keyPair();
    {
      using client = await SecureClient.connect(trial.port, { keyPair });
      await client.ask(REGISTER);
    }
    await until("the end", () => trial.counter("sessions") === 0);
    assert.equal(trial.registry.listed, 1);
    using again = await SecureClient.connect(trial.port, { keyPair });
    assert.equal((await again.ask(REGISTER))["listed"], true);
    assert.equal(trial.registry.listed, 1);
  });
});

Deno.test("ring1: a name of another key is refused, the connection goes on", async () => {
  await withClient({}, async (client, trial) => {
    await client.ask(REGISTER);
    using eve = await SecureClient.connect(trial.port);
    const refused = await eve.ask({ ...REGISTER, port: 4040 });
    assert.equal(refused["type"], "error");
    assert.equal(refused["code"], "name_taken");
    const taken = await eve.ask({ ...REGISTER, name: "Eve" });
    assert.equal(taken["code"], "unauthorized", "the address is Bob's");
    assert.equal((await eve.ask({ ...REGISTER, name: "Eve", port: 4040 }))["listed"], true);
  });
});

Deno.test("ring1: one connection registers one server", async () => {
  await withClient({}, async (client) => {
    await client.ask(REGISTER);
    const refused = await client.ask({ ...REGISTER, port: 3031 });
    assert.equal(refused["code"], "bad_request");
    assert.match(String(refused["message"]), /127\.0\.0\.1:3030.*another/);
  });
});

Deno.test("ring1: over the limit of servers is told with a time to come back", async () => {
  await withClient({ limits: { serversPerHost: 1 } }, async (client, trial) => {
    await client.ask(REGISTER);
    using more = await SecureClient.connect(trial.port);
    const refused = await more.ask({ ...REGISTER, name: "More", port: 3031 });
    assert.equal(refused["code"], "too_many");
    assert.equal(refused["retry_after"], 60);
  });
});

Deno.test("ring1: an unreachable server is told so, and may not ask again at once", async () => {
  await withClient({ limits: { verify: true } }, async (client, trial) => {
    await client.ask(REGISTER);
    const record = trial.registry.get(ID);
    assert.ok(record);
    const unverified = { ...record, state: "unverified", reason: "why" } as const;
    const put = { type: "put", record: unverified, ...LIFE } as const;
    trial.body.receive({ type: "events", events: [put] });
    assert.deepEqual(await client.next(), { type: "listed", listed: false, reason: "why" });
    const refused = await client.ask(REGISTER);
    assert.equal(refused["code"], "unreachable");
    assert.equal(refused["retry_after"], 10);
    trial.body.receive({ type: "events", events: [put, put] });
    assert.deepEqual(await client.ask({ type: "ping" }), { type: "pong" }, "it knows already");
    const other = { ...put, record: { ...put.record, reason: "other" } };
    trial.body.receive({ type: "events", events: [other] });
    assert.equal((await client.next())["reason"], "other");
    const listed = { ...put, record: { ...record, state: "listed" } } as const;
    trial.body.receive({ type: "events", events: [listed, other] });
    assert.deepEqual(await client.next(), { type: "listed", listed: true });
    assert.equal((await client.next())["reason"], "other", "it was listed meanwhile");
  });
});

Deno.test("ring1: an unverified server may change its name, and is not told the old reason", async () => {
  await withClient({ limits: { verify: true } }, async (client, trial) => {
    const { body, registry } = trial;
    await client.ask(REGISTER);
    const rename = (name: string) => client.ask({ ...REGISTER, name });
    // What the registry tells of a record that has failed before comes before the answer.
    const { receive } = body;
    body.receive = (message) => {
      const record = registry.get(ID);
      if (message.type === "replies" && record) {
        const put = { ...record, state: "unverified", reason: "of old" } as const;
        receive.call(body, { type: "events", events: [{ type: "put", record: put, ...LIFE }] });
      }
      receive.call(body, message);
    };
    for (const name of ["Bob", "Cid"]) {
      const answer = await rename(name);
      assert.deepEqual(
        [answer["type"], answer["reason"]],
        ["registered", "its answer over UDP is awaited"],
      );
    }
    assert.deepEqual(client.received, []);
  });
});

Deno.test("SecureRing: what makes no sense is answered, what is no message ends the session", async () => {
  await withClient({}, async (client, trial) => {
    assert.equal((await client.ask({ type: "dance" }))["code"], "unknown_type");
    const bad = await client.ask({ ...REGISTER, port: "x" });
    assert.equal(bad["code"], "bad_request");
    assert.match(String(bad["message"]), /port/);
    assert.deepEqual(await client.ask({ type: "ping" }), { type: "pong" });
    await client.sendText("[1, 2]");
    assert.equal((await client.next())["code"], "bad_request");
    await client.end();
    await until("the end", () => trial.counter("sessions") === 0);
    assert.ok(trial.logged.some((line) => line.includes("connection refused")));
  });
});

Deno.test("SecureRing: no handshake, no session; the ring goes on", async () => {
  await withRing1({}, async (trial) => {
    const garbage = await Deno.connect({ hostname: "127.0.0.1", port: trial.port });
    await garbage.write(bytes("GET / HTTP/1.1\r\n\r\n"));
    assert.equal(await garbage.read(new Uint8Array(10)), null);
    garbage.close();
    using wrong = await SecureClient.connect(trial.port, { ring: "ring2" });
    assert.ok(wrong.closed, `${PROLOGUES.ring2.length} bytes of another ring's prologue`);
    using client = await SecureClient.connect(trial.port);
    assert.deepEqual(await client.ask({ type: "ping" }), { type: "pong" });
    assert.equal(trial.counter("handshakes_failed"), 2);
    assert.equal(trial.counter("handshakes_done"), 1);
  });
});

Deno.test("SecureRing: handshakes of one host are limited", async () => {
  await withRing1({ settings: { connectionLimit: 1000 } }, async (trial) => {
    const clients: SecureClient[] = [];
    for (let i = 0; i < 40; i++) clients.push(await SecureClient.connect(trial.port));
    const refused = clients.filter(({ closed }) => closed).length;
    assert.ok(refused >= 1 && refused <= 8, `${refused} of 40`);
    assert.equal(trial.counter("handshakes_refused"), refused);
    for (const client of clients) client[Symbol.dispose]();
  });
});

Deno.test("SecureRing: messages of one host are limited, who goes on is cut off", async () => {
  await withClient({}, async (client, trial) => {
    for (let i = 0; i < 400 && !client.closed; i++) {
      await client.send({ type: "ping" }).catch(() => {});
    }
    await client.end();
    const refused = client.received.filter(({ type }) => type === "error");
    assert.ok(refused.length > 50, `${refused.length}`);
    assert.equal(refused[0]?.["code"], "too_many");
    assert.equal(refused[0]?.["retry_after"], 1);
    assert.ok(trial.counter("messages_refused") > 50);
  });
});

Deno.test("SecureRing: more connections of one host than allowed are told so and closed", async () => {
  const settings = { connectionLimit: 1, serversPerAddress: 1 };
  await withRing1({ settings }, async (trial) => {
    using client = await SecureClient.connect(trial.port);
    for (let i = 0; i < 6; i++) {
      using second = await SecureClient.connect(trial.port);
      const { message, ...refused } = await second.next();
      assert.deepEqual(refused, { type: "error", code: "too_many", retry_after: 60 });
      assert.match(String(message), /More than 1 connections at once from this address/);
      await second.end();
    }
    assert.deepEqual(await client.ask({ type: "ping" }), { type: "pong" });
    assert.equal(trial.counter("sessions"), 1);
    assert.equal(trial.counter("connections_refused"), 6);
  });
});

Deno.test("SecureRing: those over the limit are closed without a word when they are many", async () => {
  const settings = { connectionLimit: 1, serversPerAddress: 1 };
  await withRing1({ settings }, async (trial) => {
    using _client = await SecureClient.connect(trial.port);
    const silent: Deno.TcpConn[] = [];
    for (let i = 0; i < 4; i++) {
      silent.push(await Deno.connect({ hostname: "127.0.0.1", port: trial.port }));
    }
    using last = await SecureClient.connect(trial.port);
    assert.ok(last.closed);
    assert.equal(last.masterKey, "");
    for (const tcp of silent) tcp.close();
  });
});

Deno.test("SecureRing: over the limit and over the budget of handshakes there is no word", async () => {
  const settings = { connectionLimit: 1, serversPerAddress: 1 };
  await withRing1({ settings }, async (trial) => {
    using _client = await SecureClient.connect(trial.port);
    let told = 0;
    for (let i = 0; i < 40; i++) {
      using one = await SecureClient.connect(trial.port);
      await one.end();
      told += one.received.length;
    }
    assert.ok(told >= 31 && told < 40, `${told} of 40`);
    assert.equal(trial.counter("handshakes_refused"), 40 - told);
  });
});

Deno.test("SecureRing: a host may have a connection for each server that it may register", async () => {
  await withRing1({ settings: { connectionLimit: 2, serversPerAddress: 12 } }, async (trial) => {
    const clients: SecureClient[] = [];
    for (let i = 0; i < 12; i++) clients.push(await SecureClient.connect(trial.port));
    for (const [i, client] of clients.entries()) {
      const answer = await client.ask({ ...REGISTER, name: `Tanks ${i}`, port: 3030 + i });
      assert.equal(answer["type"], "registered", `server ${i}`);
    }
    using more = await SecureClient.connect(trial.port);
    assert.equal((await more.next())["code"], "too_many");
    for (const client of clients) client[Symbol.dispose]();
  });
});

Deno.test("SecureRing: an unfinished handshake is dropped in time", async () => {
  await withRing1({ settings: { requestTimeout: 300 } }, async (trial) => {
    const idle = await Deno.connect({ hostname: "127.0.0.1", port: trial.port });
    assert.equal(await idle.read(new Uint8Array(10)), null);
    idle.close();
    using client = await SecureClient.connect(trial.port);
    await client.ask(REGISTER);
    await sleep(1200);
    assert.deepEqual(await client.ask({ type: "ping" }), { type: "pong" }, "a session lives on");
  });
});

Deno.test("SecureRing: a stop says goodbye with a time to come back", async () => {
  const trial = new Trial({ ring: "ring1", settings: { ...SECURE, probes: false } });
  await trial.start();
  using client = await SecureClient.connect(trial.port);
  await client.ask(REGISTER);
  await trial.stop();
  const last = await client.next();
  assert.equal(last["code"], "shutting_down");
  assert.equal(last["retry_after"], 5);
  await client.end();
});

Deno.test("SecureRing: no secret is in its log", async () => {
  await withClient({}, async (client, trial) => {
    await client.sendText("no json");
    await client.end();
    using wrong = await SecureClient.connect(trial.port, { ring: "ring2" });
    assert.ok(wrong.closed);
    const log = trial.logged.join("\n");
    assert.ok(!log.includes(encodeKey(MASTER_KEY.privateKey)));
  });
});
