import assert from "node:assert/strict";
import { Replica } from "../../registry/mod.ts";
import { removal, replicated, status, statusChange, stored, World } from "./_helpers.ts";

const world = new World();
const LIFE = { left: 1, heard: true };

function record(i: number): ReturnType<typeof stored> {
  return stored(world, `10.0.${i >> 8}.${i & 255}`);
}

function filled(count: number): Replica {
  const replica = new Replica();
  for (let i = 0; i < count; i++) replica.put(record(i));
  return replica;
}

function versions(replica: Replica): Map<object, number> {
  return new Map(replica.blocks.map((block) => [block, block.version]));
}

/** How many of the blocks of before are as they were. */
function unchanged(before: Map<object, number>, replica: Replica): number {
  return replica.blocks.filter((block) => before.get(block) === block.version).length;
}

Deno.test("Replica: holds what is listed, in order of registration", () => {
  const replica = filled(1000);
  assert.deepEqual(replicated(replica), Array.from({ length: 1000 }, (_, i) => record(i)));
  assert.equal(replica.servers, 1000);
  assert.deepEqual(replica.get("10.0.1.0:3030"), record(256));
  assert.equal(replica.get("10.9.9.9:3030"), undefined);
});

Deno.test("Replica: one change touches one block of many", () => {
  const replica = filled(3000);
  const count = replica.blocks.length;
  assert.ok(count > 5);
  let before = versions(replica);
  replica.put({ ...record(700), settings: { gamename: "netpanzer", protocol: "2" } });
  assert.equal(unchanged(before, replica), count - 1);
  before = versions(replica);
  replica.apply(removal(record(1500).id));
  assert.equal(unchanged(before, replica), count - 1);
});

Deno.test("Replica: what lists do not show changes no version", () => {
  const replica = filled(10);
  const before = [replica.version, replica.blocks[0]?.version];
  replica.apply({ type: "seen", ids: [record(1).id], at: 1, ...LIFE });
  replica.apply(statusChange(record(1).id, status()));
  replica.apply(removal("10.9.9.9:1"));
  replica.apply({ type: "put", record: { ...record(99), state: "challenged" }, ...LIFE });
  replica.apply(statusChange(record(99).id, status()));
  assert.deepEqual([replica.version, replica.blocks[0]?.version], before);
  assert.deepEqual(replica.get(record(1).id)?.status, status());
});

Deno.test("Replica: what lists show changes the version, each time", () => {
  const replica = new Replica();
  const seen = new Set([replica.version]);
  const changes: (() => void)[] = [
    () => replica.put(record(1)),
    () => replica.put({ ...record(1), settings: { gamename: "x" } }),
    () => replica.apply({ type: "put", record: record(2), ...LIFE }),
    () => replica.apply(removal(record(1).id, "expired")),
    () => replica.apply({ type: "put", record: { ...record(2), state: "unverified" }, ...LIFE }),
    () => replica.clear(),
  ];
  for (const change of changes) {
    change();
    assert.ok(!seen.has(replica.version), change.toString());
    seen.add(replica.version);
  }
  assert.deepEqual(replicated(replica), []);
});

Deno.test("Replica: a block that is made anew never has a version it had before", () => {
  const replica = new Replica();
  const seen = new Set<string>();
  for (let i = 0; i < 50; i++) {
    replica.put(record(i));
    const key = `${replica.blocks[0]?.version}`;
    assert.ok(!seen.has(key));
    seen.add(key);
    replica.apply(removal(record(i).id));
  }
  assert.deepEqual(replica.blocks, []);
});

Deno.test("Replica: a known server keeps its place, a returning one goes last", () => {
  const replica = filled(600);
  replica.put({ ...record(5), lastSeen: 7 });
  assert.equal(replicated(replica)[5]?.lastSeen, 7);
  replica.apply(removal(record(5).id));
  replica.put(record(5));
  assert.equal(replicated(replica).at(-1)?.id, record(5).id);
  assert.equal(replica.servers, 600);
});

Deno.test("Replica: counts game servers and their players, not masters", () => {
  const replica = new Replica();
  replica.put({ ...record(1), status: status("A", 3) });
  replica.put({ ...record(2), status: status("A", 4) });
  replica.put({ ...record(3), gamename: "master" });
  assert.deepEqual([replica.servers, replica.players], [2, 7]);
  replica.apply(statusChange(record(1).id, status("A", 5)));
  assert.deepEqual([replica.servers, replica.players], [2, 9]);
  replica.put(record(2));
  assert.deepEqual([replica.servers, replica.players], [2, 5]);
  replica.apply(removal(record(3).id));
  replica.apply(removal(record(1).id));
  assert.deepEqual([replica.servers, replica.players], [1, 0]);
  replica.clear();
  assert.deepEqual([replica.servers, replica.players], [0, 0]);
});

Deno.test("Replica: empty blocks go, and half empty ones take newcomers at the end only", () => {
  const replica = filled(1024);
  const count = replica.blocks.length;
  for (let i = 0; i < 1023; i++) {
    replica.apply(removal(record(i).id, "expired"));
  }
  assert.equal(replica.blocks.length, 1);
  assert.ok(count > 1);
  replica.put(record(0));
  assert.deepEqual(replicated(replica).map(({ id }) => id), [record(1023).id, record(0).id]);
});
