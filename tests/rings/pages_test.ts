import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeRing2Answer,
  type Filter,
  matchesFilter,
  MAX_CHANNEL_MESSAGE_BYTES,
  prepareFilter,
  type Servers,
} from "../../protocol/mod.ts";
import { Replica, type ServerRecord } from "../../registry/mod.ts";
import {
  type Chunk,
  chunks,
  type Envelope,
  PAGE_BYTES,
  pages,
  ServerLists,
} from "../../rings/_pages.ts";
import { ServerEntries, serverEntry } from "../../rings/_server_entry.ts";
import { text } from "../_helpers.ts";
import { removal, SECOND, status, statusChange, stored, World } from "../registry/_helpers.ts";
import { LIFE } from "./_helpers.ts";

const world = new World();
const ENVELOPE: Envelope = { since: "", cursor: "1.", isFull: false };

/** Server number i. */
function server(i: number, changes: Partial<ServerRecord> = {}): ServerRecord {
  return stored(world, `10.${i >> 16}.${i >> 8 & 255}.${i & 255}`, changes);
}

function read(message: Uint8Array): Servers {
  assert.ok(message.length <= MAX_CHANNEL_MESSAGE_BYTES, `${message.length} bytes`);
  const decoded = decodeRing2Answer(message);
  if (decoded.type !== "message") throw new Error(`${JSON.stringify(decoded)} ${text(message)}`);
  if (decoded.message.type !== "servers") throw new Error(decoded.message.type);
  return decoded.message;
}

/** The messages of an answer. */
function messages(content: Iterable<readonly Chunk[]>, envelope: Envelope): Uint8Array[] {
  return [...pages(content, envelope)].filter((message) => message !== undefined);
}

/** Lists of a replica, by a clock that tests turn. */
class Trial {
  now = 0;
  readonly replica = new Replica();
  readonly entries = new ServerEntries();
  readonly lists = new ServerLists(this.replica, this.entries, () => this.now);

  constructor(count = 0) {
    for (let i = 0; i < count; i++) this.replica.put(server(i));
  }

  all(filter: Filter = {}): Servers[] {
    return messages(this.lists.all(prepareFilter(filter)), ENVELOPE).map(read);
  }

  chunks(filter: Filter): Chunk[] {
    return [...this.lists.all(prepareFilter(filter))].flat();
  }

  ids(filter: Filter = {}): string[] {
    return this.all(filter).flatMap(({ servers }) => servers.map(({ ip }) => `${ip}:3030`));
  }
}

Deno.test("chunks: join values in order, and never grow beyond a page", () => {
  const value = fc.string({ unit: "binary", maxLength: 40, size: "max" }).map((value) =>
    JSON.stringify(value.repeat(100))
  );
  fc.assert(fc.property(fc.array(value, { maxLength: 40, size: "max" }), (values) => {
    const made = [...chunks("removed", values)];
    for (const { list, bytes } of made) {
      assert.equal(list, "removed");
      assert.ok(bytes.length > 0 && bytes.length <= PAGE_BYTES, `${bytes.length} bytes`);
    }
    const joined = made.map(({ bytes }) => text(bytes)).join(",");
    assert.deepEqual(JSON.parse(`[${joined}]`), values.map((value) => JSON.parse(value)));
  }));
});

Deno.test("pages: nothing at all is one message, the last one", () => {
  const [only, ...more] = messages([], { since: "1.s", cursor: "1.c", isFull: false });
  assert.deepEqual(more, []);
  assert.equal(
    text(only as Uint8Array),
    '{"type":"servers","servers":[],"removed":[],"last":true,"cursor":"1.c"}',
  );
});

Deno.test("pages: the last message has the new cursor, those before the one the client has", () => {
  const big = JSON.stringify("x".repeat(16_000));
  const content = function* () {
    yield [...chunks("servers", Array(4).fill(big))];
    yield [...chunks("removed", Array(4).fill(big))];
  };
  const made = messages(content(), { since: "1.s", cursor: "1.c", isFull: true })
    .map((message) => JSON.parse(text(message)));
  assert.equal(made.length, 3);
  assert.deepEqual(made.map(({ last, cursor, full }) => [last, cursor, full]), [
    [false, "1.s", true],
    [false, "1.s", true],
    [true, "1.c", true],
  ]);
  assert.equal(made.flatMap(({ servers }) => servers).length, 4);
  assert.equal(made.flatMap(({ removed }) => removed).length, 4);
  assert.deepEqual([made[1].servers.length, made[1].removed.length], [1, 2], "one page of both");
});

Deno.test("pages: a message is made when it is asked for", () => {
  let made = 0;
  const content = function* () {
    for (; made < 100; made++) yield [...chunks("servers", [JSON.stringify("x".repeat(16_000))])];
  };
  for (const message of pages(content(), ENVELOPE)) if (message) break;
  assert.ok(made < 5, `${made} chunks for one message`);
});

Deno.test("pages: fit into the channel with the longest cursor and whatever servers say", () => {
  const trial = new Trial();
  const settings = Object.fromEntries(
    Array.from({ length: 30 }, (_, i) => [`key${i}`, "\u0001".repeat(170)]),
  );
  for (let i = 0; i < 20; i++) trial.replica.put(server(i, { settings }));
  const cursor = `1.${"x".repeat(8190)}`;
  const made = messages(trial.lists.all(prepareFilter({})), { since: cursor, cursor, isFull: true })
    .map(read);
  assert.equal(made.flatMap(({ servers }) => servers).length, 20);
  assert.deepEqual(made[0]?.servers[0]?.settings, settings);
});

Deno.test("ServerLists: all servers that match, in order, none twice, masters left out", () => {
  const trial = new Trial(1000);
  for (let i = 0; i < 10; i++) trial.replica.put(server(2000 + i, { gamename: "master" }));
  trial.replica.put(server(3000, { settings: { mode: "x" } }));
  const made = trial.all();
  assert.ok(made.length > 2);
  assert.deepEqual(made.map(({ last }) => last), made.map((_, i) => i === made.length - 1));
  const expected = [...Array.from({ length: 1000 }, (_, i) => server(i).id), server(3000).id];
  assert.deepEqual(trial.ids(), expected);
  assert.deepEqual(trial.ids({ mode: "x" }), [server(3000).id]);
  assert.deepEqual(trial.ids({ gamename: "master" }), []);
});

Deno.test("ServerLists: the present state of some servers", () => {
  const trial = new Trial(3);
  const ids = new Map([
    [server(0).id, true],
    [server(1).id, false],
    [server(7).id, true],
    [server(8).id, false],
  ]);
  const some = (filter: Filter) => {
    const [message] = messages(trial.lists.some(prepareFilter(filter), ids), ENVELOPE).map(read);
    return [message?.servers.map(({ ip }) => ip), message?.removed];
  };
  assert.deepEqual(some({}), [["10.0.0.0", "10.0.0.1"], ["10.0.0.7:3030"]]);
  assert.deepEqual(some({ ip: "10.0.0.1" }), [["10.0.0.1"], ["10.0.0.0:3030", "10.0.0.7:3030"]]);
  assert.equal(trial.lists.hasSome(prepareFilter({}), ids), true);
  assert.equal(trial.lists.hasSome(prepareFilter({}), new Map([[server(8).id, false]])), false);
  assert.equal(trial.lists.hasSome(prepareFilter({}), new Map([[server(8).id, true]])), true);
  assert.equal(
    trial.lists.hasSome(prepareFilter({ ip: "x" }), new Map([[server(1).id, false]])),
    false,
  );
});

Deno.test("ServerLists: after a change one server is spelt again and one block's bytes are made", () => {
  const trial = new Trial(1000);
  const before = trial.chunks({});
  assert.equal(trial.entries.encodedCount, 1000);
  trial.replica.apply(statusChange(server(500).id, status("Two clans", 3)));
  const after = trial.chunks({});
  assert.equal(trial.entries.encodedCount, 1001);
  const kept = after.filter((chunk) => before.includes(chunk));
  assert.ok(kept.length > after.length / 2 && kept.length < after.length);
});

Deno.test("ServerLists: that a server was heard of shows within 15 seconds, not at once", () => {
  const trial = new Trial(300);
  const heard = Date.UTC(2027, 0, 1);
  const lastSeen = () => trial.all()[0]?.servers[7]?.last_seen;
  const before = lastSeen();
  trial.now = 100 * SECOND;
  trial.replica.apply({ type: "seen", ids: [server(7).id], at: heard - 1, ...LIFE });
  assert.equal(lastSeen(), new Date(heard - 1).toISOString(), "the bytes were old");
  trial.replica.apply({ type: "seen", ids: [server(7).id], at: heard, ...LIFE });
  trial.now += 15 * SECOND - 1;
  assert.equal(lastSeen(), new Date(heard - 1).toISOString());
  trial.now += 1;
  assert.equal(lastSeen(), new Date(heard).toISOString());
  assert.notEqual(before, lastSeen());
  trial.now += 100 * SECOND;
  const [chunk] = trial.chunks({});
  trial.now += 100 * SECOND;
  const [again] = trial.chunks({});
  assert.equal(again, chunk, "nobody was heard of since");
});

Deno.test("ServerLists: a filter asked for often outlasts a flood of filters asked for once", () => {
  const trial = new Trial(10);
  const [popular] = trial.chunks({ gamename: "netpanzer" });
  for (let i = 0; i < 200; i++) {
    trial.chunks({ text: "", players: 0, max_players: 0, guess: i });
    const [again] = trial.chunks({ gamename: "netpanzer" });
    assert.equal(again, popular, `made again after ${i + 1} others`);
  }
});

Deno.test("ServerLists: keeps 64 filters, even if nothing passes them", () => {
  const trial = new Trial(1);
  const kept = (count: number): boolean => {
    trial.lists.clear();
    const [first] = trial.chunks({});
    for (let i = 1; i < count; i++) trial.chunks({ guess: i });
    const [again] = trial.chunks({});
    return first === again;
  };
  assert.equal(kept(64), true);
  assert.equal(kept(65), false);
});

/** Filters that every server of a trial passes, and that are not the same. */
function passedByAll(count: number): Filter[] {
  const pairs = Object.entries({
    gamename: "netpanzer",
    port: 3030,
    protocol: 0,
    country: "",
    map: "",
    players: 0,
    number: 0,
  });
  return Array.from(
    { length: count },
    (_, i) => Object.fromEntries(pairs.filter((_, bit) => i >> bit & 1)),
  );
}

Deno.test("ServerLists: keeps a bounded number of bytes, whatever is asked for", () => {
  const limit = 64 * 1024 * 1024;
  const trial = new Trial(6000);
  const filters = passedByAll(64);
  for (const filter of filters) {
    trial.chunks(filter);
    assert.ok(trial.lists.cachedBytes <= limit);
  }
  assert.ok(trial.lists.cachedBytes > limit * 0.9, "as much as there is room for is kept");
  assert.equal(trial.entries.encodedCount, 6000, "each server was spelt once for all filters");
  trial.lists.clear();
  assert.equal(trial.lists.cachedBytes, 0);
});

Deno.test("ServerLists: nothing is kept of blocks that are gone", () => {
  const trial = new Trial(600);
  trial.chunks({});
  const full = trial.lists.cachedBytes;
  trial.replica.apply(statusChange(server(599).id, status()));
  for (let i = 0; i < 512; i++) trial.replica.apply(removal(server(i).id));
  assert.deepEqual(trial.ids(), Array.from({ length: 88 }, (_, i) => server(512 + i).id));
  assert.ok(trial.lists.cachedBytes < full / 5, `${trial.lists.cachedBytes} of ${full} bytes`);
  const sizes = trial.chunks({}).map(({ bytes }) => bytes.length);
  assert.equal(trial.lists.cachedBytes, sizes.reduce((sum, size) => sum + size));
});

Deno.test("ServerLists: equal a naive list after any history", () => {
  const step = fc.record({ id: fc.nat(700), players: fc.nat(2), kind: fc.nat(3) });
  const history = fc.array(fc.array(step, { maxLength: 30, size: "max" }), { maxLength: 8 });
  const filters: Filter[] = [{}, { not_empty: true }, { players: 1 }, { text: "clans" }];
  fc.assert(
    fc.property(fc.nat(800), history, (start, batches) => {
      const trial = new Trial(start);
      for (const batch of [[], ...batches]) {
        for (const { id, players, kind } of batch) {
          if (kind === 0) trial.replica.apply(removal(server(id).id));
          else if (kind === 1) {
            trial.replica.apply(statusChange(server(id).id, status("Two clans", players)));
          } else trial.replica.put(server(id, { status: status("Plain", players) }));
        }
        const records = trial.replica.blocks.flatMap(({ records }) => [...records.values()]);
        for (const filter of filters) {
          const naive = records.map(serverEntry).filter((entry) => matchesFilter(filter, entry));
          assert.deepEqual(trial.all(filter).flatMap(({ servers }) => servers), naive);
        }
      }
    }),
    { numRuns: 20 },
  );
});

Deno.test("ServerLists: a list read slowly has every server that was there all the time", () => {
  const trial = new Trial(1024);
  const reading = trial.lists.all(prepareFilter({}));
  const seen = new Set<string>();
  const take = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const { value } = reading.next();
      if (!value) return;
      for (const { bytes } of value) {
        for (const { ip } of JSON.parse(`[${text(bytes)}]`)) seen.add(`${ip}:3030`);
      }
    }
  };
  take(1);
  assert.ok(seen.size > 0 && seen.size < 1024);
  // The first block empties, which moves all others.
  for (let i = 0; i < 256; i++) trial.replica.apply(removal(server(i).id));
  take(Infinity);
  for (let i = 256; i < 1024; i++) assert.ok(seen.has(server(i).id), `server ${i}`);
});
