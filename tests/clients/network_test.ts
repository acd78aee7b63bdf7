import assert from "node:assert/strict";
import {
  ClientError,
  type ClientFailure,
  type MasterAddress,
  NetworkObserver,
  type NetworkView,
  OBSERVER_TIMEOUT_MS,
  type ObserverOptions,
  RING_1,
} from "../../clients/mod.ts";
import { Channel, networkKey, PROLOGUES } from "../../crypto/mod.ts";
import { until } from "../_helpers.ts";
import { FakeMaster, type FakePeer, gcrypt } from "./_fake_master.ts";
import { FakeNetworkMaster, idOf, otherMaster, PSK, tells } from "./_fake_network.ts";
import { FakeTiming } from "./_fake_timing.ts";

const keyPair = gcrypt.keyPair();
const OPTIONS: ObserverOptions = { crypto: gcrypt, keyPair, psk: PSK, program: "9.9" };

async function viewOf(
  master: MasterAddress,
  more: Partial<ObserverOptions> = {},
): Promise<NetworkView> {
  await using observer = await NetworkObserver.connect(master, { ...OPTIONS, ...more });
  return await observer.view();
}

async function assertFails(
  failure: ClientFailure,
  pattern: RegExp,
  asked: Promise<unknown>,
): Promise<void> {
  await assert.rejects(asked, (error) => {
    assert.ok(error instanceof ClientError, String(error));
    assert.equal(error.failure, failure, error.message);
    assert.match(error.message, pattern);
    return true;
  });
}

Deno.test("NetworkObserver: says who asks, hears who answers and how it stands to the others", async () => {
  const others = [otherMaster(1), otherMaster(2, { state: "waiting", reason: "refused", next: 7 })];
  await using master = new FakeNetworkMaster(tells(others), { host: "alpha.example.org" });
  const before = Date.now();
  const { master: hello, peers, time } = await viewOf(master.address);
  assert.equal(hello.id, idOf(master.keyPair.publicKey));
  assert.deepEqual([hello.name, hello.host, hello.program], [
    "alpha.example.org",
    "alpha.example.org",
    "0.1.0",
  ]);
  assert.deepEqual(peers, others);
  assert.ok(time >= 1_600_000 && time < 1_610_000, "by the master's clock");
  const [{ time: sentAt, ...own } = { time: 0 }] = master.hellos;
  assert.ok(sentAt >= before && sentAt <= Date.now());
  assert.deepEqual(own, {
    type: "hello",
    version: 1,
    id: idOf(keyPair.publicKey),
    name: "",
    ports: {},
    program: "9.9",
    observer: true,
  });
});

Deno.test("NetworkObserver: an answer comes in parts, one after the other, again and again", async () => {
  const others = Array.from({ length: 600 }, (_, i) => otherMaster(i + 1));
  await using master = new FakeNetworkMaster(tells(others));
  await using observer = await NetworkObserver.connect(master.address, OPTIONS);
  for (let time = 0; time < 2; time++) assert.deepEqual((await observer.view()).peers, others);
  assert.equal(master.accepted, 1);
});

Deno.test("NetworkObserver: nobody else is an answer too", async () => {
  await using master = new FakeNetworkMaster(tells([]));
  assert.deepEqual((await viewOf(master.address)).peers, []);
});

Deno.test("NetworkObserver: passes over what masters tell each other, answers their pings", async () => {
  let asked: FakePeer | undefined;
  await using master = new FakeNetworkMaster(async (peer) => {
    asked = peer;
    await peer.send({ type: "refresh", servers: [["192.0.2.1:3030", 1000]] });
    await peer.send({ type: "changes", puts: [] });
    await peer.send({ type: "of a later version" });
    await peer.send({ type: "ping", n: 5, time: 1 });
    await tells([otherMaster(1)])(peer);
  });
  await using observer = await NetworkObserver.connect(master.address, OPTIONS);
  assert.equal((await observer.view()).peers.length, 1);
  await until("the pong", () => asked?.pongs.length === 1);
  assert.deepEqual(asked?.pongs, [{ type: "pong", n: 5 }]);
});

Deno.test("NetworkObserver: another password is told as such", async () => {
  await using master = new FakeNetworkMaster(tells([]));
  const psk = networkKey(gcrypt, "close sesame");
  for (let time = 0; time < 10; time++) {
    await assertFails(
      "wrong-password",
      /^127\.0\.0\.1:\d+ .*\[game\] masterserver-password differs/,
      viewOf(master.address, { psk }),
    );
  }
  assert.equal(master.failures.length, 10, "no handshake came to its end");
  assert.deepEqual(master.hellos, []);
  master.failures.length = 0;
});

Deno.test("NetworkObserver: a master that cannot be deciphered has another password", async () => {
  // It finishes the handshake whatever the last message holds, as no real one does.
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    using tcp = await listener.accept();
    using channel = new Channel({
      primitives: gcrypt,
      role: "responder",
      pattern: "XXpsk3",
      prologue: PROLOGUES.ring0,
      psk: PSK,
      staticKey: gcrypt.keyPair(),
    });
    channel.start();
    const buffer = new Uint8Array(1024);
    const count = await tcp.read(buffer) ?? 0;
    for (const event of channel.receive(buffer.subarray(0, count))) {
      if (event.type === "send") await tcp.write(event.bytes);
    }
    await tcp.write(new Uint8Array([0, 32, ...new Uint8Array(32)]));
    while (await tcp.read(buffer).catch(() => null) !== null);
  })();
  const master = { host: "127.0.0.1", port: listener.addr.port };
  await assertFails("wrong-password", /masterserver-password differs/, viewOf(master));
  await serving;
  listener.close();
});

Deno.test("NetworkObserver: what is no ring 0 is told from a wrong password", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  const closed = { host: "127.0.0.1", port: listener.addr.port };
  await assertFails("unavailable", /connection with .* failed/, viewOf(closed));
  await using other = new FakeMaster(() => {}, { prologue: RING_1.prologue });
  await assertFails("unavailable", /closed the connection at once/, viewOf(other.address));
  other.failures.length = 0;
});

Deno.test("NetworkObserver: another version of the protocol is told, with what to do", async () => {
  await using later = new FakeNetworkMaster((peer) => peer.waitForClose(), { version: 2 });
  await assertFails(
    "protocol",
    /version 2 .* version 1: use the program of that master/,
    viewOf(later.address),
  );
  await using earlier = new FakeNetworkMaster((peer) => peer.waitForClose(), { version: 0 });
  await assertFails("protocol", /hello: version must be/, viewOf(earlier.address));
});

Deno.test("NetworkObserver: a master that breaks the protocol is told as such", async () => {
  const cases: [FakeNetworkMaster, RegExp][] = [
    [new FakeNetworkMaster(() => {}, { id: "0".repeat(16) }), /id is 0{16}, which is not that of/],
    [new FakeNetworkMaster((peer) => peer.send({ type: "peers" })), /asks with "peers"/],
    [
      new FakeNetworkMaster((peer) => peer.send({ type: "peers", peers: [{}] })),
      /peers: peers\[0\]\.id is missing/,
    ],
    [
      new FakeNetworkMaster(async (peer) => {
        const peers = Array.from({ length: 256 }, (_, i) => otherMaster(i));
        for (let part = 0; part < 5; part++) await peer.send({ type: "peers", peers, more: true });
        await peer.waitForClose();
      }),
      /more than 1000 other masters/,
    ],
  ];
  for (const [master, pattern] of cases) {
    await assertFails("protocol", pattern, viewOf(master.address));
    await master[Symbol.asyncDispose]();
  }
  await using rude = new FakeMaster((peer) => peer.send({ type: "peers", peers: [] }), {
    prologue: PROLOGUES.ring0,
    psk: PSK,
  });
  await assertFails("protocol", /"peers" where "hello" was to come/, viewOf(rude.address));
});

Deno.test("NetworkObserver: a master that refuses or stops says so", async () => {
  await using full = new FakeNetworkMaster((peer) =>
    peer.send({ type: "error", code: "too_many", message: "enough" })
  );
  await assertFails("refused", /too_many/, viewOf(full.address));
  await using busy = new FakeNetworkMaster(async (peer) => {
    await peer.send({ type: "error", code: "busy", message: "later \x1b[2J", retry_after: 7 });
    await peer.waitForClose();
  });
  await assertFails("refused", /refused \(busy\): "later \\u001b\[2J"/, viewOf(busy.address));
  await using leaving = new FakeNetworkMaster(async (peer) => {
    await peer.expect("peers");
    await peer.send({ type: "bye" });
  });
  await assertFails("unavailable", /is being stopped/, viewOf(leaving.address));
});

Deno.test("NetworkObserver: a master that stops in the middle of its answer is no wrong password", async () => {
  await using master = new FakeNetworkMaster(async (peer) => {
    await peer.expect("peers");
    await peer.send({ type: "peers", peers: [otherMaster(1)], more: true });
  });
  await assertFails("unavailable", /closed the connection|failed/, viewOf(master.address));
});

Deno.test("NetworkObserver: a master that says nothing is left after 10 s", async () => {
  const timing = new FakeTiming();
  await using silent = new FakeMaster((peer) => peer.waitForClose(), {
    prologue: PROLOGUES.ring0,
    psk: PSK,
  });
  const asking = assertFails(
    "unavailable",
    /did not answer within 10 s/,
    viewOf(silent.address, { timing }),
  );
  await until("waiting", () => timing.waiting.includes(OBSERVER_TIMEOUT_MS));
  await timing.advance(OBSERVER_TIMEOUT_MS);
  await asking;
  assert.deepEqual(timing.waiting, []);
});

Deno.test("NetworkObserver: the signal ends it", async () => {
  const over = new AbortController();
  await using master = new FakeNetworkMaster((peer) => peer.waitForClose());
  await using observer = await NetworkObserver.connect(master.address, {
    ...OPTIONS,
    signal: over.signal,
  });
  const asking = assertFails("unavailable", /closed/, observer.view());
  over.abort();
  await asking;
});
