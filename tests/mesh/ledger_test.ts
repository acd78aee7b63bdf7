import assert from "node:assert/strict";
import fc from "fast-check";
import { bucketOf } from "../../mesh/digest.ts";
import { versionOf } from "../../mesh/entries.ts";
import { Ledger } from "../../mesh/ledger.ts";
import type { NameClaim, RegistryEvent, Tombstone } from "../../registry/mod.ts";
import {
  FakeSource,
  gone,
  Holdings,
  ledgerOf,
  LIFE,
  ME,
  OTHER,
  put,
  SECOND,
  server,
  statusWith,
  userClaim,
} from "./_helpers.ts";

function empty(source = new FakeSource()): Ledger {
  return new Ledger(ME, () => source.monotonic());
}

function nameClaim(name: string, hlc: number, origin = ME): NameClaim {
  return { name, key: "k", hlc, origin };
}

const KEY = "s:10.0.0.1:3030";

Deno.test("Ledger.apply: own changes are returned, those of others are taken in silence", () => {
  const ledger = empty();
  assert.equal(ledger.apply(put(server(1, 10))), KEY);
  assert.equal(ledger.apply(put(server(2, 11, OTHER))), undefined);
  const status = statusWith(3);
  const id = "10.0.0.1:3030";
  assert.equal(ledger.apply({ type: "status", id, status, hlc: 12, origin: ME }), KEY);
  assert.equal(ledger.apply({ type: "name", ...nameClaim("Bob", 13) }), "n:Bob");
  assert.equal(ledger.apply({ type: "name", ...nameClaim("Ann", 13, OTHER) }), undefined);
  assert.equal(ledger.apply(gone(server(1, 14))), KEY);
  assert.equal(ledger.apply(gone(server(2, 15, OTHER))), undefined);
  assert.equal(ledger.own, 14);
  assert.equal(ledger.servers, 0);
});

Deno.test("Ledger.apply: of what this master lost and learns again only departures are told", () => {
  const holdings = new Holdings();
  holdings.vector.set(ME, 50);
  const ledger = ledgerOf(holdings);
  assert.equal(ledger.apply(put(server(1, 49))), undefined);
  assert.equal(ledger.apply(gone(server(2, 50))), "s:10.0.0.2:3030");
  assert.equal(ledger.apply({ type: "name", ...nameClaim("Bob", 48) }), undefined);
  assert.equal(ledger.servers, 1);
  assert.equal(ledger.own, 50);
  assert.equal(ledger.apply(put(server(1, 51))), KEY);
});

Deno.test("Ledger.apply: what is not listed is nobody else's business", () => {
  const ledger = empty();
  const before = ledger.digest();
  const challenged = { ...server(1, 10), state: "challenged" as const };
  assert.equal(ledger.apply(put(challenged)), undefined);
  assert.equal(
    ledger.apply({ ...gone(server(1, 11)), wasListed: false } as RegistryEvent),
    undefined,
  );
  const number: RegistryEvent = { type: "number", id: challenged.id, number: 3 };
  assert.equal(ledger.apply(number), undefined);
  assert.equal(ledger.get(KEY), undefined);
  assert.equal(ledger.own, 0);
  assert.deepEqual(ledger.digest(), before);
});

Deno.test("Ledger.apply: a status changes the record and its version, not its life", () => {
  const source = new FakeSource();
  const ledger = empty(source);
  ledger.apply(put(server(1, 10)));
  source.pass(5 * SECOND);
  ledger.apply({ type: "status", id: "10.0.0.1:3030", status: statusWith(3), hlc: 11, origin: ME });
  const entry = ledger.get(KEY);
  assert.ok(entry?.type === "server");
  assert.equal(entry.record.status?.players, 3);
  assert.deepEqual(versionOf(entry).hlc, 11);
  assert.deepEqual(ledger.life(entry), { left: LIFE.left - 5 * SECOND, heard: true });
});

Deno.test("Ledger.life: hearing counts until the lease is over, word of others only puts it off", () => {
  const source = new FakeSource();
  const ledger = empty(source);
  ledger.apply(put(server(1, 10, OTHER), { left: 10 * SECOND, heard: false }));
  const life = () => {
    const entry = ledger.get(KEY);
    return entry?.type === "server" ? ledger.life(entry) : assert.fail();
  };
  const seen = (left: number, heard: boolean) =>
    ledger.apply({ type: "seen", ids: ["10.0.0.1:3030"], at: 0, left, heard });
  assert.deepEqual(life(), { left: 10 * SECOND, heard: false });
  seen(20 * SECOND, false);
  assert.deepEqual(life(), { left: 20 * SECOND, heard: false });
  seen(5 * SECOND, false);
  assert.deepEqual(life(), { left: 20 * SECOND, heard: false });
  seen(30 * SECOND, true);
  assert.deepEqual(life(), { left: 30 * SECOND, heard: true });
  source.pass(31 * SECOND);
  assert.deepEqual(life(), { left: 0, heard: false });
});

Deno.test("Ledger.apply: a disputed server is listed, and told of as gone", () => {
  const ledger = empty();
  const tombstone: Tombstone = { id: "10.0.0.1:3030", hlc: 20, origin: OTHER, cause: "expired" };
  ledger.apply(put(server(1, 10)));
  assert.equal(ledger.apply({ type: "disputed", ...tombstone }), undefined);
  const entry = ledger.get(KEY);
  assert.ok(entry?.type === "server");
  assert.deepEqual(entry.dispute, tombstone);
  assert.equal(ledger.servers, 1);
  assert.deepEqual(ledger.bucket(bucketOf(KEY)), [{ key: KEY, hlc: 20, origin: OTHER }]);
  ledger.apply(put(server(1, 21)));
  assert.deepEqual(ledger.bucket(bucketOf(KEY)), [{ key: KEY, hlc: 21, origin: ME }]);
});

Deno.test("Ledger.apply: a dispute whose tombstone is forgotten is none", () => {
  const ledger = empty();
  const tombstone: Tombstone = { id: "10.0.0.1:3030", hlc: 20, origin: OTHER, cause: "expired" };
  ledger.apply(put(server(1, 10)));
  const before = ledger.digest();
  ledger.apply({ type: "disputed", ...tombstone });
  ledger.apply({ type: "forgotten", id: tombstone.id, hlc: 20, origin: OTHER });
  assert.deepEqual(ledger.digest(), before);
  assert.equal(ledger.servers, 1);
});

Deno.test("Ledger.apply: a tombstone that is forgotten leaves nothing, a server stays", () => {
  const ledger = empty();
  const nothing = ledger.digest();
  ledger.apply(put(server(1, 10)));
  ledger.apply(gone(server(1, 11), "replaced"));
  const entry = ledger.get(KEY);
  assert.ok(entry?.type === "tombstone");
  assert.equal(entry.tombstone.cause, "quit");
  ledger.apply({ type: "forgotten", id: "10.0.0.1:3030", hlc: 11, origin: ME });
  assert.deepEqual(ledger.digest(), nothing);
  ledger.apply(put(server(1, 12)));
  ledger.apply({ type: "forgotten", id: "10.0.0.1:3030", hlc: 11, origin: ME });
  assert.equal(ledger.servers, 1);
});

Deno.test("Ledger.load: takes the place of all but users, and own changes never go back", () => {
  const ledger = empty();
  ledger.apply(put(server(1, 50)));
  ledger.learnUser(userClaim("Ann", 51));
  const holdings = new Holdings();
  holdings.put(server(2, 7, OTHER));
  holdings.vector.set(ME, 40).set(OTHER, 7);
  ledger.load(holdings.snapshot());
  assert.equal(ledger.get(KEY), undefined);
  assert.equal(ledger.get("u:Ann")?.type, "user");
  assert.equal(ledger.servers, 1);
  assert.equal(ledger.own, 50);
  holdings.vector.set(ME, 60);
  ledger.load(holdings.snapshot());
  assert.equal(ledger.own, 60);
});

Deno.test("Ledger.load: a later tombstone beside a record is a dispute, an earlier one is nothing", () => {
  const id = "10.0.0.1:3030";
  for (const [hlc, disputed] of [[9, false], [11, true]] as const) {
    const ledger = empty();
    ledger.load({
      records: [{ record: server(1, 10), life: LIFE }],
      tombstones: [{ id, hlc, origin: OTHER, cause: "expired" }],
      names: [],
      vector: [],
    });
    const entry = ledger.get(KEY);
    assert.ok(entry?.type === "server");
    assert.equal(entry.dispute !== undefined, disputed);
    assert.equal(versionOf(entry).hlc, Math.max(10, hlc === 11 ? 11 : 10));
  }
});

Deno.test("Ledger.learnUser: the earliest claim counts", () => {
  const ledger = empty();
  assert.equal(ledger.learnUser(userClaim("Ann", 20)), true);
  assert.equal(ledger.learnUser(userClaim("Ann", 20)), false);
  assert.equal(ledger.learnUser(userClaim("Ann", 21)), false);
  assert.equal(ledger.learnUser(userClaim("Ann", 19, OTHER)), true);
  const entry = ledger.get("u:Ann");
  assert.ok(entry?.type === "user");
  assert.equal(entry.claim.origin, OTHER);
  ledger.clearUsers();
  assert.deepEqual(ledger.digest(), empty().digest());
});

Deno.test("Ledger.latest: remembers what was there once, of each master", () => {
  const ledger = empty();
  ledger.apply(put(server(1, 30, OTHER)));
  ledger.apply(put(server(1, 40)));
  ledger.apply(gone(server(1, 45)));
  ledger.apply({ type: "forgotten", id: "10.0.0.1:3030", hlc: 45, origin: ME });
  assert.equal(ledger.latest(OTHER), 30);
  assert.equal(ledger.latest(ME), 45);
  assert.equal(ledger.latest("0".repeat(16)), 0);
});

Deno.test("Ledger.serversFrom: counts servers by who changed them last", () => {
  const ledger = empty();
  ledger.apply(put(server(1, 30, OTHER)));
  ledger.apply(put(server(2, 31, OTHER)));
  ledger.apply(put(server(3, 32)));
  assert.deepEqual([ledger.serversFrom(OTHER), ledger.serversFrom(ME)], [2, 1]);
  ledger.apply(put(server(1, 33)));
  ledger.apply(gone(server(2, 34)));
  assert.deepEqual([ledger.serversFrom(OTHER), ledger.serversFrom(ME)], [0, 2]);
});

/** One thing that happens in a registry. */
interface Step {
  readonly what: string;
  readonly number: number;
  readonly isOurs: boolean;
}

/** On few servers, so that steps meet. */
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    what: fc.constantFrom("put", "status", "remove", "dispute", "forget", "name", "see"),
    number: fc.nat({ max: 4 }),
    isOurs: fc.boolean(),
  }),
  { maxLength: 60 },
);

/** Plays steps on holdings and on their ledger. */
function play(holdings: Holdings, ledger: Ledger, list: readonly Step[]): void {
  let hlc = 100;
  for (const { what, number, isOurs } of list) {
    const origin = isOurs ? ME : OTHER;
    const version = { hlc: ++hlc, origin };
    const { id } = server(number, 0);
    const held = holdings.records.get(id);
    const tombstone: Tombstone = { id, cause: "expired", ...version };
    const apply = (...events: RegistryEvent[]) => {
      for (const event of events) {
        const key = ledger.apply(event);
        assert.equal(key !== undefined, isOurs && event.type !== "disputed" && what !== "see");
        if (key !== undefined && event.type !== "name") assert.equal(ledger.own, hlc);
      }
    };
    if (what === "put") apply(...holdings.put(server(number, hlc, origin)));
    else if (what === "remove" && held) apply(holdings.bury(tombstone));
    else if (what === "status" && held) {
      const status = statusWith(hlc);
      holdings.put({ ...held.record, status, ...version });
      apply({ type: "status", id, status, ...version });
    } else if (what === "dispute") {
      holdings.tombstones.set(id, tombstone);
      apply({ type: "disputed", ...tombstone });
    } else if (what === "forget" && holdings.tombstones.has(id)) {
      const { hlc, origin } = holdings.tombstones.get(id) ?? tombstone;
      holdings.tombstones.delete(id);
      assert.equal(ledger.apply({ type: "forgotten", id, hlc, origin }), undefined);
    } else if (what === "name") {
      const claim = { name: `n${number}`, key: "k", ...version };
      holdings.names.set(claim.name, claim);
      apply({ type: "name", ...claim });
    } else if (what === "see") apply({ type: "seen", ids: [id], at: 0, left: 5, heard: isOurs });
  }
}

Deno.test("Ledger.digest: after any events it is that of a ledger that was loaded anew", () => {
  fc.assert(fc.property(steps, (list) => {
    const holdings = new Holdings();
    const ledger = ledgerOf(holdings);
    play(holdings, ledger, list);
    const anew = ledgerOf(holdings);
    assert.deepEqual(ledger.digest(), anew.digest());
    assert.equal(ledger.servers, anew.servers);
    for (const origin of [ME, OTHER]) {
      assert.equal(ledger.serversFrom(origin), anew.serversFrom(origin));
    }
    for (let bucket = 0; bucket < 256; bucket++) {
      const sorted = (one: Ledger) => one.bucket(bucket).sort((a, b) => a.key < b.key ? -1 : 1);
      assert.deepEqual(sorted(ledger), sorted(anew));
      assert.equal(ledger.sizeOf(bucket), anew.sizeOf(bucket));
    }
  }));
});
