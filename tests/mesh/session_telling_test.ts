import assert from "node:assert/strict";
import { tellLeases } from "../../mesh/outbox.ts";
import { bytes } from "../_helpers.ts";
import { helloOf, hostOf, LIFE, put, SECOND, server } from "./_helpers.ts";
import { FULL, MEMBER, puts, SessionWorld, spans } from "./_session_world.ts";

Deno.test("Session: a flood of questions for peers is answered once a time", () => {
  const world = new SessionWorld();
  world.greet({ observer: true });
  for (let i = 0; i < 100; i++) world.receive({ type: "peers" });
  world.session.flush();
  assert.deepEqual(world.link.takeTypes(), ["peers"]);
  world.receive({ type: "peers", peers: [] });
  world.session.flush();
  assert.deepEqual(world.link.takeTypes(), []);
});

Deno.test("Session.push: what is told to all goes out at once to who keeps up", () => {
  const world = new SessionWorld();
  world.greet();
  world.change(1, 0, 10);
  world.change(2, 10, 11);
  const told = world.told();
  assert.deepEqual([puts(told), spans(told)], [[[10], [11]], [[0, 10], [10, 11]]]);
  assert.equal(world.session.behind, 0);
  assert.equal(world.session.sent, 2);
});

Deno.test("Session.push: who does not keep up is told later, in fewer words, then how far", () => {
  const world = new SessionWorld();
  world.greet();
  world.change(1, 5, 10);
  world.told();
  world.link.waiting = FULL;
  world.change(1, 10, 11);
  world.change(2, 11, 12);
  world.change(1, 12, 13);
  world.session.flush();
  assert.deepEqual(world.told(), []);
  assert.equal(world.session.behind, 2);
  world.link.waiting = FULL - 1;
  world.session.flush();
  const told = world.told();
  assert.deepEqual([puts(told), spans(told)], [
    [[13, 12], []],
    [[undefined, undefined], [10, 13]],
  ]);
  world.change(3, 13, 14);
  assert.deepEqual(spans(world.told()), [[13, 14]]);
});

Deno.test("Session.push: behind from the beginning, it claims nothing from before", () => {
  const world = new SessionWorld();
  // A change is told to all others before this one has said hello.
  world.ledger.apply(put(server(1, 100)));
  world.receive(helloOf(2));
  // The members wait to be sent: it is behind with the first change that it is told of.
  world.change(2, 100, 110);
  world.session.flush();
  assert.deepEqual(spans(world.told()), [[undefined, undefined], [100, 110]]);
});

Deno.test("Session.push: who is too far behind is told by a comparison, and nothing is claimed", () => {
  const world = new SessionWorld();
  world.greet();
  world.link.waiting = FULL;
  for (let i = 0; i < 65_600; i++) world.change(i, 10 + i, 11 + i);
  world.link.waiting = 0;
  world.session.flush();
  const told = world.told();
  assert.ok(told.length > 0);
  for (const span of spans(told)) assert.deepEqual(span, [undefined, undefined]);
  world.session.tick();
  world.session.flush();
  assert.deepEqual(world.link.takeTypes(), ["digest"]);
  // The other side has dialled, and so only this begins a round.
  world.source.pass(10 * SECOND);
  world.session.tick();
  world.session.flush();
  assert.deepEqual(world.link.takeTypes().filter((type) => type !== "ping"), []);
});

Deno.test("Session: who asks for too much does not lose what is pushed", () => {
  const world = new SessionWorld();
  world.greet();
  world.link.waiting = FULL;
  world.change(1, 10, 11);
  for (let from = 0; from < 70_000; from += 2000) {
    const keys = Array.from({ length: 2000 }, (_, i) => `u:${from + i}`);
    world.receive({ type: "want", round: 3, keys });
  }
  assert.ok(world.session.behind <= 65_536);
  world.link.waiting = 0;
  world.session.flush();
  const told = world.told();
  assert.deepEqual(told[0]?.puts.map(({ hlc }) => hlc), [11]);
  assert.deepEqual(spans(told).at(-1), [10, 11]);
});

Deno.test("Session.pushLeases: of who does not keep up only the latest counts", () => {
  const world = new SessionWorld();
  world.greet();
  world.change(1, 10, 11);
  world.link.take();
  const { id } = server(1, 0);
  const tellAll = () => world.session.pushLeases([id], tellLeases(world.ledger, [id]));
  tellAll();
  assert.deepEqual(world.link.takeTypes(), ["refresh"]);
  world.link.waiting = FULL;
  for (let i = 0; i < 10; i++) tellAll();
  world.source.pass(5 * SECOND);
  world.link.waiting = 0;
  world.session.flush();
  assert.deepEqual(world.link.take(), [
    { type: "refresh", servers: [{ id, left: LIFE.left - 5 * SECOND }] },
  ]);
  world.session.flush();
  assert.deepEqual(world.link.take(), []);
});

Deno.test("Session: who reads nothing piles up neither signs of life, errors nor members", () => {
  const world = new SessionWorld();
  world.greet();
  world.link.waiting = FULL;
  for (let i = 0; i < 100; i++) {
    world.receive({ type: "ping", n: i });
    world.session.receive(bytes('{"type":"dance"}'));
    world.session.pushMembers([MEMBER]);
    world.receive({ type: "peers" });
    world.receive({ type: "digest", round: i, upto: 0, hashes: world.ledger.digest() });
    world.session.flush();
  }
  assert.deepEqual(world.link.take(), []);
  world.link.waiting = 0;
  world.session.flush();
  assert.deepEqual(world.link.takeTypes(), ["peers", "compare"]);
});

Deno.test("Session.tick: the side that dialled begins rounds, every fifteen to thirty seconds", () => {
  const world = new SessionWorld(hostOf(2));
  world.greet();
  const begins: number[] = [];
  const start = world.source.now;
  const answer = { type: "compare", upto: 0, equal: true, buckets: [] } as const;
  for (let i = 0; i < 360; i++) {
    world.session.tick();
    world.session.flush();
    for (const message of world.link.take()) {
      if (message.type !== "digest") continue;
      begins.push((world.source.now - start) / SECOND);
      world.receive({ ...answer, round: message.round });
      world.source.dice.push(begins.length % 2 === 0 ? 0.999 : 0);
    }
    world.receive({ type: "ping" });
    world.source.pass(SECOND / 4);
  }
  assert.deepEqual(begins, [0, 30, 60, 75.25]);
  assert.deepEqual(world.session.rounds.begun, 4);
  const other = new SessionWorld();
  other.greet();
  other.session.tick();
  other.session.flush();
  assert.deepEqual(other.link.takeTypes(), []);
});

Deno.test("Session: answers wait until what was asked for before is out", () => {
  const world = new SessionWorld();
  world.greet();
  const keys: string[] = [];
  for (let i = 0; i < 600; i++) keys.push(world.ledger.apply(put(server(i, 10 + i))) ?? "");
  world.receive({ type: "want", round: 1, keys });
  world.receive({ type: "digest", round: 2, upto: 0, hashes: world.ledger.digest() });
  world.session.flush();
  const types = world.link.takeTypes();
  assert.equal(types.at(-1), "compare");
  assert.equal(types.filter((type) => type === "changes").length, types.length - 1);
});
