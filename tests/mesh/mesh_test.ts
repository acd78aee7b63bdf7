import assert from "node:assert/strict";
import { FakeLink, helloOf, hostOf, idOf, SECOND, server, wire } from "./_helpers.ts";
import { couple, Network, star } from "./_network.ts";

const MINUTE = 60 * SECOND;

function linksOf(network: Network, master: number): number {
  return [...network.ends].filter(({ node }) => node.master === master).length;
}

Deno.test("Mesh: nobody is dialled or listened to before there is something to compare", () => {
  const network = new Network(2, () => ({ peers: [hostOf(1), hostOf(2)] }));
  network.pass(SECOND);
  assert.deepEqual(network.nodes.map(({ dials }) => dials.length), [0, 0]);
  const link = new FakeLink(2);
  network.node(1).mesh.opened(link);
  assert.ok(link.isClosed);
  assert.deepEqual(link.sent, []);
});

Deno.test("Mesh: whoever knows one master of the network comes to know all", () => {
  const network = star(6);
  network.pass(10 * SECOND);
  for (const { master, connected, masters } of network.nodes) {
    const others = [1, 2, 3, 4, 5, 6].filter((other) => other !== master);
    assert.deepEqual(connected, others);
    assert.deepEqual(masters.map(({ isLive }) => isLive), others.map(() => true));
    assert.equal(linksOf(network, master), 5);
  }
});

Deno.test("Mesh: of two connections between a pair both keep that of the lower id", () => {
  const network = couple();
  network.pass(SECOND);
  assert.deepEqual(network.nodes.map(({ dials }) => dials.length), [1, 1]);
  const kept = [...network.ends].map(({ node, dialed }) => [node.master, dialed !== undefined]);
  assert.deepEqual(kept.sort(), [[1, true], [2, false]]);
  network.pass(2 * MINUTE);
  assert.deepEqual(network.nodes.map(({ dials }) => dials.length), [1, 1]);
});

Deno.test("Mesh: a master that starts anew takes the place of its dead connection at once", () => {
  const network = couple();
  network.pass(SECOND);
  const { mesh } = network.node(1);
  const before = [...network.ends];
  // Its machine went away without a word; the other side still believes in the connection.
  for (const end of before) network.ends.delete(end);
  network.node(2).mesh = network.add(2, { peers: [hostOf(1)] }).mesh;
  network.nodes.splice(1, 1);
  network.source.dice.push(0.5);
  network.node(2).restart();
  network.pass(500);
  assert.deepEqual(network.node(1).connected, [2]);
  assert.ok(before.every(({ node, isOver }) => node.master === 2 || isOver));
  assert.equal(mesh.counters()["peers_connected"], 1);
  network.node(2).put(server(1, 7, idOf(2)));
  network.pass(100);
  assert.equal(network.node(1).holdings.records.size, 1);
});

Deno.test("Mesh: a master that is dialled by itself does not do it again", () => {
  const network = new Network(1, () => ({ peers: [hostOf(1)] }));
  network.load();
  network.pass(5 * MINUTE);
  const { dials, connected, log } = network.node(1);
  assert.deepEqual([dials.length, connected.length, log.length], [1, 0, 0]);
  assert.equal(network.ends.size, 0);
});

Deno.test("Mesh: two masters of one key are told of it, and do not go on trying", () => {
  const network = new Network(1, () => ({ peers: [{ host: "twin.example", port: 6060 }] }));
  network.load();
  const { mesh, dials, log } = network.node(1);
  mesh.tick();
  assert.equal(dials.length, 1);
  const link = new FakeLink(1, dials[0]);
  mesh.opened(link);
  mesh.received(link, wire(helloOf(1, { instance: 5 })));
  assert.ok(link.isClosed);
  assert.deepEqual(log, [
    "warning: another master has this master's key: give one of them a key of its own",
  ]);
  for (let i = 0; i < 1000; i++) {
    network.source.pass(250);
    mesh.tick();
  }
  assert.equal(dials.length, 1);
});

Deno.test("Mesh: who is not what it says, or speaks another version, is left", () => {
  const network = new Network(1);
  network.load();
  const { mesh } = network.node(1);
  for (const hello of [helloOf(3), helloOf(2, { version: 2 })]) {
    const link = new FakeLink(2);
    mesh.opened(link);
    mesh.received(link, wire(hello));
    assert.ok(link.isClosed);
  }
  assert.deepEqual(mesh.peers(), []);
  assert.equal(mesh.counters()["peers_known"], 0);
});

Deno.test("Mesh.reconfigure: places of masters that are not named any more are not dialled", () => {
  const network = new Network(1, () => ({ peers: [hostOf(7), hostOf(8)] }));
  network.load();
  const node = network.node(1);
  network.pass(SECOND);
  assert.deepEqual(node.mesh.peers().map(({ host }) => host), ["m7.example", "m8.example"]);
  node.mesh.reconfigure({ ...node.settings, peers: [hostOf(8), hostOf(9)] });
  assert.deepEqual(node.mesh.peers().map(({ host }) => host), ["m8.example", "m9.example"]);
  node.dials.length = 0;
  network.pass(MINUTE);
  assert.deepEqual(
    new Set(node.dials.map(({ host }) => host)),
    new Set(["m8.example", "m9.example"]),
  );
});

Deno.test("Mesh: places of masters that keep changing their address do not pile up", () => {
  const network = new Network(1);
  network.load();
  const { mesh } = network.node(1);
  const link = new FakeLink(2);
  mesh.opened(link);
  mesh.received(link, wire(helloOf(2)));
  for (let i = 0; i < 1000; i++) {
    network.source.pass(SECOND);
    const master = { ...helloOf(3), host: `m${i}.example`, key: new FakeLink(3).key, seen: 0 };
    const { id, name, host, ports, key, seen } = master;
    mesh.received(link, wire({ type: "members", masters: [{ id, name, host, ports, key, seen }] }));
  }
  assert.deepEqual(mesh.peers().map(({ host, state }) => [host, state]), [
    ["m2.example", "connected"],
    ["m999.example", "waiting"],
  ]);
});

Deno.test("Mesh.stop: says goodbye, and wants nobody any more", () => {
  const network = couple();
  network.pass(SECOND);
  const { mesh, dials } = network.node(1);
  mesh.stop();
  const [, before] = [network.pass(20), network.node(2).log.length];
  assert.deepEqual(network.node(2).connected, []);
  assert.equal(before, 2);
  assert.deepEqual(network.node(2).log.at(-1), "warning: lost the connection with another master");
  dials.length = 0;
  const link = new FakeLink(2);
  mesh.opened(link);
  network.source.pass(MINUTE);
  mesh.tick();
  assert.ok(link.isClosed);
  assert.deepEqual([dials.length, mesh.counters()["peers_connected"]], [0, 0]);
  assert.ok((mesh.counters()["links"] ?? 0) >= 1);
});

Deno.test("Mesh: a master that comes and goes all the time does not flood the log", () => {
  const network = new Network(1);
  network.load();
  const { mesh, log } = network.node(1);
  for (let i = 0; i < 500; i++) {
    const link = new FakeLink(2);
    mesh.opened(link);
    mesh.received(link, wire(helloOf(2, { instance: i })));
    mesh.closed(link, "the connection broke");
    network.source.pass(SECOND / 2);
  }
  assert.ok(log.length < 15, String(log.length));
  assert.equal(mesh.counters()["links"], 500);
});
