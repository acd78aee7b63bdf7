import assert from "node:assert/strict";
import { sleep, until } from "../_helpers.ts";
import { ask, entries, TextClient, type TrialOptions, withRing } from "./_helpers.ts";

const LIST = "\\list\\gamename\\netpanzer\\final\\";
const ENTRY = "\\ip\\192.0.2.1\\port\\3030\\final\\";
const UNKNOWN = "\\error\\Unknown request\\final\\";

/** A ring that lists one server, and a client of it. */
async function withClient(
  options: TrialOptions,
  use: (client: TextClient, port: number) => Promise<void>,
  hostname?: string,
): Promise<void> {
  await withRing(options, async (trial) => {
    trial.add("192.0.2.1", 3030);
    const client = await TextClient.connect(trial.port, hostname);
    try {
      await use(client, trial.port);
    } finally {
      client.close();
    }
  });
}

Deno.test("ring: a list leaves the connection open for the next one", async () => {
  await withClient({}, async (client) => {
    for (let i = 0; i < 5; i++) {
      await client.send(LIST);
      assert.equal(await client.answer(), ENTRY);
    }
  });
});

Deno.test("ring: messages sent at once are answered each, in order", async () => {
  await withClient({}, async (client) => {
    const unmatched = "\\list\\gamename\\nothing\\final\\";
    await client.send(LIST + unmatched + "\\what\\is\\this\\final\\" + LIST);
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await client.answer());
    assert.deepEqual(answers, [ENTRY, "\\final\\", UNKNOWN, ENTRY]);
  });
});

Deno.test("ring: a message may arrive byte by byte", async () => {
  await withClient({}, async (client) => {
    for (const byte of new TextEncoder().encode(LIST)) {
      await client.send(Uint8Array.of(byte));
      await sleep(1);
    }
    assert.equal(await client.answer(), ENTRY);
  });
});

Deno.test("ring: what people type into nc is understood", async () => {
  await withClient({}, async (client, port) => {
    await client.send(`  ${LIST}\r\n`);
    assert.equal(await client.answer(), ENTRY);
    await client.send("\\\\list\\\\gamename\\\\netpanzer\\\\final\\\\\n");
    assert.equal(await client.answer(), ENTRY);
    await client.send("\\list\\gamename\\netpanzer\\final\n");
    assert.equal(await client.answer(), ENTRY);
    assert.equal(await ask(port, "\\list\\gamename\\netpanzer\\final"), ENTRY, "nc -N, no newline");
  });
});

Deno.test("ring: anything else is an unknown request", async () => {
  const others = [
    "\\status\\final\\",
    "\\final\\",
    "\\echo\\x\\final\\",
    "GET / HTTP/1.0\\final\\",
  ];
  await withClient({}, async (client) => {
    for (const request of others) {
      await client.send(request);
      assert.equal(await client.answer(), UNKNOWN, request);
    }
    await client.send(LIST);
    assert.equal(await client.answer(), ENTRY, "still open");
  });
});

Deno.test("ring: a list without gamename is an error that says so", async () => {
  await withClient({}, async (client) => {
    await client.send("\\list\\final\\");
    assert.match(await client.answer(), /^\\error\\[^\\]*gamename[^\\]*\\final\\$/);
  });
});

Deno.test("ring: after a GameSpy preamble the list is in its style, then all is over", async () => {
  const preamble = "\\gamename\\gamespy2\\gamever\\2\\location\\5\\validate\\Wabc\\final\\";
  const expected = /^\\basic\\\\secure\\[A-Z]{6}\\ip\\192\.0\.2\.1:3030\\final\\$/;
  for (const together of [true, false]) {
    await withClient({}, async (client) => {
      await client.send(preamble);
      if (!together) await sleep(20);
      await client.send("\\list\\\\gamename\\netpanzer\\final\\" + LIST);
      assert.match(await client.rest(), expected);
    });
  }
});

Deno.test("ring: messages over a limit are refused with the reason, then the connection closes", async () => {
  const over: [string, RegExp][] = [
    [`\\list\\gamename\\${"x".repeat(257)}\\final\\`, /256 bytes/],
    [`\\list${"\\k\\v".repeat(65)}\\final\\`, /64 pairs/],
    ["\\list" + `\\k\\${"v".repeat(250)}`.repeat(20) + "\\final\\", /4096 bytes/],
    ["\\".repeat(10_000), /4096 bytes/],
  ];
  for (const [request, reason] of over) {
    await withClient({}, async (client) => {
      await client.send(LIST + request + LIST.repeat(100));
      await client.finish();
      const answer = await client.rest();
      assert.ok(answer.startsWith(ENTRY), "what came before is answered");
      assert.match(answer.slice(ENTRY.length), /^\\error\\[^\\]+\\final\\$/);
      assert.match(answer, reason);
    });
  }
});

Deno.test("ring: a refusal arrives though the client goes on sending", async () => {
  await withClient({}, async (client) => {
    let stop = false;
    const flood = (async () => {
      try {
        while (!stop) await client.send(new Uint8Array(64 * 1024).fill(0x78));
      } catch {
        // The other side has had enough.
      }
    })();
    assert.match(await client.answer(), /^\\error\\A token is longer/);
    stop = true;
    await client.rest();
    await flood;
  });
});

Deno.test("ring: connections of one address are limited, and the next one is told", async () => {
  await withClient({ settings: { connectionLimit: 3 } }, async (first, port) => {
    const others = [await TextClient.connect(port), await TextClient.connect(port)];
    try {
      for (const client of [first, ...others]) {
        await client.send(LIST);
        assert.equal(await client.answer(), ENTRY);
      }
      assert.match(await ask(port, LIST), /^\\error\\[^\\]*3 connections[^\\]*\\final\\$/);
      assert.equal(
        await ask(port, LIST, "127.0.0.1").then((answer) => answer.slice(0, 7)),
        "\\error\\",
      );
      others.pop()?.close();
      let answer = "";
      for (let i = 0; i < 100 && answer !== ENTRY; i++) {
        answer = await ask(port, LIST);
        await sleep(5);
      }
      assert.equal(answer, ENTRY, "one has gone, one may come");
    } finally {
      for (const client of others) client.close();
    }
  });
});

Deno.test("ring: an idle or unfinished connection is closed at the request timeout", async () => {
  for (const said of ["", "\\list\\gamename\\netp"]) {
    await withClient({ settings: { requestTimeout: 300 } }, async (client) => {
      const start = performance.now();
      if (said !== "") await client.send(said);
      assert.equal(await client.rest(), "");
      const took = performance.now() - start;
      assert.ok(took >= 250 && took < 2000, `${took} ms`);
    });
  }
});

Deno.test("ring: a completed request starts the time anew, bytes alone do not", async () => {
  await withClient({ settings: { requestTimeout: 700 } }, async (client) => {
    for (let i = 0; i < 4; i++) {
      await sleep(400);
      await client.send(LIST);
      assert.equal(await client.answer(), ENTRY);
    }
  });
  await withClient({ settings: { requestTimeout: 700 } }, async (client) => {
    const drip = setInterval(() => client.send("\\").catch(() => {}), 100);
    const start = performance.now();
    await client.rest();
    clearInterval(drip);
    assert.ok(performance.now() - start < 2500);
  });
});

Deno.test("ring: a client that never reads is closed at the request timeout", async () => {
  await withRing({ settings: { requestTimeout: 500 } }, async (trial) => {
    for (let i = 0; i < 32; i++) trial.add("192.0.2.1", 1000 + i);
    const client = await TextClient.connect(trial.port);
    try {
      await assert.rejects(async () => {
        for (let i = 0; i < 10_000; i++) await client.send(LIST.repeat(200));
      });
      await until("the end of it", () => trial.counter("connections_open") === 0);
      assert.equal(trial.counter("connections_timed_out"), 1);
    } finally {
      client.close();
    }
  });
});

Deno.test("ring: IPv6 servers are for clients that came over IPv6", async () => {
  await withRing({}, async (trial) => {
    trial.add("192.0.2.1", 3030);
    trial.add("2001:db8::1", 3030);
    assert.equal(await ask(trial.port, LIST), ENTRY);
    assert.deepEqual(entries(await ask(trial.port, LIST, "::1")), [
      "192.0.2.1:3030",
      "2001:db8::1:3030",
    ]);
  });
});

Deno.test("ring: an IPv4 source on the IPv6 socket is stored as IPv4, an IPv6 one as it is", async () => {
  await withRing({}, async (trial) => {
    const request = "\\heartbeat\\gamename\\netpanzer\\port\\3030\\final\\";
    await ask(trial.port, request, "127.0.0.1");
    await ask(trial.port, request, "::1");
    assert.deepEqual([...trial.registry.records()].map(({ id }) => id), [
      "127.0.0.1:3030",
      "[::1]:3030",
    ]);
  });
});

Deno.test("ring: a list of masters names the address the client connected to", async () => {
  await withRing({}, async (trial) => {
    const request = "\\list\\gamename\\master\\final\\";
    assert.deepEqual(entries(await ask(trial.port, request, "127.0.0.3")), ["127.0.0.3:28900"]);
    assert.deepEqual(entries(await ask(trial.port, request, "::1")), ["::1:28900"]);
  });
});

Deno.test("ring: clients that hang up at any moment disturb nobody", async () => {
  await withClient({}, async (client, port) => {
    for (let i = 0; i < 60; i++) {
      const rude = await TextClient.connect(port);
      if (i % 3 > 0) await rude.send(LIST.slice(0, 1 + i % LIST.length));
      if (i % 3 > 1) await rude.send(LIST.repeat(50));
      rude.close();
    }
    await client.send(LIST);
    assert.equal(await client.answer(), ENTRY);
  });
});
