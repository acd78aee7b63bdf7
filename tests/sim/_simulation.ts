/** A network of masters, its world, and what watches both: one run of one scenario. */

import type { Target } from "../../mesh/mod.ts";
import { earliestClaims, listedAnywhere } from "./_agreement.ts";
import { type ClockErrors, Timeline } from "./_clock.ts";
import { Invariants, type Violation } from "./_invariants.ts";
import { type Delays, Network } from "./_network.ts";
import { SimNode, targetOf } from "./_node.ts";
import type { Flaw } from "./_node_options.ts";
import { SimRandom } from "./_random.ts";
import { Reader } from "./_readers.ts";
import { type GameServer, type Habits, statusOf, World } from "./_world.ts";

/** Milliseconds within which all masters know the same after everything is whole again. */
export const HEAL_TARGET_MS = 60_000;

/** Milliseconds within which a change is known everywhere in a healthy network. */
export const CHANGE_TARGET_MS = 1000;

/** Milliseconds between two looks for whether all masters know the same. */
const CONVERGENCE_STEP_MS = 500;

/** Looks at the end, for something may just be on its way. */
const LAST_LOOKS = 8;

/** Whom operators name. */
export type Topology =
  /** Each master knows all others. */
  | "all"
  /** All know the first one only. */
  | "first"
  /** Each knows the one before. */
  | "chain"
  /** Each knows all, and by mistake itself. */
  | "self";

/** What a simulation is made of; what is left out is usual. */
export interface SimulationOptions {
  readonly seed: number;
  readonly masters: number;
  /** Milliseconds of silence after which a server is dead; of each master, the last for the rest. */
  readonly aliveTimeouts?: readonly number[];
  readonly tick?: number;
  /** Milliseconds between two looks at all masters. */
  readonly lookEvery?: number;
  readonly topology?: Topology;
  readonly delays?: Delays;
  readonly verify?: (index: number) => boolean;
  readonly clock?: (index: number) => ClockErrors;
  readonly storeLag?: (index: number) => number;
  readonly restoreLag?: (index: number) => number;
  readonly flaw?: (index: number) => Flaw;
  readonly readers?: number;
  readonly trace?: ((line: string) => void) | undefined;
}

/** How it went. */
export interface Outcome {
  readonly violations: readonly Violation[];
  /** Virtual milliseconds from when all was whole until all masters knew the same. */
  readonly convergence: number | undefined;
  /** Virtual milliseconds that the slowest probed change took to be everywhere. */
  readonly slowestChange: number;
  /** Virtual milliseconds in all. */
  readonly duration: number;
  readonly steps: number;
  readonly messages: number;
  readonly bytes: number;
}

/** One run. */
export class Simulation {
  readonly timeline = new Timeline();
  readonly random: SimRandom;
  readonly network: Network;
  readonly nodes: readonly SimNode[];
  readonly world: World;
  readonly invariants: Invariants;
  readonly readers: readonly Reader[];
  readonly trace: ((line: () => string) => void) | undefined;
  /** Whether what readers are told may be wrong, since the channel is. */
  isRough = false;
  /** Whether nothing goes wrong any more. */
  isWhole = false;
  #healedAt = 0;
  #convergence: number | undefined;
  #slowestChange = 0;

  constructor(options: SimulationOptions) {
    const { seed, masters, tick = 1000, lookEvery = 1000, readers = 1 } = options;
    const { aliveTimeouts = [60_000], delays = { least: 2, most: 80 }, trace } = options;
    const { timeline } = this;
    this.random = new SimRandom(seed, 1);
    this.trace = trace &&
      ((line) => trace(`${(timeline.now / 1000).toFixed(3).padStart(8)} ${line()}`));
    this.network = new Network({
      timeline,
      random: new SimRandom(seed, 2),
      delays,
      trace: this.trace,
    });
    this.nodes = Array.from({ length: masters }, (_, index) => {
      return new SimNode({
        index,
        timeline,
        network: this.network,
        random: new SimRandom(seed, 100 + index),
        watcher: {
          started: (node) => {
            this.invariants.started(node);
            this.#restartReaders(node);
          },
          restored: (node, listed) => this.invariants.restored(node, listed),
          event: (node, event) => this.invariants.event(node, event),
          challenge: (node, challenge) => this.invariants.challenge(node, challenge),
        },
        clock: options.clock?.(index) ?? { skew: 0, drift: 0 },
        aliveTimeout: aliveTimeouts[index] ?? aliveTimeouts.at(-1) ?? 60_000,
        verify: options.verify?.(index) ?? false,
        tick,
        storeLag: options.storeLag?.(index) ?? 20,
        restoreLag: options.restoreLag?.(index) ?? 0,
        peers: peersOf(index, masters, options.topology ?? "all"),
        flaw: options.flaw?.(index) ?? {},
        trace: this.trace,
      });
    });
    const world = {
      timeline,
      random: new SimRandom(seed, 3),
      nodes: this.nodes,
      trace: this.trace,
    };
    this.world = new World(world);
    this.invariants = new Invariants({ ...this, timeline });
    this.readers = Array.from({ length: readers }, () => new Reader());
    const look = (): void => {
      this.invariants.look();
      timeline.after(lookEvery, look);
    };
    timeline.after(lookEvery, look);
  }

  /** All masters start. */
  start(): void {
    for (const node of this.nodes) node.start();
  }

  /** Lets so many milliseconds pass. */
  pass(milliseconds: number): void {
    this.timeline.run(this.timeline.now + milliseconds);
  }

  /** Adds a server and starts it. */
  serve(habits: Habits): GameServer {
    const server = this.world.add(habits);
    server.start();
    return server;
  }

  /** Readers ask masters from now on, every so many milliseconds. */
  read(every: number): void {
    for (const reader of this.readers) {
      const poll = (): void => {
        this.#poll(reader, this.random.pick(this.nodes), false);
        this.timeline.after(every * this.random.between(0.5, 1.5), poll);
      };
      this.timeline.after(every * this.random.next(), poll);
    }
  }

  /** Nothing goes through between groups of masters any more. */
  partition(...groups: readonly (readonly number[])[]): readonly (readonly [number, number])[] {
    const pairs: [number, number][] = [];
    for (const group of groups) {
      for (const other of groups) {
        if (group === other) continue;
        for (const from of group) for (const to of other) pairs.push([from, to]);
      }
    }
    this.trace?.(() => `partition ${groups.map((group) => group.join(",")).join(" | ")}`);
    for (const [from, to] of pairs) this.network.cut(from, to);
    return pairs;
  }

  /**
   * Everything is whole from now on, and everyone runs.
   *
   * @param breaks How likely a connection that was cut turns out to be broken.
   */
  heal(breaks = 0.5): void {
    this.trace?.(() => "everything is whole again");
    this.network.rough = undefined;
    this.network.mend(breaks);
    for (const node of this.nodes) node.start();
    this.isWhole = true;
    this.#healedAt = this.timeline.now;
  }

  /** Waits for as long as it may take until all masters know the same, and sees whether they do. */
  settle(target = HEAL_TARGET_MS): void {
    const { invariants, timeline } = this;
    const claims = earliestClaims(this.nodes);
    while (timeline.now < this.#healedAt + target) {
      if (this.#convergence === undefined && invariants.difference(false) === undefined) {
        this.#convergence = timeline.now - this.#healedAt;
        this.trace?.(() => `all know the same, ${this.#convergence} ms after`);
      }
      this.pass(CONVERGENCE_STEP_MS);
    }
    let difference = invariants.difference(true);
    for (let i = 1; i < LAST_LOOKS && difference !== undefined; i++) {
      this.pass(CONVERGENCE_STEP_MS);
      difference = invariants.difference(true);
    }
    if (difference !== undefined) invariants.report("all know the same", difference);
    invariants.conclude(this.#healedAt, claims);
  }

  /** Sees whether changes are everywhere soon, and whether readers have what they should. */
  probe(): void {
    const homes = [this.random.below(this.nodes.length)];
    const server = this.serve({ homes, period: 15_000 });
    const isEverywhere = (n: string): boolean =>
      this.nodes.every(({ registry }) => registry?.get(server.id)?.settings["n"] === n);
    const home = this.nodes[homes[0] as number] as SimNode;
    this.#await(`a new server of m${home.index}`, () => {
      return home.registry?.get(server.id)?.state === "listed";
    }, () => isEverywhere("0"));
    server.change({ n: "1" }, statusOf("Bridges", 3, server.ip));
    server.speak();
    this.#await(`new settings of a server of m${home.index}`, () => {
      return home.registry?.get(server.id)?.status?.map === "Bridges";
    }, () => isEverywhere("1"));
    server.quit();
    this.#await(`a goodbye at m${home.index}`, () => true, () => {
      return this.nodes.every(({ registry }) => registry?.get(server.id) === undefined);
    });
    this.pass(CHANGE_TARGET_MS);
    if (this.isRough) return;
    for (const reader of this.readers) {
      for (const node of this.random.some(this.nodes, 2)) this.#poll(reader, node, true);
    }
  }

  /** How it went. */
  outcome(): Outcome {
    const { timeline, network } = this;
    return {
      violations: this.invariants.violations,
      convergence: this.#convergence,
      slowestChange: this.#slowestChange,
      duration: timeline.now,
      steps: timeline.steps,
      messages: network.messages,
      bytes: network.bytes,
    };
  }

  /** Waits until a change is made, and then until it is known everywhere. */
  #await(what: string, isMade: () => boolean, isEverywhere: () => boolean): void {
    const step = 20;
    for (let waited = 0; !isMade() && waited < CHANGE_TARGET_MS; waited += step) this.pass(step);
    let took = 0;
    while (!isEverywhere() && took <= 10 * CHANGE_TARGET_MS) {
      this.pass(step);
      took += step;
    }
    this.#slowestChange = Math.max(this.#slowestChange, took);
    if (took > CHANGE_TARGET_MS) {
      this.invariants.report("a change is soon known", `${what} took ${took} ms to be everywhere`);
    }
  }

  /**
   * A reader that alone remembers what a master has told it before it lost its memory may keep that
   * for ever. Such readers are started anew.
   */
  #restartReaders({ id, store }: SimNode): void {
    // It may be any of the others that it meets first, and what that one does not know is lost.
    const others = this.nodes.filter(({ isUp }) => isUp);
    const known = Math.min(...others.map(({ changes }) => changes.vector.get(id) ?? 0));
    const latest = Math.max(store.latestOf(id), others.length === 0 ? 0 : known);
    for (const reader of this.readers) if (reader.knows(id) > latest) reader.restart();
  }

  #poll(reader: Reader, node: SimNode, isSettled: boolean): void {
    if (!node.isUp || this.isRough) return;
    const { invariants } = this;
    const excuses = {
      undecided: invariants.undecided(),
      untold: invariants.untold(),
      elsewhere: new Set([
        ...invariants.goneJustNow(),
        ...isSettled ? [] : listedAnywhere(this.nodes),
      ]),
    };
    const wrong = reader.poll(node, excuses, isSettled);
    this.trace?.(() => `a reader of m${node.index} knows ${reader.spell(this.nodes)}`);
    if (wrong !== undefined) this.invariants.report("readers have the master's list", wrong);
  }
}

function peersOf(index: number, masters: number, topology: Topology): Target[] {
  const all = Array.from({ length: masters }, (_, other) => other);
  switch (topology) {
    case "self":
      return all.map(targetOf);
    case "all":
      return all.filter((other) => other !== index).map(targetOf);
    case "first":
      return index === 0 ? [] : [targetOf(0)];
    case "chain":
      return index === 0 ? [] : [targetOf(index - 1)];
  }
}
