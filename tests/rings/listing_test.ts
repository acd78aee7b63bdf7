import assert from "node:assert/strict";
import fc from "fast-check";
import { isIpv6, listEntry } from "../../protocol/mod.ts";
import { Replica, type ServerRecord } from "../../registry/mod.ts";
import { Listing, type ListQuery, matches } from "../../rings/_listing.ts";
import { text } from "../_helpers.ts";
import { removal, stored, World } from "../registry/_helpers.ts";
import { LIFE } from "./_helpers.ts";

const world = new World();

/** Server number i; every fifth one on IPv6. */
function server(i: number, settings: Record<string, string> = {}): ServerRecord {
  const ip = i % 5 === 4 ? `2001:db8::${i.toString(16)}` : `10.0.${i >> 8}.${i & 255}`;
  return stored(world, ip, { settings: { gamename: "netpanzer", port: "3030", ...settings } });
}

function query(filter: Record<string, string> = {}, more: Partial<ListQuery> = {}): ListQuery {
  return { filter: new Map(Object.entries(filter)), style: "plain", ipv6: false, ...more };
}

/** The list as one would write it down, going through all of them. */
function naive(records: Iterable<ServerRecord>, { filter, style, ipv6 }: ListQuery): string {
  let list = "";
  for (const { ip, port, settings } of records) {
    const wanted = [...filter].every(([key, value]) =>
      Object.entries(settings).some(([k, v]) => k === key && v === value)
    );
    if (wanted && (ipv6 || !isIpv6(ip))) list += listEntry(ip, port, style);
  }
  return `${list}\\final\\`;
}

const QUERIES: readonly ListQuery[] = ([[false, "plain"], [true, "plain"], [false, "gamespy"], [
  true,
  "gamespy",
]] as const).flatMap(([ipv6, style]) =>
  [{}, { gamename: "netpanzer" }, { mode: "1" }, { mode: "1", gamename: "netpanzer" }, {
    ["__proto__"]: "x",
  }, { toString: "x" }].map((filter) => query(filter, { ipv6, style }))
);

Deno.test("Listing: bytes equal a naive encoding after any history", () => {
  const change = fc.record({ id: fc.nat(700), mode: fc.nat(2), put: fc.nat(4) });
  const history = fc.array(fc.array(change, { maxLength: 40, size: "max" }), {
    maxLength: 12,
    size: "max",
  });
  fc.assert(
    fc.property(fc.nat(900), history, (start, batches) => {
      const replica = new Replica();
      const listing = new Listing(replica);
      const model = new Map<string, ServerRecord>();
      const put = (record: ServerRecord): void => {
        replica.apply({ type: "put", record, ...LIFE });
        model.set(record.id, record);
      };
      for (let i = 0; i < start; i++) put(server(i));
      for (const batch of [[], ...batches]) {
        for (const { id, mode, put: isPut } of batch) {
          const record = server(id, { mode: String(mode) });
          if (isPut > 0) put(record);
          else {
            replica.apply(removal(record.id));
            model.delete(record.id);
          }
        }
        for (const asked of QUERIES) {
          assert.equal(text(listing.encode(asked)), naive(model.values(), asked));
        }
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("Listing: IPv6 servers are shown to those who can use them", () => {
  const replica = new Replica();
  const listing = new Listing(replica);
  replica.put(server(4));
  replica.put(server(1));
  assert.equal(text(listing.encode(query())), "\\ip\\10.0.0.1\\port\\3030\\final\\");
  assert.equal(
    text(listing.encode(query({}, { ipv6: true }))),
    "\\ip\\2001:db8::4\\port\\3030\\ip\\10.0.0.1\\port\\3030\\final\\",
  );
});

Deno.test("Listing: an empty list is just the end", () => {
  assert.equal(text(new Listing(new Replica()).encode(query({ gamename: "x" }))), "\\final\\");
});

Deno.test("Listing: the order of a filter's keys is no matter, which value is whose is", () => {
  const replica = new Replica();
  const listing = new Listing(replica);
  replica.put(server(1, { a: "b", c: "d" }));
  const [first, second] = [query({ a: "b", c: "d" }), query({ c: "d", a: "b" })];
  assert.equal(listing.encode(first), listing.encode(second), "the very same bytes");
  for (const filter of [{ a: "d", c: "b" }, { b: "a", d: "c" }, { a: "b", d: "c" }, { c: "b" }]) {
    assert.equal(text(listing.encode(query(filter))), "\\final\\", JSON.stringify(filter));
  }
});

Deno.test("Listing: nothing is encoded again while nothing changes", () => {
  const replica = new Replica();
  const listing = new Listing(replica);
  for (let i = 0; i < 1000; i++) replica.put(server(i));
  const list = listing.encode(query());
  replica.apply({ type: "seen", ids: [server(1).id], at: 1, ...LIFE });
  replica.apply(removal("192.0.2.1:1"));
  assert.equal(listing.encode(query()), list, "the very same bytes");
});

Deno.test("Listing: after a change only its block is encoded again", () => {
  const replica = new Replica();
  const listing = new Listing(replica);
  let read = 0;
  const count = 2000;
  for (let i = 0; i < count; i++) {
    const record = server(i);
    replica.put({
      ...record,
      get settings(): ServerRecord["settings"] {
        read++;
        return record.settings;
      },
    });
  }
  listing.encode(query());
  assert.equal(read, count);
  read = 0;
  replica.apply(removal(server(1000).id));
  listing.encode(query());
  assert.ok(read > 0 && read <= 256, `${read} records read again`);
});

Deno.test("Listing: a filter asked for often outlasts a flood of filters asked for once", () => {
  const replica = new Replica();
  const listing = new Listing(replica);
  for (let i = 0; i < 10; i++) replica.put(server(i));
  const popular = listing.encode(query({ gamename: "netpanzer" }));
  for (let i = 0; i < 1000; i++) {
    listing.encode(query({ guess: String(i) }));
    const again = listing.encode(query({ gamename: "netpanzer" }));
    assert.ok(again === popular, `encoded again after ${i + 1} others`);
  }
});

Deno.test("matches: takes a server's own keys only", () => {
  assert.equal(matches({ a: "1" }, new Map()), true);
  assert.equal(matches({ a: "1" }, new Map([["a", "1"]])), true);
  assert.equal(matches({ a: "1" }, new Map([["a", "2"]])), false);
  assert.equal(matches({ a: "1" }, new Map([["A", "1"]])), false);
  for (const key of ["constructor", "__proto__", "toString"]) {
    assert.equal(
      matches({}, new Map([[key, String(({} as Record<string, unknown>)[key])]])),
      false,
    );
  }
});
