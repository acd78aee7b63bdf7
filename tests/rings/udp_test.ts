import assert from "node:assert/strict";
import { Random, sleep, until } from "../_helpers.ts";
import { type TrialOptions, Udp, withRing, withUdp } from "./_helpers.ts";

const RINGS = ["ring1bis", "ring2bis"] as const;

/** A ring and a socket on 127.0.0.1. */
async function withPeer(
  options: TrialOptions,
  use: (peer: Udp, port: number) => Promise<void>,
): Promise<void> {
  await withRing(options, (trial) =>
    withUdp(["127.0.0.1"], async (peer) => {
      if (peer) await use(peer, trial.port);
    }));
}

/** Shows that nothing sent before was answered: the next answer is to this. */
async function assertSilence(peer: Udp, port: number): Promise<void> {
  const before = peer.received.length;
  await peer.send(port, "\\echo\\marker");
  assert.equal(await peer.next(before), "marker");
  assert.equal(peer.received.length, before + 1);
}

Deno.test("UDP: a status request is answered about the master itself", async () => {
  for (const ring of RINGS) {
    await withRing({ ring }, async (trial) => {
      trial.add("192.0.2.1", 3030);
      trial.add("192.0.2.2", 3030);
      trial.registry.apply({
        type: "status",
        id: "192.0.2.2:3030",
        status: {
          hostname: "x",
          map: "x",
          players: 5,
          maxPlayers: 8,
          gameVersion: "",
          gameStyle: "",
          needsPassword: false,
          roster: [],
        },
      });
      await withUdp(["127.0.0.1"], async (peer) => {
        await peer?.send(trial.port, "\\status\\final\\");
        assert.equal(
          await peer?.next(0),
          "\\gamename\\netpanzer-master\\hostname\\master.example.org\\numservers\\2" +
            "\\numplayers\\5\\gameversion\\1.2.3\\final\\",
        );
        assert.equal(peer?.received[0]?.port, trial.port);
      });
    });
  }
});

Deno.test("UDP: an echo is answered with its bare token, whatever it is made of", async () => {
  const requests: [string, string][] = [
    ["\\echo\\0123456789abcdef", "0123456789abcdef"],
    ["\\echo\\token\\final\\", "token"],
    ["\\echo\\token\\", "token"],
    ["\\\\\\echo\\\\token", "token"],
    ["\\echo\\tok en", "tok en"],
  ];
  await withPeer({ ring: "ring2bis" }, async (peer, port) => {
    for (const [i, [request, token]] of requests.entries()) {
      await peer.send(port, request);
      assert.equal(await peer.next(i), token, request);
    }
  });
  await withPeer({}, async (peer, port) => {
    const raw = Uint8Array.of(0xff, 0x00, 0xc0, 0xfe, 0x0a);
    await peer.send(port, Uint8Array.of(...new TextEncoder().encode("\\echo\\"), ...raw));
    await peer.next(0);
    assert.deepEqual([...peer.received[0]?.bytes ?? []], [...raw]);
  });
});

Deno.test("UDP: a list is refused in one short answer", async () => {
  await withPeer({}, async (peer, port) => {
    await peer.send(port, "\\list\\gamename\\netpanzer\\final\\");
    assert.match(await peer.next(0), /^\\error\\[^\\]*TCP[^\\]*\\final\\$/);
  });
});

Deno.test("UDP: heartbeats, quits and all other messages go unanswered", async () => {
  await withRing({}, (trial) =>
    withUdp(["127.0.0.1"], async (peer) => {
      assert.ok(peer);
      trial.add("127.0.0.1", peer.port);
      const others = [
        `\\heartbeat\\gamename\\netpanzer\\port\\${peer.port}\\final\\`,
        `\\quit\\port\\${peer.port}\\final\\`,
        "\\error\\Unknown request\\final\\",
        "\\error\\Lists go over TCP\\final\\",
        "\\gamename\\netpanzer-master\\numplayers\\0\\final\\",
        "\\final\\",
        "\\what\\final\\",
        "\\",
        "",
        "status\\final\\",
        "\n\\status\\final\\",
        "0123456789abcdef0123456789abcdef",
      ];
      for (const request of others) await peer.send(trial.port, request);
      await assertSilence(peer, trial.port);
      assert.equal(trial.registry.listed, 1);
      assert.deepEqual(trial.commands, []);
    }));
});

Deno.test("UDP: an answer to one's own answers never comes, so that no two masters can loop", async () => {
  await withPeer({ ring: "ring2bis" }, async (peer, port) => {
    for (const request of ["\\status\\final\\", "\\list\\final\\", "\\echo\\status"]) {
      const before = peer.received.length;
      await peer.send(port, request);
      await peer.send(port, await peer.next(before));
    }
    await assertSilence(peer, port);
  });
});

Deno.test("UDP: garbage of any kind and size is ignored", async () => {
  await withPeer({}, async (peer, port) => {
    const random = new Random(7);
    for (let i = 0; i < 300; i++) {
      const data = Uint8Array.from({ length: random.below(1200) }, () => random.below(256));
      // So that it is no request by chance.
      if (data[0] === 0x5c) data[0] = 0;
      await peer.send(port, data);
      if (i % 50 === 0) await sleep(5);
    }
    await peer.send(port, new Uint8Array(60_000).fill(0x5c));
    await assertSilence(peer, port);
  });
});

Deno.test("UDP: no answer is longer than 256 bytes", async () => {
  const longest = "x".repeat(256);
  await withPeer({ settings: { hostname: "h".repeat(253) } }, async (peer, port) => {
    await peer.send(port, "\\status\\final\\");
    await peer.next(0);
    assert.ok((peer.received[0]?.bytes.length ?? 0) <= 256);
    await peer.send(port, `\\echo\\${longest}`);
    assert.equal(await peer.next(1), longest);
    await peer.send(port, `\\echo\\${longest}x`);
    await assertSilence(peer, port);
  });
});

Deno.test("UDP: one network gets a burst and then an answer a second, another is not concerned", async () => {
  await withRing(
    {},
    (trial) =>
      withUdp(["127.0.0.1", "127.0.0.77", "127.0.1.1"], async (flood, neighbour, other) => {
        assert.ok(flood && neighbour && other);
        for (let i = 0; i < 200; i++) {
          await (i % 2 ? flood : neighbour).send(trial.port, `\\echo\\${i}`);
          if (i % 50 === 0) await sleep(5);
        }
        await until("all of them", () => trial.counter("datagrams_received") >= 200);
        await other.send(trial.port, "\\echo\\other");
        assert.equal(await other.next(0), "other");
        const burst = flood.received.length + neighbour.received.length;
        assert.ok(burst > 0 && burst <= 10, `${burst} answers to one /24`);
        assert.ok(trial.counter("datagrams_dropped") >= 190);
        await sleep(1100);
        await flood.send(trial.port, "\\echo\\later");
        await until("a later answer", () => flood.received.at(-1)?.text === "later");
      }),
  );
});

Deno.test("UDP: what is over the budget is dropped and counted", async () => {
  await withPeer({}, async (peer, port) => {
    for (let i = 0; i < 30; i++) await peer.send(port, "\\status\\final\\");
    await sleep(100);
    assert.ok(peer.received.length <= 6, `${peer.received.length} answers`);
  });
});

Deno.test("UDP: is answered over IPv6 too", async () => {
  await withRing({}, async (trial) => {
    const peer = new Udp("::1");
    try {
      await peer.send(trial.port, "\\echo\\six", "::1");
      assert.equal(await peer.next(0), "six");
    } finally {
      peer.close();
    }
  });
});
