import assert from "node:assert/strict";
import { Mesh } from "../../mesh/mod.ts";
import { MAX_MEMBERS } from "../../protocol/mod.ts";
import {
  decodedAll,
  FakeLink,
  FakeSource,
  helloOf,
  Holdings,
  hostOf,
  idOf,
  keyOf,
  put,
  SECOND,
  server,
  settingsOf,
  wire,
} from "./_helpers.ts";

function world(peers: readonly number[] = []) {
  const source = new FakeSource();
  const settings = settingsOf(1, { peers: peers.map(hostOf) });
  const output = {
    dial: () => {},
    commands: () => {},
    users: () => {},
    masters: () => {},
    log: () => {},
  };
  const mesh = new Mesh({ settings, source, output });
  mesh.load(new Holdings().snapshot());
  return { source, mesh };
}

function connect(mesh: Mesh, master: number, link = new FakeLink(master)): FakeLink {
  mesh.opened(link);
  mesh.received(link, wire(helloOf(master)));
  return link;
}

Deno.test("Mesh.peers: tells how it stands to a master that is connected", () => {
  const { source, mesh } = world();
  const since = source.clock;
  const link = connect(mesh, 2);
  mesh.apply(put(server(1, 10, idOf(2))));
  mesh.apply(put(server(2, 11, idOf(2))));
  source.pass(30);
  mesh.received(link, wire({ type: "pong", n: 1, time: source.clock - 15 }));
  assert.deepEqual(mesh.peers(), [{
    id: idOf(2),
    name: "m2",
    host: "m2.example",
    port: 6060,
    state: "connected",
    since,
    lag_ms: 30,
    clock_ms: 0,
    behind: 0,
    sent_bytes: link.sentBytes,
    received_bytes: 0,
    records: 2,
  }]);
});

Deno.test("Mesh.peers: tells of those that are not connected when and why", () => {
  const { source, mesh } = world([7, 8]);
  mesh.tick();
  mesh.dialFailed(hostOf(7), `nobody is there${"!".repeat(600)}`);
  source.pass(100);
  const [seven, eight, ...rest] = mesh.peers();
  assert.deepEqual(rest, []);
  assert.deepEqual({ ...seven, reason: "" }, {
    id: "",
    name: "",
    host: "m7.example",
    port: 6060,
    state: "waiting",
    next: 1,
    reason: "",
    sent_bytes: 0,
    received_bytes: 0,
  });
  assert.equal(seven?.reason?.length, 500);
  assert.deepEqual([eight?.state, eight?.next], ["connecting", undefined]);
});

Deno.test("Mesh.peers: a master has one entry, wherever it may be, this one has none", () => {
  const { mesh } = world([1, 2, 3]);
  mesh.tick();
  connect(mesh, 1, new FakeLink(1, hostOf(1)));
  const other = { host: "elsewhere.example", port: 1 };
  connect(mesh, 2, new FakeLink(2, hostOf(2)));
  const { key, id, name, ports } = { key: keyOf(3), ...helloOf(3) };
  const link = connect(mesh, 4);
  const masters = [{ id, name, host: other.host, ports, key, seen: 5 }];
  mesh.received(link, wire({ type: "members", masters }));
  mesh.dialFailed(hostOf(3), "nobody is there");
  const told = mesh.peers().map(({ id, host, state }) => [id, host, state]);
  assert.deepEqual(told, [
    [idOf(2), "m2.example", "connected"],
    [idOf(4), "m4.example", "connected"],
    // Nobody knows yet that it is the same as the next one.
    ["", "m3.example", "waiting"],
    [idOf(3), "elsewhere.example", "waiting"],
  ]);
});

Deno.test("Mesh.peers: a master that told no ring 0 is where it came from", () => {
  const { mesh } = world();
  const link = new FakeLink(2);
  mesh.opened(link);
  mesh.received(link, wire(helloOf(2, { ports: {} })));
  assert.deepEqual(mesh.peers().map(({ host, port }) => [host, port]), [["192.0.2.2", 1]]);
});

Deno.test("Mesh.peers: an observer gets all of them in messages that it understands", () => {
  const many = Array.from({ length: 400 }, (_, i) => i + 10);
  const { source, mesh } = world(many);
  const link = new FakeLink(500);
  mesh.opened(link);
  mesh.received(link, wire(helloOf(500, { observer: true })));
  link.take();
  for (const master of many) mesh.dialFailed(hostOf(master), "x".repeat(1000));
  source.pass(SECOND);
  mesh.received(link, wire({ type: "peers" }));
  mesh.flush();
  const told = decodedAll(link.sent).map((message) => message.type === "peers" && message);
  const peers = told.flatMap((message) => message && message.peers || []);
  assert.equal(peers.length, MAX_MEMBERS);
  assert.deepEqual(told.map((message) => message && message.more), [
    ...told.slice(1).map(() => true),
    undefined,
  ]);
});
