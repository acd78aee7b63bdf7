import assert from "node:assert/strict";
import { Random } from "../_helpers.ts";
import { idOf, SECOND, server, userClaim } from "./_helpers.ts";
import { couple, star } from "./_network.ts";

const MINUTE = 60 * SECOND;

Deno.test("Mesh: a change is told to all at once, and a cursor may follow", () => {
  const network = star(4);
  network.pass(30 * SECOND);
  for (let i = 0; i < 30; i++) {
    network.node(1 + i % 4).put(server(i, 1000 + i, idOf(1 + i % 4)));
    network.pass(50);
  }
  network.pass(50);
  network.assertEqual();
  assert.equal(network.node(3).holdings.records.size, 30);
  for (const { holdings } of network.nodes) {
    assert.deepEqual([1, 2, 3, 4].map((master) => holdings.vector.get(idOf(master))), [
      1028,
      1029,
      1026,
      1027,
    ]);
  }
});

Deno.test("Mesh: a cursor follows changes that go on while masters compare", () => {
  const network = couple();
  let hlc = 1000;
  const change = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 20) {
      network.node(1).put(server(hlc % 50, ++hlc, idOf(1)));
      network.pass(20);
    }
  };
  change(6 * SECOND);
  const lag = hlc - (network.node(2).holdings.vector.get(idOf(1)) ?? 0);
  assert.ok(lag < 10, String(lag));
});

Deno.test("Mesh: what was there before they met is found by comparing", () => {
  const network = couple();
  for (const master of [1, 2]) {
    for (let i = 0; i < 500; i++) {
      network.node(master).put(server(1000 * master + i, i + 1, idOf(master)));
    }
  }
  network.node(1).put(server(7, 800, idOf(1)));
  network.node(2).put(server(7, 801, idOf(2)));
  network.pass(2 * SECOND);
  network.assertEqual();
  assert.equal(network.node(1).holdings.records.size, 1001);
  assert.deepEqual(network.nodes.map(({ mesh }) => mesh.counters()["unequal"]), [1, 1]);
});

Deno.test("Mesh: after a cut all are equal within a minute, and nobody was said to know too much", () => {
  const network = star(5);
  network.pass(20 * SECOND);
  for (const a of [1, 2]) for (const b of [3, 4, 5]) network.cut(a, b);
  let hlc = 1000;
  for (let i = 0; i < 200; i++) {
    const master = 1 + i % 5;
    if (i % 9 === 0) network.node(master).quit(i % 13, ++hlc);
    else network.node(master).put(server(i % 40, ++hlc, idOf(master)));
    network.pass(500);
  }
  assert.deepEqual(network.node(1).connected, [2]);
  network.cuts.clear();
  network.pass(MINUTE);
  network.assertEqual();
  assert.deepEqual(network.node(1).connected, [2, 3, 4, 5]);
});

for (const seed of [1, 2, 3, 4, 5, 6]) {
  Deno.test(`Mesh: connections that break lose nothing for long, and no cursor is wrong (${seed})`, () => {
    const random = new Random(seed);
    const network = star(3 + seed % 2);
    const count = network.nodes.length;
    // Pushes are lost one by one as well, which no real connection does.
    network.isLost = (message) =>
      message.type === "changes" && message.upto !== undefined && random.below(10) === 0;
    const known = new Map<string, number>();
    let hlc = 1000;
    for (let i = 0; i < 400; i++) {
      const node = network.node(1 + random.below(count));
      if (random.below(8) === 0) node.quit(random.below(30), ++hlc);
      else node.put(server(random.below(30), ++hlc, node.id));
      known.set(node.id, hlc);
      network.pass(10 + random.below(40));
      if (random.below(5) === 0) network.stallSome(random);
      if (random.below(12) === 0) network.breakSome(random);
      if (random.below(150) === 0) network.node(1 + random.below(count)).restart();
    }
    network.isLost = () => false;
    for (const end of network.ends) end.waiting = 0;
    network.pass(2 * MINUTE);
    network.assertEqual();
    assert.ok(network.claims > 20, String(network.claims));
    for (const { holdings } of network.nodes) {
      for (const [origin, latest] of known) assert.equal(holdings.vector.get(origin), latest);
    }
  });
}

Deno.test("Mesh: players' names go to all, and the earliest claim counts everywhere", () => {
  const network = star(3);
  network.pass(10 * SECOND);
  network.node(1).mesh.addUsers([userClaim("Ann", 20, idOf(1))]);
  network.node(2).mesh.addUsers([userClaim("Ann", 15, idOf(2))]);
  network.node(3).mesh.loadUsers([userClaim("Bob", 30, idOf(3))], true);
  network.pass(50);
  assert.deepEqual(
    network.nodes.map(({ users }) => users),
    [["Ann"], [], ["Ann"]].map((users, place) => place === 2 ? ["Ann", "Ann"] : users),
  );
  network.pass(MINUTE);
  assert.deepEqual(network.nodes.map(({ users }) => users.includes("Bob")), [true, true, false]);
});

Deno.test("Mesh: heartbeats are gathered and told once in two seconds", () => {
  const network = couple();
  const [one, two] = network.nodes;
  network.pass(5 * SECOND);
  one?.put(server(1, 10, idOf(1)));
  network.pass(5 * SECOND);
  const sent: string[] = [];
  network.isLost = ({ type }) => {
    if (type !== "ping" && type !== "pong") sent.push(type);
    return false;
  };
  for (let i = 0; i < 16; i++) {
    one?.events.push({ type: "seen", ids: [server(1, 0).id], at: 0, left: 700_000, heard: true });
    two?.events.push({ type: "seen", ids: [server(1, 0).id], at: 0, left: 1, heard: false });
    network.pass(500);
  }
  assert.deepEqual(sent.filter((type) => type === "refresh").length, 4);
});

Deno.test("Mesh: another master is asked for servers that are almost over", () => {
  const network = couple();
  const [one, two] = network.nodes;
  network.pass(2 * SECOND);
  const record = server(1, 10, idOf(2));
  two?.holdings.put(record, { left: 500 * SECOND, heard: true });
  one?.holdings.put(record, { left: 17 * SECOND, heard: false });
  network.load();
  network.pass(SECOND);
  const sent: string[] = [];
  network.isLost = ({ type }) => sent.push(type) < 0;
  network.pass(8 * SECOND);
  assert.deepEqual(sent.filter((type) => type === "want" || type === "refresh").slice(0, 2), [
    "want",
    "refresh",
  ]);
});

Deno.test("Mesh.load: again, all connections begin anew and nothing is claimed that is not there", () => {
  const network = couple();
  network.pass(SECOND);
  network.node(1).put(server(1, 10, idOf(1)));
  network.pass(100);
  network.node(1).holdings.put(server(2, 11, idOf(1)));
  network.node(1).holdings.vector.set(idOf(1), 11);
  network.changes.push({ key: `s:${server(2, 0).id}`, hlc: 11, origin: idOf(1) });
  network.node(1).mesh.load(network.node(1).holdings.snapshot());
  assert.deepEqual(network.node(1).connected, []);
  network.node(1).put(server(3, 12, idOf(1)));
  network.pass(2 * SECOND);
  network.assertEqual();
  assert.equal(network.node(2).holdings.vector.get(idOf(1)), 12);
});

Deno.test("Mesh: who lost what it said is told so before anything else", () => {
  const network = couple();
  network.pass(SECOND);
  network.node(1).put(server(1, 5000, idOf(1)));
  network.pass(SECOND);
  network.node(1).holdings.records.clear();
  network.node(1).holdings.vector.clear();
  network.changes.length = 0;
  network.node(1).restart();
  network.pass(SECOND);
  assert.deepEqual(network.node(1).recalled, [5000]);
  assert.deepEqual(network.node(2).recalled, []);
});

Deno.test("Mesh: which servers it reaches is told to all, in as many messages as there are events", () => {
  const network = star(3);
  network.pass(10 * SECOND);
  const found = (number: number) => [{ id: server(number, 0).id, reached: number === 1 }];
  const { events } = network.node(1);
  const told: unknown[] = [];
  network.isLost = (message) => message.type === "reach" && told.push(message.servers) < 0;
  for (const number of [1, 2]) events.push({ type: "reach", servers: [], found: found(number) });
  events.push({
    type: "reach",
    servers: [{ id: "192.0.2.1:1", reached: 1, probed: 1 }],
    found: [],
  });
  network.pass(100);
  assert.deepEqual(told, [found(1), found(2), found(1), found(2)]);
});
