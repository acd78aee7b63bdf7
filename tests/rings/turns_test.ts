import assert from "node:assert/strict";
import { Turns } from "../../rings/_turns.ts";
import { settled, TestTiming } from "./_subscribers.ts";

/** Works so many steps of a millisecond, and notes each. */
async function work(
  turns: Turns,
  timing: TestTiming,
  steps: number,
  done: () => void,
): Promise<void> {
  for (let turn = turns.begin(); turn; turn = turns.next()) await turn;
  for (let i = 0; i < steps; i++) {
    timing.work(1);
    done();
    for (let turn = turns.next(); turn; turn = turns.next()) await turn;
  }
}

Deno.test("Turns: two milliseconds of work are done at once, more after everything else", async () => {
  const timing = new TestTiming();
  const turns = new Turns(timing);
  let steps = 0;
  const working = work(turns, timing, 5, () => steps++);
  await settled();
  assert.equal(steps, 2);
  assert.equal(timing.waiting, 1);
  await timing.pass(100);
  assert.equal(steps, 5, "as often as there is a turn");
  await working;
  assert.equal(timing.waiting, 0);
});

Deno.test("Turns: tasks share one slice, and go on in order", async () => {
  const timing = new TestTiming();
  const turns = new Turns(timing);
  const done: string[] = [];
  const slices: number[] = [];
  const { after } = timing;
  timing.after = (ms, action) => {
    slices.push(done.length);
    return after.call(timing, ms, action);
  };
  const tasks = ["a", "b", "c"].map((name) => work(turns, timing, 3, () => done.push(name)));
  await timing.pass(100);
  await Promise.all(tasks);
  assert.equal(done.join(""), "aaabbbccc");
  assert.ok(slices.every((steps, i) => steps - (slices[i - 1] ?? 0) <= 2), slices.join());
});

Deno.test("Turns: a stop leaves nobody waiting", async () => {
  const timing = new TestTiming();
  const turns = new Turns(timing);
  const tasks = [work(turns, timing, 9, () => {}), work(turns, timing, 9, () => {})];
  await settled();
  turns.stop();
  await Promise.all(tasks);
  assert.equal(timing.waiting, 0);
});
