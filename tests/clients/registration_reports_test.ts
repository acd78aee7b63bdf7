import assert from "node:assert/strict";
import { until } from "../_helpers.ts";
import type { FakePeer, Received } from "./_fake_master.ts";
import { description, goodMaster, registered, ring1, status, Told } from "./_registering.ts";

Deno.test("RegistrationClient: sends what is being played with the registration, then regularly", async () => {
  const came: Received[] = [];
  await using master = ring1(goodMaster(came, registered({ interval: 30 })));
  const told = new Told([master.address]);
  told.client.report(status(1));
  await told.start();
  assert.deepEqual(came, [{ ...description, type: "register", status: status(1) }]);
  await told.timing.advance(29_999);
  assert.equal(came.length, 1);
  await told.timing.advance(1);
  await until("the first report", () => came.length === 2);
  assert.deepEqual(came[1], { type: "status", ...status(1) });
  await told.timing.advance(30_000);
  await until("the second report", () => came.length === 3);
  await told.client.stop();
});

Deno.test("RegistrationClient: news are sent at once, though at most every 2 s", async () => {
  const came: Received[] = [];
  await using master = ring1(goodMaster(came));
  const told = new Told([master.address]);
  await told.start();
  await told.timing.advance(10_000);
  const players = () => came.flatMap((message) => message.type === "status" ? message.players : []);
  told.client.report(status(1));
  await until("news", () => players().length === 1);
  for (const count of [2, 3, 4]) {
    told.client.report(status(count));
    await told.timing.advance(600);
  }
  assert.deepEqual(players(), [1]);
  await told.timing.advance(200);
  await until("more news", () => players().length === 2);
  told.client.report(status(4));
  await told.timing.advance(59_000);
  assert.deepEqual(players(), [1, 4], "the same again is no news");
  await told.timing.advance(1000);
  await until("regularly", () => players().length === 3);
  await told.client.stop();
  assert.deepEqual(players(), [1, 4, 4]);
});

Deno.test("RegistrationClient: news while the registration is under way are sent after it", async () => {
  const came: Received[] = [];
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  await using master = ring1(async (peer) => {
    await peer.expect("register");
    asked.resolve();
    await answer.promise;
    await peer.send(registered());
    for (let message; (message = await peer.receive());) came.push(message);
  });
  const told = new Told([master.address]);
  told.client.report(status(1));
  told.client.start();
  await asked.promise;
  told.client.report(status(2));
  answer.resolve();
  await told.timing.advance(2000);
  await until("news", () => came.length === 1);
  assert.equal(came[0]?.players, 2);
  const stopping = told.client.stop();
  await told.timing.advance(2000);
  await stopping;
});

Deno.test("RegistrationClient: without a report it pings, so that the master hears of it", async () => {
  let peer: FakePeer | undefined;
  await using master = ring1(async (it) => {
    peer = it;
    await goodMaster([], registered({ interval: 10 }))(it);
  });
  const told = new Told([master.address]);
  await told.start();
  await told.timing.advance(10_000);
  await until("a ping", () => peer?.pings === 1);
  await told.timing.advance(10_000);
  await until("another ping", () => peer?.pings === 2);
  await told.client.stop();
});

Deno.test("RegistrationClient: intervals below 1 s and above 600 s are brought into bounds", async () => {
  for (const [interval, ms] of [[1, 1000], [86_400, 600_000]] as const) {
    const came: Received[] = [];
    await using master = ring1(goodMaster(came, registered({ interval })));
    const told = new Told([master.address]);
    told.client.report(status(1));
    await told.start();
    await told.timing.advance(ms - 1);
    assert.equal(came.length, 1);
    await told.timing.advance(1);
    await until("a report", () => came.length === 2);
    await told.client.stop();
  }
});
