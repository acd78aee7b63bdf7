import assert from "node:assert/strict";
import { BrowserClient } from "../../clients/mod.ts";
import { encodeKey } from "../../crypto/mod.ts";
import type { ServerEntry } from "../../protocol/mod.ts";
import { serverEntry } from "../../rings/_server_entry.ts";
import type { Finding, Question } from "../../threads/mod.ts";
import { sleep, until } from "../_helpers.ts";
import { removal, status } from "../registry/_helpers.ts";
import { Trial, type TrialOptions, withRing } from "./_helpers.ts";
import { CRYPTO, MASTER_KEY, SECURE, SecureClient, type Wire } from "./_secure.ts";

/** A change that nobody hears of within this time is not told. */
const QUIET_MS = 300;

function withRing2(options: TrialOptions, use: (trial: Trial) => Promise<void>): Promise<void> {
  return withRing({
    holdsQuestions: true,
    ...options,
    ring: "ring2",
    settings: { ...SECURE, ...options.settings },
  }, use);
}

function connect(trial: Trial): Promise<SecureClient> {
  return SecureClient.connect(trial.port, { ring: "ring2" });
}

/** Runs with a ring 2 and one client. */
function withClient(
  use: (client: SecureClient, trial: Trial) => Promise<void>,
  options: TrialOptions = {},
): Promise<void> {
  return withRing2(options, async (trial) => {
    using client = await connect(trial);
    await use(client, trial);
  });
}

/** All messages of an answer. */
async function whole(client: SecureClient): Promise<Wire[]> {
  const messages: Wire[] = [];
  do messages.push(await client.next()); while (messages.at(-1)?.["last"] === false);
  return messages;
}

function servers(messages: readonly Wire[]): { ip: string; players: number }[] {
  return messages.flatMap((message) => message["servers"] as { ip: string; players: number }[]);
}

function ips(messages: readonly Wire[]): string[] {
  return servers(messages).map(({ ip }) => ip);
}

/** Answers the question that a ring asks next. */
async function answerNext(trial: Trial, finding: Finding): Promise<Question> {
  const asked = () => trial.posted.findIndex(({ type }) => type === "question");
  await until("a question", () => asked() >= 0);
  const [message] = trial.posted.splice(asked(), 1);
  if (message?.type !== "question") throw new Error("no question");
  trial.body.receive({ type: "found", request: message.request, finding });
  return message.question;
}

Deno.test("ring2: a list has every server that matches, each as players see it", async () => {
  await withClient(async (client, trial) => {
    trial.add("10.0.0.1", 3030, { protocol: "1122", mode: "x" });
    trial.add("2001:db8::2", 3031);
    trial.add("10.0.0.3", 28900, { gamename: "master" });
    trial.registry.apply({ type: "status", id: "10.0.0.1:3030", status: status("Two clans", 3) });
    await client.send({ type: "list" });
    const [all, ...more] = await whole(client);
    assert.deepEqual(more, []);
    const records = [...trial.registry.records()].filter(({ gamename }) => gamename !== "master");
    assert.deepEqual(all?.["servers"], records.map(serverEntry));
    assert.deepEqual(Object.keys(all ?? {}), ["type", "servers", "removed", "last", "cursor"]);
    assert.equal((all?.["servers"] as ServerEntry[])[0]?.protocol, 1122);
    const filter = { not_empty: true, text: "CLANS", mode: "x" };
    assert.deepEqual(ips([await client.ask({ type: "list", filter })]), ["10.0.0.1"]);
    const none = await client.ask({ type: "list", filter: { gamename: "master" } });
    assert.deepEqual(none["servers"], []);
    assert.equal(trial.counter("lists"), 3);
  });
});

Deno.test("ring2: a long list comes in several messages", async () => {
  await withClient(async (client, trial) => {
    for (let i = 0; i < 2000; i++) trial.add(`10.0.${i >> 8}.${i & 255}`, 3030);
    await client.send({ type: "list", filter: { gamename: "netpanzer" } });
    const messages = await whole(client);
    assert.ok(messages.length > 5);
    assert.deepEqual(ips(messages), [...trial.registry.records()].map(({ ip }) => ip));
    assert.ok(messages.slice(0, -1).every(({ cursor }) => cursor === ""));
    const { cursor } = messages.at(-1) as Wire;
    const changes = await client.ask({ type: "list", since: cursor });
    assert.deepEqual([changes["servers"], changes["last"], changes["cursor"]], [[], true, cursor]);
  }, { limits: { serversPerHost: 10_000 } });
});

Deno.test("ring2: with a cursor only what changed comes, at another master too", async () => {
  await withClient(async (client, trial) => {
    for (let i = 0; i < 5; i++) trial.add(`10.0.0.${i}`, 3030);
    const { cursor } = await client.ask({ type: "list" });
    trial.registry.apply({ type: "quit", ip: "10.0.0.1", port: 3030 });
    trial.add("10.0.0.9", 3030);
    const changes = await client.ask({ type: "list", since: cursor });
    assert.deepEqual([ips([changes]), changes["removed"]], [["10.0.0.9"], ["10.0.0.1:3030"]]);
    await withRing2({ unfed: true }, async (other) => {
      const records = [...trial.registry.records()];
      const departures = trial.registry.departures();
      other.body.receive({ type: "snapshot", records, first: true, last: true, departures });
      using elsewhere = await connect(other);
      const there = await elsewhere.ask({ type: "list", since: cursor });
      assert.deepEqual([ips([there]), there["removed"]], [["10.0.0.9"], ["10.0.0.1:3030"]]);
      assert.equal(there["cursor"], changes["cursor"]);
    });
  });
});

Deno.test("ring2: a cursor that is none is refused, an empty one is no cursor", async () => {
  await withClient(async (client, trial) => {
    trial.add("10.0.0.1", 3030);
    for (const type of ["list", "subscribe"]) {
      for (const since of ["x", "1", "2.", "1.00000000000000a1"]) {
        assert.deepEqual(await client.ask({ type, since }), {
          type: "error",
          code: "bad_request",
          message: "since is no cursor of this network: leave it out to get the whole list",
        });
      }
    }
    assert.equal(trial.counter("subscribers"), 0);
    assert.deepEqual(ips([await client.ask({ type: "list", since: "" })]), ["10.0.0.1"]);
  });
});

Deno.test("ring2: a cursor from before what is remembered gets the whole list", async () => {
  await withClient(async (client, trial) => {
    trial.add("10.0.0.1", 3030);
    trial.add("10.0.0.2", 3030);
    const { cursor } = await client.ask({ type: "list" });
    trial.body.receive({
      type: "events",
      events: [
        removal("10.0.0.2:3030"),
        { type: "forgotten", id: "10.0.0.2:3030", hlc: 2 ** 52, origin: "00000000000000b2" },
      ],
    });
    const answer = await client.ask({ type: "list", since: cursor });
    assert.deepEqual([ips([answer]), answer["full"]], [["10.0.0.1"], true]);
  });
});

Deno.test("ring2: a subscriber gets the list, then what changes, until it has enough", async () => {
  await withClient(async (client, trial) => {
    trial.add("10.0.0.1", 3030);
    assert.deepEqual(ips([await client.ask({ type: "subscribe", filter: { port: 3030 } })]), [
      "10.0.0.1",
    ]);
    const start = performance.now();
    trial.add("10.0.0.2", 3030);
    trial.add("10.0.0.3", 3031);
    assert.deepEqual(ips([await client.next()]), ["10.0.0.2"]);
    assert.ok(performance.now() - start < 200, `${performance.now() - start} ms`);
    trial.registry.apply({ type: "status", id: "10.0.0.1:3030", status: status("Plain", 2) });
    trial.registry.apply({ type: "quit", ip: "10.0.0.2", port: 3030 });
    const second = await client.next();
    assert.deepEqual(servers([second]).map(({ players }) => players), [2]);
    assert.deepEqual([second["removed"], second["last"]], [["10.0.0.2:3030"], true]);
    assert.equal(trial.counter("subscribers"), 1);
    await client.send({ type: "unsubscribe" });
    await until("the end of it", () => trial.counter("subscribers") === 0);
    trial.add("10.0.0.4", 3030);
    await sleep(QUIET_MS);
    assert.deepEqual(client.received, []);
    const missed = await client.ask({ type: "list", since: second["cursor"] });
    assert.deepEqual(ips([missed]), ["10.0.0.4"]);
    assert.equal(trial.counter("batches_sent"), 2);
  });
});

Deno.test("ring2: a subscription ends with its connection", async () => {
  await withRing2({}, async (trial) => {
    using client = await connect(trial);
    await client.ask({ type: "subscribe" });
    assert.equal(trial.counter("subscribers"), 1);
    client[Symbol.dispose]();
    await until("the end of it", () => trial.counter("subscribers") === 0);
  });
});

Deno.test("ring2: a new snapshot brings subscribers what it changed", async () => {
  await withClient(async (client, trial) => {
    trial.add("10.0.0.1", 3030);
    trial.add("10.0.0.2", 3030);
    await client.ask({ type: "subscribe" });
    const records = [...trial.registry.records()].slice(1).map((record) => ({
      ...record,
      number: 7,
      hlc: record.hlc + 1_000_000,
    }));
    const { origin, vector, horizon, gap } = trial.registry.departures();
    const version = { hlc: 2 ** 52, origin: "00000000000000b2" };
    const gone = { id: "10.0.0.1:3030", cause: "quit", ...version } as const;
    const departures = { origin, tombstones: [gone], vector, horizon, gap };
    trial.body.receive({ type: "snapshot", records, first: true, last: true, departures });
    const { servers, removed } = await client.next() as Wire & { servers: { number: number }[] };
    assert.deepEqual(servers.map(({ number }) => number), [7]);
    assert.deepEqual(removed, ["10.0.0.1:3030"]);
  });
});

Deno.test("ring2: a snapshot that does not say what is gone is a failure", () => {
  const trial = new Trial({ ring: "ring2", settings: { ...SECURE } });
  assert.throws(
    () => trial.body.receive({ type: "snapshot", records: [], first: true, last: true }),
    TypeError,
  );
});

Deno.test("ring2: masters are told as on ring 1", async () => {
  await withClient(async (client) => {
    assert.deepEqual(await client.ask({ type: "masters" }), {
      type: "masters",
      masters: [{
        name: "master.example.org",
        host: "127.0.0.1",
        ports: { ring1: 7070, ring2: 3040 },
        key: encodeKey(MASTER_KEY.publicKey),
      }],
    });
  });
});

Deno.test("ring2: a login is answered once the database has the user", async () => {
  await withClient(async (client, trial) => {
    await client.send({ type: "login", user: "Ann" });
    const claimed = await answerNext(trial, {
      type: "claimed",
      outcome: { type: "welcome", number: 17, isNew: true },
    });
    assert.equal(claimed.type, "claim");
    if (claimed.type !== "claim") return;
    assert.deepEqual(
      [claimed.claim.user, claimed.claim.key, claimed.claim.ip],
      ["Ann", client.key, "127.0.0.1"],
    );
    assert.deepEqual(await client.next(), { type: "welcome", number: 17, user: "Ann" });
    assert.equal(trial.counter("users_present"), 1);

    await client.send({ type: "login", user: "Bob" });
    await answerNext(trial, { type: "claimed", outcome: { type: "name_taken" } });
    assert.equal((await client.next())["code"], "name_taken");
    await client.send({ type: "login", user: "Bob" });
    await answerNext(trial, { type: "busy" });
    const { code, retry_after } = await client.next();
    assert.deepEqual([code, retry_after], ["busy", 5]);
    assert.equal(trial.counter("logins"), 3);
  });
});

Deno.test("ring2: whois knows who is logged in, and on which server they play", async () => {
  await withClient(async (client, trial) => {
    const whois = async (name: string) => {
      await client.send({ type: "whois", user: name });
      const user = { number: 17, user: name, country: "FR" };
      const asked = await answerNext(trial, { type: "user", user });
      assert.deepEqual(asked, { type: "find-user", user: name });
      const { online, server } = await client.next();
      return [online, server];
    };
    {
      using other = await connect(trial);
      await other.send({ type: "login", user: "Bob" });
      await answerNext(trial, {
        type: "claimed",
        outcome: { type: "welcome", number: 17, isNew: true },
      });
      await other.next();
      assert.deepEqual(await whois("Bob"), [true, undefined]);
    }
    await until("Bob to be gone", () => trial.counter("users_present") === 0);
    assert.deepEqual(await whois("Bob"), [false, undefined]);
    trial.add("10.0.0.1", 3030);
    trial.registry.apply({ type: "status", id: "10.0.0.1:3030", status: status() });
    assert.deepEqual(await whois("Bob"), [true, "10.0.0.1:3030"]);
    assert.equal(trial.counter("whois"), 3);

    await client.send({ type: "whois", user: "Nobody" });
    await answerNext(trial, { type: "user", user: undefined });
    assert.equal((await client.next())["code"], "bad_request");
  });
});

Deno.test("ring2: costly requests of one host are limited, others are not", async () => {
  await withClient(async (client, trial) => {
    trial.add("10.0.0.1", 3030);
    // What comes in while they are asked is used up at once.
    // On a slow machine that may take a while: one more is allowed each 50 ms.
    for (let i = 0; trial.counter("requests_refused") === 0; i++) {
      assert.ok(i < 1000, "there is no limit");
      await client.ask({ type: i % 2 ? "subscribe" : "list", filter: { guess: i % 9 } });
    }
    const lists = trial.counter("lists");
    assert.ok(lists >= 150, `${lists} lists`);
    const costly = [
      { type: "list" },
      { type: "subscribe" },
      { type: "whois", user: "Ann" },
      { type: "list", since: "1." },
    ];
    for (const request of costly) {
      let answer = await client.ask(request);
      // One more is allowed each 50 ms, which a slow machine may have taken to ask.
      for (let i = 0; i < 10 && answer["type"] !== "error"; i++) answer = await client.ask(request);
      const { message, ...refused } = answer;
      assert.deepEqual(refused, { type: "error", code: "too_many", retry_after: 1 });
      assert.match(String(message), /subscribe/);
    }
    assert.ok(trial.counter("requests_refused") >= 5);
    assert.ok(trial.counter("lists") < lists + 20);
    assert.equal((await client.ask({ type: "masters" }))["type"], "masters");
    await sleep(600);
    assert.deepEqual(ips([await client.ask({ type: "list" })]), ["10.0.0.1"]);
  });
});

Deno.test("ring2: a cursor of made-up masters is answered with what this master knows", async () => {
  await withClient(async (client, trial) => {
    trial.add("10.0.0.1", 3030);
    const { cursor } = await client.ask({ type: "list" });
    const [, own = ""] = String(cursor).split("1.", 2);
    const made = Array.from(
      { length: 255 },
      (_, i) => `${(0xb000 + i).toString(16).padStart(16, "0")}${(2 ** 52 + i).toString(36)}`,
    );
    const since = `1.${[...made, own].sort().join("~")}`;
    const answer = await client.ask({ type: "list", since });
    assert.deepEqual(answer["servers"], [], "what it knew of this one counts");
    assert.equal(answer["cursor"], cursor);
  });
});

Deno.test("ring2: requests that make no sense are refused one by one", async () => {
  await withClient(async (client) => {
    const wrong: [unknown, string][] = [
      [{ type: "register" }, "unknown_type"],
      [{ type: "list", filter: [] }, "bad_request"],
      [{ type: "list", filter: { not_full: 1 } }, "bad_request"],
      [{ type: "list", since: 5 }, "bad_request"],
      [{ type: "login", user: " Ann" }, "bad_request"],
      [{ type: "login" }, "bad_request"],
    ];
    for (const [request, code] of wrong) {
      assert.equal((await client.ask(request))["code"], code, JSON.stringify(request));
    }
    await client.send({ type: "pong" });
    await client.send({ type: "unsubscribe" });
    assert.deepEqual(await client.ask({ type: "ping" }), { type: "pong" });
  });
});

Deno.test("ring2: stops while the database is asked and a subscriber waits", async () => {
  const trial = new Trial({
    ring: "ring2",
    settings: { ...SECURE },
    holdsQuestions: true,
  });
  await trial.start();
  using asking = await connect(trial);
  using subscribed = await connect(trial);
  await subscribed.ask({ type: "subscribe" });
  await asking.send({ type: "whois", user: "Ann" });
  await until("the question", () => trial.posted.some(({ type }) => type === "question"));
  trial.add("10.0.0.1", 3030);
  const start = performance.now();
  await trial.stop(500);
  assert.ok(performance.now() - start < 3000);
  await subscribed.end();
});

Deno.test("ring2: serves the client that comes with it", async () => {
  await withRing2({}, async (trial) => {
    trial.add("10.0.0.1", 3030);
    await using browser = new BrowserClient({
      crypto: CRYPTO,
      keyPair: CRYPTO.keyPair(),
      masters: [{ host: "127.0.0.1", port: trial.port, key: MASTER_KEY.publicKey }],
    });
    assert.deepEqual((await browser.list()).map(({ ip }) => ip), ["10.0.0.1"]);
    const subscription = browser.subscribe({}, {});
    await until("the list", () => subscription.view === "live");
    trial.add("10.0.0.2", 3030);
    trial.registry.apply({ type: "quit", ip: "10.0.0.1", port: 3030 });
    await until("the changes", () => [...subscription.servers.keys()].join() === "10.0.0.2:3030");
    const welcome = browser.login("Ann");
    await answerNext(trial, {
      type: "claimed",
      outcome: { type: "welcome", number: 17, isNew: true },
    });
    assert.deepEqual(await welcome, { type: "welcome", number: 17, user: "Ann" });
    assert.equal((await browser.masters())[0]?.host, "127.0.0.1");
  });
});
