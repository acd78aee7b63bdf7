import assert from "node:assert/strict";
import { connect } from "node:net";
import type { ServerRecord } from "../../registry/mod.ts";
import { ring1bis } from "../../rings/mod.ts";
import { sleep, until } from "../_helpers.ts";
import { ask, entries, SETTINGS, TextClient, Trial, withRing } from "./_helpers.ts";

const LIST = "\\list\\gamename\\netpanzer\\final\\";
const HEARTBEAT = "\\heartbeat\\gamename\\netpanzer\\port\\3030\\final\\";

function record(i: number): ServerRecord {
  const ip = `192.0.2.${i}`;
  return {
    id: `${ip}:3030`,
    ip,
    port: 3030,
    gamename: "netpanzer",
    settings: { gamename: "netpanzer", port: "3030" },
    state: "listed",
    firstSeen: 0,
    hlc: 0,
    origin: "",
    lastSeen: 0,
  };
}

async function elapsed(work: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work;
  return performance.now() - start;
}

Deno.test("ring: clients wait until the whole snapshot is there", async () => {
  await withRing({ unfed: true }, async (trial) => {
    const answer = ask(trial.port, LIST);
    let answered = false;
    void answer.then(() => answered = true);
    trial.feed([record(1), record(2)], true, false);
    await sleep(100);
    assert.equal(answered, false);
    trial.feed([record(3)], false, true);
    assert.deepEqual(entries(await answer), [1, 2, 3].map((i) => record(i).id));
  });
});

Deno.test("ring: nobody sees a half of a later snapshot", async () => {
  await withRing({}, async (trial) => {
    trial.feed([record(1), record(2), record(3)], true, true);
    trial.feed([record(4), record(5)], true, false);
    assert.deepEqual(entries(await ask(trial.port, LIST)), [1, 2, 3].map((i) => record(i).id));
    trial.feed([record(6)], false, true);
    assert.deepEqual(entries(await ask(trial.port, LIST)), [4, 5, 6].map((i) => record(i).id));
    trial.feed([record(7)], true, false);
    trial.feed([record(8)], true, true);
    assert.deepEqual(entries(await ask(trial.port, LIST)), [record(8).id], "7 was broken off");
  });
});

Deno.test("ring: a stop closes idle connections at once and takes no new ones", async () => {
  const trial = new Trial();
  await trial.start();
  const idle = [await TextClient.connect(trial.port), await TextClient.connect(trial.port)];
  try {
    await idle[0]?.send(LIST);
    await idle[0]?.answer();
    await until("both", () => trial.counter("connections_open") === 2);
    assert.ok(await elapsed(trial.stop(5000)) < 1000);
    for (const client of idle) assert.equal(await client.rest(), "");
    await assert.rejects(TextClient.connect(trial.port), Deno.errors.ConnectionRefused);
  } finally {
    for (const client of idle) client.close();
  }
});

Deno.test("ring: a stop waits for the heartbeat in hand, and no longer", async () => {
  const trial = new Trial({ held: true });
  await trial.start();
  const client = await TextClient.connect(trial.port);
  try {
    await client.send(HEARTBEAT);
    await until("the command", () => trial.heldBack > 0);
    const stopped = elapsed(trial.stop(5000));
    await sleep(100);
    trial.settle();
    assert.equal(await client.rest(), "\\final\\");
    assert.ok(await stopped < 1000);
    assert.equal(trial.registry.listed, 1);
  } finally {
    client.close();
  }
});

Deno.test("ring: a stop waits for the message that is half here, and no longer", async () => {
  const trial = new Trial();
  await trial.start();
  trial.add("192.0.2.1", 3030);
  const client = await TextClient.connect(trial.port);
  try {
    await client.send(LIST.slice(0, 10));
    await until("the connection", () => trial.counter("connections_open") === 1);
    await sleep(50);
    const stopped = elapsed(trial.stop(5000));
    await sleep(50);
    await client.send(LIST.slice(10));
    assert.equal(await client.rest(), "\\ip\\192.0.2.1\\port\\3030\\final\\");
    assert.ok(await stopped < 1000);
  } finally {
    client.close();
  }
});

Deno.test("ring: a stop gives up on what takes longer than its grace", async () => {
  const trial = new Trial({ held: true });
  await trial.start();
  const client = await TextClient.connect(trial.port);
  try {
    await client.send(HEARTBEAT);
    await until("the command", () => trial.heldBack > 0);
    const took = await elapsed(trial.stop(300));
    assert.ok(took >= 290 && took < 1500, `${took} ms`);
    assert.equal(await client.rest(), "");
  } finally {
    client.close();
  }
});

Deno.test("ring: a stop sends the refreshes that are still being gathered", async () => {
  const trial = new Trial();
  await trial.start();
  await ask(trial.port, HEARTBEAT);
  trial.commands.length = 0;
  await ask(trial.port, HEARTBEAT);
  await trial.stop();
  assert.deepEqual(trial.commands, [{ type: "refresh", ids: ["127.0.0.1:3030"] }]);
});

Deno.test("ring: new settings count at once", async () => {
  await withRing({}, async (trial) => {
    const settings = { ...SETTINGS, masterPassword: "other", publicAddress: "203.0.113.7" };
    trial.body.reconfigure({ kind: "ring", ring: settings });
    const register = (password: string): Promise<string> =>
      ask(trial.port, `\\heartbeat\\gamename\\master\\port\\1\\password\\${password}\\final\\`);
    assert.match(await register("sesame"), /^\\error\\/);
    assert.equal(await register("other"), "\\final\\");
    const masters = entries(await ask(trial.port, "\\list\\gamename\\master\\final\\"));
    assert.deepEqual(masters, ["203.0.113.7:28900", "127.0.0.1:1"]);
    assert.throws(
      () =>
        trial.body.reconfigure({
          kind: "store",
          store: { database: { type: "sqlite", path: "x" }, journalPath: "y" },
        }),
      TypeError,
    );
  });
});

Deno.test("ring: a port that is taken is named, with the key to change", async () => {
  await withRing({}, async (trial) => {
    const ring = { ...SETTINGS, port: trial.port };
    const second = ring1bis({ kind: "ring", ring }, { post: () => {}, log: () => {} });
    await assert.rejects(async () => await second.start(), (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, new RegExp(`TCP port ${trial.port}.*in use`));
      assert.match(error.message, /\[network\] osport/);
      return true;
    });
    await second.stop(0);
  });
});

Deno.test("ring: an address this machine has not is named, with the key to change", async () => {
  const ring = { ...SETTINGS, address: "192.0.2.77" };
  const body = ring1bis({ kind: "ring", ring }, { post: () => {}, log: () => {} });
  await assert.rejects(async () => await body.start(), /192\.0\.2\.77.*\[network\] adress/);
  await body.stop(0);
});

Deno.test("ring: one address listens there and nowhere else", async () => {
  await withRing({ settings: { address: "127.0.0.1" } }, async (trial) => {
    assert.equal(await ask(trial.port, LIST), "\\final\\");
    await assert.rejects(
      TextClient.connect(trial.port, "127.0.0.2"),
      Deno.errors.ConnectionRefused,
    );
  });
});

Deno.test("ring: the limit on connections is an address's own", async () => {
  await withRing({ settings: { connectionLimit: 1 } }, async (trial) => {
    trial.add("192.0.2.1", 3030);
    const first = await TextClient.connect(trial.port);
    try {
      await until("the first", () => trial.counter("connections_open") === 1);
      assert.match(await ask(trial.port, LIST), /^\\error\\/);
      assert.match(await askFrom("127.0.0.2", trial.port), /^\\ip\\192\.0\.2\.1/);
      assert.equal(trial.counter("connections_refused"), 1);
    } finally {
      first.close();
    }
  });
});

Deno.test("ring: refusals are logged with the address, and a flood of them is not", async () => {
  await withRing({}, async (trial) => {
    for (let i = 0; i < 120; i++) await ask(trial.port, `\\${"x".repeat(300)}\\final\\`);
    assert.ok(trial.logged.length >= 50 && trial.logged.length <= 100, `${trial.logged.length}`);
    assert.match(trial.logged[0] ?? "", /connection refused.*127\.0\.0\.1.*256 bytes/);
  });
});

Deno.test("ring: counts what it does", async () => {
  await withRing({}, async (trial) => {
    await ask(trial.port, HEARTBEAT);
    await ask(trial.port, LIST + LIST + "\\x\\final\\");
    await ask(trial.port, "\\heartbeat\\final\\");
    await ask(trial.port, "\\quit\\port\\3030\\final\\");
    const counted = [
      "connections_accepted",
      "lists",
      "unknown_requests",
      "heartbeats",
      "quits",
      "heartbeats_refused",
      "connections_refused",
    ].map((name) => trial.counter(name));
    assert.deepEqual(counted, [4, 2, 1, 2, 1, 1, 0]);
  });
});

/** A list asked for from another address of this machine. */
function askFrom(localAddress: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect({ host: "127.0.0.1", port, localAddress });
    socket.setEncoding("utf8").on("data", (data: string) => answer += data)
      .on("end", () => resolve(answer)).on("error", reject);
    socket.end(LIST);
  });
}
