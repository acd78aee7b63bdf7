import assert from "node:assert/strict";
import fc from "fast-check";
import { ExpiryQueue } from "../../registry/mod.ts";

const WIDTH = 1000;

/** Runs something while counting how many entries of Maps and Sets it goes through. */
function countingVisits(run: () => void): number {
  let visits = 0;
  const restore: (() => void)[] = [];
  for (const Kind of [Map, Set]) {
    for (const name of ["keys", "values", "entries", Symbol.iterator] as const) {
      const prototype = Kind.prototype as unknown as Record<PropertyKey, () => Iterator<unknown>>;
      const original = prototype[name] as () => Iterator<unknown>;
      prototype[name] = function (this: unknown): Iterator<unknown> {
        const iterator = original.call(this);
        return Object.assign(Object.create(iterator), {
          next(): IteratorResult<unknown> {
            visits++;
            return iterator.next();
          },
        });
      };
      restore.push(() => prototype[name] = original);
    }
  }
  try {
    run();
  } finally {
    for (const undo of restore) undo();
  }
  return visits;
}

Deno.test("ExpiryQueue: a key is due from its deadline on, at most a width late", () => {
  fc.assert(
    fc.property(fc.nat(100_000), fc.nat(100_000), fc.integer({ min: 1, max: 5000 }), (
      start,
      wait,
      width,
    ) => {
      const queue = new ExpiryQueue<string>(start, width);
      const deadline = start + 1 + wait;
      queue.set("key", deadline);
      assert.deepEqual(queue.takeDue(deadline - 1), []);
      assert.deepEqual(queue.takeDue(deadline + width), ["key"]);
      assert.deepEqual(queue.takeDue(deadline + 10 * width), []);
    }),
  );
});

Deno.test("ExpiryQueue: what is due comes earliest first", () => {
  const queue = new ExpiryQueue<number>(0, WIDTH);
  for (const deadline of [9000, 1000, 5000, 3000, 7000]) queue.set(deadline, deadline);
  assert.deepEqual(queue.takeDue(20_000), [1000, 3000, 5000, 7000, 9000]);
  for (const deadline of [990_000, 910_000, 950_000]) queue.set(deadline, deadline);
  assert.deepEqual(queue.takeDue(10_000_000), [910_000, 950_000, 990_000], "after a long sleep");
});

Deno.test("ExpiryQueue: the last deadline set counts, and a deleted one never comes", () => {
  const queue = new ExpiryQueue<string>(0, WIDTH);
  queue.set("later", 2000);
  queue.set("later", 9000);
  queue.set("sooner", 9000);
  queue.set("sooner", 2000);
  queue.set("gone", 2000);
  queue.delete("gone");
  queue.delete("never there");
  assert.deepEqual(queue.takeDue(3000), ["sooner"]);
  assert.deepEqual(queue.takeDue(9000), ["later"]);
});

Deno.test("ExpiryQueue: a deadline in the past is due within a width", () => {
  const queue = new ExpiryQueue<string>(50_000, WIDTH);
  queue.takeDue(50_500);
  queue.set("past", 3);
  queue.set("now", 50_500);
  assert.deepEqual(queue.takeDue(51_500).sort(), ["now", "past"]);
});

Deno.test("ExpiryQueue: a clock that stands still or steps back takes nothing twice", () => {
  const queue = new ExpiryQueue<string>(0, WIDTH);
  queue.set("a", 1000);
  queue.set("b", 5000);
  assert.deepEqual(queue.takeDue(2000), ["a"]);
  assert.deepEqual(queue.takeDue(2000), []);
  assert.deepEqual(queue.takeDue(0), []);
  assert.deepEqual(queue.takeDue(5000), ["b"]);
});

Deno.test("ExpiryQueue: agrees with a list that is searched through", () => {
  const step = fc.oneof(
    fc.record({ type: fc.constant("set" as const), key: fc.nat(20), wait: fc.nat(20_000) }),
    fc.record({
      type: fc.constant("move" as const),
      key: fc.nat(20),
      wait: fc.integer({ min: -5, max: 20 }).map((widths) => widths * WIDTH),
    }),
    fc.record({ type: fc.constant("delete" as const), key: fc.nat(20), wait: fc.constant(0) }),
    fc.record({
      type: fc.constant("pass" as const),
      key: fc.constant(0),
      wait: fc.oneof(fc.nat(3000), fc.nat(60_000)),
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const queue = new ExpiryQueue<number>(0, WIDTH);
      const model = new Map<number, number>();
      let now = 0;
      for (const { type, key, wait } of steps) {
        if (type === "set") {
          queue.set(key, now + wait);
          model.set(key, now + wait);
        } else if (type === "move") {
          queue.move(key, wait);
          const deadline = model.get(key);
          if (deadline !== undefined) model.set(key, Math.max(now, deadline + wait));
        } else if (type === "delete") {
          queue.delete(key);
          model.delete(key);
        } else {
          now += wait;
          for (const due of queue.takeDue(now)) {
            const deadline = model.get(due);
            assert.ok(deadline !== undefined && deadline <= now, "came early, or twice");
            model.delete(due);
          }
          for (const deadline of model.values()) {
            assert.ok(deadline + WIDTH > now, `due at ${deadline}, forgotten at ${now}`);
          }
        }
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("ExpiryQueue: taking what is due visits none of 100,000 that are not", () => {
  const queue = new ExpiryQueue<number>(0, WIDTH);
  for (let key = 0; key < 100_000; key++) queue.set(key, 700_000 + key * 10);
  for (let key = 100_000; key < 100_010; key++) queue.set(key, 5500);
  let due: number[] = [];
  const visits = countingVisits(() => {
    for (let now = 100; now <= 600_000; now += 100) due = due.concat(queue.takeDue(now));
  });
  assert.equal(due.length, 10);
  assert.ok(visits >= 10, "the visits that there must be are counted");
  assert.ok(visits < 100, `${visits} visits`);
});

Deno.test("ExpiryQueue: setting, moving and deleting visit nobody else", () => {
  const queue = new ExpiryQueue<number>(0, WIDTH);
  for (let key = 0; key < 100_000; key++) queue.set(key, 700_000);
  const visits = countingVisits(() => {
    for (let key = 0; key < 1000; key++) queue.set(key, 900_000);
    for (let key = 0; key < 1000; key++) queue.delete(key);
    for (let key = 200_000; key < 201_000; key++) queue.set(key, 1000);
  });
  assert.equal(visits, 0);
});

Deno.test("ExpiryQueue: a sleep of a year visits the buckets there are, not those passed", () => {
  const year = 365 * 24 * 3600 * 1000;
  const queue = new ExpiryQueue<number>(0, 1);
  for (let key = 0; key < 10; key++) queue.set(key, 1000 + key);
  queue.set(99, year * 2);
  let due: number[] = [];
  const visits = countingVisits(() => due = queue.takeDue(year));
  assert.deepEqual(due, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.ok(visits < 100, `${visits} visits`);
});
