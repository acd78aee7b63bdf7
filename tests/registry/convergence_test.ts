import assert from "node:assert/strict";
import fc from "fast-check";
import { ALIVE, HOUR, SECOND, status } from "./_helpers.ts";
import { exchange, network, type Node, pass } from "./_network.ts";
import { Reader, versions } from "./_reader.ts";

const MASTERS = 3;
const SERVERS = 4;

type Step = readonly [what: string, a: number, b: number, n: number];

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom("list", "list", "refresh", "status", "announce") },
    { weight: 2, arbitrary: fc.constantFrom("quit", "leave", "hearsay", "register") },
    { weight: 12, arbitrary: fc.constantFrom("deliver", "deliver", "replay", "exchange", "cut") },
    { weight: 5, arbitrary: fc.constantFrom("pass", "wait") },
    { weight: 5, arbitrary: fc.constant("read") },
    { weight: 1, arbitrary: fc.constantFrom("restart", "jump", "long") },
  ),
  fc.nat(MASTERS - 1),
  fc.nat(SERVERS - 1),
  fc.nat(5),
);

const skews = fc.array(fc.constantFrom(0, 0, 5 * SECOND, -HOUR, HOUR), {
  minLength: MASTERS,
  maxLength: MASTERS,
});

/** Masters, what is done to them, and what must be true of them. */
class Trial {
  readonly nodes: Node[];
  readonly readers = [new Reader(), new Reader(), new Reader()];
  /** Servers that may be gone for good, or have lost their names or addresses. */
  readonly unsure = new Set<string>();

  constructor(clocks: readonly number[]) {
    this.nodes = network(clocks);
  }

  node(index: number): Node {
    return this.nodes[index % this.nodes.length] as Node;
  }

  take([what, a, b, n]: Step): void {
    const node = this.node(a);
    const other = this.node(a + 1 + n % (MASTERS - 1));
    this.#command(node, `192.0.2.${b}`, what, n);
    if (what === "deliver") node.deliver(other, 1 + n);
    else if (what === "replay") node.replay(other, n + b);
    else if (what === "exchange") node.tellAll(other, n === 0);
    else if (what === "cut") node.cut(other);
    else if (what === "restart") node.restart(n * 150 * SECOND);
    else if (what === "jump") node.world.wall += (n - 2) * HOUR;
    else if (what === "wait") this.#pass(20 * n);
    else if (what === "pass") this.#pass(n * 60 * SECOND);
    else if (what === "long") this.#pass(n * 8 * 60 * SECOND);
    else if (what === "read") this.#read(this.readers[b % 3], node);
    for (const changed of this.nodes) changed.flush();
  }

  /** All masters are connected again, and get over what they have to settle. */
  settle(): void {
    for (let round = 0; round < 3 || (round < 20 && this.nodes.some(isDisputing)); round++) {
      exchange(this.nodes);
      pass(this.nodes, 30 * SECOND, 500);
    }
  }

  /** All masters hold the same, and so does who has read it anywhere. */
  check(where: number): void {
    const [first] = this.nodes;
    for (const node of this.nodes) {
      assert.deepEqual(listed(node), listed(first));
      assert.deepEqual(names(node), names(first));
      for (const gone of node.world.registry.snapshot().tombstones) {
        for (const other of this.nodes) {
          const version = other.version(gone.id);
          // Or it has been forgotten already.
          if (version) assert.deepEqual([version.hlc, version.origin], [gone.hlc, gone.origin]);
        }
      }
    }
    this.readers.forEach((reader, i) => {
      const node = this.node(where + i);
      this.#read(reader, node);
      assert.deepEqual(
        versions(reader.servers.values()),
        listed(node).map(([id, hlc]) => [id, hlc]),
      );
    });
  }

  /** Servers that certainly live, and say so once more wherever they are heard. */
  heartbeat(): string[] {
    const living = new Set<string>();
    for (const { world: { registry } } of this.nodes) {
      for (const { record: { id }, life } of registry.snapshot().records) {
        if (!life.heard || this.unsure.has(id)) continue;
        registry.apply({ type: "refresh", ids: [id] });
        living.add(id);
      }
    }
    return [...living];
  }

  #command(node: Node, ip: string, what: string, n: number): void {
    const { world } = node;
    const { registry } = world;
    const [id, key] = [`${ip}:3030`, `key ${n % 2}`];
    if (what === "list") world.list(ip, 3030, { n: String(n % 2) });
    else if (what === "register") world.register(ip);
    else if (what === "refresh") registry.apply({ type: "refresh", ids: [id] });
    else if (what === "status") registry.apply({ type: "status", id, status: status("M", n) });
    else if (what === "announce") {
      this.unsure.add(id);
      if (world.announce(ip, key, `name ${n % 3}`).type === "accepted") world.answer(id);
    } else if (what === "leave") registry.apply({ type: "leave", id, key });
    else if (what === "quit") {
      this.unsure.add(id);
      registry.apply({ type: "quit", ip, port: 3030 });
    } else if (what === "hearsay") {
      const via = `old${n % 2}.example.org:28900`;
      registry.apply({ type: "hearsay", ip, port: 3030, gamename: "netpanzer", via });
    }
  }

  #pass(milliseconds: number): void {
    for (const { world } of this.nodes) world.pass(milliseconds, 500);
  }

  #read(reader: Reader | undefined, { world }: Node): void {
    reader?.catchUp(world.changes, world.replica);
  }
}

/** Whether others take for dead what a master lists. */
function isDisputing({ world: { registry } }: Node): boolean {
  return registry.snapshot().tombstones.some(({ id }) => registry.get(id)?.state === "listed");
}

function listed(node: Node | undefined): [string, number, string][] {
  const records = node?.world.registry.snapshot().records ?? [];
  return records.map(({ record }): [string, number, string] => [
    record.id,
    record.hlc,
    record.origin,
  ]).sort();
}

function names(node: Node | undefined): string[] {
  const claims = node?.world.registry.snapshot().names ?? [];
  return claims.map(({ name, key, hlc, origin }) => [name, key, hlc, origin].join(" ")).sort();
}

const steps = fc.array(step, { maxLength: 60, size: "max" });

function check(runs: number, test: (trial: Trial, where: number) => void): void {
  fc.assert(
    fc.property(skews, steps, fc.nat(MASTERS - 1), (clocks, taken, where) => {
      const trial = new Trial(clocks);
      for (const next of taken) trial.take(next);
      test(trial, where);
    }),
    { numRuns: runs },
  );
}

Deno.test("Registry.merge: masters that were told all hold the same, and so do readers among them", () => {
  check(150, (trial, where) => {
    trial.settle();
    trial.check(where);
  });
});

Deno.test("Registry.merge: nothing that lives is lost, whatever masters have missed", () => {
  check(150, (trial) => {
    const living = trial.heartbeat();
    trial.settle();
    for (const { world } of trial.nodes) {
      assert.deepEqual(living.filter((id) => world.state(id) !== "listed"), []);
    }
  });
});

Deno.test("Registry.merge: nothing that is dead stays or comes back, however often it is told", () => {
  check(60, ({ nodes }) => {
    for (let i = 0; i < ALIVE / (30 * SECOND) + 5; i++) {
      exchange(nodes);
      pass(nodes, 30 * SECOND, 1000);
    }
    for (const { world } of nodes) assert.deepEqual(world.listed(), []);
    exchange(nodes, true);
    for (const { world } of nodes) assert.deepEqual(world.listed(), []);
  });
});
