import assert from "node:assert/strict";
import { RingDesk } from "../../daemon/_ring_desk.ts";
import { formatEndpoint, hostKey } from "../../protocol/mod.ts";
import { Registry } from "../../registry/mod.ts";
import type { Claim, Finding, Question, Reply, ToThread } from "../../threads/mod.ts";
import { sleep } from "../_helpers.ts";

const ORIGIN = "00000000000000a1";

const CLAIM: Claim = {
  user: "Ann",
  key: "k",
  ip: "192.0.2.1",
  country: "",
  netName: "",
  at: 17,
  hlc: 0,
  origin: "",
};

/** A desk with a registry, and a database that answers as a test says. */
class Bench {
  readonly asked: Question[] = [];
  readonly posted: string[] = [];
  readonly messages: ToThread[] = [];
  readonly replies: (readonly [string, readonly Reply[]])[] = [];
  readonly numbered: string[] = [];
  flushes = 0;
  finding: Finding = { type: "busy" };
  readonly registry = new Registry({
    clock: { monotonic: () => performance.now(), wall: () => Date.now() },
    origin: ORIGIN,
    limits: { aliveTimeout: 60_000, serversPerHost: 32, verify: false },
    hostKey,
    serverId: formatEndpoint,
    makeToken: () => "0".repeat(32),
    output: { event: () => {}, challenge: () => {}, trace: () => {} },
  });
  readonly desk = new RingDesk({
    registry: this.registry,
    feed: {
      flush: () => void this.flushes++,
      reply: (ring, replies) => void this.replies.push([ring, replies]),
    },
    persistence: {
      ask: (question) => {
        this.asked.push(question);
        return Promise.resolve(this.finding);
      },
      durable: () => Promise.resolve(),
      numbered: (id) => {
        this.numbered.push(id);
        this.registry.apply({ type: "number", id, number: 7 });
        return Promise.resolve();
      },
    },
    locator: { glance: () => Promise.resolve({ country: "FR", netName: "ann.example.org" }) },
    post: (ring, message) => {
      this.posted.push(`${ring} ${message.type}`);
      this.messages.push(message);
    },
  });
}

Deno.test("RingDesk: a claim gets a version and a place on its way to the database", async () => {
  const bench = new Bench();
  const before = bench.registry.stamp();
  await bench.desk.answer("ring2", 1, { type: "claim", claim: CLAIM });
  const [asked] = bench.asked;
  assert.ok(asked?.type === "claim");
  const { hlc, ...rest } = asked.claim;
  assert.ok(hlc > before.hlc);
  const { hlc: _, ...claim } = CLAIM;
  const place = { country: "FR", netName: "ann.example.org" };
  assert.deepEqual(rest, { ...claim, ...place, origin: ORIGIN });
  assert.deepEqual(bench.posted, ["ring2 found"], "the database was busy");
});

Deno.test("RingDesk: other masters are told of a name that was nobody's before, and of no other", async () => {
  const bench = new Bench();
  const welcome = (isNew: boolean) => ({ type: "welcome", number: 17, isNew }) as const;
  bench.finding = { type: "claimed", outcome: welcome(false) };
  await bench.desk.answer("ring2", 1, { type: "claim", claim: CLAIM });
  bench.finding = { type: "claimed", outcome: { type: "name_taken" } };
  await bench.desk.answer("ring2", 2, { type: "claim", claim: CLAIM });
  assert.deepEqual(bench.posted.splice(0), ["ring2 found", "ring2 found"]);
  bench.finding = { type: "claimed", outcome: welcome(true) };
  await bench.desk.answer("ring2", 3, { type: "claim", claim: CLAIM });
  assert.deepEqual(bench.posted, ["ring0 users", "ring2 found"]);
  const asked = bench.asked[2];
  assert.ok(asked?.type === "claim");
  const { hlc } = asked.claim;
  assert.deepEqual(bench.messages.at(-2), {
    type: "users",
    users: [{ user: "Ann", key: "k", country: "FR", hlc, origin: ORIGIN }],
  });
  assert.deepEqual(bench.messages.at(-1), {
    type: "found",
    request: 3,
    finding: bench.finding,
  });
});

Deno.test("RingDesk: other questions go to the database as they are", async () => {
  const bench = new Bench();
  bench.finding = { type: "user", user: undefined };
  await bench.desk.answer("ring2", 9, { type: "find-user", user: "Ann" });
  assert.deepEqual(bench.asked, [{ type: "find-user", user: "Ann" }]);
  assert.deepEqual(bench.messages, [{ type: "found", request: 9, finding: bench.finding }]);
});

Deno.test("RingDesk: commands are carried out, and those that ask are answered", async () => {
  const bench = new Bench();
  const register = {
    type: "register",
    ip: "192.0.2.1",
    port: 3030,
    settings: { gamename: "netpanzer", port: "3030" },
  } as const;
  const announce = {
    type: "announce",
    ip: "192.0.2.2",
    port: 3030,
    key: "k",
    name: "n",
    gamename: "netpanzer",
    admin: "",
    settings: {},
  } as const;
  bench.desk.carryOut("ring1", [
    { command: register },
    { request: 1, command: register },
    { request: 2, command: announce },
  ]);
  assert.equal(bench.registry.listed, 2);
  assert.equal(bench.flushes, 1);
  await sleep(1);
  const accepted = { type: "accepted" } as const;
  assert.deepEqual(bench.replies, [
    ["ring1", [{ request: 1, outcome: accepted }]],
    ["ring1", [{ request: 2, outcome: accepted, standing: { listed: true, number: 7 } }]],
  ]);
  assert.deepEqual(bench.numbered, ["192.0.2.2:3030"]);
});
