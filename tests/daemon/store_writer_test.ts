import assert from "node:assert/strict";
import { record, STATUS } from "../db/_helpers.ts";
import { A, B, MASTER, VERSION, withBench } from "./_store_writer.ts";

Deno.test("StoreWriter: a new server is written soon, all new ones at once", async () => {
  await withBench(async (bench, time) => {
    bench.put(A, B);
    assert.equal(bench.writes.length, 0);
    assert.equal(bench.writer.pending, 2);
    await time.pass(100);
    assert.equal(bench.writes.length, 1);
    assert.deepEqual(bench.written(), [`put ${A.id}`, `put ${B.id}`]);
    assert.equal(bench.writer.pending, 0);
    await time.pass(60_000);
    assert.equal(bench.writes.length, 1);
    assert.equal(time.pending, 0);
  });
});

Deno.test("StoreWriter: many changes of a server become one write of how it is then", async () => {
  await withBench(async (bench, time) => {
    for (let i = 0; i < 100; i++) bench.put({ ...A, lastSeen: i });
    bench.seen(A, 500);
    bench.writer.note({ type: "status", id: A.id, status: STATUS, ...VERSION });
    bench.seen(A, 600);
    await time.pass(100);
    assert.deepEqual(bench.writes, [[{ type: "put", record: { ...A, lastSeen: 600 } }]]);
  });
});

Deno.test("StoreWriter: who was merely heard of is gathered for a second", async () => {
  await withBench(async (bench, time) => {
    bench.seen(A, 1);
    await time.pass(500);
    bench.seen(B, 2);
    bench.seen(A, 2);
    await time.pass(400);
    assert.equal(bench.writes.length, 0);
    await time.pass(200);
    assert.deepEqual(bench.writes, [[{ type: "seen", ids: [A.id, B.id], at: 2 }]]);
  });
});

Deno.test("StoreWriter: those heard of at several times are written with theirs", async () => {
  await withBench(async (bench, time) => {
    bench.seen(A, 1);
    bench.seen(B, 2);
    await time.pass(1100);
    assert.deepEqual(bench.written(), [`seen ${A.id} 1`, `seen ${B.id} 2`]);
  });
});

Deno.test("StoreWriter: something urgent takes along what was being gathered", async () => {
  await withBench(async (bench, time) => {
    bench.seen(A, 1);
    bench.put(B);
    await time.pass(100);
    assert.deepEqual(bench.written(), [`put ${B.id}`, `seen ${A.id} 1`]);
    await time.pass(5000);
    assert.equal(bench.writes.length, 1);
  });
});

Deno.test("StoreWriter: the last of put and gone counts", async () => {
  await withBench(async (bench, time) => {
    bench.put(A, B);
    bench.gone(A);
    bench.gone(B);
    bench.put(B);
    bench.seen(B, 3);
    await time.pass(100);
    assert.deepEqual(bench.written(), [`gone ${A.id}`, `put ${B.id}`]);
  });
});

Deno.test("StoreWriter: a server that is gone without a word is not written", async () => {
  await withBench(async (bench, time) => {
    bench.put(A);
    bench.records.delete(A.id);
    bench.seen(B, 1);
    bench.records.delete(B.id);
    await time.pass(2000);
    assert.deepEqual(bench.written(), []);
  });
});

Deno.test("StoreWriter: masters are stored as servers are", async () => {
  await withBench(async (bench, time) => {
    bench.put(MASTER);
    await time.pass(2000);
    bench.seen(MASTER, 5);
    await time.pass(2000);
    assert.deepEqual(bench.written(), [`put ${MASTER.id}`, `seen ${MASTER.id} 5`]);
  });
});

Deno.test("StoreWriter.durable: settles when what was noted is written, or cannot be", async () => {
  await withBench(async (bench, time) => {
    let safe = 0;
    const count = (): number => ++safe;
    await bench.writer.durable();
    bench.hold();
    bench.put(A);
    void bench.writer.durable().then(count);
    bench.seen(B, 5);
    await time.pass(100);
    assert.equal(safe, 0);
    bench.release?.();
    await time.pass(100);
    assert.equal(safe, 1);
  });
});

Deno.test("StoreWriter.sample: samples are written once, none makes no write", async () => {
  await withBench(async (bench, time) => {
    bench.writer.sample([], 5);
    await time.pass(100);
    assert.equal(bench.writes.length, 0);
    bench.writer.sample([{ id: A.id, players: 1, maxPlayers: 8, map: "m" }], 5);
    await time.pass(2000);
    assert.deepEqual(bench.written(), [`samples ${A.id} 5`]);
  });
});

Deno.test("StoreWriter: a large change is written in parts", async () => {
  await withBench(async (bench, time) => {
    const records = Array.from({ length: 5000 }, (_, i) => record(`10.0.${i >> 8}.${i & 255}`));
    bench.put(...records);
    await time.pass(1000);
    assert.equal(bench.writes.length, 3);
    assert.deepEqual(bench.written(), records.map(({ id }) => `put ${id}`));
  });
});

Deno.test("StoreWriter: one write at a time, and what happens meanwhile comes after", async () => {
  await withBench(async (bench, time) => {
    bench.hold();
    bench.put(A);
    await time.pass(100);
    bench.put(B);
    bench.gone(A);
    await time.pass(10_000);
    assert.equal(bench.writes.length, 1);
    assert.equal(bench.writer.pending, 3, "one under way, two waiting");
    bench.release?.();
    await time.pass(100);
    assert.deepEqual(bench.written(), [`put ${A.id}`, `put ${B.id}`, `gone ${A.id}`]);
  });
});

Deno.test("StoreWriter: a failed write keeps what it held, is told once and tried again", async () => {
  await withBench(async (bench, time) => {
    bench.failure = "disk full";
    bench.put(A);
    bench.gone(B);
    await time.pass(100);
    assert.deepEqual(bench.states, ["disk full"]);
    assert.equal(bench.writer.pending, 2);
    await time.pass(20_000);
    assert.deepEqual(bench.states, ["disk full"]);
    assert.ok(bench.writes.length >= 3);
    bench.failure = undefined;
    const before = bench.writes.length;
    await time.pass(30_000);
    assert.equal(bench.writes.length, before + 1);
    assert.deepEqual(bench.states, ["disk full", undefined]);
    assert.equal(bench.writer.pending, 0);
    assert.deepEqual(bench.writes.at(-1)?.map(({ type }) => type), ["put", "gone"]);
  });
});

Deno.test("StoreWriter: waits twice as long after each failure, 30 s at most", async () => {
  await withBench(async (bench, time) => {
    bench.failure = "disk full";
    bench.put(A);
    const times: number[] = [];
    for (let seen = 0; times.length < 8;) {
      await time.pass(250);
      if (bench.writes.length > seen) times.push(time.now);
      seen = bench.writes.length;
      // New changes must not hurry it.
      bench.put(B);
    }
    const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    assert.deepEqual(gaps.map((gap) => Math.round(gap / 1000)), [1, 2, 4, 8, 16, 30, 30]);
  });
});

Deno.test("StoreWriter: what happened during a failed write is not undone by it", async () => {
  await withBench(async (bench, time) => {
    bench.hold();
    bench.failure = "disk full";
    bench.put(A, B);
    await time.pass(100);
    bench.gone(A);
    bench.seen(B, 9);
    bench.release?.();
    bench.failure = undefined;
    await time.pass(2000);
    assert.deepEqual(bench.writes[1], [
      { type: "gone", id: A.id, cause: "quit", ...VERSION },
      { type: "put", record: { ...B, lastSeen: 9 } },
    ]);
  });
});

Deno.test("StoreWriter.resume: writes at once what waits for a database that is back", async () => {
  await withBench(async (bench, time) => {
    bench.failure = "the thread is down";
    bench.put(A);
    await time.pass(60_000);
    bench.failure = undefined;
    const before = bench.writes.length;
    bench.writer.resume();
    await time.pass(10);
    assert.equal(bench.writes.length, before + 1);
    assert.equal(bench.writer.pending, 0);
    bench.writer.resume();
    await time.pass(60_000);
    assert.equal(bench.writes.length, before + 1, "nothing waits");
  });
});

Deno.test("StoreWriter.drain: writes all that waits, without waiting for its time", async () => {
  await withBench(async (bench, time) => {
    bench.put(...Array.from({ length: 5000 }, (_, i) => record(`10.0.${i >> 8}.${i & 255}`)));
    bench.seen(A, 1);
    const drained = bench.writer.drain(1000);
    await time.pass(0);
    assert.equal(await drained, 0);
    assert.equal(bench.written().length, 5001);
    await time.pass(10_000);
    assert.equal(time.pending, 0);
  });
});

Deno.test("StoreWriter.drain: waits for the write under way and what came after it", async () => {
  await withBench(async (bench, time) => {
    bench.hold();
    bench.put(A);
    await time.pass(100);
    bench.put(B);
    const drained = bench.writer.drain(1000);
    await time.pass(500);
    bench.release?.();
    await time.pass(0);
    assert.equal(await drained, 0);
    assert.deepEqual(bench.written(), [`put ${A.id}`, `put ${B.id}`]);
  });
});

Deno.test("StoreWriter.drain: gives up on a database that hangs, and tells how many are lost", async () => {
  await withBench(async (bench, time) => {
    bench.hold();
    bench.put(A);
    await time.pass(100);
    bench.put(B);
    const drained = bench.writer.drain(1000);
    await time.pass(999);
    await time.pass(1);
    assert.equal(await drained, 2);
  });
});

Deno.test("StoreWriter.drain: tries a failing database once more, not longer", async () => {
  await withBench(async (bench, time) => {
    bench.failure = "disk full";
    bench.put(A);
    await time.pass(100);
    const before = bench.writes.length;
    const drained = bench.writer.drain(60_000);
    await time.pass(0);
    assert.equal(await drained, 1);
    assert.equal(bench.writes.length, before + 1);
    assert.equal(time.pending, 0);
  });
});

Deno.test("StoreWriter.drain: has nothing to do when all is written", async () => {
  await withBench(async (bench, time) => {
    assert.equal(await bench.writer.drain(1000), 0);
    assert.equal(bench.writes.length, 0);
    assert.equal(time.pending, 0);
  });
});

Deno.test("StoreWriter: names are written soon, Numbers and forgotten tombstones not at all", async () => {
  await withBench(async (bench, time) => {
    bench.writer.note({ type: "name", name: "Bob's tanks", key: "bob", ...VERSION });
    bench.writer.note({ type: "number", id: A.id, number: 4 });
    bench.writer.note({ type: "forgotten", id: B.id, ...VERSION });
    await time.pass(100);
    assert.deepEqual(bench.written(), ["name Bob's tanks bob"]);
    assert.equal(bench.writer.pending, 0);
  });
});
