import assert from "node:assert/strict";
import { ClientError } from "../../clients/mod.ts";
import { until } from "../_helpers.ts";
import type { FakePeer, Received } from "./_fake_master.ts";
import { description, goodMaster, registered, ring1, status, Told } from "./_registering.ts";

Deno.test("RegistrationClient.update: is told on the same connection, and stays after a loss", async () => {
  const came: Received[] = [];
  const peers: FakePeer[] = [];
  await using master = ring1(async (peer) => {
    peers.push(peer);
    await goodMaster(came)(peer);
  });
  const told = new Told([master.address]);
  await using client = told.client;
  client.start();
  await until("the registration", () => told.registered.length === 1);
  client.update({ ...description, name: "Ann's tanks" });
  await until("the answer", () => told.registered.length === 2);
  assert.equal(peers.length, 1);
  assert.equal(came.at(-1)?.["name"], "Ann's tanks");
  // One that had lasted is opened again at once.
  await told.timing.advance(40_000);
  peers[0]?.close();
  await until("another registration", () => told.registered.length === 3);
  assert.equal(came.at(-1)?.["name"], "Ann's tanks");
});

Deno.test("RegistrationClient.update: one that is refused is told, the old one goes on", async () => {
  const came: Received[] = [];
  await using master = ring1(async (peer) => {
    for (let message; (message = await peer.receive());) {
      came.push(message);
      const isTaken = message["name"] === "Taken";
      const error = { type: "error", code: "name_taken", message: "taken" } as const;
      if (message.type === "register") await peer.send(isTaken ? error : registered());
      if (message.type === "bye") await peer.send({ type: "bye" });
    }
  });
  const told = new Told([master.address]);
  await using client = told.client;
  client.start();
  await until("the registration", () => told.registered.length === 1);
  client.update({ ...description, name: "Taken" });
  await until("the refusal", () => told.refused.length === 1);
  assert.equal(told.refused[0]?.code, "name_taken");
  client.report(status(1));
  await told.timing.advance(2000);
  await until("the report", () => came.at(-1)?.type === "status");
  assert.equal(came.filter(({ type }) => type === "register").length, 2, "on one connection");
});

Deno.test("RegistrationClient.update: each answer is about the description that it answers", async () => {
  const came: Received[] = [];
  let hold: Promise<void> | undefined = undefined;
  await using master = ring1(async (peer) => {
    for (let message; (message = await peer.receive());) {
      came.push(message);
      await hold;
      const isTaken = message["name"] === "Taken";
      const error = { type: "error", code: "name_taken", message: "taken" } as const;
      if (message.type === "register") await peer.send(isTaken ? error : registered());
      if (message.type === "bye") await peer.send({ type: "bye" });
    }
  });
  const told = new Told([master.address]);
  await using client = told.client;
  await told.start();
  const gate = Promise.withResolvers<void>();
  hold = gate.promise;
  const good = { ...description, settings: { a: "1" } };
  client.update(good);
  client.update({ ...description, name: "Taken" });
  gate.resolve();
  await until("the refusal", () => told.refused.length === 1);
  assert.equal(told.registered.length, 2);
  await told.timing.advance(30_000);
  assert.deepEqual(told.waits, [], "the registration goes on");
  master.cut();
  await until("another registration", () => told.registered.length === 3);
  assert.deepEqual(came.at(-1), { ...good, type: "register" });
  // The other way round the later one stays.
  client.update({ ...description, name: "Taken" });
  client.update(description);
  await until("both answers", () => told.registered.length === 4 && told.refused.length === 2);
  await told.timing.advance(30_000);
  master.cut();
  await until("the last registration", () => told.registered.length === 5);
  assert.deepEqual(came.at(-1), { ...description, type: "register" });
});

Deno.test("RegistrationClient.update: one refused after a loss leaves what was accepted before", async () => {
  const came: Received[] = [];
  await using master = ring1(goodMaster(came));
  const told = new Told([master.address]);
  await using client = told.client;
  await told.start();
  await told.timing.advance(30_000);
  master.script = async (peer) => {
    for (let message; (message = await peer.receive());) {
      came.push(message);
      const isTaken = message["name"] === "Taken";
      const error = { type: "error", code: "name_taken", message: "taken" } as const;
      if (message.type === "register") await peer.send(isTaken ? error : registered());
      if (message.type === "bye") await peer.send({ type: "bye" });
    }
  };
  master.cut();
  client.update({ ...description, name: "Taken" });
  await until("registered again", () => told.registered.length === 2);
  assert.deepEqual(told.refused.map(({ code }) => code), ["name_taken"]);
  assert.deepEqual(came.at(-1), { ...description, type: "register" });
  assert.deepEqual(told.waits, [0]);
});

Deno.test("RegistrationClient.update: of what no master would take, or of another server, throws", async () => {
  await using client = new Told([{ host: "127.0.0.1", port: 1 }]).client;
  assert.throws(() => client.update({ ...description, name: "" }), ClientError);
  assert.throws(() => client.update({ ...description, port: 3031 }), /3031 is another server/);
});
