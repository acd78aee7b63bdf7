import assert from "node:assert/strict";
import fc from "fast-check";
import { type Filter, matchesFilter } from "../../protocol/mod.ts";
import type { RegistryEvent } from "../../registry/mod.ts";
import { decodeCursor } from "../../rings/_cursor.ts";
import { serverEntry } from "../../rings/_server_entry.ts";
import { status } from "../registry/_helpers.ts";
import { LIFE } from "./_helpers.ts";
import { A, B, crowded, id, LONG, settled, type Source, type TestClient } from "./_subscribers.ts";

const FILTERS: readonly Filter[] = [
  {},
  { not_empty: true },
  { players: 1 },
  { text: "clans" },
  { mode: "x" },
];

/** What a client with a filter should see; when a server was heard of is told late on purpose. */
function expected(source: Source, filter: Filter): Map<string, unknown> {
  const shown = new Map<string, unknown>();
  for (const record of source.records.values()) {
    const { last_seen: _, ...entry } = serverEntry(record);
    if (record.gamename === "master" || !matchesFilter(filter, serverEntry(record))) continue;
    shown.set(record.id, entry);
  }
  return shown;
}

function seen(client: TestClient): Map<string, unknown> {
  return new Map(
    [...client.view.servers].map(([id, { last_seen: _, ...entry }]) => [id, entry]),
  );
}

const SERVERS = 30;
const server = fc.nat(SERVERS - 1);
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("put" as const), server, kind: fc.nat(4) }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("status" as const), server, players: fc.nat(2) }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("remove" as const), server }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("forget" as const), server }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("hear" as const), server }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("load" as const), lost: fc.nat(3) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat(150) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("hold" as const, "release" as const, "reconnect" as const),
      client: fc.nat(FILTERS.length - 1),
    }),
  },
);

Deno.test("Subscriptions: after any history every subscriber sees what there is", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 150, size: "max" }), async (steps) => {
      const { ring, source } = crowded(10);
      const clients: TestClient[] = [];
      for (const filter of FILTERS) clients.push(await ring.subscriber(filter));
      const put = (i: number, kind: number): RegistryEvent[] => {
        const isMaster = kind === 0;
        const known = source.records.get(id(i));
        // A master in the place of a game server, or the other way round, is another one.
        const replaced = known && (known.gamename === "master") !== isMaster
          ? [source.remove(i)]
          : [];
        if (isMaster) return [...replaced, source.put(i, { gamename: "master" })];
        const settings = kind === 1 ? { mode: "x" } : kind === 2 ? LONG : {};
        const origin = kind === 3 ? B : A;
        return [...replaced, source.put(i, { settings, origin, hlc: ++source.hlc })];
      };
      for (const one of steps) {
        switch (one.do) {
          case "put":
            ring.apply(...put(one.server, one.kind));
            break;
          case "status":
            if (source.records.has(id(one.server))) {
              ring.apply(source.status(one.server, status("Two clans", one.players)));
            }
            break;
          case "remove":
            if (source.records.has(id(one.server))) ring.apply(source.remove(one.server));
            break;
          case "forget":
            ring.apply(...source.forget(one.server));
            break;
          case "hear":
            ring.apply({ type: "seen", ids: [id(one.server)], at: source.hlc, ...LIFE });
            break;
          case "load":
            // What happens while a ring is down does not reach it as events.
            for (let i = 0; i < one.lost; i++) {
              put(i, i);
              if (source.records.has(id(i + 5))) source.remove(i + 5);
            }
            ring.load(source.records.values(), source.departures());
            break;
          case "pass":
            await ring.timing.pass(one.ms);
            break;
          case "hold":
            clients[one.client]?.receiver.hold();
            break;
          case "release":
            clients[one.client]?.receiver.release();
            break;
          case "reconnect": {
            const before = clients[one.client] as TestClient;
            before.receiver.isClosed = true;
            before.receiver.release();
            ring.subscriptions.forget(before.receiver);
            await settled();
            before.catchUp();
            const after = ring.client();
            Object.assign(after, { view: before.view });
            after.view.begin();
            clients[one.client] = after;
            const filter = FILTERS[one.client] as Filter;
            void ring.subscriptions.subscribe(after.receiver, filter, before.since);
            break;
          }
        }
      }
      for (const { receiver } of clients) receiver.release();
      await ring.timing.pass(2000);
      for (const [i, client] of clients.entries()) {
        client.catchUp();
        assert.deepEqual(seen(client), expected(source, FILTERS[i] as Filter), `client ${i}`);
        assert.deepEqual(client.since?.known, decodeCursor(client.view.cursor ?? ""));
      }
      assert.equal(ring.timing.waiting, 0);
    }),
    { numRuns: 150 },
  );
});
