import assert from "node:assert/strict";
import { encodeKey } from "../../crypto/mod.ts";
import type { MasterEntry } from "../../protocol/mod.ts";
import { sleep, until } from "../_helpers.ts";
import type { Received, Script } from "./_fake_master.ts";
import { description, goodMaster, registered, ring1, status, Told } from "./_registering.ts";

Deno.test("RegistrationClient: fails over to the next master, and registers again after a loss", async () => {
  const [first, second]: [Received[], Received[]] = [[], []];
  const a = ring1(goodMaster(first));
  await using b = ring1(goodMaster(second));
  const told = new Told([a.address, b.address]);
  told.client.report(status(3));
  await told.start();
  const ports = [a.port, b.port];
  await a[Symbol.asyncDispose]();
  await until("registered elsewhere", () => told.registered.length === 2);
  assert.deepEqual(second, [{ ...description, type: "register", status: status(3) }]);
  assert.equal(told.waits[0], 0, "at once");
  await told.client.stop();
  assert.deepEqual(told.story, [
    `connecting ${ports[0]}`,
    `connected ${ports[0]}`,
    `waiting ${ports[0]} 0`,
    `connecting ${ports[1]}`,
    `connected ${ports[1]}`,
    "closed",
  ]);
});

Deno.test("RegistrationClient: tries all masters at once, then backs off with jitter", async () => {
  const gone = [1, 2].map(() => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    listener.close();
    return { host: "127.0.0.1", port: listener.addr.port };
  });
  const told = new Told(gone);
  told.client.start();
  for (let tries = 2; tries <= 10; tries++) {
    await until("another try", () => told.waits.length === tries);
    await told.timing.advance((told.waits.at(-1) ?? 0) * 1000);
  }
  assert.deepEqual(told.waits.slice(0, 10), [0, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]);
  await told.client.stop();
  assert.equal(told.story.at(-1), "closed");
});

Deno.test("RegistrationClient: a master that registers and closes is no tight loop", async () => {
  await using master = ring1(async (peer) => {
    await peer.expect("register");
    await peer.send(registered());
  });
  const told = new Told([master.address]);
  told.client.start();
  for (let tries = 1; tries <= 4; tries++) {
    await until("lost", () => told.waits.length === tries);
    await sleep(20);
    assert.equal(master.accepted, tries);
    await told.timing.advance((told.waits.at(-1) ?? 0) * 1000);
  }
  assert.deepEqual(told.waits.slice(0, 4), [0.5, 1, 2, 4]);
  await told.client.stop();
});

Deno.test("RegistrationClient: a connection that had lasted is opened again at once", async () => {
  await using master = ring1(goodMaster());
  const told = new Told([master.address]);
  await told.start();
  await told.timing.advance(30_000);
  master.cut();
  await until("registered again", () => told.registered.length === 2);
  assert.deepEqual(told.waits, [0]);
  await told.client.stop();
});

Deno.test("RegistrationClient: a master with another key is left alone for minutes", async () => {
  await using a = ring1(goodMaster());
  await using b = ring1(goodMaster());
  const told = new Told([{ ...a.address, key: b.keyPair.publicKey }, b.address]);
  await told.start();
  const waiting = told.states.find((state) => state.type === "waiting");
  assert.equal(waiting?.type === "waiting" && waiting.error.failure, "wrong-key");
  b.cut();
  await until("lost", () => told.waits.length === 2);
  await told.timing.advance((told.waits.at(-1) ?? 0) * 1000);
  await until("registered again", () => told.registered.length === 2);
  assert.equal(a.accepted, 1);
  await told.client.stop();
});

Deno.test("RegistrationClient: turns to masters that it was told of, and checks their keys", async () => {
  const [good, bad]: [Received[], Received[]] = [[], []];
  await using other = ring1(goodMaster(good));
  await using impostor = ring1(goodMaster(bad));
  await using nameless = ring1(goodMaster(bad));
  const entry = (port: number, key: string): MasterEntry => {
    return { name: "m", host: "127.0.0.1", ports: { ring1: port, ring2: 1 }, key };
  };
  const masters = [
    { ...entry(1, encodeKey(other.keyPair.publicKey)), ports: { ring2: 3040 } },
    entry(nameless.port, ""),
    entry(impostor.port, encodeKey(other.keyPair.publicKey)),
    entry(other.port, encodeKey(other.keyPair.publicKey)),
  ];
  const first = ring1(goodMaster([], registered({ masters })));
  const told = new Told([first.address]);
  await told.start();
  await first[Symbol.asyncDispose]();
  await until("registered elsewhere", () => told.registered.length === 2);
  assert.deepEqual([good.length, bad.length, nameless.accepted], [1, 0, 0]);
  assert.deepEqual(told.waits, [0, 0]);
  await told.client.stop();
});

Deno.test("RegistrationClient: a silent, wrong or departing master is left for the next", async () => {
  const scripts: readonly Script[] = [
    (peer) => peer.waitForClose(),
    async (peer) => {
      await peer.sendPlain(new Uint8Array(3));
      await peer.waitForClose();
    },
    async (peer) => {
      await peer.send({ type: "bye" });
      await peer.waitForClose();
    },
    async (peer) => {
      await peer.expect("register");
      await peer.send({ type: "error", code: "shutting_down", message: "bye" });
      await peer.waitForClose();
    },
  ];
  for (const script of scripts) {
    await using a = ring1(script);
    await using b = ring1(goodMaster());
    const told = new Told([a.address, b.address]);
    told.client.start();
    await told.timing.advance(30_000);
    await until("registered elsewhere", () => told.registered.length === 1);
    assert.equal(told.waits[0], 0);
    await told.client.stop();
  }
});
