import assert from "node:assert/strict";
import { sleep, until } from "../_helpers.ts";
import { OldMaster } from "../e2e/_old_master.ts";
import { LIST_SERVERS, portOf, REACHED, Ring, withRing } from "./_old_peers.ts";

const LIST_MASTERS = "\\list\\gamename\\master\\final\\";
const HEARTBEAT = "\\heartbeat\\port\\28900\\gamename\\master\\password\\xxx\\final\\";
const QUIT = "\\quit\\gamename\\master\\password\\xxx\\port\\28900\\final\\";
const LOST = "an old-style master cannot be reached";

/** A port of loopback at which nobody listens. */
function deadPort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return listener.addr.port;
}

Deno.test("old peers: are sent a heartbeat and asked for both lists, each on its own", async () => {
  await using master = new OldMaster({
    servers: ["192.0.2.1:3030", "192.0.2.2:65535"],
    masters: ["192.0.2.9:28900"],
  });
  await withRing({ oldPeers: [portOf(master)] }, async (ring) => {
    await until("all of it", () => ring.hearsay.length === 4);
    assert.deepEqual(master.received.map(({ text }) => text), [
      HEARTBEAT,
      LIST_MASTERS,
      LIST_SERVERS,
    ]);
    assert.deepEqual(ring.hearsay, [
      { type: "hearsay", gamename: "master", ip: "192.0.2.9", port: 28900, via: master.id },
      { type: "hearsay", gamename: "master", ip: master.ip, port: master.port, via: master.id },
      { type: "hearsay", gamename: "netpanzer", ip: "192.0.2.1", port: 3030, via: master.id },
      { type: "hearsay", gamename: "netpanzer", ip: "192.0.2.2", port: 65535, via: master.id },
    ]);
    await until("the count", () => ring.counters()[0] === 1);
    assert.deepEqual(ring.counters(), [1, 0, 4]);
    const fields = { peer: master.id, servers: 2, masters: 2 };
    assert.deepEqual(ring.lines, [{ level: "info", message: REACHED, fields }]);
  });
});

Deno.test("old peers: nothing is asked before it is known who is listed, and all of it once", async () => {
  await using master = new OldMaster();
  const ring = new Ring({ oldPeers: [portOf(master)] });
  try {
    ring.configure({ connectionLimit: 11 });
    await sleep(400);
    assert.deepEqual(master.received, []);
    await ring.start();
    ring.feed();
    ring.configure({ connectionLimit: 12 });
    await until("the round", () => ring.told(REACHED).length === 1);
    await sleep(400);
    assert.equal(master.received.length, 3);
  } finally {
    await ring.stop();
  }
});

Deno.test("old peers: each gets a round every interval, and the log is told once", async () => {
  await using first = new OldMaster({ servers: ["192.0.2.1:1"] });
  await using second = new OldMaster({ ip: "127.0.0.2", servers: ["192.0.2.2:2"] });
  const oldPeers = [portOf(first), portOf(second)];
  await withRing({ oldPeers, heartbeatInterval: 100 }, async (ring) => {
    for (const master of [first, second]) {
      await until("three rounds", () => master.requests("heartbeat").length >= 3);
      const times = master.received.filter(({ text }) => text === HEARTBEAT).map(({ at }) => at);
      assert.ok((times[2] as number) - (times[0] as number) >= 175, `${times}`);
    }
    const told = ring.hearsay.filter(({ ip }) => ip === "192.0.2.1");
    assert.ok(told.length >= 2, "what is listed is told each time");
    assert.equal(ring.told(REACHED).length, 2);
    assert.equal(ring.lines.length, 2);
    first.servers = [];
    const before = ring.hearsay.length;
    await until("more rounds", () => ring.hearsay.length > before + 8);
    const last = ring.hearsay.slice(before + 4).filter(({ ip }) => ip === "192.0.2.1");
    assert.deepEqual(last, [], "nothing of what is listed no more");
  });
});

Deno.test("old peers: a stop says goodbye to each, and nothing follows", async () => {
  await using first = new OldMaster();
  await using second = new OldMaster({ ip: "127.0.0.2", password: "other" });
  const oldPeers = [portOf(first), portOf(second)];
  await withRing({ oldPeers }, async (ring) => {
    await until("both", () => ring.told(REACHED).length === 2);
    assert.equal(first.registered.size, 1);
  });
  assert.equal(first.received.at(-1)?.text, QUIT);
  assert.equal(first.registered.size, 0);
  assert.deepEqual(second.requests("quit"), [], "one that has refused has nothing to forget");
  const count = first.received.length;
  await sleep(300);
  assert.equal(first.received.length, count);
});

Deno.test("old peers: one that never answers does not hold up a stop", async () => {
  await using silent = new OldMaster({ isSilent: true });
  await withRing({ oldPeers: [portOf(silent)] }, async (ring) => {
    await until("the heartbeat", () => silent.received.length === 1);
    const start = performance.now();
    await ring.stop();
    const took = performance.now() - start;
    assert.ok(took > 900 && took < 2500, `${took} ms`);
    assert.deepEqual(silent.received.map(({ text }) => text), [HEARTBEAT, QUIT]);
    assert.deepEqual(ring.lines, []);
  });
});

Deno.test("old peers: a stop before the first round is quiet and quick", async () => {
  await using master = new OldMaster();
  const ring = new Ring({ oldPeers: [portOf(master)] });
  await ring.start();
  const start = performance.now();
  await ring.stop();
  assert.ok(performance.now() - start < 900);
  ring.feed();
  ring.configure({ masterPassword: "yyy" });
  await sleep(400);
  assert.deepEqual(master.received, []);
});

Deno.test("old peers: a wrong password is told once, and lists are had all the same", async () => {
  await using master = new OldMaster({ password: "right", servers: ["192.0.2.1:3030"] });
  const oldPeers = [portOf(master)];
  await withRing({ oldPeers, heartbeatInterval: 60, masterPassword: "hush" }, async (ring) => {
    await until("some rounds", () => master.requests("heartbeat").length >= 4);
    const [line, ...more] = ring.told("an old-style master refuses this one");
    assert.deepEqual(more, []);
    assert.equal(line?.level, "warning");
    assert.equal(line?.fields["peer"], master.id);
    assert.equal(line?.fields["reason"], "wrong password for master update");
    assert.match(String(line?.fields["advice"]), /masterserver-password in \[game\]/);
    assert.ok(ring.heard.includes("netpanzer 192.0.2.1:3030"));
    assert.deepEqual(ring.counters(), [0, 1, 2]);
    assert.equal(ring.told(REACHED).length, 1);
    master.password = "hush";
    await until("the good news", () => ring.told(REACHED).length === 2);
    await until("the count", () => ring.counters()[0] === 1);
    master.password = "right";
    await until("the bad news", () => ring.told("an old-style master refuses this one").length > 1);
    assert.ok(!JSON.stringify(ring.lines).includes("hush"));
  });
});

Deno.test("old peers: a password that an answer repeats does not get into the log", async () => {
  await using master = new OldMaster({
    answer: (request) =>
      request.startsWith("\\heartbeat")
        ? "\\error\\hush-4711 is wrong\\final\\"
        : "\\ip\\hush-4711\\port\\1\\final\\",
  });
  const settings = { oldPeers: [portOf(master)], masterPassword: "hush-4711" };
  await withRing(settings, async (ring) => {
    await until("the lines", () => ring.lines.length === 4);
    assert.ok(!JSON.stringify(ring.lines).includes("hush"));
    assert.equal(ring.lines[1]?.fields["reason"], "*** is wrong");
  });
});

Deno.test("old peers: without a password none is told of this one, which is told once", async () => {
  for (const masterPassword of ["", "final"]) {
    await using master = new OldMaster({ servers: ["192.0.2.1:3030"] });
    const settings = { oldPeers: [portOf(master)], heartbeatInterval: 60, masterPassword };
    await withRing(settings, async (ring) => {
      await until("some rounds", () => master.requests("list").length >= 6);
      assert.deepEqual(master.requests("heartbeat"), []);
      assert.ok(ring.heard.includes("netpanzer 192.0.2.1:3030"));
      assert.deepEqual(ring.counters().slice(0, 2), [1, 0]);
      const [line, ...more] = ring.lines.filter(({ level }) => level === "warning");
      assert.deepEqual(more, []);
      assert.match(String(line?.message), /not told of this one/);
      assert.match(String(line?.fields["advice"]), /masterserver-password/);
      ring.configure({ masterPassword: "xxx" });
      await until("a heartbeat", () => master.requests("heartbeat").length > 0);
    });
    assert.deepEqual(master.requests("quit"), [QUIT]);
  }
});

Deno.test("old peers: without any nothing is said of passwords", async () => {
  await withRing({ oldPeers: [], masterPassword: "" }, async (ring) => {
    await sleep(300);
    assert.deepEqual(ring.lines, []);
    assert.deepEqual(ring.counters(), [0, 0, 0]);
  });
});

Deno.test("old peers: one that cannot be reached is told once, and again when it is back", async () => {
  const port = deadPort();
  const peer = { host: "127.0.0.1", port };
  await withRing({ oldPeers: [peer], heartbeatInterval: 60 }, async (ring) => {
    await until("the loss", () => ring.told(LOST).length === 1);
    await sleep(300);
    assert.equal(ring.lines.length, 1);
    assert.equal(ring.lines[0]?.fields["peer"], `127.0.0.1:${port}`);
    assert.match(String(ring.lines[0]?.fields["reason"]), /refused/i);
    assert.match(String(ring.lines[0]?.fields["advice"]), /oldpeer in \[masters\]/);
    assert.deepEqual(ring.counters(), [0, 1, 0]);
    {
      await using master = new OldMaster({ port });
      await until("its coming", () => ring.told(REACHED).length === 1);
      assert.deepEqual(master.requests("heartbeat")[0], HEARTBEAT);
    }
    await until("its going", () => ring.told(LOST).length === 2);
    await using _again = new OldMaster({ port });
    await until("its coming back", () => ring.told(REACHED).length === 2);
  });
});

Deno.test("old peers: a host that has no address is one that cannot be reached", async () => {
  const host = "no-such-host.invalid";
  await withRing({ oldPeers: [{ host, port: 28900 }] }, async (ring) => {
    await until("the loss", () => ring.told(LOST).length === 1);
    assert.equal(ring.lines[0]?.fields["peer"], `${host}:28900`);
  });
});

Deno.test("old peers: a host is found by its name", async () => {
  await using master = new OldMaster({ servers: ["192.0.2.1:3030"] });
  await withRing({ oldPeers: [{ host: "localhost", port: master.port }] }, async (ring) => {
    await until("the list", () => ring.heard.includes("netpanzer 192.0.2.1:3030"));
    assert.equal(ring.hearsay[0]?.via, `localhost:${master.port}`);
  });
});

Deno.test("old peers: this master itself is not talked to", async () => {
  await using itself = new OldMaster();
  const settings = { oldPeers: [portOf(itself)], oldServerPort: itself.port };
  await withRing(settings, async (ring) => {
    await until("the line", () => ring.lines.length === 1);
    assert.match(String(ring.lines[0]?.message), /is this master itself/);
    assert.match(String(ring.lines[0]?.fields["advice"]), /remove the line/);
  });
  assert.deepEqual(itself.received, []);
});

Deno.test("old peers: a reload adds and removes them, and one removed gets its goodbye", async () => {
  await using first = new OldMaster();
  await using second = new OldMaster({ ip: "127.0.0.2", servers: ["192.0.2.2:2"] });
  await withRing({ oldPeers: [portOf(first)] }, async (ring) => {
    await until("the first", () => ring.told(REACHED).length === 1);
    ring.configure({ oldPeers: [portOf(first), portOf(second)] });
    await until("the second", () => ring.heard.includes("netpanzer 192.0.2.2:2"));
    assert.equal(first.requests("heartbeat").length, 1, "the first is not disturbed");
    ring.configure({ oldPeers: [portOf(second)] });
    await until("the goodbye", () => first.requests("quit").length === 1);
    assert.equal(first.registered.size, 0);
    assert.equal(ring.counters()[0], 1);
    ring.configure({ oldPeers: [portOf(first), portOf(second)] });
    await until("the first again", () => first.registered.size === 1);
    assert.deepEqual(second.requests("quit"), []);
  });
  assert.deepEqual([first.registered.size, second.registered.size], [0, 0]);
});

Deno.test("old peers: another port or password is told at once, and the old port taken back", async () => {
  await using master = new OldMaster();
  await withRing({ oldPeers: [portOf(master)] }, async (ring) => {
    await until("the first", () => ring.told(REACHED).length === 1);
    ring.configure({ oldServerPort: 28901 });
    await until("the second", () => master.registered.has("127.0.0.1:28901"));
    assert.deepEqual([...master.registered], ["127.0.0.1:28901"]);
    await until("the round", () => master.requests("list").length === 4);
    master.password = "yyy";
    ring.configure({ masterPassword: "yyy" });
    await until("the third", () => master.requests("heartbeat").length === 3);
    const [, , third] = master.requests("heartbeat");
    assert.equal(third, "\\heartbeat\\port\\28901\\gamename\\master\\password\\yyy\\final\\");
  });
  assert.equal(
    master.received.at(-1)?.text,
    "\\quit\\gamename\\master\\password\\yyy\\port\\28901\\final\\",
  );
});
