import assert from "node:assert/strict";
import { type Config, loadConfig } from "../../config/mod.ts";
import type { Identity } from "../../daemon/_identity.ts";
import { Rings } from "../../daemon/_rings.ts";
import type {
  BoundSocket,
  KnownMaster,
  RingName,
  RingSettings,
  ThreadName,
  ThreadSpec,
  ToThread,
} from "../../threads/mod.ts";
import { sleep, until } from "../_helpers.ts";
import { CRYPTO } from "../rings/_secure.ts";

const IDENTITY: Identity = {
  type: "known",
  crypto: CRYPTO,
  privateKey: new Uint8Array(32),
  key: "this master's key",
  origin: "00000000000000a1",
  isNew: false,
  warning: undefined,
};

const OTHER: KnownMaster = {
  name: "other.example.org",
  host: "other.example.org",
  ip: "192.0.2.9",
  ports: { ring0: 6060 },
  key: "other key",
};

const NEIGHBOR = { host: "n.example.org", port: 6060 };

function config(password: string | undefined, more: readonly string[] = []): Config {
  const loaded = loadConfig({
    fileName: "master.ini",
    overrides: [
      ...(password === undefined ? [] : [`game.masterserver-password=${password}`]),
      "network.netname=this.example.org",
      "network.publicadress=203.0.113.7",
      ...more,
    ],
    environment: { home: "/home/np", hostname: "host.example.org" },
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

/** Rings whose threads come up when a test says so, each on a port of its own. */
class Bench {
  readonly specs = new Map<ThreadName, ThreadSpec>();
  readonly sockets = new Map<ThreadName, BoundSocket[]>();
  readonly stopped: ThreadName[] = [];
  readonly down: RingName[] = [];
  readonly told = new Map<ThreadName, RingSettings>();
  readonly #firsts = new Map<ThreadName, (up: boolean) => void>();
  config = config("sesame");
  readonly rings: Rings;

  constructor(identity: Identity = IDENTITY) {
    this.rings = new Rings({
      supervisor: {
        start: (spec) => {
          this.specs.set(spec.name, spec);
          return new Promise((resolve) => this.#firsts.set(spec.name, resolve));
        },
        stop: (names) => {
          this.stopped.push(...names);
          for (const name of names) this.sockets.delete(name);
          return Promise.resolve();
        },
        post: (name, message) => this.#post(name, message),
        socketsOf: (name) => this.sockets.get(name) ?? [],
      },
      identity,
      version: "1.2.3",
      config: () => this.config,
      others: () => [OTHER],
      neighbors: () => [NEIGHBOR],
      up: () => {},
      down: (ring) => this.down.push(ring),
      message: () => {},
    });
  }

  /** Threads that were started. */
  get started(): string[] {
    return [...this.specs.keys()];
  }

  comeUp(name: RingName, port: number): void {
    this.sockets.set(name, [{ transport: "tcp", address: "::", port }]);
    this.specs.get(name)?.onReady();
    this.#firsts.get(name)?.(true);
  }

  crash(name: RingName): void {
    this.sockets.delete(name);
    this.specs.get(name)?.onDown();
  }

  #post(name: ThreadName, message: ToThread): void {
    if (message.type !== "settings" || message.settings.kind !== "ring") return;
    this.told.set(name, message.settings.ring);
  }
}

/** Has the old-style and encrypted rings come up, ring 0 excepted. */
async function withOthersUp(): Promise<Bench> {
  const bench = new Bench();
  void bench.rings.follow();
  bench.comeUp("ring1", 7070);
  bench.comeUp("ring1bis", 28900);
  bench.comeUp("ring2", 3040);
  bench.comeUp("ring2bis", 3030);
  await until("ring 0", () => bench.specs.has("ring0"));
  return bench;
}

Deno.test("Rings: ring 0 is started once the others have come up, or failed to", async () => {
  const bench = new Bench();
  void bench.rings.follow();
  assert.deepEqual(bench.started, ["ring1", "ring1bis", "ring2", "ring2bis"]);
  bench.comeUp("ring1", 7070);
  bench.comeUp("ring1bis", 28900);
  bench.comeUp("ring2", 3040);
  await sleep(5);
  assert.equal(bench.specs.has("ring0"), false);
  bench.comeUp("ring2bis", 3030);
  await until("ring 0", () => bench.specs.has("ring0"));
});

Deno.test("Rings: every ring is told of this master first, then of the others", async () => {
  const bench = await withOthersUp();
  bench.comeUp("ring0", 6060);
  assert.deepEqual([...bench.told.keys()].sort(), [
    "ring0",
    "ring1",
    "ring1bis",
    "ring2",
    "ring2bis",
  ]);
  const settings = bench.told.get("ring2bis");
  assert.deepEqual(settings?.masters, [{
    name: "this.example.org",
    host: "203.0.113.7",
    ip: "203.0.113.7",
    ports: { ring0: 6060, ring1: 7070, ring1bis: 28900, ring2: 3040, ring2bis: 3030 },
    key: "this master's key",
  }, OTHER]);
  assert.deepEqual([settings?.neighbors, settings?.oldServerPort], [[NEIGHBOR], 28900]);
  assert.equal(settings?.channel, undefined, "an old-style ring has no key to lose");
  const { library } = bench.told.get("ring0")?.channel ?? {};
  assert.equal(library, CRYPTO.path);
});

Deno.test("Rings: a ring that has crashed is back in a moment, and told of as before", async () => {
  const bench = await withOthersUp();
  bench.crash("ring1bis");
  assert.deepEqual(bench.down, ["ring1bis"]);
  bench.rings.tell();
  assert.equal(bench.told.get("ring2")?.masters[0]?.ports["ring1bis"], 28900);
  assert.equal(bench.told.get("ring2")?.oldServerPort, 28900);
});

Deno.test("Rings.follow: ring 0 comes and goes with its password, the others stay", async () => {
  const bench = await withOthersUp();
  bench.comeUp("ring0", 6060);
  bench.config = config(undefined);
  assert.equal(bench.rings.serves("ring0"), false);
  assert.deepEqual(bench.rings.follow(), []);
  assert.deepEqual([bench.stopped, bench.down], [["ring0"], ["ring0"]]);
  assert.equal("ring0" in (bench.told.get("ring2")?.masters[0]?.ports ?? {}), false);

  bench.specs.clear();
  bench.config = config("another");
  const fresh = bench.rings.follow();
  await until("ring 0", () => bench.specs.has("ring0"));
  assert.deepEqual(bench.started, ["ring0"]);
  bench.comeUp("ring0", 6060);
  assert.deepEqual(await Promise.all(fresh), [true]);
  assert.deepEqual(bench.rings.follow(), [], "all of them run");
});

Deno.test("Rings: ring 0 is not started any more when its password has gone meanwhile, or all stop", async () => {
  for (const end of ["password", "stop"]) {
    const bench = new Bench();
    const up = bench.rings.follow();
    if (end === "stop") await bench.rings.stop();
    else {
      bench.config = config(undefined);
      bench.rings.follow();
    }
    for (const ring of ["ring1", "ring1bis", "ring2", "ring2bis"] as const) bench.comeUp(ring, 1);
    assert.deepEqual(await Promise.all(up), [true, true, true, true, false], end);
    assert.equal(bench.specs.has("ring0"), false, end);
  }
});

Deno.test("Rings: without a key the old-style rings serve all the same", () => {
  const bench = new Bench({ type: "none", reason: "no library", origin: "0".repeat(16) });
  void bench.rings.follow();
  assert.deepEqual(bench.started, ["ring1bis", "ring2bis"]);
  bench.comeUp("ring1bis", 28900);
  const [own] = bench.told.get("ring2bis")?.masters ?? [];
  assert.deepEqual([own?.name, own?.key], ["this.example.org", ""]);
});
