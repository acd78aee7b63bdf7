import assert from "node:assert/strict";
import { SqlError } from "../../db/_engine.ts";
import { type Backend, JournaledStore } from "../../db/_journaled_store.ts";
import type { StoreChange, Stored } from "../../registry/mod.ts";
import type { StoreEvent } from "../../threads/mod.ts";
import { until } from "../e2e/_until.ts";
import { gone, NOW, server, version } from "./_records.ts";

const NOTHING: Stored = { records: [], tombstones: [], horizon: [], names: [] };

/** A database that does what a test says. */
class FakeBackend implements Backend {
  readonly where = "a fake";
  readonly written: (readonly StoreChange[])[] = [];
  stored: Stored = NOTHING;
  prepared = 0;
  failure: SqlError | undefined;
  refuses: ((change: StoreChange) => boolean) | undefined;

  prepare(): Promise<number> {
    if (this.failure?.kind === "no-table") this.failure = undefined;
    if (this.failure) return Promise.reject(this.failure);
    this.prepared++;
    return Promise.resolve(0);
  }

  async *load(): AsyncGenerator<Stored> {
    if (this.failure) throw this.failure;
    yield await Promise.resolve(this.stored);
  }

  write(changes: readonly StoreChange[]): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    if (this.refuses && changes.some(this.refuses)) {
      return Promise.reject(new SqlError("bad-data", "too long"));
    }
    this.written.push(changes);
    return Promise.resolve();
  }
}

interface Bench {
  readonly backend: FakeBackend;
  readonly events: StoreEvent[];
  readonly path: string;
  open(): JournaledStore;
}

async function withStore(run: (bench: Bench) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  const backend = new FakeBackend();
  const events: StoreEvent[] = [];
  const path = `${directory}/journal`;
  const open = () =>
    new JournaledStore({ backend, journalPath: path, onEvent: (event) => events.push(event) });
  try {
    await run({ backend, events, path, open });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const put = (n: number): StoreChange => ({ type: "put", record: server(n) });
const USER: StoreChange = { type: "user", user: "Bob", key: "k", country: "", ...version(1) };
const MASTER: StoreChange = {
  type: "master",
  master: {
    id: "fedcba9876543210",
    name: "",
    ip: "10.0.0.9",
    port: 6060,
    netName: "10.0.0.9",
    key: "k",
    ports: {},
    lastSeen: NOW,
  },
};
const DOWN = new SqlError("unavailable", "connection refused");

async function loadAll(store: JournaledStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const { records } of store.load(0)) ids.push(...records.map(({ id }) => id));
  return ids;
}

Deno.test("JournaledStore: passes changes on in order and empties the journal", () =>
  withStore(async ({ backend, events, path, open }) => {
    const store = open();
    await store.write([put(1)]);
    await store.write([put(2), put(3)]);
    await until("written", () => store.backlog === 0);
    assert.deepEqual(backend.written, [[put(1)], [put(2), put(3)]]);
    assert.deepEqual(events, [{ type: "up", where: "a fake" }]);
    assert.equal(Deno.statSync(path).size, 0);
    await store.close(1000);
  }));

Deno.test("JournaledStore: takes changes while the database is away, and keeps their order", () =>
  withStore(async ({ backend, events, open }) => {
    backend.failure = DOWN;
    const store = open();
    for (let n = 1; n <= 50; n++) await store.write([put(n)]);
    await until("told", () => events.length > 0);
    assert.deepEqual(events, [{ type: "down", reason: "connection refused" }]);
    assert.ok(!store.isUp && store.backlog > 0);
    backend.failure = undefined;
    await until("written", () => store.backlog === 0);
    assert.deepEqual(backend.written, [...Array(50).keys()].map((n) => [put(n + 1)]));
    assert.deepEqual(events.at(-1), { type: "up", where: "a fake" });
    await store.close(1000);
  }));

Deno.test("JournaledStore: what an earlier process left is written first, and listed at once", () =>
  withStore(async ({ backend, open }) => {
    backend.failure = DOWN;
    const killed = open();
    await killed.write([put(1), put(2)]);
    await killed.write([gone(server(2).id, 5)]);
    await killed.write([{ type: "seen", ids: [server(1).id], at: NOW + 99 }]);
    await killed.close(0);

    const store = open();
    const rows = store.load(0);
    const first = await rows.next();
    assert.deepEqual(
      first.value,
      {
        ...NOTHING,
        records: [server(1, { lastSeen: NOW + 99 })],
        tombstones: [{ id: server(2).id, ...version(5), cause: "quit" }],
      },
      "the database is still away",
    );
    backend.stored = { ...NOTHING, records: [server(3)] };
    backend.failure = undefined;
    assert.deepEqual((await rows.next()).value, backend.stored);
    assert.equal(backend.written.length, 3, "before anything was read");
    await rows.return(undefined);
    await store.close(1000);
  }));

Deno.test("JournaledStore: what waits is told with names, and with who went before it came back", () =>
  withStore(async ({ backend, open }) => {
    backend.failure = DOWN;
    const store = open();
    const claim = { name: "Bob's tanks", key: "key of Bob", ...version(2) };
    await store.write([gone(server(1).id, 1, NOW), gone(server(2).id, 1)]);
    await store.write([gone(server(2).id, 3), { type: "name", ...claim }, put(1)]);
    await store.write([{ type: "samples", samples: [], at: NOW }, USER, MASTER]);
    const rows = store.load(0);
    assert.deepEqual((await rows.next()).value, {
      records: [server(1)],
      tombstones: [
        { id: server(1).id, ...version(1), cause: "expired" },
        { id: server(2).id, ...version(3), cause: "quit" },
      ],
      horizon: [],
      names: [claim],
    });
    backend.failure = undefined;
    await rows.return(undefined);
    await store.close(1000);
  }));

Deno.test("JournaledStore: load waits for the database however long it takes", () =>
  withStore(async ({ backend, events, open }) => {
    backend.failure = DOWN;
    backend.stored = { ...NOTHING, records: [server(1)] };
    const store = open();
    const loading = loadAll(store);
    await until("told", () => events.length > 0);
    backend.failure = undefined;
    assert.deepEqual(await loading, [server(1).id]);
    await store.close(1000);
  }));

Deno.test("JournaledStore: one change that no database takes costs only itself", () =>
  withStore(async ({ backend, events, open }) => {
    backend.refuses = (change) => change.type === "put" && change.record.id === server(2).id;
    const store = open();
    await store.write([put(1), put(2), put(3)]);
    await store.write([put(4)]);
    await until("written", () => store.backlog === 0);
    assert.deepEqual(backend.written, [[put(1)], [put(3)], [put(4)]]);
    assert.deepEqual(events.filter(({ type }) => type === "rejected"), [
      { type: "rejected", id: server(2).id, reason: "too long" },
    ]);
    await store.close(1000);
  }));

Deno.test("JournaledStore: a refused change is told by what it is about", () =>
  withStore(async ({ backend, events, open }) => {
    backend.refuses = () => true;
    const store = open();
    await store.write([
      gone("10.0.0.1:3030"),
      { type: "name", name: "Bob's tanks", key: "k", ...version(1) },
      USER,
      MASTER,
      { type: "seen", ids: ["10.0.0.1:3030"], at: NOW },
    ]);
    await until("taken", () => store.backlog === 0);
    const rejected = events.filter((event) => event.type === "rejected");
    assert.deepEqual(rejected.map(({ id }) => id), [
      "10.0.0.1:3030",
      "Bob's tanks",
      "Bob",
      "fedcba9876543210",
      "seen",
    ]);
    await store.close(1000);
  }));

Deno.test("JournaledStore: missing tables are made again, and that is told", () =>
  withStore(async ({ backend, events, open }) => {
    const store = open();
    await store.write([put(1)]);
    await until("written", () => store.backlog === 0);
    backend.failure = new SqlError("no-table", "no such table: server_data");
    const { prepared } = backend;
    await store.write([put(2)]);
    await until("written", () => store.backlog === 0);
    assert.deepEqual(backend.written, [[put(1)], [put(2)]]);
    assert.ok(events.some(({ type }) => type === "rebuilt"));
    assert.ok(backend.prepared > prepared);
    await store.close(1000);
  }));

Deno.test("JournaledStore: close does not wait for a database that is away", () =>
  withStore(async ({ backend, events, open, path }) => {
    backend.failure = DOWN;
    const store = open();
    await store.write([put(1)]);
    await until("told", () => events.length > 0);
    const started = performance.now();
    await store.close(5000);
    assert.ok(performance.now() - started < 2000);
    assert.ok(Deno.statSync(path).size > 0, "it waits for the next start");
  }));
