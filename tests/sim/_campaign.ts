/** One seed, one scenario: everything about it follows from the number. */

import type { ClockErrors } from "./_clock.ts";
import { live, plagueWith, someHabits } from "./_faults.ts";
import { SimRandom } from "./_random.ts";
import { type Outcome, Simulation, type Topology } from "./_simulation.ts";

/** One seed of so many has a network of 50 to 60 masters. */
const HUGE_EVERY = 650;

/** Milliseconds that masters have to find each other before anything goes wrong. */
const BEGINNING_MS = 12_000;

/** Milliseconds between two polls of a reader. */
const READ_MS = 9000;

const HOUR = 3_600_000;

interface Scenario {
  readonly masters: number;
  readonly servers: number;
  readonly faults: number;
  /** Milliseconds in which things go wrong. */
  readonly trouble: number;
  readonly isRough: boolean;
  readonly isLarge: boolean;
}

function scenarioOf(seed: number, random: SimRandom): Scenario {
  const dice = random.next();
  if (seed % HUGE_EVERY === HUGE_EVERY - 1) {
    const masters = 50 + random.below(11);
    return { masters, servers: 30, faults: 5, trouble: 20_000, isRough: false, isLarge: true };
  }
  const masters = dice < 0.25
    ? 2
    : dice < 0.65
    ? 3
    : dice < 0.93
    ? 4 + random.below(2)
    : 8 + random.below(9);
  const isLarge = masters > 6;
  return {
    masters,
    servers: 2 + random.below(8),
    faults: 1 + random.below(isLarge ? 10 : 7),
    trouble: isLarge ? random.between(20_000, 60_000) : random.between(20_000, 200_000),
    isRough: random.chance(0.1),
    isLarge,
  };
}

function clockOf(random: SimRandom): ClockErrors {
  const kind = random.next();
  const skew = kind < 0.4
    ? random.between(-50, 50)
    : kind < 0.7
    ? random.between(-90_000, 90_000)
    : random.between(-5 * HOUR, 5 * HOUR);
  return { skew, drift: random.between(-3e-4, 3e-4) };
}

/** Plays the scenario of a seed to its end. */
export function play(seed: number, trace?: (line: string) => void): Outcome {
  const random = new SimRandom(seed);
  const scenario = scenarioOf(seed, random);
  const { masters, isLarge } = scenario;
  const usual = random.pick([45_000, 60_000, 90_000]);
  const areClocksRight = random.chance(0.3);
  const clocks = Array.from({ length: masters }, () => clockOf(random));
  const isSlowStore = random.chance(0.2);
  const restoreLag = random.chance(0.85) ? 0 : random.pick([3000, 15_000]);
  const verifying = random.pick([0, 0.5, 1]);
  const verify = clocks.map(() => random.chance(verifying));
  const most = random.between(5, 150);
  const simulation = new Simulation({
    seed,
    masters,
    aliveTimeouts: random.chance(0.1) ? [usual, 45_000, 90_000] : [usual],
    tick: isLarge || random.chance(0.8) ? 1000 : 250,
    lookEvery: isLarge ? 4000 : 1000,
    topology: random.pick<Topology>(["all", "all", "first", "chain", "self"]),
    delays: { least: random.between(1, most), most },
    verify: (index) => verify[index] ?? false,
    clock: (index) => (areClocksRight ? undefined : clocks[index]) ?? { skew: 0, drift: 0 },
    storeLag: () => isSlowStore ? 5000 : 30,
    restoreLag: () => restoreLag,
    trace,
  });
  simulation.trace?.(() => `seed ${seed}: ${JSON.stringify({ ...scenario, restoreLag })}`);
  const { timeline } = simulation;
  simulation.start();
  for (let i = 0; i < scenario.servers; i++) {
    timeline.after(random.between(0, BEGINNING_MS), () => {
      simulation.serve(someHabits(simulation, random));
    });
  }
  simulation.pass(BEGINNING_MS);
  simulation.isRough = scenario.isRough;
  simulation.read(READ_MS);
  const end = timeline.now + scenario.trouble;
  if (scenario.isRough) simulation.network.rough = { lost: 0.05, doubled: 0.05, reordered: 0.1 };
  live(simulation, random, end);
  plagueWith(simulation, random, end, scenario.faults);
  simulation.pass(scenario.trouble);
  simulation.heal(random.pick([0, 0.5, 1]));
  simulation.settle();
  simulation.probe();
  return simulation.outcome();
}
