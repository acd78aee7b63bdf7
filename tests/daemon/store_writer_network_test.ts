import assert from "node:assert/strict";
import type { StoredMaster } from "../../registry/mod.ts";
import { A, VERSION, withBench } from "./_store_writer.ts";

Deno.test("StoreWriter: an end is certain when the server said so or lost its place", async () => {
  await withBench(async (bench, time) => {
    for (const [i, cause] of (["quit", "expired", "replaced"] as const).entries()) {
      bench.writer.note(bench.removal(`192.0.2.${i}:1`, cause, 5));
    }
    await time.pass(100);
    assert.deepEqual(bench.writes, [[
      { type: "gone", id: "192.0.2.0:1", cause: "quit", ...VERSION },
      { type: "gone", id: "192.0.2.1:1", cause: "expired", silentSince: 5, ...VERSION },
      { type: "gone", id: "192.0.2.2:1", cause: "quit", ...VERSION },
    ]]);
  });
});

Deno.test("StoreWriter: what the network only talks of is not stored", async () => {
  await withBench(async (bench, time) => {
    bench.writer.note({ type: "disputed", id: A.id, cause: "expired", ...VERSION });
    bench.writer.note({ type: "synced", ...VERSION });
    bench.writer.note({ type: "reach", servers: [], found: [{ id: A.id, reached: true }] });
    await time.pass(60_000);
    assert.deepEqual([bench.writes, bench.writer.pending], [[], 0]);
  });
});

Deno.test("StoreWriter.users: of one name the earliest claim is written, in whatever order they come", async () => {
  const claim = (key: string, hlc: number) => ({ ...VERSION, user: "Ann", key, country: "", hlc });
  await withBench(async (bench, time) => {
    bench.writer.users([claim("later", 9), claim("first", 3), claim("second", 5)]);
    await time.pass(100);
    assert.deepEqual(bench.writes, [[{ type: "user", ...claim("first", 3) }]]);

    bench.failure = "disk full";
    bench.hold();
    bench.writer.users([claim("first", 3)]);
    await time.pass(100);
    bench.writer.users([claim("later", 9)]);
    bench.release?.();
    bench.failure = undefined;
    await time.pass(5000);
    assert.deepEqual(bench.writes.at(-1), [{ type: "user", ...claim("first", 3) }]);
  });
});

Deno.test("StoreWriter.masters: one row a master, as it was last", async () => {
  const master = (lastSeen: number): StoredMaster => ({
    id: "b".repeat(16),
    name: "b.example.org",
    ip: "192.0.2.9",
    port: 6060,
    netName: "b.example.org",
    key: "k",
    ports: { ring0: 6060 },
    lastSeen,
  });
  await withBench(async (bench, time) => {
    bench.writer.masters([master(1)]);
    bench.writer.masters([master(2)]);
    await time.pass(5000);
    assert.deepEqual(bench.writes, [[{ type: "master", master: master(2) }]]);
  });
});
