import assert from "node:assert/strict";
import { encodeKey } from "../../crypto/mod.ts";
import type { MasterView } from "../../mesh/mod.ts";
import { formatEndpoint, hostKey } from "../../protocol/mod.ts";
import { Registry, type UserClaim } from "../../registry/mod.ts";
import { ring0 } from "../../rings/mod.ts";
import type { FromThread, HostPort, ThreadBody } from "../../threads/mod.ts";
import { until } from "../_helpers.ts";
import { SETTINGS } from "./_helpers.ts";
import { Initiator, PASSWORD } from "./_mesh.ts";
import { CRYPTO } from "./_secure.ts";

/** A whole master but for its other rings: a registry, and ring 0 with the mesh. */
class Master {
  readonly #keyPair = CRYPTO.keyPair();
  readonly body: ThreadBody;
  readonly registry: Registry;
  readonly users: UserClaim[] = [];
  readonly logged: string[] = [];
  masters: readonly MasterView[] = [];
  port = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(peers: readonly HostPort[], masterPassword = PASSWORD) {
    this.body = ring0({
      kind: "ring",
      ring: {
        ...SETTINGS,
        address: "127.0.0.1",
        masterPassword,
        peers,
        channel: { library: CRYPTO.path, privateKey: this.#keyPair.privateKey },
      },
    }, {
      post: (message) => this.#take(message),
      log: (level, message, fields) => {
        this.logged.push(`${level} ${message} ${JSON.stringify(fields)}`);
      },
    });
    this.registry = new Registry({
      clock: { monotonic: () => performance.now(), wall: () => Date.now() },
      origin: this.id,
      limits: { aliveTimeout: 60_000, serversPerHost: 32, verify: false },
      hostKey,
      serverId: formatEndpoint,
      makeToken: () => crypto.randomUUID().replaceAll("-", ""),
      output: {
        event: (event) => this.body.receive({ type: "events", events: [event] }),
        challenge: () => {},
        trace: () => {},
      },
    });
  }

  get id(): string {
    return [...this.#keyPair.publicKey.subarray(0, 8)]
      .map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  get key(): string {
    return encodeKey(this.#keyPair.publicKey);
  }

  async start(): Promise<void> {
    const [socket] = await this.body.start();
    this.port = socket?.port ?? 0;
    const { records, names } = this.registry.snapshot();
    this.body.receive({
      type: "snapshot",
      records: records.map(({ record }) => record),
      lives: records.map(({ life }) => life),
      names,
      first: true,
      last: true,
      departures: this.registry.departures(),
    });
    this.#timer = setInterval(() => this.registry.tick(), 50);
  }

  /** Stops, if it does not yet. */
  stop(): Promise<void> {
    clearInterval(this.#timer);
    return this.#stopped ??= this.body.stop(500);
  }

  register(ip: string): void {
    const settings = { gamename: "netpanzer", port: "3030" };
    this.registry.apply({ type: "register", ip, port: 3030, settings });
  }

  lists(ip: string): boolean {
    return this.registry.get(`${ip}:3030`)?.state === "listed";
  }

  get connected(): string[] {
    return this.masters.filter(({ isLive }) => isLive).map(({ id }) => id);
  }

  #take(message: FromThread): void {
    if (message.type === "masters") this.masters = message.masters;
    if (message.type === "users") this.users.push(...message.users);
    if (message.type !== "commands") return;
    for (const { command } of message.commands) this.registry.apply(command);
  }
}

/** Runs with two masters, of which the second one knows the first. */
async function withTwo(
  use: (a: Master, b: Master) => Promise<void>,
  before: (a: Master) => void = () => {},
): Promise<void> {
  const a = new Master([]);
  before(a);
  await a.start();
  const b = new Master([{ host: "127.0.0.1", port: a.port }]);
  try {
    await b.start();
    await use(a, b);
  } finally {
    await Promise.all([a.stop(), b.stop()]);
  }
}

Deno.test("ring0 with the mesh: two masters tell each other of servers, of those before and after", async () => {
  await withTwo(async (a, b) => {
    await until("what was there before", () => b.lists("192.0.2.1"));
    a.register("192.0.2.2");
    await until("what comes", () => b.lists("192.0.2.2"), 1000);
    b.register("192.0.2.3");
    await until("what comes from the other one", () => a.lists("192.0.2.3"), 1000);
    a.registry.apply({ type: "quit", ip: "192.0.2.2", port: 3030 });
    await until("what goes", () => !b.lists("192.0.2.2"), 1000);
    const record = b.registry.get("192.0.2.1:3030");
    assert.equal(record?.origin, a.id);
    assert.deepEqual(record?.settings, { gamename: "netpanzer", port: "3030" });
  }, (a) => a.register("192.0.2.1"));
});

Deno.test("ring0 with the mesh: masters know each other, and of the end of one at once", async () => {
  await withTwo(async (a, b) => {
    await until("the masters", () => a.connected.length === 1 && b.connected.length === 1);
    assert.deepEqual([a.connected, b.connected], [[b.id], [a.id]]);
    const [view] = b.masters;
    assert.deepEqual([view?.key, view?.ip, view?.ports["ring0"]], [a.key, "127.0.0.1", a.port]);
    assert.ok(a.logged.some((line) => line.startsWith("info connected with another master")));
    await b.stop();
    await until("the end", () => a.logged.some((line) => line.includes("lost the connection")));
  });
});

Deno.test("ring0 with the mesh: players' names reach the other master", async () => {
  await withTwo(async (a, b) => {
    await until("a connection", () => a.connected.length === 1 && b.connected.length === 1);
    const claim = { user: "Ann", key: a.key, country: "FR", hlc: 1024 * Date.now(), origin: a.id };
    a.body.receive({ type: "users", users: [claim] });
    await until("the name", () => b.users.length > 0, 2000);
    assert.deepEqual(b.users, [claim]);
    assert.deepEqual(a.users, []);
  });
});

Deno.test("ring0 with the mesh: whoever knows the password and says nonsense is sent away", async () => {
  await withTwo(async (a, b) => {
    await until("a connection", () => a.connected.length === 1);
    using fool = new Initiator(a.port).begin();
    await fool.send("this is no JSON");
    await fool.end();
    a.register("192.0.2.9");
    await until("the others go on", () => b.lists("192.0.2.9"), 1000);
    assert.equal(a.logged.some((line) => line.startsWith("error")), false);
  });
});
