import assert from "node:assert/strict";
import { Relay, type RelayEvent, type RelayOptions } from "../../clients/relay.ts";
import type { Subscription, SubscriptionHandlers } from "../../clients/subscription.ts";
import type { ServerEntry } from "../../protocol/mod.ts";
import { sleep, until } from "../_helpers.ts";
import { ask, TextConnection } from "../e2e/_peers.ts";

function server(ip: string, more: Partial<ServerEntry> = {}): ServerEntry {
  return {
    ip,
    port: 3030,
    gamename: "netpanzer",
    name: "Bob's tanks",
    protocol: 1122,
    country: "FR",
    map: "Two clans",
    players: 3,
    max_players: 8,
    number: 1,
    verified: true,
    last_seen: "2026-01-01T00:00:00.000Z",
    settings: {},
    ...more,
  };
}

const A = server("192.0.2.1");
const B = server("192.0.2.2", { settings: { gamestyle: "Objective", text: "yes" } });
const C = server("192.0.2.3", { gamename: "other", protocol: 7 });
const V6 = server("2001:db8::1");

/** A relay whose subscription the test speaks for. */
class Scene implements AsyncDisposable {
  readonly events: RelayEvent[] = [];
  readonly relay: Relay;
  handlers: SubscriptionHandlers = {};
  closed = false;

  constructor(limits: RelayOptions["limits"] = {}, hostname = "127.0.0.1") {
    this.relay = new Relay({
      listen: { hostname, port: 0 },
      subscribe: (handlers): Subscription => {
        this.handlers = handlers;
        const close = (): Promise<void> => {
          this.closed = true;
          handlers.view?.("stale");
          return Promise.resolve();
        };
        return { servers: new Map(), view: "empty", close, [Symbol.asyncDispose]: close };
      },
      onEvent: (event) => this.events.push(event),
      limits,
    });
  }

  /** A whole list comes. */
  list(...servers: ServerEntry[]): void {
    this.handlers.view?.("live");
    this.handlers.changed?.({ servers, removed: [], full: true });
  }

  change(servers: ServerEntry[], removed: string[] = []): void {
    this.handlers.changed?.({ servers, removed, full: false });
  }

  ask(message: string): Promise<string> {
    return ask(this.relay.port, message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay.stop();
  }
}

const GAMES = "\\list\\gamename\\netpanzer\\final\\";

Deno.test("Relay: lists servers as an old-style master does, in the order in which they came", async () => {
  await using scene = new Scene();
  scene.list(A, B);
  assert.equal(
    await scene.ask(GAMES),
    "\\ip\\192.0.2.1\\port\\3030\\ip\\192.0.2.2\\port\\3030\\final\\",
  );
  scene.change([server("192.0.2.9"), { ...A, players: 4 }]);
  assert.match(await scene.ask(GAMES), /^\\ip\\192\.0\.2\.1\\.*\.2\.2\\.*\.2\.9\\/);
  scene.change([], ["192.0.2.1:3030"]);
  scene.change([A]);
  assert.match(await scene.ask(GAMES), /^\\ip\\192\.0\.2\.2\\.*\.2\.9\\.*\.2\.1\\/);
  assert.deepEqual(scene.events, [{ type: "list", servers: 2 }]);
});

Deno.test("Relay: a whole list of another master keeps the order of whom it knows", async () => {
  await using scene = new Scene();
  scene.list(A, B);
  scene.list(server("192.0.2.9"), B, A);
  assert.match(await scene.ask(GAMES), /^\\ip\\192\.0\.2\.1\\.*\.2\.2\\.*\.2\.9\\/);
  scene.list(B);
  assert.equal(await scene.ask(GAMES), "\\ip\\192.0.2.2\\port\\3030\\final\\");
});

Deno.test("Relay: each pair of a request filters, a password does not", async () => {
  await using scene = new Scene();
  scene.list(A, B, C);
  const first = "\\ip\\192.0.2.1\\port\\3030";
  const second = "\\ip\\192.0.2.2\\port\\3030";
  const cases: [string, string][] = [
    ["gamename\\other", "\\ip\\192.0.2.3\\port\\3030"],
    ["gamename\\none", ""],
    ["gamename\\netpanzer\\protocol\\1122", first + second],
    ["gamename\\netpanzer\\protocol\\7", ""],
    ["gamename\\netpanzer\\gamestyle\\Objective", second],
    ["gamename\\netpanzer\\password\\guess", first + second],
    ["gamename\\netpanzer\\text\\yes", second],
    ["gamename\\netpanzer\\text\\Bob", ""],
    ["gamename\\netpanzer\\not_empty\\true", ""],
  ];
  for (const [filter, entries] of cases) {
    assert.equal(await scene.ask(`\\list\\${filter}\\final\\`), `${entries}\\final\\`, filter);
  }
});

Deno.test("Relay: IPv6 servers are for those who came over IPv6", async () => {
  await using scene = new Scene({}, "::");
  scene.list(A, V6);
  const { port } = scene.relay;
  assert.equal(await ask(port, GAMES), "\\ip\\192.0.2.1\\port\\3030\\final\\");
  assert.equal(
    await ask(port, GAMES, { to: "::1" }),
    "\\ip\\192.0.2.1\\port\\3030\\ip\\2001:db8::1\\port\\3030\\final\\",
  );
});

Deno.test("Relay: is itself the master of a list of masters, before any list came", async () => {
  await using scene = new Scene();
  const { port } = scene.relay;
  const own = `\\ip\\127.0.0.1\\port\\${port}\\final\\`;
  assert.equal(await scene.ask("\\list\\gamename\\master\\final\\"), own);
  assert.equal(await scene.ask("\\list\\gamename\\master\\password\\guess\\final\\"), own);
  assert.equal(await scene.ask("\\list\\gamename\\master\\x\\y\\final\\"), "\\final\\");
});

Deno.test("Relay: answers several messages of one connection in order, split anywhere", async () => {
  await using scene = new Scene();
  scene.list(A);
  await using connection = await TextConnection.open(scene.relay.port);
  for (const byte of `${GAMES}\\hello\\final\\\\list\\final\\${GAMES}`) connection.send(byte);
  assert.equal(await connection.answer(), "\\ip\\192.0.2.1\\port\\3030\\final\\");
  assert.equal(await connection.answer(), "\\error\\Unknown request\\final\\");
  assert.equal(await connection.answer(), "\\error\\A list request needs gamename\\final\\");
  assert.equal(await connection.answer(), "\\ip\\192.0.2.1\\port\\3030\\final\\");
});

Deno.test("Relay: a GameSpy preamble gets GameSpy's list, then the connection closes", async () => {
  await using scene = new Scene();
  scene.list(A);
  await using connection = await TextConnection.open(scene.relay.port);
  connection.send("\\gamename\\gamespy2\\gamever\\1\\location\\0\\validate\\x\\final\\");
  connection.send("\\list\\\\gamename\\netpanzer\\final\\");
  assert.match(
    await connection.rest(),
    /^\\basic\\\\secure\\[A-Z]{6}\\ip\\192\.0\.2\.1:3030\\final\\$/,
  );
});

Deno.test("Relay: sends game servers to a master", async () => {
  await using scene = new Scene();
  for (const command of ["heartbeat", "quit"]) {
    await using connection = await TextConnection.open(scene.relay.port);
    connection.send(`\\${command}\\gamename\\netpanzer\\port\\3030\\final\\`);
    assert.match(
      await connection.rest(),
      /^\\error\\This is a relay.*masterserver agent\\final\\$/,
    );
  }
});

Deno.test("Relay: what is over a limit is told, and the connection closes", async () => {
  await using scene = new Scene();
  await using connection = await TextConnection.open(scene.relay.port);
  connection.send(`\\list\\gamename\\${"x".repeat(100_000)}`);
  assert.match(await connection.rest(), /^\\error\\A token is longer than 256 bytes\\final\\$/);
});

Deno.test("Relay: bounds idle connections in time, also ones that drip", async () => {
  await using scene = new Scene({ idleMs: 150 });
  scene.list(A);
  await using idle = await TextConnection.open(scene.relay.port);
  await using dripping = await TextConnection.open(scene.relay.port);
  await using busy = await TextConnection.open(scene.relay.port);
  for (let i = 0; i < 6; i++) {
    dripping.send("x");
    busy.send(GAMES);
    await busy.answer();
    await sleep(50);
  }
  assert.ok(idle.closed && dripping.closed && !busy.closed);
});

Deno.test("Relay: bounds connections in number, and takes new ones when others are gone", async () => {
  await using scene = new Scene({ connections: 2 });
  scene.list(A);
  const first = await TextConnection.open(scene.relay.port);
  await using second = await TextConnection.open(scene.relay.port);
  second.send(GAMES);
  await second.answer();
  {
    await using third = await TextConnection.open(scene.relay.port);
    assert.match(await third.rest(), /^\\error\\Too many connections.*\\final\\$/);
  }
  await first[Symbol.asyncDispose]();
  await sleep(50);
  assert.match(await scene.ask(GAMES), /192\.0\.2\.1/);
});

Deno.test("Relay: clients wait for the first list", async () => {
  await using scene = new Scene({ firstListMs: 5000 });
  const asking = scene.ask(GAMES);
  await sleep(50);
  scene.list(A);
  assert.equal(await asking, "\\ip\\192.0.2.1\\port\\3030\\final\\");
});

Deno.test("Relay: clients that wait in vain are told, and an empty list is a list", async () => {
  await using scene = new Scene({ firstListMs: 60 });
  const begun = performance.now();
  assert.match(await scene.ask(GAMES), /^\\error\\No master could be reached.*\\final\\$/);
  assert.ok(performance.now() - begun >= 50);
  scene.list();
  assert.equal(await scene.ask(GAMES), "\\final\\");
});

Deno.test("Relay: without masters it serves the last list on, and says since when", async () => {
  await using scene = new Scene({ awayMs: 50 });
  await until("no master from the start", () => scene.events.length === 1);
  const [first] = scene.events;
  assert.ok(first?.type === "away" && first.servers === undefined);
  scene.list(A);
  const before = Date.now();
  scene.handlers.view?.("stale");
  await until("away", () => scene.events.at(-1)?.type === "away");
  const away = scene.events.at(-1);
  assert.ok(away?.type === "away");
  assert.equal(away.servers, 1);
  assert.ok(Math.abs(away.since.getTime() - before) < 40, "since the loss, not since the notice");
  assert.match(await scene.ask(GAMES), /192\.0\.2\.1/);
  scene.handlers.view?.("live");
  assert.deepEqual(scene.events.map(({ type }) => type), ["away", "back", "list", "away", "back"]);
});

Deno.test("Relay: another master that takes over at once is nothing to tell", async () => {
  await using scene = new Scene({ awayMs: 50 });
  scene.list(A);
  scene.handlers.view?.("stale");
  scene.handlers.view?.("live");
  await sleep(100);
  assert.deepEqual(scene.events.map(({ type }) => type), ["list"]);
});

Deno.test("Relay stop: ends the subscription and every connection", async () => {
  const scene = new Scene();
  const idle = await TextConnection.open(scene.relay.port);
  const waiting = await TextConnection.open(scene.relay.port);
  waiting.send(GAMES);
  await sleep(20);
  await scene.relay.stop();
  assert.ok(scene.closed);
  await idle.rest();
  await waiting.rest();
  await assert.rejects(TextConnection.open(scene.relay.port));
  assert.deepEqual(scene.events, []);
});

Deno.test("Relay: a port that is taken is told at once", async () => {
  await using scene = new Scene();
  const listen = { hostname: "127.0.0.1", port: scene.relay.port };
  const subscribe = () => assert.fail("it must not subscribe");
  assert.throws(() => new Relay({ listen, subscribe, onEvent: () => {} }), Deno.errors.AddrInUse);
});
