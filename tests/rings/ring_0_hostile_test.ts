import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { bytes, Random, until } from "../_helpers.ts";
import { Initiator, linked, type TestMaster, withMasters } from "./_mesh.ts";

/** Connects so many times from one address each, and says nothing. */
function strangers(port: number, count: number, address: (i: number) => string): Socket[] {
  return Array.from({ length: count }, (_, i) => {
    const socket = connect({ host: "127.0.0.1", port, localAddress: address(i) });
    socket.on("error", () => {});
    return socket;
  });
}

/** Whether a link between two masters still carries messages. */
async function carries(from: TestMaster, to: TestMaster, said: string): Promise<void> {
  from.mesh.links[0]?.send(bytes(said));
  await until(`"${said}"`, () => to.mesh.heard.includes(said));
}

Deno.test("ring0: whoever speaks another language is sent nothing, and its connection ends", async () => {
  await withMasters([{}], async (master) => {
    const random = new Random(6060);
    const noise = Uint8Array.from({ length: 4096 }, () => random.below(256));
    const openings = [
      bytes("\\list\\gamename\\netpanzer\\final\\"),
      bytes("GET / HTTP/1.1\r\n\r\n"),
      bytes('{"type":"peers"}'),
      noise,
      new Uint8Array(2),
    ];
    for (const opening of openings) {
      using stranger = new Initiator(master.port);
      stranger.raw(opening);
      await stranger.end();
      assert.equal(stranger.bytesBack, 0);
    }
    assert.deepEqual([master.mesh.links, master.mesh.ended], [[], []]);
    assert.equal(master.counter("handshakes_failed"), openings.length);
  });
});

Deno.test("ring0: without the password a handshake ends where it would be proved", async () => {
  await withMasters([{}], async (master) => {
    using stranger = new Initiator(master.port, { password: "guess" }).begin();
    await stranger.end();
    assert.equal(stranger.bytesBack, 2 + 96, "the second message of the handshake and no more");
    assert.deepEqual(stranger.received, []);
    assert.deepEqual(master.mesh.links, []);
  });
});

Deno.test("ring0: what a master has said before is of no use to another", async () => {
  await withMasters([{}], async (master) => {
    using right = new Initiator(master.port).begin();
    await right.send("hello");
    await right.heard(1);
    await until("hello", () => master.mesh.heard.length === 1);
    using replayed = new Initiator(master.port);
    for (const data of right.sent) replayed.raw(data);
    await replayed.end();
    assert.equal(master.mesh.links.length, 1);
    assert.deepEqual(master.mesh.heard, ["hello"]);
    assert.match(master.logged.join(), /cannot be decrypted/);

    const [, , sealed] = right.sent;
    assert.ok(sealed);
    right.raw(sealed);
    await right.end();
    assert.deepEqual(master.mesh.heard, ["hello"], "not on its own connection either");
    assert.deepEqual(master.mesh.ended.map(({ reason }) => reason), [
      "a message that cannot be decrypted: forged, damaged or replayed",
    ]);
  });
});

Deno.test("ring0: who does not finish the handshake in time is closed", async () => {
  await withMasters([{ limits: { handshakeMs: 300 } }], async (master) => {
    using silent = new Initiator(master.port);
    using slow = new Initiator(master.port);
    slow.raw(new Uint8Array([0, 48, 1]));
    using right = new Initiator(master.port).begin();
    await right.heard(1);
    await Promise.all([silent.end(), slow.end()]);
    assert.equal(master.counter("connections_timed_out"), 2);
    assert.equal(master.counter("strangers"), 0);
    assert.equal(right.closed, false, "whoever is known has no such time");
    assert.deepEqual(master.logged, [], "strangers look at every port");
  });
});

Deno.test("ring0: a flood of strangers is bounded, and masters that were here come through it", async () => {
  await withMasters([{}, {}], async (a, b) => {
    await linked(a, b);
    const flood = strangers(b.port, 400, (i) => `127.1.${i >> 8}.${i & 255}`);
    try {
      await until("the flood", () => b.counter("connections_accepted") === 401);
      assert.ok(b.counter("strangers") <= 256, `${b.counter("strangers")} of them`);
      assert.ok(b.counter("handshakes_refused") > 0, "there were too many at once");
      await carries(a, b, "through the flood");
      using again = new Initiator(b.port).begin();
      assert.deepEqual(await again.heard(1), ["hello"], "from an address that is known");
    } finally {
      for (const socket of flood) socket.destroy();
    }
  });
});

Deno.test("ring0: strangers of one address are bounded, which hinders no other", async () => {
  await withMasters([{}], async (master) => {
    const flood = strangers(master.port, 100, () => "127.0.0.2");
    try {
      await until("the flood", () => master.counter("connections_accepted") === 100);
      assert.equal(master.counter("strangers"), 32);
      assert.equal(master.counter("handshakes_refused"), 68);
      assert.equal(master.logged.length, 1, "one line says it");
      assert.match(
        master.logged[0] ?? "",
        /^warning a connection to ring 0 was refused.*127.0.0.2/,
      );
      using right = new Initiator(master.port).begin();
      assert.deepEqual(await right.heard(1), ["hello"]);
    } finally {
      for (const socket of flood) socket.destroy();
    }
  });
});

Deno.test("ring0: a link whose other side takes nothing is closed after a while", async () => {
  await withMasters([{ limits: { stallMs: 300 } }], async (master) => {
    using stuck = new Initiator(master.port).begin();
    await stuck.heard(1);
    stuck.pause();
    const [link] = master.mesh.links;
    for (let i = 0; i < 200; i++) link?.send(new Uint8Array(60_000));
    assert.ok((link?.waiting ?? 0) > 1_000_000, "more than the system takes");
    await until("the end", () => master.mesh.ended.length === 1);
    assert.deepEqual(master.mesh.ended, [{
      link,
      reason: "the other side took nothing for 0.3 s",
    }]);
    assert.equal(link?.waiting, 0, "nothing is kept for it");
    link?.send(bytes("nobody is there"));
    assert.equal(link?.waiting, 0);
  });
});

Deno.test("ring0: a link that reads slowly, but reads, is kept", async () => {
  await withMasters([{ limits: { stallMs: 1200 } }, {}], async (a, b) => {
    const [link] = await linked(a, b);
    b.mesh.react = (_, said) => {
      // Keeps that master busy, and with it its socket unread.
      if (!said.startsWith("slow")) return;
      const end = performance.now() + 10;
      while (performance.now() < end);
    };
    for (let i = 0; i < 200; i++) link.send(bytes("slow".padEnd(60_000, "x")));
    await until("all of it", () => b.mesh.heard.length === 201 || a.mesh.ended.length > 0);
    assert.deepEqual([a.mesh.ended, b.mesh.ended], [[], []]);
  });
});

Deno.test("ring0: more than a link may keep waiting ends it with a reason", async () => {
  await withMasters([{ limits: { waitingBytes: 8_000_000 } }], async (master) => {
    using stuck = new Initiator(master.port).begin();
    await stuck.heard(1);
    stuck.pause();
    const [link] = master.mesh.links;
    for (let i = 0; i < 200; i++) link?.send(new Uint8Array(60_000));
    await until("the end", () => master.mesh.ended.length === 1);
    assert.match(master.mesh.ended[0]?.reason ?? "", /more than 8000000 bytes wait for it$/);
  });
});

Deno.test("ring0: a link that is silent for too long is closed, one that speaks is not", async () => {
  await withMasters([{ limits: { silenceMs: 600 } }], async (master) => {
    using silent = new Initiator(master.port).begin();
    await silent.heard(1);
    using talker = new Initiator(master.port).begin();
    for (let i = 0; i < 12; i++) {
      await talker.send(`${i}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(silent.closed);
    assert.equal(talker.closed, false);
    assert.deepEqual(master.mesh.ended.map(({ reason }) => reason), [
      "the other side was silent for 0.6 s",
    ]);
  });
});
