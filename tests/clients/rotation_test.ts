import assert from "node:assert/strict";
import type { MasterAddress } from "../../clients/mod.ts";
import { MasterRotation } from "../../clients/_rotation.ts";
import { FakeTiming } from "./_fake_timing.ts";

const [a, b, c] = ["a", "b", "c"].map((host) => ({ host, port: 1 })) as [
  MasterAddress,
  MasterAddress,
  MasterAddress,
];

function rotation(masters: readonly MasterAddress[], chance = 1) {
  const timing = new FakeTiming();
  timing.chance = chance;
  return { timing, rotation: new MasterRotation(masters, timing) };
}

/** Fails so many times, and tells which master was tried after which wait. */
function failures(order: MasterRotation, count: number): string[] {
  return Array.from({ length: count }, () => {
    const { master, waitMs } = order.next();
    order.failed(master);
    return `${master.host} ${waitMs}`;
  });
}

Deno.test("MasterRotation: a first round at once, then waits that double up to a minute", () => {
  const { rotation: order } = rotation([a, b, c]);
  assert.deepEqual(failures(order, 11), [
    "a 0",
    "b 0",
    "c 0",
    "a 1000",
    "b 2000",
    "c 4000",
    "a 8000",
    "b 16000",
    "c 32000",
    "a 60000",
    "b 60000",
  ]);
  assert.deepEqual(failures(rotation([a]).rotation, 3), ["a 0", "a 1000", "a 2000"]);
});

Deno.test("MasterRotation: waits are random from nothing up to their bound", () => {
  const { timing, rotation: order } = rotation([a], 0);
  failures(order, 5);
  assert.equal(order.next().waitMs, 0);
  timing.chance = 0.25;
  assert.equal(order.next().waitMs, 4000);
});

Deno.test("MasterRotation: after thousands of failures a minute is a minute", () => {
  const { rotation: order } = rotation([a]);
  failures(order, 5000);
  assert.equal(order.next().waitMs, 60_000);
});

Deno.test("MasterRotation: a connection that had lasted begins a first round with the next", () => {
  const { rotation: order } = rotation([a, b]);
  failures(order, 7);
  order.lost(b);
  assert.deepEqual(failures(order, 3), ["a 0", "b 0", "a 1000"]);
});

Deno.test("MasterRotation: a master that asked for it is tried no sooner, others are", () => {
  const { timing, rotation: order } = rotation([a, b], 0);
  order.failed(a);
  order.hold(a, 5000);
  order.failed(b);
  assert.deepEqual(order.next(), { master: b, waitMs: 0 });
  assert.deepEqual(order.available(), [b]);
  order.failed(b);
  order.hold(b, 3000);
  assert.deepEqual(order.next(), { master: b, waitMs: 3000 });
  assert.deepEqual(order.available(), []);
  assert.equal(order.heldForMs(), 3000);
  timing.chance = 1;
  order.holdAll(10_000);
  assert.equal(order.next().waitMs, 11_000, "not all come back at the same moment");
});

Deno.test("MasterRotation: a shorter hold does not end a longer one", () => {
  const { rotation: order } = rotation([a], 0);
  order.hold(a, 5000);
  order.holdAll(1000);
  assert.equal(order.next().waitMs, 5000);
});

Deno.test("MasterRotation: a hold for ages is cut to an hour", () => {
  const { rotation: order } = rotation([a], 0);
  order.hold(a, 1e12);
  assert.equal(order.next().waitMs, 3_600_000);
});

Deno.test("MasterRotation: one that is preferred is the first from then on", () => {
  const { rotation: order } = rotation([a, b, c]);
  order.prefer(c);
  assert.deepEqual(failures(order, 3), ["c 0", "a 0", "b 0"]);
});

Deno.test("MasterRotation: learned masters come after the given ones, each once", () => {
  const { rotation: order } = rotation([a, b]);
  order.failed(a);
  order.learn([{ host: "B", port: 1 }, c, { host: "C.", port: 1 }]);
  assert.deepEqual(failures(order, 3), ["b 0", "c 0", "a 1000"]);
  order.learn([]);
  assert.deepEqual(order.available().map(({ host }) => host), ["b", "a"]);
  order.learn(Array.from({ length: 500 }, (_, i) => ({ host: `h${i}`, port: 1 })));
  assert.equal(order.available().length, 18);
});

Deno.test("MasterRotation: learned masters come in an order of chance", () => {
  const { timing, rotation: order } = rotation([a]);
  const places = [0.9, 0.1, 0.5];
  timing.random = () => places.shift() ?? 0;
  order.learn(["x", "y", "z"].map((host) => ({ host, port: 1 })));
  assert.deepEqual(order.available().map(({ host }) => host), ["a", "y", "z", "x"]);
});

Deno.test("MasterRotation: takes at least one master", () => {
  assert.throws(() => rotation([]), RangeError);
});
