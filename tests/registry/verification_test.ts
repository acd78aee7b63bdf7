import assert from "node:assert/strict";
import { CHALLENGE_INTERVAL_MS, CHALLENGE_RETRIES } from "../../registry/mod.ts";
import { World } from "./_helpers.ts";

const IP = "192.0.2.1";
const ID = "192.0.2.1:3030";

/** Lets the four tries and the wait for the last one go by. */
function giveUp(world: World): void {
  world.pass((CHALLENGE_RETRIES + 1) * CHALLENGE_INTERVAL_MS + 500);
}

Deno.test("Registry: an unanswered challenge is sent 4 times, 2 s apart, with one token", () => {
  const world = new World();
  const start = world.now;
  world.register(IP);
  const sentAt = [0];
  for (let sent = 1; world.now < start + 60_000;) {
    world.pass(10, 10);
    if (world.challenges.length === sent) continue;
    sent = world.challenges.length;
    sentAt.push(world.now - start);
  }
  assert.equal(sentAt.length, 4);
  sentAt.forEach((at, i) => assert.ok(at >= i * 2000 && at <= i * 2000 + 400, `${sentAt}`));
  assert.equal(new Set(world.challenges.map(({ token }) => token)).size, 1);
  for (const { id, ip, port } of world.challenges) {
    assert.deepEqual([id, ip, port], [ID, IP, 3030]);
  }
});

Deno.test("Registry: a server that never answers is kept as unverified with the reason", () => {
  const world = new World();
  world.register(IP);
  world.pass(7900);
  assert.equal(world.state(ID), "challenged");
  world.pass(600);
  assert.equal(world.state(ID), "unverified");
  assert.equal(world.registry.listed, 0);
  const last = world.registry.trace(ID).at(-1);
  assert.equal(last?.step, "unverified");
  assert.match(last?.detail ?? "", /UDP.*port 3030/);
});

Deno.test("Registry: an answer to any of the four tries counts", () => {
  for (let tries = 1; tries <= 4; tries++) {
    const world = new World();
    world.register(IP);
    world.pass((tries - 1) * 2000 + 1000);
    assert.equal(world.challenges.length, tries);
    world.answer(ID);
    assert.equal(world.state(ID), "listed", `try ${tries}`);
    world.pass(20_000);
    assert.equal(world.challenges.length, tries, "no more after the answer");
  }
});

Deno.test("Registry: a late answer lists nobody", () => {
  const world = new World();
  world.register(IP);
  giveUp(world);
  world.answer(ID);
  assert.equal(world.state(ID), "unverified");
});

Deno.test("Registry: a wrong token lists nobody and spoils nothing", () => {
  const world = new World();
  world.register(IP);
  const token = world.challenges[0]?.token ?? "";
  for (
    const wrong of ["", "0", token.slice(1), `${token}0`, token.replace("1", "2"), "undefined"]
  ) {
    world.registry.apply({ type: "answer", id: ID, token: wrong });
    assert.equal(world.state(ID), "challenged", wrong);
  }
  world.answer(ID);
  assert.equal(world.state(ID), "listed");
});

Deno.test("Registry: one server's token is no use to another", () => {
  const world = new World();
  world.register(IP);
  world.register(IP, 3031);
  world.register("192.0.2.2");
  const [first, second] = world.challenges;
  world.registry.apply({ type: "answer", id: ID, token: second?.token ?? "" });
  world.registry.apply({ type: "answer", id: "192.0.2.2:3030", token: first?.token ?? "" });
  assert.equal(world.registry.listed, 0);
});

Deno.test("Registry: a token is good for one answer, and for none after the server has gone", () => {
  const world = new World();
  world.list(IP);
  const token = world.challenges[0]?.token ?? "";
  world.takeEvents();
  world.registry.apply({ type: "answer", id: ID, token });
  assert.deepEqual(world.takeEvents(), []);
  assert.equal(world.registry.listed, 1);
  world.registry.apply({ type: "quit", ip: IP, port: 3030 });
  world.registry.apply({ type: "answer", id: ID, token });
  assert.equal(world.registry.size, 0);
  world.register(IP);
  world.registry.apply({ type: "answer", id: ID, token });
  assert.equal(world.state(ID), "challenged", "a new registration has a token of its own");
});

Deno.test("Registry: a heartbeat during the challenge does not begin another", () => {
  const world = new World();
  world.register(IP);
  world.pass(1000);
  world.register(IP);
  world.register(IP, 3030, { protocol: "1123" });
  assert.equal(world.challenges.length, 1);
  world.pass(1200);
  assert.equal(world.challenges.length, 2);
});

Deno.test("Registry: an unverified server is challenged again at its next heartbeat", () => {
  const world = new World();
  world.register(IP);
  giveUp(world);
  world.pass(60_000);
  assert.equal(world.challenges.length, 4);
  world.register(IP);
  assert.equal(world.state(ID), "challenged");
  assert.equal(world.challenges.length, 5);
  assert.notEqual(world.challenges[4]?.token, world.challenges[0]?.token);
  world.registry.apply({ type: "answer", id: ID, token: world.challenges[0]?.token ?? "" });
  assert.equal(world.state(ID), "challenged", "the old token is void");
  world.answer(ID);
  assert.equal(world.state(ID), "listed");
});

Deno.test("Registry: a server that quits during the challenge is challenged no more", () => {
  const world = new World();
  world.register(IP);
  world.registry.apply({ type: "quit", ip: IP, port: 3030 });
  world.pass(20_000);
  assert.equal(world.challenges.length, 1);
  assert.equal(world.registry.size, 0);
});

Deno.test("Registry: a tick that comes late sends each challenge once", () => {
  const world = new World();
  world.register(IP);
  world.pass(60_000, 60_000);
  assert.equal(world.challenges.length, 2);
  world.pass(2100);
  assert.equal(world.challenges.length, 3);
});

Deno.test("Registry: the step counter of many challenges stays with each server", () => {
  const world = new World();
  const ids = Array.from({ length: 200 }, (_, i) => `198.51.100.${i}:3030`);
  ids.forEach((_, i) => {
    world.register(`198.51.100.${i}`);
    world.pass(20, 20);
  });
  ids.filter((_, i) => i % 2 === 0).forEach((id) => world.answer(id));
  world.pass(20_000);
  assert.deepEqual(
    ids.map((id) => world.state(id)),
    ids.map((_, i) => i % 2 === 0 ? "listed" : "unverified"),
  );
});
