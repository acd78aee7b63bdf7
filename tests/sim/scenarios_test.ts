import assert from "node:assert/strict";
import type { SimNode } from "./_node.ts";
import { SimRandom } from "./_random.ts";
import { type Outcome, Simulation, type SimulationOptions } from "./_simulation.ts";
import { type GameServer, statusOf } from "./_world.ts";

const SECOND = 1000;
const HOUR = 3_600_000;
const ALIVE = 60_000;
/** Milliseconds until masters that start together have all found each other. */
const MEETING = 12 * SECOND;

/** Masters that run and know each other. */
function met(masters: number, more: Partial<SimulationOptions> = {}): Simulation {
  const simulation = new Simulation({ seed: 7, masters, ...more });
  simulation.start();
  simulation.pass(MEETING);
  return simulation;
}

/** A server of the old style that tells some masters. */
function serverAt(simulation: Simulation, ...homes: number[]): GameServer {
  return simulation.serve({ homes, period: 15 * SECOND });
}

/** A public key, another one for each number. */
function keyOf(number: number): string {
  return new SimRandom(number, 9).bytes(32).toBase64();
}

/** A server with a key and a name. */
function named(simulation: Simulation, name: string, ...homes: number[]): GameServer {
  const key = keyOf(simulation.world.servers.size);
  return simulation.serve({ homes, period: 15 * SECOND, owner: { key, name } });
}

function lists({ registry }: SimNode, { id }: GameServer): boolean {
  return registry?.get(id)?.state === "listed";
}

/** Places of the masters that list a server. */
function listing({ nodes }: Simulation, server: GameServer): number[] {
  return nodes.filter((node) => lists(node, server)).map(({ index }) => index);
}

function everyone({ nodes }: Simulation): number[] {
  return nodes.map(({ index }) => index);
}

/** Lets time pass second by second, and looks after each. */
function watch(simulation: Simulation, milliseconds: number, look: () => void): void {
  for (let passed = 0; passed < milliseconds; passed += SECOND) {
    simulation.pass(SECOND);
    look();
  }
}

/** All goes well in the end. */
function finish(simulation: Simulation): Outcome {
  simulation.heal();
  simulation.settle();
  simulation.probe();
  const outcome = simulation.outcome();
  assert.deepEqual(outcome.violations, []);
  assert.notEqual(outcome.convergence, undefined);
  return outcome;
}

Deno.test("masters: what happens on both sides of a partition is known on both when it heals", () => {
  const simulation = met(5, { readers: 2 });
  simulation.read(5 * SECOND);
  const [both, leaver, mute] = [
    serverAt(simulation, 0, 3),
    serverAt(simulation, 1),
    serverAt(simulation, 2),
  ];
  simulation.pass(20 * SECOND);
  simulation.partition([0, 1], [2, 3, 4]);
  const fresh = [serverAt(simulation, 0), serverAt(simulation, 4)];
  leaver.quit();
  mute.die();
  both.change({ n: "9" }, statusOf("Bridges", 5, "both"));
  simulation.pass(25 * SECOND);
  assert.deepEqual(listing(simulation, leaver), [2, 3, 4]);
  assert.deepEqual(fresh.map((server) => listing(simulation, server)), [[0, 1], [2, 3, 4]]);
  simulation.heal();
  simulation.pass(45 * SECOND);
  assert.deepEqual(listing(simulation, leaver), []);
  for (const server of fresh) assert.deepEqual(listing(simulation, server), everyone(simulation));
  for (const { registry } of simulation.nodes) {
    assert.equal(registry?.get(both.id)?.settings["n"], "9");
  }
  finish(simulation);
  assert.deepEqual(listing(simulation, mute), []);
});

Deno.test("masters: they may crash and come back in any order", () => {
  for (const order of [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]) {
    const simulation = met(3);
    const servers = [0, 1, 2].map((home) => serverAt(simulation, home));
    simulation.pass(20 * SECOND);
    for (const index of order) {
      simulation.nodes[index]?.crash(index === 1);
      simulation.pass(4 * SECOND);
    }
    for (const index of order) {
      simulation.nodes[index]?.start();
      simulation.pass(4 * SECOND);
    }
    finish(simulation);
    for (const server of servers) {
      assert.deepEqual(listing(simulation, server), everyone(simulation), `${order}`);
    }
  }
});

Deno.test("masters: the latest change counts, however wrong their clocks are", () => {
  const skews = [HOUR, -HOUR, 0];
  const simulation = met(3, { clock: (index) => ({ skew: skews[index] ?? 0, drift: 0 }) });
  const server = serverAt(simulation, 0);
  for (const [n, home] of [0, 1, 2, 1, 0, 1].entries()) {
    simulation.pass(17 * SECOND);
    server.homes = [home];
    server.change({ n: `${n + 1}` }, statusOf("Bridges", n, "one"));
    server.speak();
  }
  simulation.pass(SECOND);
  for (const { registry } of simulation.nodes) {
    assert.equal(registry?.get(server.id)?.settings["n"], "6");
    assert.equal(registry?.get(server.id)?.status?.players, 5);
  }
  finish(simulation);
});

Deno.test("masters: a wall clock that jumps kills nobody and makes nobody immortal", () => {
  const simulation = met(3);
  const lasting = [0, 1, 2].map((home) => serverAt(simulation, home));
  const mortal = [0, 1, 2].map((home) => serverAt(simulation, home));
  simulation.pass(20 * SECOND);
  for (const server of mortal) server.die();
  const jumps = [[0, 26 * HOUR], [1, -26 * HOUR], [2, HOUR], [0, -50 * HOUR], [2, -HOUR]] as const;
  for (const [index, by] of jumps) {
    simulation.nodes[index]?.jump(by);
    watch(simulation, 14 * SECOND, () => {
      for (const server of lasting) {
        assert.deepEqual(listing(simulation, server), everyone(simulation));
      }
    });
  }
  for (const server of mortal) assert.deepEqual(listing(simulation, server), []);
  finish(simulation);
});

Deno.test("masters: what an old state brings back stays dead, though no tombstone is left", () => {
  // What the one that comes back takes for the time: it finds its servers dead, or alive.
  for (const jump of [0, -3 * ALIVE]) {
    const simulation = met(3);
    const [leaver, mute] = [serverAt(simulation, 0), serverAt(simulation, 1)];
    const lasting = serverAt(simulation, 1);
    simulation.pass(20 * SECOND);
    const [first, second, absent] = simulation.nodes as [SimNode, SimNode, SimNode];
    absent.crash(true);
    leaver.quit();
    mute.die();
    simulation.pass(3.5 * ALIVE);
    assert.deepEqual(first.registry?.snapshot().tombstones, []);
    absent.jump(jump);
    absent.start();
    watch(simulation, ALIVE, () => {
      for (const node of [first, second]) {
        assert.ok(!lists(node, leaver) && !lists(node, mute), `m${node.index}, jump ${jump}`);
        assert.ok(lists(node, lasting));
      }
    });
    assert.deepEqual([lists(absent, leaver), lists(absent, mute)], [false, false]);
    finish(simulation);
    assert.deepEqual(listing(simulation, lasting), everyone(simulation));
  }
});

Deno.test("masters: two that cannot reach each other know the same by a third", () => {
  const simulation = met(3);
  const pair = [[0, 1], [1, 0]] as const;
  for (const [from, to] of pair) simulation.network.cut(from, to);
  simulation.network.break(0, 1);
  const server = serverAt(simulation, 0);
  const before = serverAt(simulation, 1);
  simulation.pass(40 * SECOND);
  watch(simulation, 3 * ALIVE, () => {
    assert.deepEqual(listing(simulation, server), [0, 1, 2]);
    assert.deepEqual(listing(simulation, before), [0, 1, 2]);
  });
  before.quit();
  server.change({ n: "5" }, statusOf("Bridges", 1, "one"));
  server.speak();
  simulation.pass(40 * SECOND);
  assert.deepEqual(listing(simulation, before), []);
  assert.equal(simulation.nodes[1]?.registry?.get(server.id)?.settings["n"], "5");
  finish(simulation);
});

Deno.test("masters: a name that was claimed on both sides of a partition belongs to the first", () => {
  const simulation = met(4);
  simulation.partition([0, 1], [2, 3]);
  simulation.pass(SECOND);
  const first = named(simulation, "Alpha", 0, 1);
  simulation.pass(5 * SECOND);
  const second = named(simulation, "Alpha", 2, 3);
  simulation.pass(5 * SECOND);
  assert.deepEqual(listing(simulation, first), [0, 1]);
  assert.deepEqual(listing(simulation, second), [2, 3]);
  finish(simulation);
  for (const { registry } of simulation.nodes) {
    const bearers = [...registry?.records() ?? []].filter(({ name }) => name === "Alpha");
    assert.deepEqual(bearers.map(({ id }) => id), [first.id]);
  }
});

Deno.test("masters: a player's name that was claimed on both sides belongs to the first", () => {
  const [first, second] = [keyOf(1), keyOf(2)];
  const simulation = met(4);
  simulation.partition([0, 1], [2, 3]);
  simulation.pass(SECOND);
  simulation.nodes[1]?.claimUser("alice", first);
  simulation.pass(3 * SECOND);
  simulation.nodes[2]?.claimUser("alice", second);
  simulation.pass(3 * SECOND);
  assert.equal(simulation.nodes[3]?.users.ownerOf("alice"), second);
  finish(simulation);
  for (const { users } of simulation.nodes) assert.equal(users.ownerOf("alice"), first);
});

Deno.test("masters: more changes than wait for a slow one come by comparison", () => {
  const simulation = met(2);
  const [busy, slow] = simulation.nodes as [SimNode, SimNode];
  simulation.network.cut(0, 1);
  const key = keyOf(1);
  const claim = (from: number, count: number): void => {
    for (let i = from; i < from + count; i++) busy.claimUser(`player ${i}`, key);
    simulation.pass(2 * SECOND);
  };
  // What the system takes, what may wait here, and more than that.
  claim(0, 8000);
  claim(8000, 70_000);
  simulation.network.mend(0);
  simulation.pass(30 * SECOND);
  assert.equal(slow.users.size, 78_000);
  finish(simulation);
});

Deno.test("masters: one after the other may be restarted, and nothing is lost meanwhile", () => {
  const simulation = met(5, { readers: 2 });
  simulation.read(4 * SECOND);
  const servers = [0, 1, 2, 3, 4].map((home) => serverAt(simulation, home, (home + 1) % 5));
  simulation.pass(20 * SECOND);
  for (const node of simulation.nodes) {
    node.stop();
    const others = simulation.nodes.filter((other) => other !== node);
    const look = (): void => {
      for (const other of others) for (const server of servers) assert.ok(lists(other, server));
    };
    watch(simulation, 4 * SECOND, look);
    node.start();
    watch(simulation, 10 * SECOND, look);
  }
  finish(simulation);
});

Deno.test("masters: ring 0's thread may be restarted", () => {
  const simulation = met(3);
  const servers = [0, 1, 2].map((home) => serverAt(simulation, home));
  simulation.pass(20 * SECOND);
  for (const node of simulation.nodes) {
    node.restartMesh();
    servers.push(serverAt(simulation, node.index));
    watch(simulation, 8 * SECOND, () => {
      for (const server of servers.slice(0, 3)) {
        assert.deepEqual(listing(simulation, server), everyone(simulation));
      }
    });
  }
  finish(simulation);
  for (const server of servers) assert.deepEqual(listing(simulation, server), everyone(simulation));
});

Deno.test("masters: lost, doubled and shuffled messages are made good", () => {
  const simulation = met(4);
  simulation.isRough = true;
  simulation.network.rough = { lost: 0.15, doubled: 0.1, reordered: 0.2 };
  const servers = [0, 1, 2, 3].map((home) => serverAt(simulation, home));
  const leavers = [0, 1, 2, 3].map((home) => serverAt(simulation, home));
  simulation.pass(20 * SECOND);
  for (const [n, server] of servers.entries()) {
    server.change({ n: `${n}${n}` }, statusOf("Bridges", n, "one"));
    server.speak();
    simulation.pass(SECOND);
  }
  for (const server of leavers) server.quit();
  simulation.pass(20 * SECOND);
  finish(simulation);
  for (const server of servers) assert.deepEqual(listing(simulation, server), everyone(simulation));
  for (const server of leavers) assert.deepEqual(listing(simulation, server), []);
});

Deno.test("masters: a hundred find each other by one, and know of a change within a second", () => {
  const simulation = new Simulation({ seed: 3, masters: 100, topology: "first", lookEvery: 5000 });
  simulation.start();
  simulation.pass(MEETING);
  for (const { mesh, index } of simulation.nodes) {
    const connected = mesh?.peers().filter(({ state }) => state === "connected").length;
    assert.equal(connected, 99, `m${index}`);
  }
  const server = serverAt(simulation, 42);
  simulation.pass(3 * SECOND);
  assert.deepEqual(listing(simulation, server), everyone(simulation));
  simulation.probe();
  const { violations, slowestChange } = simulation.outcome();
  assert.deepEqual(violations, []);
  assert.ok(slowestChange <= SECOND, `${slowestChange}`);
});
