import assert from "node:assert/strict";
import { ring0 } from "../../rings/mod.ts";
import type { ToThread } from "../../threads/mod.ts";
import { bytes, until } from "../_helpers.ts";
import { stored, World } from "../registry/_helpers.ts";
import { LIFE, SETTINGS } from "./_helpers.ts";
import { Initiator, known, linked, NOTHING, TestMaster, withMasters } from "./_mesh.ts";
import { CHANNEL } from "./_secure.ts";

const world = new World();

Deno.test("ring0: two masters that share a password are linked, and know each other's key", async () => {
  await withMasters([{}, {}], async (a, b) => {
    const [ab, ba] = await linked(a, b);
    assert.deepEqual([ab.key, ba.key], [b.key, a.key]);
    assert.deepEqual([ab.ip, ba.ip], ["127.0.0.1", "127.0.0.1"]);
    assert.deepEqual([ab.dialed, ba.dialed], [b.target, undefined]);
    await until("hello", () => a.mesh.heard.length === 1 && b.mesh.heard.length === 1);
    assert.deepEqual([a.logged, b.logged], [[], []]);
    assert.deepEqual([a.counter("dials"), a.counter("links_opened")], [1, 1]);
    assert.equal(b.counter("connections_accepted"), 1);
    assert.equal(b.counter("strangers"), 0, "it has proved to know the password");
    assert.equal(a.counter("peers_known"), 17, "the mesh's own");
  });
});

Deno.test("ring0: messages of all sizes arrive whole and in order, and are counted", async () => {
  await withMasters([{}, {}], async (a, b) => {
    const [ab, ba] = await linked(a, b);
    const sizes = [1, 65_519, 16_383, 16_384, 3, 60_000, 100];
    for (let i = 0; i < 20; i++) {
      for (const size of sizes) ab.send(bytes(`${i} ${size} `.padEnd(size, "x").slice(0, size)));
    }
    ba.send(bytes("back"));
    await until("all of it", () => b.mesh.heard.length === 1 + 20 * sizes.length);
    assert.deepEqual(
      b.mesh.received_bytes.slice(1),
      Array.from({ length: 20 }, () => sizes).flat(),
    );
    assert.ok(b.mesh.heard[2]?.startsWith("0 65519 xxx"));
    await until("the system took all", () => ab.waiting === 0);
    assert.deepEqual([ab.sentBytes, ba.sentBytes], [ba.receivedBytes, ab.receivedBytes]);
    assert.ok(ab.sentBytes > 20 * 142_000);
    assert.deepEqual(a.mesh.heard, ["hello", "back"]);
  });
});

Deno.test("ring0: a message over the limit ends its link and no other", async () => {
  await withMasters([{}, {}, {}], async (a, b, c) => {
    const [toB] = await linked(a, b);
    const [toC] = await linked(a, c);
    toB.send(new Uint8Array(65_520));
    await until("the end", () => a.mesh.ended.length === 1);
    assert.equal(a.mesh.ended[0]?.link, toB);
    assert.match(
      a.mesh.ended[0]?.reason ?? "",
      /a fault of this program: a message of 65520 bytes/,
    );
    toC.send(bytes("still"));
    await until("the other one", () => c.mesh.heard.includes("still"));
  });
});

Deno.test("ring0: nobody is let in before the first snapshot", async () => {
  await withMasters([{}, { unfed: true }], async (a, b) => {
    a.dial(b.target);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(b.mesh.links.length, 0);
    assert.equal(b.mesh.ticks, 0);
    b.body.receive(NOTHING);
    await until("a link", () => b.mesh.links.length === 1);
    await until("a tick", () => b.mesh.ticks > 0);
  });
});

Deno.test("ring0: the mesh gets what the registry holds, its changes, and players' names", async () => {
  await withMasters([{ unfed: true }], async ({ body, mesh }) => {
    const [first, second] = [stored(world, "192.0.2.1"), stored(world, "192.0.2.2")];
    const name = { name: "n", key: "k", hlc: 1, origin: "a" };
    const gone = { id: "192.0.2.9:1", cause: "quit", hlc: 2, origin: "a" } as const;
    const departures = {
      origin: "a",
      tombstones: [gone],
      vector: [["a", 2]],
      horizon: [],
      gap: { origin: "a", after: 0, before: 0 },
    } as const;
    const parts: ToThread[] = [
      { type: "snapshot", records: [second], lives: [LIFE], first: true, last: false },
      // The one before was cut off by a restart of the thread that sent it.
      {
        type: "snapshot",
        records: [first],
        lives: [{ ...LIFE, left: 1 }],
        first: true,
        last: false,
      },
      {
        type: "snapshot",
        records: [second],
        lives: [LIFE],
        first: false,
        last: true,
        names: [name],
        departures,
      },
    ];
    for (const part of parts) body.receive(part);
    assert.deepEqual(mesh.snapshots, [{
      records: [{ record: first, life: { ...LIFE, left: 1 } }, { record: second, life: LIFE }],
      tombstones: [gone],
      names: [name],
      vector: [["a", 2]],
    }]);
    const seen = { type: "seen", ids: [first.id], at: 1, ...LIFE } as const;
    body.receive({ type: "events", events: [seen, { type: "name", ...name }] });
    assert.deepEqual(mesh.events, [seen, { type: "name", ...name }]);
    const user = { user: "u", key: "k", country: "", hlc: 1, origin: "a" };
    body.receive({ type: "users", users: [], first: true, last: false });
    body.receive({ type: "users", users: [user, user], first: false, last: true });
    body.receive({ type: "users", users: [user] });
    assert.deepEqual(mesh.users, [["first", 0], ["more", 2], ["new", 1]]);
    await until("a flush", () => mesh.flushes > 0);
    assert.equal(mesh.flushes, 1, "one for all of it");
  });
});

Deno.test("ring0: a snapshot that does not say all is a failure", async () => {
  await withMasters([{}], ({ body }) => {
    const record = stored(world, "192.0.2.1");
    const some = { type: "snapshot", records: [record], first: true, last: true } as const;
    assert.throws(() => body.receive(some), TypeError);
    assert.throws(() => body.receive({ ...some, lives: [LIFE] }), TypeError);
    return Promise.resolve();
  });
});

Deno.test("ring0: what the mesh says goes to the main thread, commands in order and together", async () => {
  await withMasters([{}], async ({ mesh, posted, logged }) => {
    const { output } = mesh.parts;
    const synced = (hlc: number) => ({ type: "synced", origin: "b", hlc }) as const;
    output.commands([synced(1), synced(2)]);
    output.commands([synced(3)]);
    await until("commands", () => posted.length > 0);
    assert.deepEqual(posted.splice(0), [{
      type: "commands",
      commands: [1, 2, 3].map((hlc) => ({ command: synced(hlc) })),
    }]);
    const user = { user: "u", key: "k", country: "", hlc: 1, origin: "a" };
    output.users([user]);
    output.masters([]);
    assert.deepEqual(posted, [{ type: "users", users: [user] }, { type: "masters", masters: [] }]);
    output.log("info", "all is well", { with: "everyone" });
    assert.deepEqual(logged, ['info all is well {"with":"everyone"}']);
  });
});

Deno.test("ring0: the mesh is told who it is, and of new settings", async () => {
  const peers = [{ host: "peer.example.org", port: 6060 }];
  await withMasters([{ settings: { peers, masters: known("m.example.org") } }], (master) => {
    const { mesh, key, port, keyPair } = master;
    const id = [...keyPair.publicKey.subarray(0, 8)]
      .map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const settings = {
      id,
      key,
      name: "master.example.org",
      host: "m.example.org",
      ports: { ring0: port, ring1: 7070, ring2: 3040 },
      program: "1.2.3",
      aliveTimeout: 720_000,
      peers,
      neighbors: [],
    };
    assert.deepEqual(mesh.parts.settings, settings);
    master.reconfigure({ peers: [], aliveTimeout: 60_000 });
    assert.deepEqual(mesh.settings, [{ ...settings, peers: [], aliveTimeout: 60_000 }]);
    return Promise.resolve();
  });
});

Deno.test("ring0: another password counts from now on, and links that are there stay", async () => {
  await withMasters([{}, {}], async (a, b) => {
    const [ab] = await linked(a, b);
    b.reconfigure({ masterPassword: "another" });
    using late = new Initiator(b.port).begin();
    await late.end();
    using right = new Initiator(b.port, { password: "another" }).begin();
    await right.send("hello");
    assert.deepEqual(await right.heard(1), ["hello"]);
    ab.send(bytes("still"));
    await until("the link that was there", () => b.mesh.heard.includes("still"));
  });
});

Deno.test("ring0: a fault in the mesh ends the link that brought it about, and no other", async () => {
  await withMasters([{}, {}, {}], async (a, b, c) => {
    const [ab] = await linked(a, b);
    const [cb] = await linked(c, b);
    b.mesh.react = (_, said) => {
      if (said === "poison") throw new TypeError("no stomach for it");
    };
    ab.send(bytes("poison"));
    await until("the end", () => b.mesh.ended.length === 1 && a.mesh.ended.length === 1);
    assert.equal(b.mesh.ended[0]?.link.key, a.key);
    assert.match(b.mesh.ended[0]?.reason ?? "", /a fault of this program/);
    assert.equal(b.logged.length, 1);
    assert.match(b.logged[0] ?? "", /^error .*please report it.*no stomach for it/);
    assert.equal(a.mesh.ended[0]?.reason, "the other side closed the connection");
    cb.send(bytes("still"));
    await until("the other link", () => b.mesh.heard.includes("still"));
  });
});

Deno.test("ring0: a link that is closed delivers what was sent before, and the mesh is not told", async () => {
  await withMasters([{}, {}], async (a, b) => {
    const [ab, ba] = await linked(a, b);
    for (let i = 0; i < 50; i++) ab.send(new Uint8Array(60_000));
    ab.send(bytes("the last"));
    ba.send(bytes("unread"));
    ab.close();
    ab.send(bytes("too late"));
    await until("the last", () => b.mesh.ended.length === 1);
    assert.equal(b.mesh.heard.at(-1), "the last");
    assert.equal(b.mesh.heard.length, 52);
    assert.deepEqual(b.mesh.ended.map(({ reason }) => reason), [
      "the other side closed the connection",
    ]);
    await until("the end there, too", () => a.counter("connections_open") === 0);
    assert.deepEqual(a.mesh.ended, []);
  });
});

Deno.test("ring0: a stop says goodbye, and ends attempts that are under way", async () => {
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  try {
    await withMasters([{}, {}], async (a, b) => {
      await linked(a, b);
      b.dial({ host: "127.0.0.1", port: silent.addr.port });
      using stranger = new Initiator(b.port);
      await until("the stranger", () => b.counter("strangers") === 1);
      const before = performance.now();
      await b.stop(3000);
      assert.ok(performance.now() - before < 1500, "nobody was waited for in vain");
      assert.ok(b.mesh.stopped);
      await stranger.end();
      await until("the goodbye", () => a.mesh.ended.length === 1);
      assert.equal(a.mesh.heard.at(-1), "bye");
      assert.deepEqual([b.mesh.ended, b.mesh.failed], [[], []], "it has stopped");
    });
  } finally {
    silent.close();
  }
});

Deno.test("ring0: does not start without a password, or with a key of no use", async () => {
  const master = new TestMaster({ settings: { masterPassword: "" } });
  assert.throws(() => master.body.start(), /password is empty/);
  const context = { post: () => {}, log: () => {} };
  const body = ring0({ kind: "ring", ring: { ...SETTINGS, address: "127.0.0.1" } }, context);
  assert.throws(() => body.start(), /an encrypted ring without a key/);
  await body.stop(0);
  const settings = { ...SETTINGS, channel: CHANNEL, address: "192.0.2.1" };
  const elsewhere = ring0({ kind: "ring", ring: settings }, context);
  assert.throws(() => elsewhere.start(), /this machine has no such address/);
});
