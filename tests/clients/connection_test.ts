import assert from "node:assert/strict";
import {
  ClientError,
  type ClientFailure,
  type ConnectOptions,
  DEAD_AFTER_MS,
  type MasterAddress,
  PING_AFTER_MS,
  RING_1,
  RING_2,
  SecureConnection,
} from "../../clients/mod.ts";
import type { Ring2Answer, Ring2Request } from "../../protocol/mod.ts";
import { encodeKey } from "../../crypto/mod.ts";
import { bytes, sleep, until } from "../_helpers.ts";
import { FakeMaster, type FakePeer, gcrypt, server, servers } from "./_fake_master.ts";
import { FakeTiming } from "./_fake_timing.ts";

const keyPair = gcrypt.keyPair();

function connect(
  master: MasterAddress,
  more: Partial<ConnectOptions<Ring2Request, Ring2Answer>> = {},
): Promise<SecureConnection<Ring2Request, Ring2Answer>> {
  return SecureConnection.connect(master, { crypto: gcrypt, ring: RING_2, keyPair, ...more });
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

/** A master of plain TCP, for what is no master. */
async function withListener(
  serve: (tcp: Deno.TcpConn) => Promise<void>,
  use: (address: MasterAddress) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = listener.accept().then(async (tcp) => {
    try {
      await serve(tcp);
    } finally {
      tcp.close();
    }
  });
  try {
    await use({ host: "127.0.0.1", port: listener.addr.port });
  } finally {
    await served;
    listener.close();
  }
}

async function readToEnd(tcp: Deno.TcpConn): Promise<number> {
  let total = 0;
  const buffer = new Uint8Array(4096);
  for (;;) {
    const count = await tcp.read(buffer).catch(() => null);
    if (count === null) return total;
    total += count;
  }
}

Deno.test("SecureConnection: carries messages both ways, in order, and tells both keys", async () => {
  let clientKey = "";
  await using master = new FakeMaster(async (peer) => {
    clientKey = encodeKey(peer.clientKey);
    assert.deepEqual(await peer.receive(), { type: "whois", user: "Bob" });
    assert.deepEqual(await peer.receive(), { type: "masters" });
    await peer.send({ type: "error", code: "bad_request", message: "No Bob" });
    await peer.send({ type: "masters", masters: [] });
    await peer.waitForClose();
  });
  await using connection = await connect(master.address);
  await Promise.all([
    connection.send({ type: "whois", user: "Bob" }),
    connection.send({ type: "masters" }),
  ]);
  assert.deepEqual(await connection.receive(), {
    type: "error",
    code: "bad_request",
    message: "No Bob",
  });
  assert.deepEqual(await connection.receive(), { type: "masters", masters: [] });
  assert.deepEqual(connection.remoteKey, master.keyPair.publicKey);
  assert.equal(connection.handshakeHash.length, 32);
  assert.equal(clientKey, encodeKey(keyPair.publicKey));
});

Deno.test("SecureConnection: ring 1 and ring 2 do not understand each other", async () => {
  await using master = new FakeMaster(() => {}, { prologue: RING_1.prologue });
  await assertFails("protocol", /handshake/, connect(master.address));
  master.failures.length = 0;
});

Deno.test("SecureConnection: prefers the family that it is told, and takes what there is", async () => {
  await using master = new FakeMaster((peer) => peer.waitForClose());
  const asked: number[] = [];
  const at = async (host: string, family: 4 | 6, found: readonly string[]): Promise<string> => {
    const resolve = (_host: string, wanted: number) => {
      asked.push(wanted);
      return Promise.resolve(found);
    };
    await using connection = await connect({ ...master.address, host }, { family, resolve });
    return connection.remoteIp;
  };
  assert.equal(await at("master.example.org", 4, ["127.0.0.1"]), "127.0.0.1");
  // Nobody listens at the first.
  assert.equal(await at("master.example.org", 4, ["127.0.0.9", "127.0.0.1"]), "127.0.0.1");
  assert.deepEqual(asked, [4, 4]);
  assert.equal(await at("localhost", 6, []), "127.0.0.1");
  assert.equal(await at("127.0.0.1", 6, ["127.0.0.9"]), "127.0.0.1", "an address is itself");
  assert.deepEqual(asked, [4, 4, 6]);
});

Deno.test("SecureConnection: a lookup that takes long ends with the signal", async () => {
  const over = new AbortController();
  const connecting = connect({ host: "master.example.org", port: 1 }, {
    family: 4,
    resolve: () => new Promise(() => {}),
    signal: over.signal,
  });
  over.abort(new Error("enough"));
  await assert.rejects(connecting, /enough/);
});

Deno.test("SecureConnection: another key than the pinned one gets nothing but a closed door", async () => {
  let completed = false;
  await using master = new FakeMaster(() => {
    completed = true;
  });
  const pinned = gcrypt.keyPair().publicKey;
  const name = `127.0.0.1:${master.port}`;
  const shown = encodeKey(master.keyPair.publicKey);
  await assert.rejects(connect({ ...master.address, key: pinned }), (error) => {
    assert.ok(error instanceof ClientError);
    assert.equal(error.failure, "wrong-key");
    assert.ok(error.message.startsWith(`${name} shows the key ${shown}, `), error.message);
    assert.deepEqual(error.shown, {
      host: "127.0.0.1",
      port: master.port,
      key: master.keyPair.publicKey,
    });
    assert.ok(error.message.includes(encodeKey(pinned)));
    return true;
  });
  await until("the master saw it", () => master.accepted === 1);
  await sleep(50);
  assert.equal(completed, false, "the master did not learn who asked");
});

Deno.test("SecureConnection: any key does when none is pinned", async () => {
  await using master = new FakeMaster((peer) => peer.waitForClose());
  await using connection = await connect({ host: "127.0.0.1", port: master.port });
  assert.deepEqual(connection.remoteKey, master.keyPair.publicKey);
});

Deno.test("SecureConnection: messages may come in single bytes, and many at once", async () => {
  const list = servers("c1", [server(1), server(2)]);
  await using master = new FakeMaster(async (peer) => {
    for (const byte of peer.seal(list)) {
      await peer.sendRaw(Uint8Array.of(byte));
      if (byte % 16 === 0) await sleep(1);
    }
    const frames = Array.from({ length: 500 }, (_, i) => peer.seal(servers(`c${i}`, [])));
    await peer.sendRaw(Uint8Array.from(frames.flatMap((frame) => [...frame])));
    await peer.waitForClose();
  });
  await using connection = await connect(master.address);
  assert.deepEqual(await connection.receive(), list);
  for (let i = 0; i < 500; i++) {
    const message = await connection.receive();
    assert.equal(message?.type === "servers" && message.cursor, `c${i}`);
  }
});

Deno.test("SecureConnection: a handshake in single bytes is one too", async () => {
  await using master = new FakeMaster((peer) => peer.waitForClose());
  const relay = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const relayed = (async () => {
    const client = await relay.accept();
    const server = await Deno.connect({ hostname: "127.0.0.1", port: master.port });
    const pass = async (from: Deno.TcpConn, to: Deno.TcpConn) => {
      const one = new Uint8Array(1);
      while (await from.read(one).catch(() => null) !== null) await to.write(one).catch(() => 0);
      await to.closeWrite().catch(() => {});
    };
    await Promise.all([pass(client, server), pass(server, client)]);
    client.close();
    server.close();
  })();
  const connection = await connect({ ...master.address, port: relay.addr.port });
  assert.ok(connection.isOpen);
  await connection.close();
  await relayed;
  relay.close();
});

Deno.test("SecureConnection: answers pings and keeps them to itself", async () => {
  let pongs = 0;
  await using master = new FakeMaster(async (peer) => {
    for (let i = 0; i < 3; i++) await peer.send({ type: "ping" });
    await peer.send({ type: "pong" });
    await peer.send({ type: "masters", masters: [] });
    await peer.expect("masters");
    pongs = peer.pongs.length;
    await peer.waitForClose();
  });
  await using connection = await connect(master.address);
  assert.deepEqual(await connection.receive(), { type: "masters", masters: [] });
  await connection.send({ type: "masters" });
  await until("pongs came", () => pongs === 3);
});

Deno.test("SecureConnection: pings after 30 s of silence, and once only", async () => {
  const timing = new FakeTiming();
  let peer: FakePeer | undefined;
  await using master = new FakeMaster(async (it) => {
    peer = it;
    await it.waitForClose();
  });
  await using connection = await connect(master.address, { timing });
  await timing.advance(PING_AFTER_MS - 1);
  assert.equal(peer?.pings, 0);
  await timing.advance(1);
  await until("a ping came", () => peer?.pings === 1);
  await timing.advance(PING_AFTER_MS - 1);
  assert.equal(peer?.pings, 1, "its pong was a sign of life");
  await timing.advance(1);
  await until("another ping came", () => peer?.pings === 2);
  await timing.advance(10 * DEAD_AFTER_MS);
  assert.ok(connection.isOpen);
});

Deno.test("SecureConnection: is dead after 90 s of silence, single bytes or not", async () => {
  const timing = new FakeTiming();
  let peer: FakePeer | undefined;
  await using master = new FakeMaster(async (it) => {
    peer = it;
    it.answersPings = false;
    await it.waitForClose();
  });
  await using connection = await connect(master.address, { timing });
  const received = connection.receive();
  const frame = peer?.seal(servers("c", [])) ?? new Uint8Array(0);
  const outcome = assertFails("unavailable", /has sent nothing for 90 s/, received);
  await timing.advance(DEAD_AFTER_MS - 1);
  await peer?.sendRaw(frame.subarray(0, 5));
  await timing.advance(0);
  assert.ok(connection.isOpen);
  await timing.advance(1);
  assert.equal(connection.isOpen, false);
  await outcome;
  assert.equal((await connection.closed)?.failure, "unavailable");
  assert.deepEqual(timing.waiting, []);
});

Deno.test("SecureConnection: reading pauses while nobody receives, and loses nothing", async () => {
  const timing = new FakeTiming();
  const count = 3000;
  let sent = 0;
  await using master = new FakeMaster(async (peer) => {
    const list = Array.from({ length: 40 }, (_, i) => server(i + 1));
    for (; sent < count; sent++) await peer.send(servers(`${sent}`, list));
    await peer.waitForClose();
  });
  await using connection = await connect(master.address, { timing });
  await sleep(300);
  assert.ok(sent < count, "30 MB went nowhere");
  await timing.advance(2 * DEAD_AFTER_MS);
  assert.ok(connection.isOpen, "silence that is our own is no sign of death");
  for (let i = 0; i < count; i++) {
    const message = await connection.receive();
    assert.equal(message?.type === "servers" && message.cursor, `${i}`);
  }
});

Deno.test("SecureConnection: a type that is not known is ignored, extra members too", async () => {
  await using master = new FakeMaster(async (peer) => {
    await peer.send({ type: "weather", sunny: true });
    await peer.send({ type: "masters", masters: [], since: 1 });
    await peer.waitForClose();
  });
  await using connection = await connect(master.address);
  assert.equal((await connection.receive())?.type, "masters");
});

Deno.test("SecureConnection: what is no message ends it", async () => {
  const nonsense = [
    bytes("hello"),
    bytes("[]"),
    bytes("null"),
    bytes('{"type":7}'),
    bytes('{"type":"masters"'),
    bytes('{"type":"masters","masters":7}'),
    bytes('{"type":"servers","servers":[{"ip":"\u202enowhere"}]}'),
    Uint8Array.of(0xff, 0xfe),
    new Uint8Array(0),
  ];
  for (const plaintext of nonsense) {
    await using master = new FakeMaster(async (peer) => {
      await peer.sendPlain(plaintext);
      await peer.waitForClose();
    });
    await using connection = await connect(master.address);
    await assertFails("protocol", /^[\P{C}]+$/u, connection.receive());
    assert.equal(connection.isOpen, false);
    await assertFails("protocol", /./, connection.send({ type: "masters" }));
  }
});

Deno.test("SecureConnection: bytes that do not decrypt end it", async () => {
  await using master = new FakeMaster(async (peer) => {
    await peer.sendRaw(new Uint8Array(100).with(1, 98));
    await peer.waitForClose();
  });
  await using connection = await connect(master.address);
  await assertFails("protocol", /broke the encryption/, connection.receive());
});

Deno.test("SecureConnection: what came together with bytes that do not decrypt changes nothing", async () => {
  await using master = new FakeMaster(async (peer) => {
    const frames = [peer.seal({ type: "ping" }), peer.seal({ type: "masters", masters: [] })];
    await peer.sendRaw(
      Uint8Array.from([...frames.flatMap((frame) => [...frame]), 0, 20, ...Array(20)]),
    );
    await peer.waitForClose();
  });
  await using connection = await connect(master.address);
  assert.equal((await connection.receive())?.type, "masters");
  await assertFails("protocol", /broke the encryption/, connection.receive());
  await assertFails("protocol", /broke the encryption/, connection.send({ type: "masters" }));
});

Deno.test("SecureConnection: a master that goes away is told, after what it sent", async () => {
  await using master = new FakeMaster(async (peer) => {
    await peer.send({ type: "masters", masters: [] });
  });
  await using connection = await connect(master.address);
  await connection.closed;
  assert.equal((await connection.receive())?.type, "masters");
  await assertFails("unavailable", /closed the connection/, connection.receive());
  await assertFails("unavailable", /closed the connection/, connection.send({ type: "masters" }));
  await assert.rejects(async () => {
    for await (const _ of connection.messages);
  }, ClientError);
});

Deno.test("SecureConnection: closing ends what waits, and may be done again", async () => {
  await using master = new FakeMaster((peer) => peer.waitForClose());
  const connection = await connect(master.address);
  const received = connection.receive();
  const messages = Array.fromAsync(connection.messages);
  await Promise.all([connection.close(), connection.close()]);
  await connection.close();
  assert.equal(await received, undefined);
  assert.deepEqual(await messages, []);
  assert.equal(await connection.closed, undefined);
  await assertFails("unavailable", /was closed/, connection.send({ type: "masters" }));
});

Deno.test("SecureConnection: a reason to close is what receivers are told", async () => {
  await using master = new FakeMaster((peer) => peer.waitForClose());
  const connection = await connect(master.address);
  const reason = new ClientError("unavailable", "too late");
  await connection.close(reason);
  await connection.close();
  await assert.rejects(connection.receive(), reason);
  assert.equal(await connection.closed, reason);
});

Deno.test("SecureConnection: a signal ends it, and the attempt at one", async () => {
  await using master = new FakeMaster((peer) => peer.waitForClose());
  const abort = new AbortController();
  const connection = await connect(master.address, { signal: abort.signal });
  abort.abort(new Error("enough"));
  assert.equal(await connection.receive(), undefined);
  await connection.close();
  await assert.rejects(connect(master.address, { signal: abort.signal }), /enough/);
  assert.equal(master.accepted, 1);

  await withListener(async (tcp) => void await readToEnd(tcp), async (address) => {
    const during = new AbortController();
    const attempt = connect(address, { signal: during.signal });
    setTimeout(() => during.abort(new Error("never mind")), 20);
    await assert.rejects(attempt, /never mind/);
  });
});

Deno.test("SecureConnection: a master that is silent or drips is given up in time", async () => {
  const serve = [
    async (tcp: Deno.TcpConn) => void await readToEnd(tcp),
    async (tcp: Deno.TcpConn) => {
      const gone = readToEnd(tcp);
      for (const byte of [0, 96, ...new Uint8Array(40)]) {
        if (await tcp.write(Uint8Array.of(byte)).catch(() => undefined) === undefined) break;
        await sleep(20);
      }
      await gone;
    },
  ];
  for (const one of serve) {
    await withListener(one, async (address) => {
      const start = performance.now();
      await assertFails("unavailable", /within 0\.2 s/, connect(address, { timeoutMs: 200 }));
      assert.ok(performance.now() - start < 1000);
    });
  }
});

Deno.test("SecureConnection: what is no master is told as such", async () => {
  await withListener(async (tcp) => {
    await tcp.read(new Uint8Array(100));
    await tcp.write(bytes("HTTP/1.1 400 Bad Request\r\n\r\n"));
  }, async (address) => {
    await assertFails("protocol", /handshake/, connect(address));
  });
  await withListener(async () => {}, async (address) => {
    await assertFails("unavailable", /./, connect(address));
  });
});

Deno.test("SecureConnection: nobody there, and a host that has no address", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  const { port } = listener.addr;
  await assertFails(
    "unavailable",
    new RegExp(`127\\.0\\.0\\.1:${port}`),
    connect({ host: "127.0.0.1", port }),
  );
  const host = `${"x".repeat(70)}.invalid`;
  await assertFails("no-host", /is unknown/, connect({ host, port: 3040 }));
});

Deno.test("SecureConnection: a message that is too long is the caller's mistake", async () => {
  await using master = new FakeMaster((peer) => peer.waitForClose());
  await using connection = await connect(master.address);
  const filter = { text: "x".repeat(70_000) };
  await assert.rejects(connection.send({ type: "list", filter }), RangeError);
  assert.ok(connection.isOpen);
});
