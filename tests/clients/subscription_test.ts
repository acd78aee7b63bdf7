import assert from "node:assert/strict";
import {
  BrowserClient,
  type ClientError,
  type ClientState,
  type MasterAddress,
  type ServerChange,
  type Subscription,
} from "../../clients/mod.ts";
import type { Filter } from "../../protocol/mod.ts";
import { until } from "../_helpers.ts";
import {
  FakeMaster,
  type FakePeer,
  gcrypt,
  type Received,
  type Script,
  server,
  servers,
} from "./_fake_master.ts";
import { FakeTiming } from "./_fake_timing.ts";

const keyPair = gcrypt.keyPair();
const nameOf = (port: number) => `192.0.2.1:${port}`;

/** A subscription, and all that it told. */
class Told implements AsyncDisposable {
  readonly timing = new FakeTiming();
  readonly changes: ServerChange[] = [];
  /** Ports of each whole list. */
  readonly lists: number[][] = [];
  readonly views: string[] = [];
  readonly refused: ClientError[] = [];
  readonly states: ClientState[] = [];
  readonly client: BrowserClient;
  readonly subscription: Subscription;

  constructor(masters: readonly MasterAddress[], filter: Filter = {}) {
    this.client = new BrowserClient({
      crypto: gcrypt,
      keyPair,
      masters,
      timing: this.timing,
      onState: (state) => this.states.push(state),
    });
    this.subscription = this.client.subscribe(filter, {
      list: (list) => this.lists.push([...list.values()].map(({ port }) => port)),
      changed: (change) => this.changes.push(change),
      view: (view) => this.views.push(view),
      refused: (error) => this.refused.push(error),
    });
  }

  get ports(): number[] {
    return [...this.subscription.servers.values()].map(({ port }) => port);
  }

  get waits(): number[] {
    return this.states.flatMap((state) => state.type === "waiting" ? state.seconds : []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    assert.deepEqual(this.timing.waiting, []);
  }
}

/** Gives the peers of a master one after the other to the test. */
class Peers {
  readonly asked: Received[] = [];
  readonly peers: FakePeer[] = [];
  #given = 0;
  readonly script: Script = async (peer) => {
    const request = await peer.receive();
    if (!request) return;
    this.asked.push(request);
    this.peers.push(peer);
    await peer.waitForClose();
  };

  async next(): Promise<FakePeer> {
    await until("a subscriber", () => this.peers.length > this.#given);
    return this.peers[this.#given++] as FakePeer;
  }
}

Deno.test("BrowserClient.subscribe: keeps a map of the servers up to date", async () => {
  const peers = new Peers();
  await using master = new FakeMaster(peers.script);
  await using told = new Told([master.address], { gamename: "netpanzer" });
  assert.equal(told.subscription.view, "empty");
  const peer = await peers.next();
  assert.deepEqual(peers.asked, [{ type: "subscribe", filter: { gamename: "netpanzer" } }]);
  await peer.send(servers("c1", [server(1)], { last: false }));
  await peer.send(servers("c2", [server(2)]));
  await until("the list", () => told.changes.length === 1);
  assert.equal(told.subscription.view, "live");
  const { servers: map } = told.subscription;
  await peer.send(servers("c3", [server(2, { players: 8 }), server(3)], { removed: [nameOf(1)] }));
  await until("a change", () => told.changes.length === 2);
  assert.equal(told.subscription.servers, map);
  assert.deepEqual([...map.keys()], [nameOf(2), nameOf(3)]);
  assert.equal(map.get(nameOf(2))?.players, 8);
  assert.deepEqual(told.changes.map(({ full }) => full), [true, false]);
  assert.deepEqual(told.lists, [[1, 2]]);
  await told.subscription.close();
  await told.subscription.close();
  assert.deepEqual(told.views, ["live", "stale"]);
  assert.deepEqual(told.ports, [2, 3], "the map stays as it was");
});

Deno.test("BrowserClient.subscribe: goes on by cursor at another master", async () => {
  const [first, second] = [new Peers(), new Peers()];
  await using a = new FakeMaster(first.script);
  await using b = new FakeMaster(second.script);
  await using told = new Told([a.address, b.address]);
  await (await first.next()).send(servers("c1", [server(1), server(2)]));
  await until("the list", () => told.subscription.view === "live");
  a.cut();
  await until("stale", () => told.subscription.view === "stale");
  assert.deepEqual(told.ports, [1, 2], "what was known is still there");
  const peer = await second.next();
  assert.deepEqual(second.asked, [{ type: "subscribe", filter: {}, since: "c1" }]);
  assert.equal(told.subscription.view, "stale");
  await peer.send(servers("d1", [server(3)], { removed: [nameOf(1)] }));
  await until("live again", () => told.subscription.view === "live");
  assert.deepEqual(told.ports, [2, 3]);
  assert.deepEqual(told.changes.at(-1), {
    servers: [server(3)],
    removed: [nameOf(1)],
    full: false,
  });
  assert.deepEqual(told.views, ["live", "stale", "live"]);
  assert.deepEqual(told.waits, [0]);
  assert.equal(told.lists.length, 1);
});

Deno.test("BrowserClient.subscribe: a cursor that is too old brings a whole new list", async () => {
  const peers = new Peers();
  await using master = new FakeMaster(peers.script);
  await using told = new Told([master.address]);
  await (await peers.next()).send(servers("c1", [server(1), server(2)]));
  await until("the list", () => told.changes.length === 1);
  await told.timing.advance(30_000);
  master.cut();
  const peer = await peers.next();
  await peer.send(servers("c9", [server(2), server(4)], { full: true }));
  await until("the new list", () => told.changes.length === 2);
  assert.deepEqual(told.ports, [2, 4]);
  assert.deepEqual(told.changes[1]?.removed, [nameOf(1)]);
  assert.deepEqual(told.lists, [[1, 2], [2, 4]]);
});

Deno.test("BrowserClient.subscribe: a cursor that a master cannot read is given up", async () => {
  const asked: unknown[] = [];
  await using master = new FakeMaster(async (peer) => {
    for (let request; (request = await peer.receive());) {
      asked.push(request.since);
      if (request.since === undefined) await peer.send(servers("c1", [server(1)]));
      else await peer.send({ type: "error", code: "bad_request", message: "What is c1?" });
    }
  });
  await using told = new Told([master.address]);
  await until("the list", () => told.changes.length === 1);
  await told.timing.advance(30_000);
  master.cut();
  await until("the list again", () => told.changes.length === 2);
  assert.deepEqual(asked, [undefined, "c1", undefined]);
  assert.equal(told.changes[1]?.full, true);
  assert.deepEqual(told.refused, []);
});

Deno.test("BrowserClient.subscribe: a list that breaks off changes nothing, nor does its cursor", async () => {
  const [first, second] = [new Peers(), new Peers()];
  await using a = new FakeMaster(first.script);
  await using b = new FakeMaster(second.script);
  await using told = new Told([a.address, b.address]);
  await (await first.next()).send(servers("c1", [server(1)], { last: false }));
  a.cut();
  const peer = await second.next();
  assert.deepEqual(second.asked, [{ type: "subscribe", filter: {} }], "no list, no cursor");
  assert.equal(told.subscription.view, "empty");
  await peer.send(servers("c2", [server(2)]));
  await until("the list", () => told.changes.length === 1);
  assert.deepEqual(told.ports, [2]);
  await peer.send(servers("c3", [server(3)], { removed: [nameOf(2)], last: false }));
  b.cut();
  await until("lost", () => told.waits.length === 2);
  await told.timing.advance((told.waits.at(-1) ?? 0) * 1000);
  const back = await first.next();
  assert.equal(first.asked[1]?.since, "c2");
  assert.deepEqual(told.ports, [2]);
  await back.send(servers("c4", [server(3)], { removed: [nameOf(2)] }));
  await until("the change", () => told.changes.length === 2);
  assert.deepEqual(told.ports, [3]);
});

Deno.test("BrowserClient.subscribe: garbage, silence and wrong answers send it to the next", async () => {
  const silent: Script = (peer) => peer.waitForClose();
  const scripts: readonly Script[] = [
    async (peer) => {
      await peer.sendRaw(new Uint8Array(50).with(1, 48));
      await peer.waitForClose();
    },
    async (peer) => {
      await peer.send({ type: "welcome", number: 1, user: "Bob" });
      await peer.waitForClose();
    },
    async (peer) => {
      await peer.send({ type: "error", code: "shutting_down", message: "bye" });
      await peer.waitForClose();
    },
    silent,
  ];
  for (const script of scripts) {
    const peers = new Peers();
    await using bad = new FakeMaster(script);
    await using good = new FakeMaster(peers.script);
    await using told = new Told([bad.address, good.address]);
    await until("connected", () => told.states.some(({ type }) => type === "connected"));
    if (script === silent) await told.timing.advance(30_000);
    await (await peers.next()).send(servers("c1", [server(1)]));
    await until("the list", () => told.changes.length === 1);
    assert.equal(told.waits[0], 0);
    assert.equal(bad.accepted, 1);
  }
});

Deno.test("BrowserClient.subscribe: a dead master is noticed while nothing changes", async () => {
  const [first, second] = [new Peers(), new Peers()];
  await using a = new FakeMaster(first.script);
  await using b = new FakeMaster(second.script);
  await using told = new Told([a.address, b.address]);
  const peer = await first.next();
  await peer.send(servers("c1", [server(1)]));
  await until("the list", () => told.changes.length === 1);
  await told.timing.advance(600_000);
  assert.equal(told.subscription.view, "live", "pongs keep it alive");
  peer.answersPings = false;
  await told.timing.advance(120_000);
  await second.next();
  assert.equal(told.subscription.view, "stale");
  assert.equal(second.asked[0]?.since, "c1");
});

Deno.test("BrowserClient.subscribe: keeps away as long as it is asked to", async () => {
  await using master = new FakeMaster(async (peer) => {
    await peer.receive();
    await peer.send({ type: "error", code: "busy", message: "later", retry_after: 50 });
    await peer.waitForClose();
  });
  await using told = new Told([master.address]);
  await until("refused", () => told.waits.length === 1);
  assert.deepEqual(told.waits, [52.5]);
  await told.timing.advance(52_499);
  assert.equal(master.accepted, 1);
  await told.timing.advance(1);
  await until("asked again", () => told.waits.length === 2);
  assert.deepEqual(told.refused, []);
});

Deno.test("BrowserClient.subscribe: a lasting refusal is told and tried again only slowly", async () => {
  await using master = new FakeMaster(async (peer) => {
    await peer.receive();
    await peer.send({ type: "error", code: "bad_request", message: "Not so" });
    await peer.waitForClose();
  });
  await using told = new Told([master.address]);
  await until("refused", () => told.waits.length === 1);
  assert.deepEqual(told.refused.map(({ code }) => code), ["bad_request"]);
  assert.ok((told.waits[0] ?? 0) >= 240);
});

Deno.test("BrowserClient.subscribe: requests go on beside it, on a line of their own", async () => {
  await using master = new FakeMaster(async (peer) => {
    for (let request; (request = await peer.receive());) {
      const port = request.type === "list" ? 100 : 1;
      await peer.send(servers("c1", [server(port)]));
    }
  });
  await using told = new Told([master.address]);
  await until("the list", () => told.changes.length === 1);
  const list = await told.client.list();
  assert.deepEqual(list.map(({ port }) => port), [100]);
  assert.deepEqual(told.ports, [1]);
  assert.equal(master.accepted, 2);
});

Deno.test("BrowserClient.subscribe: closing while it waits or connects leaves nothing", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const silent = { host: "127.0.0.1", port: listener.addr.port };
  const connecting = new Told([silent]);
  await connecting[Symbol.asyncDispose]();
  listener.close();
  const waiting = new Told([silent]);
  await until("waiting", () => waiting.waits.length === 1);
  {
    await using subscription = waiting.subscription;
    assert.equal(subscription.view, "empty");
  }
  assert.equal(waiting.states.at(-1)?.type, "closed");
  await waiting[Symbol.asyncDispose]();
});
