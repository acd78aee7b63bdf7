import assert from "node:assert/strict";
import type { ErrorCode } from "../../protocol/mod.ts";
import { until } from "../_helpers.ts";
import type { FakePeer, Received, Script } from "./_fake_master.ts";
import { description, goodMaster, registered, ring1, status, Told } from "./_registering.ts";

Deno.test("RegistrationClient: honours retry_after, and turns to another master meanwhile", async () => {
  const busy: Script = async (peer) => {
    await peer.expect("register");
    await peer.send({ type: "error", code: "busy", message: "later", retry_after: 100 });
  };
  await using a = ring1(busy);
  await using b = ring1(busy);
  const told = new Told([a.address, b.address]);
  told.client.start();
  await until("both refused", () => told.waits.length === 2);
  assert.deepEqual(told.waits, [0, 105]);
  await told.timing.advance(104_999);
  assert.deepEqual([a.accepted, b.accepted], [1, 1]);
  a.script = goodMaster();
  await told.timing.advance(1);
  await until("registered", () => told.registered.length === 1);
  await told.client.stop();
  assert.deepEqual(told.refused, [], "what goes away by itself is no refusal");
});

Deno.test("RegistrationClient: a lasting refusal is told and tried again only slowly", async () => {
  const cases = [["name_taken", 240, 330], ["bad_request", 240, 330], ["unauthorized", 48, 66]];
  for (const [code, least, most] of cases as [ErrorCode, number, number][]) {
    const refuse: Script = async (peer) => {
      await peer.expect("register");
      await peer.send({ type: "error", code, message: "Not\u0007 this name" });
    };
    await using a = ring1(refuse);
    await using b = ring1(refuse);
    const told = new Told([a.address, b.address]);
    told.client.start();
    await until("refused", () => told.waits.length === 1);
    assert.deepEqual(told.refused.map((error) => error.code), [code]);
    assert.match(told.refused[0]?.message ?? "", /^[\P{C}]*Not[\P{C}]* this name/u);
    const [wait = 0] = told.waits;
    assert.ok(wait >= least && wait <= most, `${wait} s`);
    await told.timing.advance(wait * 1000 - 1);
    assert.deepEqual([a.accepted, b.accepted], [1, 0]);
    b.script = goodMaster();
    await told.timing.advance(1);
    await until("registered", () => told.registered.length === 1);
    await told.client.stop();
  }
});

Deno.test("RegistrationClient: an error about a report is told, one about the server ends it", async () => {
  let peer: FakePeer | undefined;
  const came: Received[] = [];
  await using master = ring1(async (it) => {
    peer = it;
    await goodMaster(came)(it);
  });
  const told = new Told([master.address]);
  await told.start();
  await peer?.send({ type: "error", code: "too_many", message: "slower", retry_after: 7 });
  await until("refused", () => told.refused.length === 1);
  await told.timing.advance(2000);
  told.client.report(status(1));
  await told.timing.advance(4999);
  assert.equal(came.length, 1, "it was asked to wait");
  await told.timing.advance(1);
  await until("a report", () => came.length === 2);
  assert.equal(master.accepted, 1);
  await peer?.send({ type: "error", code: "name_taken", message: "banned" });
  await until("told", () => told.waits.length === 1);
  assert.deepEqual(told.refused.map(({ code }) => code), ["too_many", "name_taken"]);
  assert.ok((told.waits[0] ?? 0) >= 240);
  await told.client.stop();
});

Deno.test("RegistrationClient: a master that has lost it gets another registration at once", async () => {
  const came: Received[] = [];
  let has = false;
  await using master = ring1(async (peer) => {
    for (let message; (message = await peer.receive());) {
      came.push(message);
      const lost = { type: "error", code: "unauthorized", message: "Register first" } as const;
      if (message.type === "register") await peer.send(registered());
      if (message.type === "register") has = true;
      if (message.type === "status" && !has) await peer.send(lost);
      if (message.type === "bye") await peer.send({ type: "bye" });
    }
  });
  const told = new Told([master.address]);
  await using client = told.client;
  client.report(status(1));
  await told.start();
  has = false;
  client.report(status(2));
  await told.timing.advance(2000);
  await until("registered again", () => told.registered.length === 2);
  assert.deepEqual(came.at(-1), { ...description, type: "register", status: status(2) });
  assert.deepEqual(told.refused.map(({ code }) => code), ["unauthorized"]);
  // Not long after the same is no accident any more.
  has = false;
  client.report(status(3));
  await told.timing.advance(2000);
  await until("waiting", () => told.waits.length === 1);
  const [wait = 0] = told.waits;
  assert.ok(wait >= 48 && wait <= 66, `${wait} s`);
  assert.equal(came.filter(({ type }) => type === "register").length, 2);
  await told.timing.advance(wait * 1000);
  await until("registered a third time", () => told.registered.length === 3);
  has = false;
  client.report(status(4));
  await told.timing.advance(2000);
  await until("and a fourth", () => told.registered.length === 4);
  assert.equal(master.accepted, 2);
  assert.equal(told.waits.length, 1);
});

Deno.test("RegistrationClient: an address that another key took meanwhile is asked for every minute", async () => {
  let isTaken = false;
  await using master = ring1(async (peer) => {
    for (let message; (message = await peer.receive());) {
      const taken = { type: "error", code: "unauthorized", message: "Another key's" } as const;
      if (isTaken && message.type !== "bye") await peer.send(taken);
      else if (message.type === "register") await peer.send(registered());
      if (message.type === "bye") await peer.send({ type: "bye" });
    }
  });
  const told = new Told([master.address]);
  await using client = told.client;
  client.report(status(1));
  await told.start();
  isTaken = true;
  client.report(status(2));
  await told.timing.advance(2000);
  await until("waiting", () => told.waits.length === 1);
  assert.deepEqual(told.refused.map(({ code }) => code), ["unauthorized", "unauthorized"]);
  isTaken = false;
  await told.timing.advance((told.waits[0] ?? 0) * 1000);
  await until("registered again", () => told.registered.length === 2);
  assert.ok((told.waits[0] ?? 0) <= 66);
});
