import assert from "node:assert/strict";
import {
  BrowserClient,
  type BrowserOptions,
  type BrowserPurpose,
  ClientError,
  type ClientFailure,
  type ClientState,
  type MasterAddress,
} from "../../clients/mod.ts";
import { sleep, until } from "../_helpers.ts";
import {
  FakeMaster,
  type FakePeer,
  gcrypt,
  type Received,
  type Script,
  server,
  servers,
} from "./_fake_master.ts";
import { FakeTiming } from "./_fake_timing.ts";

const keyPair = gcrypt.keyPair();

function browser(
  masters: readonly MasterAddress[],
  more: Partial<BrowserOptions> = {},
): BrowserClient {
  return new BrowserClient({ crypto: gcrypt, keyPair, masters, ...more });
}

async function assertFails(
  failure: ClientFailure,
  pattern: RegExp,
  asked: Promise<unknown>,
): Promise<ClientError> {
  const error = await asked.then(() => undefined, (error) => error);
  assert.ok(error instanceof ClientError, String(error));
  assert.equal(error.failure, failure, error.message);
  assert.match(error.message, pattern);
  return error;
}

/** Answers every request by its type until the client leaves. */
function answering(
  answers: Readonly<Record<string, (request: Received, peer: FakePeer) => unknown>>,
): Script {
  return async (peer) => {
    for (let request; (request = await peer.receive());) {
      const answer = answers[request.type];
      assert.ok(answer, `nothing was to be asked about ${request.type}`);
      await answer(request, peer);
    }
  };
}

function refusing(code: string, retryAfter?: number): Script {
  return async (peer) => {
    while (await peer.receive()) {
      const error = { type: "error", code, message: `Sorry, ${code}` };
      await peer.send(retryAfter === undefined ? error : { ...error, retry_after: retryAfter });
    }
  };
}

function gone(): MasterAddress {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return { host: "127.0.0.1", port: listener.addr.port };
}

Deno.test("BrowserClient.list: gathers all parts, in order, with the filter as given", async () => {
  let asked: Received | undefined;
  await using master = new FakeMaster(answering({
    list: async (request, peer) => {
      asked = request;
      await peer.send(servers("c1", [server(3), server(1)], { last: false }));
      await peer.send(servers("c2", [], { last: false }));
      await peer.send(servers("c3", [server(2)]));
    },
  }));
  await using client = browser([master.address]);
  const list = await client.list({ gamename: "netpanzer", not_empty: true, players: 3 });
  assert.deepEqual(list, [server(3), server(1), server(2)]);
  assert.deepEqual(asked, {
    type: "list",
    filter: { gamename: "netpanzer", not_empty: true, players: 3 },
  });
});

Deno.test("BrowserClient: requests share one connection and get each its own answer", async () => {
  await using master = new FakeMaster(answering({
    list: async (_, peer) => {
      await sleep(10);
      await peer.send(servers("c1", [server(1)], { last: false }));
      await peer.send({ type: "ping" });
      await peer.send({ type: "weather" });
      await peer.send(servers("c2", []));
    },
    masters: (_, peer) => peer.send({ type: "masters", masters: [] }),
    whois: ({ user }, peer) => {
      return peer.send({ type: "user", number: 1, user: `${user}`, country: "", online: false });
    },
  }));
  await using client = browser([master.address]);
  const [list, masters, bob, eve, again] = await Promise.all([
    client.list(),
    client.masters(),
    client.whois("Bob"),
    client.whois("Eve"),
    client.list(),
  ]);
  assert.deepEqual(list, [server(1)]);
  assert.deepEqual(masters, []);
  assert.deepEqual([bob.user, eve.user], ["Bob", "Eve"]);
  assert.deepEqual(again, list);
  assert.equal(master.accepted, 1);
});

Deno.test("BrowserClient: a refusal that every master would give is thrown, the line goes on", async () => {
  await using master = new FakeMaster(answering({
    whois: (_, peer) => peer.send({ type: "error", code: "bad_request", message: "No \u0007Bob" }),
    list: (_, peer) => peer.send(servers("c", [])),
  }));
  await using other = new FakeMaster(() => {});
  await using client = browser([master.address, other.address]);
  const error = await assertFails("refused", /^[\P{C}]*No [\P{C}]*Bob/u, client.whois("Bob"));
  assert.equal(error.code, "bad_request");
  assert.deepEqual(await client.list(), []);
  assert.deepEqual([master.accepted, other.accepted], [1, 0]);
});

Deno.test("BrowserClient: a master that fails in whatever way is left for the next", async () => {
  const scripts: readonly Script[] = [
    () => {},
    refusing("busy"),
    refusing("shutting_down", 5),
    refusing("too_many"),
    async (peer) => {
      await peer.expect("list");
      await peer.sendPlain(new Uint8Array(9));
      await peer.waitForClose();
    },
    async (peer) => {
      await peer.expect("list");
      await peer.send({ type: "masters", masters: [] });
      await peer.waitForClose();
    },
    async (peer) => {
      await peer.expect("list");
      await peer.send(servers("c1", [server(66)], { last: false }));
    },
    async (peer) => {
      await peer.expect("list");
      const frame = peer.seal(servers("c1", [server(66)]));
      await peer.sendRaw(frame.subarray(0, frame.length - 1));
    },
  ];
  await using good = new FakeMaster(answering({
    list: (request, peer) => {
      assert.equal(request.since, undefined);
      return peer.send(servers("c", [server(7)]));
    },
  }));
  for (const script of scripts) {
    await using bad = new FakeMaster(script);
    const wrong = { ...good.address, key: bad.keyPair.publicKey };
    const states: ClientState[] = [];
    const onState = (state: ClientState) => states.push(state);
    await using client = browser([gone(), wrong, bad.address, good.address], { onState });
    assert.deepEqual(await client.list(), [server(7)]);
    assert.deepEqual(await client.list(), [server(7)], "it stays with the one that answers");
    assert.equal(bad.accepted, 1);
    assert.deepEqual(states.map(({ type }) => type).filter((type) => type !== "connecting"), [
      "waiting",
      "waiting",
      "connected",
      "waiting",
      "connected",
    ]);
  }
});

Deno.test("BrowserClient: an answer to something else is none", async () => {
  await using master = new FakeMaster(answering({
    whois: (_, peer) => peer.send({ type: "welcome", number: 1, user: "Bob" }),
  }));
  await using client = browser([master.address]);
  await assertFails("protocol", /"welcome" where "user"/, client.whois("Bob"));
});

Deno.test("BrowserClient: a master that takes longer than 30 s is given up", async () => {
  const timing = new FakeTiming();
  await using silent = new FakeMaster(async (peer) => {
    await peer.expect("list");
    await peer.send(servers("c1", [server(1)], { last: false }));
    await peer.waitForClose();
  });
  await using client = browser([silent.address], { timing });
  const failed = assertFails("unavailable", /did not answer within 30 s/, client.list());
  await until("asked", () => silent.accepted === 1);
  await timing.advance(30_000);
  await failed;
  assert.deepEqual(timing.waiting, []);
});

Deno.test("BrowserClient: when no master answers it says why of each", async () => {
  const [first, second] = [gone(), gone()];
  await using client = browser([first, second]);
  const both = new RegExp(`none of 2 masters.*:${first.port}.*; .*:${second.port}`);
  await assertFails("unavailable", both, client.list());
  await using alone = browser([first]);
  await assertFails("unavailable", new RegExp(`:${first.port}`), alone.list());
});

Deno.test("BrowserClient: of several failures the gravest counts", async () => {
  await using master = new FakeMaster(() => {});
  const wrong = { ...master.address, key: gcrypt.keyPair().publicKey };
  await using client = browser([gone(), wrong]);
  const error = await assertFails("wrong-key", /pin it in place of the old/, client.list());
  assert.equal(error.shown?.port, master.port);
  assert.ok(error.cause instanceof AggregateError && error.cause.errors.length === 2);
});

Deno.test("BrowserClient: a master that asked to be left alone is", async () => {
  const timing = new FakeTiming();
  timing.chance = 0;
  await using master = new FakeMaster(refusing("busy", 20));
  await using client = browser([master.address], { timing });
  assert.equal((await assertFails("refused", /busy/, client.list())).retryAfter, 20);
  await timing.advance(5000);
  assert.equal((await assertFails("refused", /try again in 15 s/, client.list())).retryAfter, 15);
  assert.equal(master.accepted, 1);
  await timing.advance(15_000);
  master.script = answering({ list: (_, peer) => peer.send(servers("c", [])) });
  assert.deepEqual(await client.list(), []);
});

Deno.test("BrowserClient: a connection lost between requests is opened again", async () => {
  await using master = new FakeMaster(answering({
    list: (_, peer) => peer.send(servers("c", [server(peer.number)])),
  }));
  await using client = browser([master.address]);
  assert.deepEqual(await client.list(), [server(1)]);
  master.cut();
  assert.deepEqual(await client.list(), [server(2)]);
  master.cut();
  await sleep(20);
  assert.deepEqual(await client.list(), [server(3)]);
});

Deno.test("BrowserClient: what a master says before it leaves is no answer to what comes next", async () => {
  await using master = new FakeMaster(async (peer) => {
    await peer.expect("list");
    await peer.send(servers("c", []));
    if (peer.number === 1) {
      await peer.send({ type: "error", code: "shutting_down", message: "bye" });
    }
    await peer.waitForClose();
  });
  await using client = browser([master.address]);
  assert.deepEqual(await client.list(), []);
  await sleep(20);
  assert.deepEqual(await client.list(), []);
  assert.equal(master.accepted, 2);
});

Deno.test("BrowserClient.login: stays present over lost connections", async () => {
  const timing = new FakeTiming();
  timing.chance = 0.5;
  const logins: unknown[] = [];
  await using master = new FakeMaster(answering({
    login: async ({ user }, peer) => {
      logins.push(`${user} ${peer.number}`);
      await peer.send({ type: "welcome", number: 5, user: `${user}` });
    },
    list: (_, peer) => peer.send(servers("c", [])),
  }));
  await using client = browser([master.address], { timing });
  assert.deepEqual(await client.login("Bob"), { type: "welcome", number: 5, user: "Bob" });
  await client.list();
  master.cut();
  await timing.advance(500);
  await until("present again", () => logins.length === 2);
  await timing.advance(60_000);
  master.cut();
  await until("present again at once", () => logins.length === 3);
  master.cut();
  await client.list();
  assert.deepEqual(logins, ["Bob 1", "Bob 2", "Bob 3", "Bob 4"]);
  assert.equal(master.accepted, 4);
});

Deno.test("BrowserClient.login: while no master is there it backs off, and tells", async () => {
  const timing = new FakeTiming();
  const states: ClientState[] = [];
  const welcome = answering({
    login: ({ user }, peer) => peer.send({ type: "welcome", number: 5, user: `${user}` }),
  });
  const master = new FakeMaster(welcome);
  const client = browser([master.address], { timing, onState: (state) => states.push(state) });
  await client.login("Bob");
  const { port, keyPair } = master;
  await master[Symbol.asyncDispose]();
  const waits = () => states.flatMap((state) => state.type === "waiting" ? state.seconds : []);
  for (let tries = 1; tries <= 3; tries++) {
    await until("another try", () => waits().length === tries);
    await timing.advance((waits().at(-1) ?? 0) * 1000);
  }
  assert.deepEqual(waits().slice(0, 3), [0.5, 1, 2]);
  await using back = new FakeMaster(welcome, { port, keyPair });
  await timing.advance(60_000);
  await until("present again", () => back.accepted === 1);
  await client.close();
  assert.equal(states.at(-1)?.type, "closed");
  assert.deepEqual(timing.waiting, []);
});

Deno.test("BrowserClient.login: a name that is lost is told, and not asked for again", async () => {
  const timing = new FakeTiming();
  const lost: ClientError[] = [];
  await using master = new FakeMaster(answering({
    login: ({ user }, peer) => {
      if (peer.number === 1) return peer.send({ type: "welcome", number: 5, user: `${user}` });
      return peer.send({ type: "error", code: "name_taken", message: "It is Eve's" });
    },
  }));
  await using client = browser([master.address], {
    timing,
    onLoginLost: (error) => lost.push(error),
  });
  await client.login("Bob");
  master.cut();
  await timing.advance(500);
  await until("told", () => lost.length === 1);
  assert.equal(lost[0]?.code, "name_taken");
  await timing.advance(10_000);
  master.cut();
  await timing.advance(600_000);
  assert.deepEqual([lost.length, master.accepted], [1, 2]);
});

Deno.test("BrowserClient.login: a request that comes first repeats it, lost or not", async () => {
  const timing = new FakeTiming();
  const lost: ClientError[] = [];
  const logins: string[] = [];
  const script = (name: string) =>
    answering({
      login: ({ user }, peer) => {
        logins.push(`${name}${peer.number}`);
        if (logins.length === 1) return peer.send({ type: "welcome", number: 5, user: `${user}` });
        const code = name === "b" ? "busy" : "name_taken";
        return peer.send({ type: "error", code, message: "Sorry" });
      },
      list: (_, peer) => peer.send(servers("c", [server(peer.number)])),
    });
  await using a = new FakeMaster(script("a"));
  await using b = new FakeMaster(script("b"));
  await using client = browser([a.address, b.address], {
    timing,
    onLoginLost: (error) => lost.push(error),
  });
  await client.login("Bob");
  await timing.advance(60_000);
  a.cut();
  assert.deepEqual(await client.list(), [server(2)], "a list needs no login");
  assert.deepEqual(logins, ["a1", "b1", "a2"]);
  assert.deepEqual(lost.map(({ code }) => code), ["name_taken"]);
});

Deno.test("BrowserClient.login: a name that is taken is the asker's to know", async () => {
  await using master = new FakeMaster(refusing("name_taken"));
  await using client = browser([master.address]);
  const error = await assertFails("refused", /name_taken/, client.login("Bob"));
  assert.equal(error.code, "name_taken");
  master.cut();
  await sleep(20);
  assert.equal(master.accepted, 1, "nobody was logged in");
});

Deno.test("BrowserClient: requests that no master would take are refused before they are sent", async () => {
  await using client = browser([gone()]);
  for (
    const asked of [
      () => client.login(""),
      () => client.login("a\nb"),
      () => client.whois("x".repeat(65)),
      () => client.list(Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, 1]))),
      () => client.list({ text: "x".repeat(70_000) }),
    ]
  ) {
    const error = await assertFails("refused", /no request/, asked());
    assert.equal(error.code, "bad_request");
  }
  assert.throws(() => client.subscribe({ text: "x".repeat(70_000) }, {}), ClientError);
});

Deno.test("BrowserClient.close: ends what is under way, and may be done again", async () => {
  const told: [string, BrowserPurpose][] = [];
  await using master = new FakeMaster((peer) => peer.waitForClose());
  const client = browser([master.address], {
    onState: ({ type }, purpose) => told.push([type, purpose]),
  });
  const pending = [client.list(), client.masters()].map((asked) => {
    return assertFails("unavailable", /this client was closed/, asked);
  });
  const subscription = client.subscribe({}, {});
  await until("connected", () => told.filter(([type]) => type === "connected").length === 2);
  await Promise.all([client.close(), client.close()]);
  await client.close();
  await Promise.all(pending);
  await assertFails("unavailable", /this client was closed/, client.list());
  assert.throws(() => client.subscribe({}, {}), /was closed/);
  await subscription.close();
  const closed = told.filter(([type]) => type === "closed").map(([, purpose]) => purpose);
  assert.deepEqual(closed.sort(), ["requests", "subscription"]);
});
