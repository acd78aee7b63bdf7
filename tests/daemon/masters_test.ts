import assert from "node:assert/strict";
import { Membership } from "../../daemon/_masters.ts";
import type { MasterView } from "../../mesh/mod.ts";
import type { StoredMaster } from "../../registry/mod.ts";
import type { HostPort } from "../../threads/mod.ts";
import { withFakeTime } from "./_helpers.ts";

const A: MasterView = {
  id: "a".repeat(16),
  name: "a.example.org",
  host: "192.0.2.1",
  ip: "192.0.2.1",
  ports: { ring0: 6060, ring1bis: 28900 },
  key: "key of a",
  isLive: true,
};
const B: MasterView = { ...A, id: "b".repeat(16), name: "b", host: "b.example.org", ip: undefined };

/** A membership, and what came out of it. */
class Bench {
  readonly stored: StoredMaster[] = [];
  readonly remembered: (readonly HostPort[])[] = [];
  readonly lookups: string[] = [];
  changes = 0;
  readonly membership: Membership;

  constructor(readonly addresses: Record<string, string> = {}) {
    this.membership = new Membership({
      addressOf: (host) => {
        this.lookups.push(host);
        return Promise.resolve(this.addresses[host]);
      },
      store: (masters) => this.stored.push(...masters),
      remember: (masters) => this.remembered.push(masters),
      changed: () => this.changes++,
    });
  }

  ips(): (string | undefined)[] {
    return this.membership.live.map(({ ip }) => ip);
  }
}

/** Runs with a membership on a clock that stands still. */
async function withBench(
  addresses: Record<string, string>,
  use: (bench: Bench, settle: () => Promise<void>) => Promise<void>,
): Promise<void> {
  await withFakeTime(async (time) => {
    const bench = new Bench(addresses);
    try {
      await use(bench, () => time.settle());
    } finally {
      bench.membership.stop();
    }
  });
}

Deno.test("Membership: clients are told of the live ones, the database and the file as well", async () => {
  await withBench({}, ({ membership, stored, remembered }) => {
    const before = Date.now();
    membership.take([A, { ...B, host: "192.0.2.2", isLive: false }]);
    assert.deepEqual(membership.live, [{
      name: "a.example.org",
      host: "192.0.2.1",
      ip: "192.0.2.1",
      ports: A.ports,
      key: "key of a",
    }]);
    assert.equal(stored.length, 1, "that one who is away is there is no news");
    const { lastSeen, ...row } = stored[0] as StoredMaster;
    const { id, name, host, ip, ports, key } = A;
    assert.deepEqual(row, { id, name, ip, port: 6060, netName: host, key, ports });
    assert.ok(lastSeen >= before && lastSeen <= Date.now());
    assert.deepEqual(remembered, [[
      { host: "192.0.2.1", port: 6060 },
      { host: "192.0.2.2", port: 6060 },
    ]], "whoever is away may be back");
    return Promise.resolve();
  });
});

Deno.test("Membership: what is no news is told to nobody", async () => {
  await withBench({}, (bench) => {
    bench.membership.take([A]);
    bench.membership.take([{ ...A, ports: { ...A.ports } }]);
    assert.deepEqual([bench.changes, bench.stored.length, bench.remembered.length], [1, 1, 1]);
    bench.membership.take([{ ...A, isLive: false }]);
    assert.deepEqual([bench.changes, bench.stored.length, bench.remembered.length], [2, 1, 1]);
    bench.membership.take([{ ...A, ports: { ring0: 6061 } }]);
    assert.deepEqual([bench.changes, bench.stored.length, bench.remembered.length], [3, 2, 2]);
    return Promise.resolve();
  });
});

Deno.test("Membership: who knows nobody yet does not forget whom it knew", async () => {
  await withBench({}, (bench) => {
    bench.membership.take([]);
    bench.membership.take([A]);
    bench.membership.take([]);
    bench.membership.clear();
    assert.deepEqual(bench.remembered, [[{ host: "192.0.2.1", port: 6060 }]]);
    assert.deepEqual(bench.membership.live, []);
    bench.membership.take([{ ...A, ports: {} }]);
    assert.equal(bench.remembered.length, 1, "one that has no ring 0 for others is left out");
    return Promise.resolve();
  });
});

Deno.test("Membership: a name is looked up for old-style lists, and told of once it is known", async () => {
  const addresses = { "b.example.org": "192.0.2.22" };
  await withBench(addresses, async (bench, settle) => {
    bench.membership.take([B]);
    assert.deepEqual([bench.ips(), bench.stored, bench.changes], [[undefined], [], 1]);
    await settle();
    assert.deepEqual([bench.ips(), bench.changes], [["192.0.2.22"], 2]);
    assert.deepEqual(bench.stored.map(({ ip, netName }) => [ip, netName]), [
      ["192.0.2.22", "b.example.org"],
    ]);
    bench.membership.take([B, A]);
    await settle();
    assert.deepEqual(bench.lookups, ["b.example.org"], "no name is looked up twice");
  });
});

Deno.test("Membership: of two addresses the one counts that old-style clients can use", async () => {
  await withBench({}, async ({ membership }, settle) => {
    membership.take([
      { ...A, host: "2001:db8::1", ip: "192.0.2.1" },
      { ...B, host: "192.0.2.2", ip: "2001:db8::2" },
      { ...B, id: "c", host: "2001:db8::3", ip: "2001:db8::4" },
      { ...B, id: "d", host: "unknown.example.org", ip: "192.0.2.5" },
    ]);
    await settle();
    assert.deepEqual(
      membership.live.map(({ ip }) => ip),
      ["192.0.2.1", "192.0.2.2", "2001:db8::3", "192.0.2.5"],
    );
  });
});
