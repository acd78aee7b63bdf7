import assert from "node:assert/strict";
import type { Ring0Message } from "../../protocol/mod.ts";
import { bytes } from "../_helpers.ts";
import { helloOf, hostOf, OTHER, put, SECOND, server, userClaim } from "./_helpers.ts";
import { MEMBER, SessionWorld } from "./_session_world.ts";

Deno.test("Session: says hello at once, and who there is when it was answered", () => {
  const world = new SessionWorld();
  assert.deepEqual(world.link.take(), [helloOf(1)]);
  assert.equal(world.session.isReady, false);
  world.receive(helloOf(2));
  world.session.flush();
  assert.deepEqual(world.link.takeTypes(), ["ping", "members"]);
  assert.ok(world.session.isReady);
  assert.equal(world.session.id, OTHER);
});

Deno.test("Session: whoever does not begin with hello is left", () => {
  const others: readonly Ring0Message[] = [
    { type: "refresh", servers: [] },
    { type: "peers" },
    { type: "bye" },
    { type: "changes", puts: [], tombstones: [], names: [], users: [userClaim("Ann", 1)] },
  ];
  for (const message of others) {
    const world = new SessionWorld();
    world.receive(message);
    assert.deepEqual(world.ended, [`it began with "${message.type}" and not with "hello"`]);
    assert.deepEqual([world.commands.length, world.users.length], [0, 0]);
  }
});

Deno.test("Session: signs of life may come before hello", () => {
  const world = new SessionWorld();
  world.link.take();
  world.receive({ type: "ping", n: 3 });
  world.receive({ type: "pong" });
  assert.deepEqual(world.link.takeTypes(), ["pong"]);
  assert.deepEqual(world.ended, []);
});

Deno.test("Session: another version is refused in words that help", () => {
  const world = new SessionWorld();
  world.link.take();
  world.receive(helloOf(2, { version: 2 }));
  assert.deepEqual(world.link.take(), [{
    type: "error",
    code: "bad_request",
    message: "version 1 of the protocol is spoken here",
  }]);
  assert.match(world.ended[0] ?? "", /version 2 of the protocol.*same release/);
  assert.equal(world.session.isReady, false);
});

Deno.test("Session: who is not wanted is left, and a second hello says nothing", () => {
  const world = new SessionWorld();
  world.refusal = "there is a connection already";
  world.receive(helloOf(2));
  assert.deepEqual(world.ended, ["there is a connection already"]);
  const other = new SessionWorld();
  other.greet();
  other.receive(helloOf(3));
  assert.equal(other.session.id, OTHER);
});

Deno.test("Session.tick: without hello it ends after ten seconds", () => {
  const world = new SessionWorld();
  world.source.pass(10 * SECOND);
  world.session.tick();
  assert.deepEqual(world.ended, []);
  world.source.pass(1);
  world.session.tick();
  assert.match(world.ended[0] ?? "", /^it has not said who it is/);
});

Deno.test("Session.tick: after twenty seconds of silence it ends", () => {
  const world = new SessionWorld();
  world.greet();
  world.source.pass(20 * SECOND + 1);
  world.session.tick();
  assert.deepEqual(world.ended, ["it has been silent for 20 s"]);
});

Deno.test("Session: an observer is told of peers and of nothing else", () => {
  const world = new SessionWorld(hostOf(2));
  world.greet({ observer: true });
  assert.equal(world.session.isReady, false);
  world.receive({
    type: "changes",
    puts: [],
    tombstones: [],
    names: [],
    users: [userClaim("A", 1)],
  });
  world.receive({ type: "want", keys: ["u:Ann"] });
  world.receive({ type: "members", masters: [MEMBER] });
  world.receive({ type: "digest", round: 1, upto: 0, hashes: world.ledger.digest() });
  world.session.tick();
  world.session.flush();
  assert.deepEqual(world.link.takeTypes(), []);
  assert.deepEqual([world.commands, world.users, world.met], [[], [], []]);
  world.receive({ type: "peers" });
  world.session.flush();
  assert.deepEqual(world.link.take(), [{ type: "peers", peers: [] }]);
  assert.deepEqual(world.ended, []);
});

Deno.test("Session: what is no message ends it, what makes no sense does not", () => {
  const world = new SessionWorld();
  world.greet();
  world.session.receive(bytes('{"type":"dance"}'));
  world.session.receive(bytes('{"type":"want","keys":["x:1"]}'));
  assert.deepEqual(world.link.take().map((message) => message.type === "error" && message.code), [
    "unknown_type",
    "bad_request",
  ]);
  assert.equal(world.warned.length, 2);
  assert.deepEqual(world.ended, []);
  world.session.receive(bytes("[no message"));
  assert.match(world.ended[0] ?? "", /^it does not speak the protocol: /);
});

Deno.test("Session: a complaint is passed on to the operator and not answered", () => {
  const world = new SessionWorld();
  world.greet();
  world.receive({ type: "error", code: "bad_request", message: "what?" });
  assert.deepEqual(world.warned, ["another master complains: what?"]);
  assert.deepEqual(world.link.take(), []);
});

Deno.test("Session: the other side's goodbye ends it", () => {
  const world = new SessionWorld();
  world.greet();
  world.receive({ type: "bye" });
  assert.deepEqual(world.ended, ["it stopped"]);
  world.session.bye();
  assert.deepEqual(world.link.takeTypes(), ["bye"]);
});

Deno.test("Session: what the other side tells becomes commands", () => {
  const world = new SessionWorld();
  world.greet();
  const { id, ip, port, gamename, settings, firstSeen } = server(1, 10, OTHER);
  const told = {
    hlc: 10,
    origin: OTHER,
    left: 5,
    heard: true,
    ip,
    port,
    gamename,
    settings,
    firstSeen,
  };
  const tombstone = { id, hlc: 9, origin: OTHER, cause: "quit" } as const;
  world.receive({
    type: "changes",
    puts: [told],
    tombstones: [tombstone],
    names: [],
    users: [userClaim("Ann", 3)],
  });
  world.receive({ type: "refresh", servers: [{ id, left: 7 }] });
  world.receive({ type: "refresh", servers: [] });
  world.receive({ type: "members", masters: [MEMBER] });
  world.receive({ type: "reach", servers: [{ id, reached: false }] });
  const { left, heard, ...record } = told;
  assert.deepEqual(world.commands, [
    {
      type: "merge",
      puts: [{ record: { ...record, id }, left, heard }],
      tombstones: [tombstone],
      names: [],
    },
    { type: "merge", leases: [{ id, left: 7 }] },
    { type: "reach", master: OTHER, servers: [{ id, reached: false }] },
  ]);
  assert.deepEqual(world.users, [userClaim("Ann", 3)]);
  assert.deepEqual(world.met, [MEMBER]);
});

Deno.test("Session: who knows more of this master than it does itself says so first of all", () => {
  const world = new SessionWorld();
  world.ledger.apply(put(server(1, 100)));
  world.receive(helloOf(2, { known: 101 }));
  assert.deepEqual(world.commands, [{ type: "recall", hlc: 101 }]);
  const other = new SessionWorld();
  other.ledger.apply(put(server(1, 100)));
  other.receive(helloOf(2, { known: 100 }));
  assert.deepEqual(other.commands, []);
});

Deno.test("Session: all is known once what was before is", () => {
  const world = new SessionWorld();
  world.greet();
  const empty = { type: "changes", puts: [], tombstones: [], names: [], users: [] } as const;
  world.receive({ ...empty, after: 100, upto: 110 });
  assert.deepEqual(world.synced, []);
  world.receive({ ...empty, after: 110, upto: 120 });
  world.known.set(OTHER, 105);
  world.receive({ ...empty, after: 120, upto: 130 });
  assert.deepEqual(world.synced, [[OTHER, 130]]);
  // Something was lost in between.
  world.receive({ ...empty, after: 140, upto: 150 });
  assert.equal(world.synced.length, 1);
  // An equal digest tells of all up to 145, and the rest has come.
  world.receive({ type: "digest", round: 1, upto: 145, hashes: world.ledger.digest() });
  world.session.flush();
  assert.deepEqual(world.synced.at(-1), [OTHER, 150]);
});
