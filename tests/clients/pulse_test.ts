import assert from "node:assert/strict";
import { Pulse } from "../../clients/_pulse.ts";
import { FakeTiming } from "./_fake_timing.ts";

/** How many milliseconds pass until a report is due. */
async function dueAfter(pulse: Pulse, timing: FakeTiming): Promise<number> {
  const start = timing.now();
  const abort = new AbortController();
  let at: number | undefined;
  const due = pulse.due(abort.signal).then((isDue) => {
    if (isDue) at = timing.now();
  });
  await timing.advance(700_000);
  abort.abort();
  await due;
  assert.ok(at !== undefined, "it was never due");
  return at - start;
}

Deno.test("Pulse: an interval outside of 1 s to 600 s is brought into these bounds", async () => {
  for (const [interval, ms] of [[-1, 1000], [0.25, 1000], [60, 60_000], [1e9, 600_000]] as const) {
    const timing = new FakeTiming();
    const pulse = new Pulse(timing);
    pulse.every(interval);
    assert.equal(await dueAfter(pulse, timing), ms);
  }
});

Deno.test("Pulse: news come 2 s after the last report, or in an interval shorter than that", async () => {
  for (const [interval, ms] of [[60, 2000], [1, 1000]] as const) {
    const timing = new FakeTiming();
    const pulse = new Pulse(timing);
    pulse.every(interval);
    pulse.changed();
    assert.equal(await dueAfter(pulse, timing), ms);
  }
});

Deno.test("Pulse: a hold delays even news, though no longer than ten minutes", async () => {
  for (const [seconds, ms] of [[90, 90_000], [1e9, 600_000]] as const) {
    const timing = new FakeTiming();
    const pulse = new Pulse(timing);
    pulse.every(60);
    pulse.hold(seconds);
    pulse.changed();
    assert.equal(await dueAfter(pulse, timing), ms);
  }
});

Deno.test("Pulse: what changes while it waits counts from then on", async () => {
  const timing = new FakeTiming();
  const pulse = new Pulse(timing);
  const due: number[] = [];
  const abort = new AbortController();
  const running = (async () => {
    while (await pulse.due(abort.signal)) due.push(timing.now());
  })();
  const start = timing.now();
  pulse.every(60);
  await timing.advance(10_000);
  pulse.changed();
  await timing.advance(100);
  pulse.every(5);
  await timing.advance(10_000);
  abort.abort();
  await running;
  assert.deepEqual(due.map((at) => at - start), [10_000, 15_000, 20_000]);
  assert.deepEqual(timing.waiting, []);
});
