import assert from "node:assert/strict";
import fc from "fast-check";
import { AnswerBudget } from "../../rings/_answer_budget.ts";

/** Both old-style rings together may send 16 KiB a second, so each half of it. */
const SHARE = 8 * 1024;

Deno.test("AnswerBudget: one network gets a small burst and then one answer a second", () => {
  const budget = new AnswerBudget(0);
  const takenAt: number[] = [];
  for (let now = 0; now <= 20_000; now += 50) {
    if (budget.take("192.0.2", 100, now)) takenAt.push(now);
  }
  const burst = takenAt.filter((at) => at < 1000).length;
  assert.ok(burst > 1 && burst <= 10, `${burst} at once`);
  const later = takenAt.filter((at) => at >= 1000);
  assert.ok(later.length >= 19 && later.length <= 20, `${later.length} in 19 s`);
});

Deno.test("AnswerBudget: one network's flood takes nothing from another", () => {
  const budget = new AnswerBudget(0);
  for (let i = 0; i < 1000; i++) budget.take("192.0.2", 100, i);
  assert.equal(budget.take("198.51.100", 100, 1000), true);
});

Deno.test("AnswerBudget: a silent network gets no more than its burst back", () => {
  const budget = new AnswerBudget(0);
  const burst = (now: number): number =>
    Array.from({ length: 50 }, () => budget.take("192.0.2", 10, now)).filter(Boolean).length;
  const first = burst(0);
  assert.equal(burst(3_600_000), first);
});

Deno.test("AnswerBudget: all networks together stay below their share in any second", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 256 })), {
        minLength: 500,
        maxLength: 1500,
        size: "max",
      }),
      (requests) => {
        const budget = new AnswerBudget(0);
        const sent: { at: number; bytes: number }[] = [];
        let now = 0;
        let network = 0;
        for (const [wait, size] of requests) {
          now += wait < 50 ? 0 : wait;
          if (budget.take(`network ${network++}`, size, now)) sent.push({ at: now, bytes: size });
        }
        for (const { at: start } of sent) {
          const second = sent.filter(({ at }) => at >= start && at < start + 1000);
          const total = second.reduce((sum, { bytes }) => sum + bytes, 0);
          assert.ok(total <= SHARE, `${total} bytes in the second after ${start}`);
        }
      },
    ),
    { numRuns: 30 },
  );
});

Deno.test("AnswerBudget: the total is used up to at least half by many networks", () => {
  const budget = new AnswerBudget(0);
  let total = 0;
  for (let i = 0; i < 100_000; i++) {
    if (budget.take(`network ${i}`, 100, 1000 + i / 10)) total += 100;
  }
  assert.ok(total >= 10 * SHARE / 2, `${total} bytes in 10 s`);
});

Deno.test("AnswerBudget: what finds no room costs its network nothing", () => {
  const budget = new AnswerBudget(0);
  while (budget.take(`x${Math.random()}`, 256, 0));
  assert.equal(budget.take("192.0.2", 256, 0), false);
  assert.equal(budget.take("192.0.2", 256, 2000), true);
});

Deno.test("AnswerBudget: a flood of networks is forgotten, the total still holds", () => {
  const budget = new AnswerBudget(0);
  let total = 0;
  for (let i = 0; i < 50_000; i++) if (budget.take(`network ${i}`, 1, i / 50)) total++;
  for (let i = 0; i < 50_000; i++) if (budget.take(`network ${i}`, 1, 1000)) total++;
  assert.ok(total <= 2 * SHARE, `${total}`);
});
