import assert from "node:assert/strict";
import { ClientError } from "../../clients/mod.ts";
import { encodeKey } from "../../crypto/mod.ts";
import { until } from "../_helpers.ts";
import type { FakePeer, Received } from "./_fake_master.ts";
import {
  description,
  goodMaster,
  keyPair,
  registered,
  ring1,
  status,
  Told,
} from "./_registering.ts";

Deno.test("RegistrationClient: registers, hears that it is listed, says bye", async () => {
  const came: Received[] = [];
  let key = "";
  await using master = ring1(async (peer) => {
    key = encodeKey(peer.clientKey);
    came.push(await peer.expect("register"));
    await peer.send(registered({ listed: false, reason: "not challenged yet" }));
    await peer.send({ type: "listed", listed: true });
    came.push(await peer.expect("bye"));
    await peer.send({ type: "bye" });
    await peer.waitForClose();
  });
  const told = new Told([master.address]);
  await told.start();
  await until("listed", () => told.listed.length > 0);
  await told.client.stop();
  assert.deepEqual(came, [{ ...description, type: "register" }, { type: "bye" }]);
  assert.equal(key, encodeKey(keyPair.publicKey));
  assert.equal(told.registered[0]?.reason, "not challenged yet");
  assert.deepEqual(told.listed, [true]);
  const { port } = master;
  assert.deepEqual(told.story, [`connecting ${port}`, `connected ${port}`, "closed"]);
  assert.deepEqual(told.timing.waiting, []);
});

Deno.test("RegistrationClient: stopping again or before a start does nothing, starting does", async () => {
  const told = new Told([{ host: "127.0.0.1", port: 1 }]);
  const stopped = told.client.stop();
  assert.equal(told.client.stop(), stopped);
  await stopped;
  assert.throws(() => told.client.start(), /make a new one/);
  assert.deepEqual(told.story, []);
});

Deno.test("RegistrationClient: starting twice registers once", async () => {
  await using master = ring1(goodMaster());
  const told = new Told([master.address]);
  told.client.start();
  await told.start();
  await told.client.stop();
  assert.equal(master.accepted, 1);
});

Deno.test("RegistrationClient: a master that does not answer bye is left after 2 s", async () => {
  await using master = ring1(async (peer) => {
    await peer.expect("register");
    await peer.send(registered());
    await peer.waitForClose();
  });
  const told = new Told([master.address]);
  await told.start();
  let stopped = false;
  const stopping = told.client.stop().then(() => stopped = true);
  await told.timing.advance(1999);
  assert.equal(stopped, false);
  await told.timing.advance(1);
  await stopping;
  assert.equal(told.story.at(-1), "closed");
});

Deno.test("RegistrationClient: a stop before the registration's answer says bye too", async () => {
  const came: string[] = [];
  await using master = ring1(async (peer) => {
    came.push((await peer.expect("register")).type);
    came.push((await peer.expect("bye")).type);
    await peer.send({ type: "bye" });
    await peer.waitForClose();
  });
  const told = new Told([master.address]);
  told.client.start();
  await until("asked", () => came.length === 1);
  await told.client.stop();
  assert.deepEqual(came, ["register", "bye"]);
  assert.deepEqual(told.registered, []);
});

Deno.test("RegistrationClient: a master may register it anew, with another interval", async () => {
  let peer: FakePeer | undefined;
  const came: Received[] = [];
  await using master = ring1(async (it) => {
    peer = it;
    await goodMaster(came)(it);
  });
  const told = new Told([master.address]);
  await using client = told.client;
  client.report(status(1));
  await told.start();
  await peer?.send(registered({ interval: 5 }));
  await until("told", () => told.registered.length === 2);
  await told.timing.advance(5000);
  await until("a report", () => came.length === 2);
  assert.equal(came[1]?.type, "status");
});

Deno.test("RegistrationClient: reaches masters over the family that it is told", async () => {
  const asked: [string, number][] = [];
  await using master = ring1(goodMaster());
  const told = new Told([{ ...master.address, host: "master.example.org" }], {
    family: 4,
    resolve: (host, family) => {
      asked.push([host, family]);
      return Promise.resolve(["127.0.0.1"]);
    },
  });
  await told.start();
  await told.client.stop();
  assert.deepEqual(asked, [["master.example.org", 4]]);
  const connected = told.states.find((state) => state.type === "connected");
  assert.equal(connected?.type === "connected" && connected.ip, "127.0.0.1");
});

Deno.test("RegistrationClient: a callback that throws is reported and disturbs nothing", async () => {
  const reported: unknown[] = [];
  const listener = (event: ErrorEvent) => {
    event.preventDefault();
    reported.push(event.error);
  };
  globalThis.addEventListener("error", listener);
  try {
    await using master = ring1(goodMaster());
    const told = new Told([master.address], {
      onState: () => {
        throw new Error("not today");
      },
    });
    await told.start();
    await told.client.stop();
    assert.equal(reported.length, 3);
  } finally {
    globalThis.removeEventListener("error", listener);
  }
});

Deno.test("RegistrationClient: what no master would take is refused before anything is sent", () => {
  const masters = [{ host: "127.0.0.1", port: 1 }];
  const isBad = (error: unknown) => error instanceof ClientError && error.code === "bad_request";
  for (const wrong of [{ name: "" }, { port: 0 }, { name: "a\u0000b" }, { country: "France" }]) {
    assert.throws(() => new Told(masters, { server: { ...description, ...wrong } }), isBad);
  }
  assert.throws(() => new Told([]), RangeError);
  const { client } = new Told(masters);
  assert.throws(() => client.report({ ...status(1), players: -1 }), isBad);
  const roster = Array.from({ length: 1000 }, () => {
    return { name: "x".repeat(60), kills: 0, deaths: 0, points: 0 };
  });
  assert.throws(() => client.report({ ...status(1), roster }), isBad);
});
