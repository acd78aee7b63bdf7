import assert from "node:assert/strict";
import type { ServerRecord } from "../../registry/mod.ts";
import { NOW, record, STATUS, withStore } from "./_helpers.ts";

const A = record("192.0.2.1");
const B = record("192.0.2.2");
const SIX = record("2001:db8::1");

Deno.test("SqliteStore: brings back what was put, after it was closed too", async () => {
  await withStore((bench) => {
    const records: ServerRecord[] = [
      A,
      record("192.0.2.1", { port: 65535, state: "challenged" }),
      { ...SIX, state: "unverified" },
      { ...B, status: STATUS, gamename: "other" },
    ];
    bench.put(...records);
    assert.deepEqual([...bench.store.load(0)], records);
    assert.deepEqual([...bench.reopen().load(0)], records);
  });
});

Deno.test("SqliteStore: brings back any text that a peer may have sent", async () => {
  await withStore((bench) => {
    const settings = Object.fromEntries([
      ["gamename", "'; DROP TABLE server_data; --"],
      ["__proto__", "x"],
      ["constructor", "y"],
      ["nul\0in", "a\0b"],
      ["🐢", '\ufffd\u2028\u202e"\\\n'],
      ["lone", "\ud800"],
      ["", ""],
    ]);
    const odd = { ...A, settings, status: { ...STATUS, hostname: "a\0b'\ud800" } };
    bench.put(odd);
    const [back] = [...bench.store.load(0)];
    assert.deepEqual(Object.entries(back?.settings ?? {}), Object.entries(settings));
    assert.deepEqual(back?.status, odd.status);
  });
});

Deno.test("SqliteStore: a later put of a server replaces the one before", async () => {
  await withStore((bench) => {
    bench.put({ ...A, state: "challenged" }, B);
    const changed = {
      ...A,
      settings: { gamename: "netpanzer" },
      lastSeen: NOW + 5,
      status: STATUS,
    };
    bench.put(changed);
    assert.deepEqual([...bench.store.load(0)], [changed, B]);
  });
});

Deno.test("SqliteStore: seen sets when servers were last heard of, and makes none", async () => {
  await withStore((bench) => {
    bench.put(A, B, SIX, record("192.0.2.1", { port: 3031 }));
    bench.store.write([{ type: "seen", ids: [A.id, SIX.id, "192.0.2.9:1"], at: NOW + 7000 }]);
    const waits = [...bench.store.load(0)].map(({ lastSeen }) => lastSeen - NOW);
    assert.deepEqual(waits, [7000, 0, 7000, 0]);
  });
});

Deno.test("SqliteStore.load: leaves out who was not heard of since", async () => {
  await withStore((bench) => {
    bench.put({ ...A, lastSeen: NOW - 1 }, B, { ...SIX, lastSeen: NOW + 1 });
    assert.deepEqual(bench.ids(NOW - 2), [A.id, B.id, SIX.id]);
    assert.deepEqual(bench.ids(NOW - 1), [B.id, SIX.id]);
    assert.deepEqual(bench.ids(NOW + 1), []);
  });
});

Deno.test("SqliteStore: a server that is gone is loaded no more, its row stays", async () => {
  await withStore((bench) => {
    bench.put(A, { ...B, status: STATUS });
    bench.store.write([{ type: "gone", id: B.id }, { type: "gone", id: "192.0.2.9:1" }]);
    assert.deepEqual(bench.ids(), [A.id]);
    const row = bench.rows()[1];
    assert.equal(row?.["IP"], "192.0.2.2");
    assert.equal(row?.["Name"], "Bob's tanks");
    assert.equal(row?.["state"], "gone");
  });
});

Deno.test("SqliteStore: a server that never was listed leaves nothing when it goes", async () => {
  await withStore((bench) => {
    bench.put({ ...A, state: "challenged" }, { ...B, state: "unverified" }, SIX);
    bench.store.write([A, B, SIX].map(({ id }) => ({ type: "gone", id })));
    assert.deepEqual(bench.rows().map((row) => row["IP"]), ["2001:db8::1"]);
  });
});

Deno.test("SqliteStore: once listed, a row stays even if the server is challenged anew", async () => {
  await withStore((bench) => {
    bench.put(A);
    bench.store.write([{ type: "gone", id: A.id }]);
    bench.put({ ...A, state: "challenged" });
    bench.store.write([{ type: "gone", id: A.id }]);
    assert.equal(bench.rows().length, 1);
    assert.deepEqual(bench.ids(), []);
  });
});

Deno.test("SqliteStore: a server that returns keeps its Number and its Name", async () => {
  await withStore((bench) => {
    bench.put({ ...A, status: STATUS }, B);
    const before = bench.rows();
    bench.store.write([{ type: "gone", id: A.id }]);
    bench.put({ ...A, firstSeen: NOW + 10, lastSeen: NOW + 10, state: "challenged" });
    const after = bench.rows();
    assert.deepEqual(after.map((row) => row["Number"]), before.map((row) => row["Number"]));
    assert.equal(after[0]?.["Name"], "Bob's tanks");
    assert.equal(after[0]?.["first_seen"], NOW + 10);
  });
});

Deno.test("SqliteStore: a Number is never given twice", async () => {
  await withStore((bench) => {
    bench.put({ ...A, state: "challenged" });
    const first = bench.rows()[0]?.["Number"];
    bench.store.write([{ type: "gone", id: A.id }]);
    assert.deepEqual(bench.rows(), []);
    bench.reopen();
    bench.put(B);
    assert.ok(Number(bench.rows()[0]?.["Number"]) > Number(first));
  });
});

Deno.test("SqliteStore.load: is in order of registration, of the returned too", async () => {
  await withStore((bench) => {
    bench.put(A, B, SIX);
    bench.store.write([{ type: "gone", id: A.id }]);
    bench.put({ ...A, firstSeen: NOW + 10, lastSeen: NOW + 10 });
    assert.deepEqual(bench.ids(), [B.id, SIX.id, A.id]);
  });
});

Deno.test("SqliteStore.write: takes changes of one server in their order", async () => {
  await withStore((bench) => {
    bench.store.write([
      { type: "put", record: A },
      { type: "gone", id: A.id },
      { type: "put", record: B },
      { type: "seen", ids: [B.id], at: NOW + 1 },
      { type: "put", record: { ...SIX, state: "challenged" } },
      { type: "gone", id: SIX.id },
      { type: "put", record: SIX },
    ]);
    assert.deepEqual([...bench.store.load(0)], [{ ...B, lastSeen: NOW + 1 }, SIX]);
  });
});

Deno.test("SqliteStore.write: all or none", async () => {
  await withStore((bench) => {
    bench.put(A);
    assert.throws(() =>
      bench.store.write([
        { type: "put", record: B },
        { type: "gone", id: A.id },
        { type: "gone", id: "no endpoint" },
        { type: "put", record: SIX },
      ])
    );
    assert.deepEqual([...bench.store.load(0)], [A]);
    bench.put(B);
    assert.deepEqual(bench.ids(), [A.id, B.id], "and goes on afterwards");
    bench.store.write([]);
  });
});

Deno.test("SqliteStore: 20,000 servers come back as they went in, in order", async () => {
  await withStore((bench) => {
    const records = Array.from(
      { length: 20_000 },
      (_, i) =>
        record(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, {
          // Many of the same moment, as after a restart.
          firstSeen: NOW + Math.floor(i / 7000),
          settings: { gamename: "netpanzer", n: String(i) },
        }),
    );
    bench.put(...records);
    assert.deepEqual([...bench.reopen().load(0)], records);
    bench.store.write([{ type: "seen", ids: records.map(({ id }) => id), at: NOW + 1 }]);
    assert.equal(bench.ids(NOW).length, records.length);
  });
});
