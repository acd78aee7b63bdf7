/** What may happen to masters, at random, and what the world does meanwhile. */

import type { SimNode } from "./_node.ts";
import type { SimRandom } from "./_random.ts";
import type { Simulation } from "./_simulation.ts";
import { DurableStore } from "./_store.ts";
import { type GameServer, type Habits, statusOf } from "./_world.ts";

const MAPS = ["Two clans", "Bridges", "The tutorial", "Duell", "Six feet under"];
const NAMES = ["Alpha", "Bravo", "Charlie", "Delta"];
const OLD_MASTERS = ["old.example:28900", "older.example:28900"];
const USERS = ["alice", "bob", "carol", "dave"];

/** Milliseconds between two doings of the world, at the most. */
const DOING_MS = 4000;

/** Largest jump of a wall clock, in milliseconds. */
const MAX_JUMP_MS = 26 * 3_600_000;

type Fault = (simulation: Simulation, random: SimRandom) => void;

/** A number of all sizes up to a bound, either way. */
function jumpOf(random: SimRandom): number {
  const size = Math.exp(random.between(Math.log(1000), Math.log(MAX_JUMP_MS)));
  return random.chance(0.5) ? size : -size;
}

function someNode({ nodes }: Simulation, random: SimRandom): SimNode {
  return random.pick(nodes);
}

/** Milliseconds that a master is away: mostly short, sometimes longer than tombstones are kept. */
function absence({ nodes }: Simulation, random: SimRandom): number {
  const longest = Math.max(...nodes.map(({ aliveTimeout }) => aliveTimeout));
  if (random.chance(0.15)) return longest * random.between(2.05, 2.4);
  return random.chance(0.3) ? longest * random.between(0.8, 1.3) : random.between(300, 20_000);
}

function comeBack(simulation: Simulation, random: SimRandom, node: SimNode): void {
  simulation.timeline.after(absence(simulation, random), () => node.start());
}

function cutFor(
  simulation: Simulation,
  random: SimRandom,
  pairs: readonly (readonly [number, number])[],
): void {
  for (const [from, to] of pairs) simulation.network.cut(from, to);
  const duration = random.chance(0.3)
    ? random.between(30_000, 100_000)
    : random.between(500, 30_000);
  const breaks = random.pick([0, 0.5, 1]);
  simulation.timeline.after(duration, () => simulation.network.mend(breaks, pairs));
}

const FAULTS: readonly (readonly [weight: number, fault: Fault])[] = [
  [3, (simulation, random) => {
    const groups: number[][] = [[], [], []];
    const count = random.chance(0.8) ? 2 : 3;
    for (const { index } of simulation.nodes) groups[random.below(count)]?.push(index);
    cutFor(simulation, random, simulation.partition(...groups));
  }],
  [2, (simulation, random) => {
    const [a, b] = [someNode(simulation, random).index, someNode(simulation, random).index];
    const pairs: [number, number][] = random.chance(0.5) ? [[a, b]] : [[a, b], [b, a]];
    simulation.trace?.(() => `cut ${JSON.stringify(pairs)}`);
    if (a !== b) cutFor(simulation, random, pairs);
  }],
  [1, (simulation, random) => simulation.network.break(someNode(simulation, random).index)],
  [1, (simulation, random) => {
    const node = someNode(simulation, random);
    const late = random.between(200, 4000);
    simulation.trace?.(() => `m${node.index} is slow, ${Math.round(late)} ms`);
    for (const { index } of simulation.nodes) simulation.network.slow(node.index, index, late);
  }],
  [3, (simulation, random) => {
    const node = someNode(simulation, random);
    node.crash(random.chance(0.5));
    comeBack(simulation, random, node);
  }],
  [2, (simulation, random) => {
    const node = someNode(simulation, random);
    node.stop();
    comeBack(simulation, random, node);
  }],
  [1, (simulation, random) => {
    const node = someNode(simulation, random);
    node.crash(random.chance(0.5));
    simulation.trace?.(() => `m${node.index} loses its store`);
    node.store = new DurableStore();
    comeBack(simulation, random, node);
  }],
  [1, (simulation, random) => {
    const node = someNode(simulation, random);
    const backup = node.backup();
    simulation.timeline.after(random.between(1000, 120_000), () => {
      if (!node.isUp || simulation.isWhole) return;
      node.crash(false);
      simulation.trace?.(() => `m${node.index} gets its store from a backup`);
      node.store = backup;
      comeBack(simulation, random, node);
    });
  }],
  [2, (simulation, random) => someNode(simulation, random).restartMesh()],
  [3, (simulation, random) => someNode(simulation, random).jump(jumpOf(random))],
];

/** What goes wrong from now on until a virtual time: about so many faults. */
export function plagueWith(
  simulation: Simulation,
  random: SimRandom,
  until: number,
  count: number,
): void {
  const { timeline } = simulation;
  const all = FAULTS.flatMap(([weight, fault]) => Array.from({ length: weight }, () => fault));
  for (let i = 0; i < count; i++) {
    const fault = random.pick(all);
    timeline.at(random.between(timeline.now, until), () => fault(simulation, random));
  }
}

/** How servers of a run are made. */
export function someHabits(simulation: Simulation, random: SimRandom): Habits {
  const masters = simulation.nodes.length;
  const shortest = Math.min(...simulation.nodes.map(({ aliveTimeout }) => aliveTimeout));
  const period = Math.min(20_000, shortest * random.between(0.25, 0.33));
  const all = Array.from({ length: masters }, (_, index) => index);
  if (random.chance(0.4)) {
    const key = random.bytes(32).toBase64();
    return { homes: random.some(all, masters), period, owner: { key, name: random.pick(NAMES) } };
  }
  const count = random.chance(0.6) ? 1 : 1 + random.below(Math.min(3, masters));
  const homes = random.some(all, count);
  return random.chance(0.85) ? { homes, period } : { homes, period, via: random.pick(OLD_MASTERS) };
}

/** The world goes on until a virtual time: servers come, change and go, players take names. */
export function live(simulation: Simulation, random: SimRandom, until: number): void {
  const { world, timeline, nodes } = simulation;
  const alive = (): GameServer[] => [...world.servers.values()].filter((s) => s.truth.isAlive);
  const dead = (): GameServer[] => [...world.servers.values()].filter((s) => !s.truth.isAlive);
  const act = (): void => {
    const what = random.next();
    const running = alive();
    const server = running.length > 0 ? random.pick(running) : undefined;
    if (what < 0.2) simulation.serve(someHabits(simulation, random));
    else if (what < 0.3) {
      const gone = dead();
      if (gone.length > 0) random.pick(gone).start();
    } else if (what < 0.4) server?.die();
    else if (what < 0.52) server?.quit(random.chance(0.7) ? undefined : random.pick(server.homes));
    else if (what < 0.6) {
      // A server of the old style goes on with another master, or with one more.
      if (server && server.key === undefined) {
        server.homes = [someNode(simulation, random).index, ...server.homes.slice(0, 1)];
        server.homes = [...new Set(server.homes)];
      } else server?.homes.reverse();
    } else if (what < 0.72) {
      random.pick(nodes).claimUser(random.pick(USERS), random.bytes(32).toBase64());
    } else if (server?.via !== undefined && random.chance(0.5)) server.speakUp();
    else if (server) {
      const players = random.below(8);
      const settings = random.chance(0.5) ? { n: String(random.below(1000)) } : {};
      server.change(settings, statusOf(random.pick(MAPS), players, server.name ?? server.ip));
      if (random.chance(0.5)) server.speak();
    }
    const next = random.between(50, DOING_MS);
    if (timeline.now + next < until) timeline.after(next, act);
  };
  timeline.after(random.next() * DOING_MS, act);
}
