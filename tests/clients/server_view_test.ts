import assert from "node:assert/strict";
import { ClientError, type ServerChange } from "../../clients/mod.ts";
import { ServerView } from "../../clients/_server_view.ts";
import type { ServerEntry, Servers } from "../../protocol/mod.ts";
import { server, servers } from "./_fake_master.ts";
import { Random } from "../_helpers.ts";

const master = { host: "127.0.0.1", port: 3040 };
const nameOf = (port: number) => `192.0.2.1:${port}`;

function take(view: ServerView, message: Servers): ServerChange | undefined {
  return view.take(message, master);
}

function ports(view: ServerView): number[] {
  return [...view.servers.values()].map(({ port }) => port);
}

Deno.test("ServerView: the first list is whole, and takes effect with its last part", () => {
  const view = new ServerView();
  assert.equal(take(view, servers("c1", [server(1), server(2)], { last: false })), undefined);
  assert.equal(view.servers.size, 0);
  assert.equal(view.cursor, undefined);
  assert.deepEqual(take(view, servers("c2", [server(3)])), {
    servers: [server(1), server(2), server(3)],
    removed: [],
    full: true,
  });
  assert.deepEqual([...view.servers.keys()], [nameOf(1), nameOf(2), nameOf(3)]);
  assert.equal(view.cursor, "c2");
});

Deno.test("ServerView: changes are added, replaced and removed", () => {
  const view = new ServerView();
  take(view, servers("c1", [server(1), server(2), server(3)]));
  const full = server(2, { players: 8 });
  assert.deepEqual(take(view, servers("c2", [full, server(4)], { removed: [nameOf(3)] })), {
    servers: [full, server(4)],
    removed: [nameOf(3)],
    full: false,
  });
  assert.deepEqual(ports(view), [1, 2, 4]);
  assert.equal(view.servers.get(nameOf(2))?.players, 8);
  assert.deepEqual(take(view, servers("c3", [], { removed: [nameOf(9)] })), {
    servers: [],
    removed: [],
    full: false,
  });
});

Deno.test("ServerView: a server that is gone and back within an answer is there", () => {
  const view = new ServerView();
  take(view, servers("c1", [server(1)]));
  take(view, servers("c2", [], { removed: [nameOf(1)], last: false }));
  const back = take(view, servers("c2", [server(1, { map: "Other" })]));
  assert.deepEqual(back?.removed, []);
  assert.equal(view.servers.get(nameOf(1))?.map, "Other");
  take(view, servers("c3", [server(2)], { last: false }));
  const gone = take(view, servers("c3", [], { removed: [nameOf(2)] }));
  assert.deepEqual(gone, { servers: [], removed: [], full: false });
});

Deno.test("ServerView: full replaces all that was there and says what is gone", () => {
  const view = new ServerView();
  take(view, servers("c1", [server(1), server(2), server(3)]));
  take(view, servers("c8", [server(4)], { full: true, last: false }));
  assert.deepEqual(ports(view), [1, 2, 3]);
  const change = take(view, servers("c9", [server(2)]));
  assert.deepEqual(change, {
    servers: [server(4), server(2)],
    removed: [nameOf(1), nameOf(3)],
    full: true,
  });
  assert.deepEqual(ports(view), [4, 2]);
});

Deno.test("ServerView: an answer that breaks off leaves list and cursor as they were", () => {
  const view = new ServerView();
  take(view, servers("c1", [server(1)]));
  take(view, servers("c5", [server(2)], { removed: [nameOf(1)], full: true, last: false }));
  view.begin();
  assert.equal(view.cursor, "c1");
  const change = take(view, servers("c6", [server(3)]));
  assert.deepEqual(change, { servers: [server(3)], removed: [], full: false });
  assert.deepEqual(ports(view), [1, 3]);
});

Deno.test("ServerView: errors and what is no list are thrown", () => {
  const view = new ServerView();
  assert.throws(
    () => view.take({ type: "error", code: "busy", message: "no", retry_after: 7 }, master),
    (error) => error instanceof ClientError && error.code === "busy" && error.retryAfter === 7,
  );
  assert.throws(
    () => view.take({ type: "masters", masters: [] }, master),
    (error) => error instanceof ClientError && error.failure === "protocol",
  );
});

Deno.test("ServerView: an endless list is none", () => {
  const view = new ServerView();
  assert.throws(() => {
    for (let block = 0; block < 3; block++) {
      const list = Array.from(
        { length: 50_000 },
        (_, i) => server(1 + i, { ip: `192.0.2.${block}` }),
      );
      take(view, servers("c", list, { last: false }));
    }
  }, (error) => error instanceof ClientError && error.failure === "protocol");
  assert.equal(view.servers.size, 0);
});

Deno.test("ServerView: follows any sequence of answers as a plain map does", () => {
  const random = new Random(7);
  const view = new ServerView();
  const truth = new Map<string, ServerEntry>();
  for (let step = 0; step < 2000; step++) {
    const full = step === 0 || random.below(50) === 0;
    if (full) truth.clear();
    const parts = 1 + random.below(3);
    for (let part = 1; part <= parts; part++) {
      const changed = Array.from({ length: random.below(5) }, () => {
        return server(1 + random.below(30), { players: random.below(8) });
      });
      const removed = Array.from({ length: random.below(4) }, () => nameOf(1 + random.below(30)));
      for (const endpoint of removed) truth.delete(endpoint);
      for (const entry of changed) truth.set(nameOf(entry.port), entry);
      const last = part === parts;
      const more = full ? { full, last, removed } as const : { last, removed };
      take(view, servers(`c${step}`, changed, more));
    }
    assert.deepEqual(Object.fromEntries(view.servers), Object.fromEntries(truth));
  }
});
