import assert from "node:assert/strict";
import { Outbox, tell, tellLeases } from "../../mesh/outbox.ts";
import { Ledger } from "../../mesh/ledger.ts";
import type { Changes, Ring0Message } from "../../protocol/mod.ts";
import {
  decodedAll,
  FakeSource,
  gone,
  LIFE,
  ME,
  OTHER,
  put,
  SECOND,
  server,
  userClaim,
  wire,
} from "./_helpers.ts";

function world() {
  const source = new FakeSource();
  const ledger = new Ledger(ME, () => source.monotonic());
  return { source, ledger, outbox: new Outbox(ledger) };
}

function key(number: number): string {
  return `s:${server(number, 0).id}`;
}

/** All that waits, message by message. */
function drain(outbox: Outbox): Ring0Message[] {
  const messages: Ring0Message[] = [];
  while (!outbox.isEmpty) messages.push(...decodedAll(outbox.take()));
  return messages;
}

function changesOf(messages: readonly Ring0Message[]): Changes[] {
  return messages.filter((message): message is Changes => message.type === "changes");
}

Deno.test("Outbox: many changes of an entry are sent as one, as it is then", () => {
  const { ledger, outbox } = world();
  for (let hlc = 10; hlc < 15; hlc++) {
    ledger.apply(put(server(1, hlc)));
    assert.equal(outbox.add([key(1)]), true);
  }
  ledger.apply(put(server(2, 15)));
  outbox.add([key(2)]);
  ledger.apply(gone(server(2, 16)));
  assert.equal(outbox.size, 2);
  const [changes, ...rest] = changesOf(drain(outbox));
  assert.deepEqual(rest, []);
  assert.deepEqual(changes?.puts.map(({ hlc }) => hlc), [14]);
  assert.deepEqual(changes?.tombstones, [
    { id: server(2, 0).id, hlc: 16, origin: ME, cause: "quit" },
  ]);
});

Deno.test("Outbox: what was sent may wait again", () => {
  const { ledger, outbox } = world();
  ledger.apply(put(server(1, 10)));
  outbox.add([key(1)]);
  drain(outbox);
  outbox.add([key(1)]);
  assert.equal(changesOf(drain(outbox))[0]?.puts.length, 1);
});

Deno.test("Outbox: keys, messages and ends of rounds keep their order", () => {
  const { ledger, outbox } = world();
  for (const number of [1, 2, 3]) ledger.apply(put(server(number, 10 + number)));
  outbox.add([key(1)]);
  outbox.addMessages([wire({ type: "ping", n: 1 })]);
  outbox.answer([key(2), key(3)], 7);
  outbox.addMessages([wire({ type: "ping", n: 2 })]);
  const told = drain(outbox).map((message) =>
    message.type === "changes"
      ? [message.puts.map(({ hlc }) => hlc), message.round]
      : message.type === "ping" && message.n
  );
  assert.deepEqual(told, [[[11], undefined], 1, [[12, 13], 7], 2]);
});

Deno.test("Outbox.answer: a round ends after what waited before it, and of nothing it ends, too", () => {
  const { ledger, outbox } = world();
  ledger.apply(put(server(1, 11)));
  outbox.add([key(1)]);
  // It waits already, and is sent before the end.
  outbox.answer([key(1), key(9)], 3);
  outbox.answer([], 4);
  const changes = changesOf(drain(outbox));
  assert.deepEqual(changes.map(({ puts, round }) => [puts.length, round]), [[1, 3], [0, 4]]);
});

Deno.test("Outbox.take: takes a few hundred at a time, and the end with the last", () => {
  const { ledger, outbox } = world();
  const keys: string[] = [];
  for (let number = 0; number < 1200; number++) {
    ledger.apply(put(server(number, 10 + number)));
    keys.push(key(number));
  }
  outbox.answer(keys, 5);
  const sizes: number[] = [];
  const rounds: (number | undefined)[] = [];
  while (!outbox.isEmpty) {
    const changes = changesOf(decodedAll(outbox.take()));
    sizes.push(changes.reduce((sum, { puts }) => sum + puts.length, 0));
    rounds.push(changes.at(-1)?.round);
    for (const { round } of changes.slice(0, -1)) assert.equal(round, undefined);
  }
  assert.deepEqual(sizes, [512, 512, 176]);
  assert.deepEqual(rounds, [undefined, undefined, 5]);
});

Deno.test("Outbox.add: with too many keys nothing is remembered but messages", () => {
  const { ledger, outbox } = world();
  ledger.apply(put(server(1, 11)));
  outbox.answer([key(1)], 3);
  outbox.addMessages([wire({ type: "ping", n: 1 })]);
  const many = Array.from({ length: 65_536 }, (_, number) => `u:${number}`);
  assert.equal(outbox.add(many), false);
  assert.equal(outbox.size, 0);
  assert.deepEqual(drain(outbox), [{ type: "ping", n: 1 }]);
  assert.equal(outbox.add([key(1)]), true);
  assert.equal(changesOf(drain(outbox))[0]?.puts.length, 1);
});

Deno.test("Outbox.answer: who asks for more than there is room for takes nothing from others", () => {
  const { ledger, outbox } = world();
  ledger.apply(put(server(1, 11)));
  outbox.add([key(1)]);
  outbox.answer(Array.from({ length: 65_536 }, (_, number) => `u:${number}`), 8);
  assert.equal(outbox.size, 1);
  const changes = changesOf(drain(outbox));
  assert.deepEqual(changes.map(({ puts, round }) => [puts.length, round]), [[1, undefined]]);
});

Deno.test("tell: what ends a message stands alone when nothing is left of the keys", () => {
  const { ledger } = world();
  assert.deepEqual(decodedAll(tell(ledger, ["u:nobody"], { after: 1, upto: 5 })), [
    { type: "changes", after: 1, upto: 5, puts: [], tombstones: [], names: [], users: [] },
  ]);
  assert.deepEqual(tell(ledger, ["u:nobody"]), []);
});

Deno.test("tell: tells of each kind of entry", () => {
  const { ledger } = world();
  ledger.apply(put(server(1, 11)));
  ledger.apply(gone(server(2, 12, OTHER), "expired"));
  const claim = { name: "Bob's tanks", key: userClaim("", 0).key, hlc: 13, origin: ME };
  ledger.apply({ type: "name", ...claim });
  ledger.learnUser(userClaim("Ann", 14));
  const keys = [key(1), key(2), "n:Bob's tanks", "u:Ann"];
  const [changes, ...rest] = changesOf(decodedAll(tell(ledger, keys)));
  assert.deepEqual(rest, []);
  assert.deepEqual(changes?.puts.map(({ ip, left, heard }) => [ip, left, heard]), [
    ["10.0.0.1", LIFE.left, true],
  ]);
  assert.deepEqual(changes?.tombstones, [
    { id: server(2, 0).id, hlc: 12, origin: OTHER, cause: "expired" },
  ]);
  assert.deepEqual(changes?.names, [claim]);
  assert.deepEqual(changes?.users, [userClaim("Ann", 14)]);
});

Deno.test("tell: of a disputed server it is the tombstone that is told", () => {
  const { ledger } = world();
  const { id } = server(1, 0);
  ledger.apply(put(server(1, 11)));
  ledger.apply({ type: "disputed", id, hlc: 12, origin: OTHER, cause: "expired" });
  const [changes] = changesOf(decodedAll(tell(ledger, [key(1)])));
  assert.deepEqual([changes?.puts.length, changes?.tombstones.length], [0, 1]);
  // Of its lease nobody asks for a tombstone.
  assert.deepEqual(decodedAll(tell(ledger, [`l:${id}`])), [
    { type: "refresh", servers: [{ id, left: LIFE.left }] },
  ]);
});

Deno.test("tell: a lease that was asked for is told by who hears the server, else the record", () => {
  const { ledger, source } = world();
  ledger.apply(put(server(1, 11, OTHER), { left: 60 * SECOND, heard: true }));
  ledger.apply(put(server(2, 12, OTHER), { left: 60 * SECOND, heard: false }));
  ledger.apply(gone(server(3, 13)));
  source.pass(20 * SECOND);
  const keys = [1, 2, 3, 4].map((number) => `l:${server(number, 0).id}`);
  const [refresh, changes, ...rest] = decodedAll(tell(ledger, keys));
  assert.deepEqual(rest, []);
  assert.deepEqual(refresh, {
    type: "refresh",
    servers: [{ id: server(1, 0).id, left: 40 * SECOND }],
  });
  assert.ok(changes?.type === "changes");
  assert.deepEqual(changes.puts.map(({ ip, left, heard }) => [ip, left, heard]), [
    ["10.0.0.2", 40 * SECOND, false],
  ]);
  source.pass(39.5 * SECOND);
  assert.deepEqual(tell(ledger, keys), []);
});

Deno.test("tellLeases: tells only of servers that this master hears", () => {
  const { ledger } = world();
  ledger.apply(put(server(1, 11, OTHER), { left: 60 * SECOND, heard: true }));
  ledger.apply(put(server(2, 12, OTHER), { left: 60 * SECOND, heard: false }));
  ledger.apply(gone(server(3, 13)));
  const ids = [1, 2, 3, 4].map((number) => server(number, 0).id);
  assert.deepEqual(decodedAll(tellLeases(ledger, ids)), [
    { type: "refresh", servers: [{ id: ids[0], left: 60 * SECOND }] },
  ]);
  assert.deepEqual(tellLeases(ledger, ids.slice(1)), []);
});
