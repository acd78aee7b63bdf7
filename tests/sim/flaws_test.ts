import assert from "node:assert/strict";
import type { Flaw } from "./_node_options.ts";
import { SimRandom } from "./_random.ts";
import { type Outcome, Simulation } from "./_simulation.ts";
import { statusOf } from "./_world.ts";

const SECOND = 1000;
const HOUR = 3_600_000;
const PERIOD = 15 * SECOND;

/** What a good network stands, with one master that may have a flaw. */
function ordeal(flaw: Flaw): Outcome {
  const simulation = new Simulation({
    seed: 11,
    masters: 3,
    readers: 3,
    aliveTimeouts: [75 * SECOND],
    flaw: (index) => index === 1 ? flaw : {},
  });
  const owner = (n: number, name: string) => ({ key: new SimRandom(n).bytes(32).toBase64(), name });
  simulation.start();
  simulation.pass(12 * SECOND);
  simulation.read(4 * SECOND);
  const servers = [0, 1, 2, 0, 1, 2].map((home) =>
    simulation.serve({ homes: [home], period: PERIOD })
  );
  const leavers = [0, 1, 2].map((home) => simulation.serve({ homes: [home], period: PERIOD }));
  const mutes = [0, 1, 2].map((home) => simulation.serve({ homes: [home], period: PERIOD }));
  simulation.pass(20 * SECOND);
  for (const mute of mutes) mute.die();
  simulation.partition([0], [1], [2]);
  simulation.serve({ homes: [0], period: PERIOD, owner: owner(1, "Alpha") });
  simulation.pass(3 * SECOND);
  simulation.serve({ homes: [1], period: PERIOD, owner: owner(2, "Alpha") });
  simulation.pass(3 * SECOND);
  simulation.serve({ homes: [2], period: PERIOD, owner: owner(3, "Alpha") });
  for (const [n, server] of servers.entries()) {
    server.change({ n: `${n + 1}` }, statusOf("Bridges", n, "one"));
    server.speak();
  }
  simulation.pass(20 * SECOND);
  for (const node of simulation.nodes) node.jump(HOUR);
  simulation.pass(5 * SECOND);
  for (const node of simulation.nodes) node.jump(-HOUR);
  simulation.heal();
  simulation.pass(10 * SECOND);
  for (const leaver of leavers) leaver.quit();
  simulation.settle();
  simulation.pass(90 * SECOND);
  simulation.probe();
  return simulation.outcome();
}

/** Rules that a flaw breaks. */
function broken(flaw: Flaw): string[] {
  return [...new Set(ordeal(flaw).violations.map(({ rule }) => rule))];
}

Deno.test("Invariants: masters without a flaw keep all rules", () => {
  assert.deepEqual(ordeal({}).violations, []);
});

Deno.test("Invariants: a master that hears of no departure is found out", () => {
  const rules = broken({
    command: (command) => command.type === "merge" ? { ...command, tombstones: [] } : command,
  });
  assert.ok(rules.includes("who quits is gone"), `${rules}`);
  assert.ok(rules.includes("all know the same"), `${rules}`);
});

Deno.test("Invariants: a master that takes nothing from others is found out", () => {
  const rules = broken({ command: () => undefined });
  assert.ok(rules.includes("who lives is listed"), `${rules}`);
  assert.ok(rules.includes("all know the same"), `${rules}`);
});

Deno.test("Invariants: a master that gives a name to whom it hears of first is found out", () => {
  const rules = broken({
    command: (command, node) => {
      if (command.type !== "merge" || !command.names) return command;
      const known = new Set(node.snapshot()?.names.map(({ name }) => name));
      return { ...command, names: command.names.filter(({ name }) => !known.has(name)) };
    },
  });
  assert.ok(rules.includes("all know the same"), `${rules}`);
});

Deno.test("Invariants: a master that forgets whose the names are is found out", () => {
  const rules = broken({
    command: (command) => command.type === "merge" ? { ...command, names: [] } : command,
  });
  assert.ok(rules.includes("all know the same"), `${rules}`);
});

Deno.test("Invariants: a master that measures silence by the wall clock is found out", () => {
  const rules = broken({
    clock: (clock) => ({ wall: () => clock.wall(), monotonic: () => clock.wall() }),
  });
  assert.ok(rules.includes("who lives stays listed"), `${rules}`);
});

Deno.test("Invariants: a master whose time goes too slowly is found out", () => {
  const rules = broken({
    clock: (clock) => ({ wall: () => clock.wall(), monotonic: () => clock.monotonic() / 4 }),
  });
  assert.ok(rules.includes("the dead are gone"), `${rules}`);
});

Deno.test("Invariants: a master that says it knows what it does not is found out", () => {
  const rules = broken({
    command: (command) => {
      return command.type === "synced" ? { ...command, hlc: command.hlc + 30_720_000 } : command;
    },
    event: (event) => {
      if (!("late" in event)) return event;
      const { late: _, ...rest } = event;
      return rest;
    },
  });
  assert.ok(rules.includes("readers have the master's list"), `${rules}`);
});

Deno.test("Invariants: a master that keeps its changes to itself is found out", () => {
  const rules = broken({ event: (event) => event.type === "put" ? undefined : event });
  assert.ok(rules.includes("who lives is listed"), `${rules}`);
});
