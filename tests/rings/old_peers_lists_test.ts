import assert from "node:assert/strict";
import { until } from "../_helpers.ts";
import { OldMaster } from "../e2e/_old_master.ts";
import { LIST_SERVERS, portOf, REACHED, withRing } from "./_old_peers.ts";

Deno.test("old peers: one that knows no masters still gives its servers", async () => {
  // As the C program that serves the game today does: it closes at once on what it does not know.
  await using master = new OldMaster({
    servers: ["192.0.2.1:3030"],
    answer: (request) => request === LIST_SERVERS ? undefined : "",
  });
  await withRing({ oldPeers: [portOf(master)], heartbeatInterval: 60 }, async (ring) => {
    await until("some rounds", () => master.requests("list").length >= 6);
    assert.deepEqual(new Set(ring.heard), new Set(["netpanzer 192.0.2.1:3030"]));
    assert.deepEqual(ring.lines.map(({ message }) => message), [
      REACHED,
      "an old-style master does not answer heartbeats",
      "an old-style master gives no list",
    ]);
    assert.match(String(ring.lines[1]?.fields["reason"]), /closed/);
    assert.equal(ring.lines[2]?.fields["gamename"], "master");
  });
});

Deno.test("old peers: what cannot be used of a list is left out, and twice is once", async () => {
  await using master = new OldMaster({
    ip: "127.0.0.1",
    servers: [
      "192.0.2.1:3030",
      "192.0.2.1:3030",
      "0.0.0.0:3030",
      "224.0.0.1:3030",
      "255.255.255.255:3030",
      "169.254.1.1:3030",
      "203.0.113.7:28900",
      "203.0.113.7:3030",
      "127.0.0.1:28900",
      "127.0.0.1:3030",
      "10.0.0.1:3030",
      "192.0.2.99:28900",
      "2001:db8::1:3030",
    ],
    masters: ["192.0.2.99:28900", "0.0.0.0:28900"],
  });
  const settings = { oldPeers: [portOf(master)], publicAddress: "203.0.113.7" };
  await withRing(settings, async (ring) => {
    await until("the round", () => ring.told(REACHED).length === 1);
    await until("the list", () => ring.hearsay.length >= 7);
    assert.deepEqual(ring.heard, [
      "master 192.0.2.99:28900",
      `master ${master.id}`,
      "netpanzer 192.0.2.1:3030",
      "netpanzer 203.0.113.7:3030",
      // Its loopback is ours, as it is on this machine.
      "netpanzer 127.0.0.1:3030",
      "netpanzer 10.0.0.1:3030",
      "netpanzer 2001:db8::1:3030",
    ]);
    assert.deepEqual(ring.told(REACHED)[0]?.fields["servers"], 5);
  });
});

Deno.test("old peers: entries that make no sense are left out and told once", async () => {
  await using master = new OldMaster({
    answer: (request) =>
      request === LIST_SERVERS
        ? "\\ip\\nowhere\\port\\3030\\ip\\192.0.2.1\\port\\3030\\ip\\192.0.2.2\\port\\0" +
          "\\ip\\ip\\192.0.2.3\\port\\4\\hello\\ip\\192.0.2.4\\port\\5\\ip\\192.0.2.5\\final\\"
        : undefined,
  });
  await withRing({ oldPeers: [portOf(master)], heartbeatInterval: 60 }, async (ring) => {
    await until("some rounds", () => master.requests("list").length >= 6);
    assert.deepEqual(ring.heard.filter((one) => one.startsWith("netpanzer")).slice(0, 3), [
      "netpanzer 192.0.2.1:3030",
      "netpanzer 192.0.2.3:4",
      "netpanzer 192.0.2.4:5",
    ]);
    const [line, ...more] = ring.told("an old-style master lists what is no server: left out");
    assert.deepEqual(more, []);
    assert.equal(line?.fields["first"], "ip\\nowhere\\port\\3030");
    assert.deepEqual(ring.counters().slice(0, 2), [1, 0], "which is no failure");
  });
});

Deno.test("old peers: of a list too long the first 20,000 are used", async () => {
  const servers = Array.from(
    { length: 20_001 },
    (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:3030`,
  );
  await using master = new OldMaster({ servers });
  await withRing({ oldPeers: [portOf(master)] }, async (ring) => {
    const others = (): number => ring.hearsay.filter(({ port }) => port === 3030).length;
    await until("the list", () => others() === 20_000);
    await until("the line", () => ring.lines.length === 2);
    assert.equal(ring.lines[1]?.fields["limit"], 20_000);
    assert.equal(others(), 20_000);
    assert.equal(ring.counters()[2], 20_001);
  });
});

Deno.test("old peers: a stop cuts the telling of a long list short", async () => {
  const servers = Array.from({ length: 20_000 }, (_, i) => `10.1.${i >> 8}.${i & 255}:3030`);
  await using master = new OldMaster({ servers });
  await withRing({ oldPeers: [portOf(master)] }, async (ring) => {
    await until("the first", () => ring.hearsay.length > 0);
    const start = performance.now();
    await ring.stop();
    assert.ok(performance.now() - start < 1500);
    assert.ok(ring.hearsay.length < 20_000);
    assert.equal(master.registered.size, 0);
  });
});

Deno.test("old peers: an error in place of a list is told as it is", async () => {
  await using master = new OldMaster({
    answer: (request) => request.startsWith("\\list") ? "\\error\\not for you\\final\\" : undefined,
  });
  await withRing({ oldPeers: [portOf(master)] }, async (ring) => {
    await until("the lines", () => ring.lines.length === 2);
    for (const { message, fields } of ring.lines) {
      assert.equal(message, "an old-style master gives no list");
      assert.equal(fields["reason"], "not for you");
    }
    assert.deepEqual(ring.counters(), [0, 1, 0]);
  });
});
