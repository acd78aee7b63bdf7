import assert from "node:assert/strict";
import { Dialer, likelyId } from "../../mesh/dialer.ts";
import type { Target } from "../../mesh/mod.ts";
import { FakeSource, hostOf, idOf, SECOND } from "./_helpers.ts";

const NOBODY = () => false;

function world(named: readonly Target[] = [], told: readonly (readonly [string, Target])[] = []) {
  const source = new FakeSource();
  const dialer = new Dialer(source);
  dialer.look(named, told);
  return { source, dialer };
}

/** Milliseconds until a place is due. */
function waitOf(dialer: Dialer, source: FakeSource, target: Target): number {
  return (dialer.get(target)?.nextAt ?? assert.fail()) - source.now;
}

Deno.test("Dialer.takeDue: dials all places at once at first, each once", () => {
  const { dialer } = world([hostOf(1), hostOf(2)], [[idOf(3), hostOf(3)]]);
  assert.deepEqual(dialer.takeDue(NOBODY), [hostOf(1), hostOf(2), hostOf(3)]);
  assert.deepEqual(dialer.takeDue(NOBODY), []);
});

Deno.test("Dialer.failed: waits double from half a second to fifteen, less up to half", () => {
  for (const chance of [0, 0.999]) {
    const { dialer, source } = world([hostOf(1)]);
    const waits: number[] = [];
    for (let i = 0; i < 9; i++) {
      assert.deepEqual(dialer.takeDue(NOBODY), [hostOf(1)]);
      source.dice.push(chance);
      dialer.failed(hostOf(1), "nobody is there");
      const wait = waitOf(dialer, source, hostOf(1));
      waits.push(wait / (1 - chance / 2));
      source.pass(wait - 1);
      assert.deepEqual(dialer.takeDue(NOBODY), []);
      source.pass(1);
    }
    const whole = [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000, 15_000];
    assert.deepEqual(waits.map(Math.round), whole);
    assert.equal(dialer.get(hostOf(1))?.reason, "nobody is there");
  }
});

Deno.test("Dialer.failed: only a connection that lasted makes the next attempt a first one", () => {
  const { dialer, source } = world([hostOf(1)]);
  for (let i = 0; i < 4; i++) dialer.failed(hostOf(1), "nobody is there");
  dialer.reached(hostOf(1), idOf(1));
  dialer.failed(hostOf(1), "it broke", 30 * SECOND - 1);
  assert.equal(waitOf(dialer, source, hostOf(1)), 8000);
  dialer.failed(hostOf(1), "it broke", 30 * SECOND);
  assert.equal(waitOf(dialer, source, hostOf(1)), 500);
  dialer.failed(hostOf(1), "it broke");
  assert.equal(waitOf(dialer, source, hostOf(1)), 1000);
});

Deno.test("Dialer.takeDue: whoever is connected is not dialled, wherever else it may be", () => {
  const { dialer } = world([hostOf(1)], [[idOf(2), hostOf(2)], [idOf(2), hostOf(20)]]);
  dialer.reached(hostOf(1), idOf(1));
  const connected = new Set([idOf(1), idOf(2)]);
  assert.deepEqual(dialer.takeDue((id) => connected.has(id)), []);
  connected.clear();
  assert.deepEqual(dialer.takeDue((id) => connected.has(id)), [hostOf(1), hostOf(2)]);
});

Deno.test("Dialer.takeDue: of two places of one master one is dialled at a time", () => {
  const { dialer, source } = world([], [[idOf(2), hostOf(2)], [idOf(2), hostOf(20)]]);
  assert.deepEqual(dialer.takeDue(NOBODY), [hostOf(2)]);
  dialer.failed(hostOf(2), "nobody is there");
  assert.deepEqual(dialer.takeDue(NOBODY), [hostOf(20)]);
  source.pass(SECOND);
  assert.deepEqual(dialer.takeDue(NOBODY), []);
});

Deno.test("Dialer.takeDue: what is said of a place that was named does not keep anyone from it", () => {
  // Somebody says that a master which is connected from elsewhere lives there.
  const { dialer } = world([hostOf(1)], [[idOf(2), hostOf(1)]]);
  assert.deepEqual(dialer.takeDue((id) => id === idOf(2)), [hostOf(1)]);
});

Deno.test("Dialer.takeDue: a place is its own once somebody was found there", () => {
  const told = [[idOf(7), hostOf(1)], [idOf(1), hostOf(1)]] as const;
  const { dialer } = world([], told);
  dialer.reached(hostOf(1), idOf(1));
  // Nobody is 7, and it is not dialled for that again and again.
  dialer.look([], told);
  assert.deepEqual(dialer.takeDue((id) => id === idOf(1)), []);
  assert.deepEqual([...dialer.places()].map(likelyId), [idOf(1)]);
});

Deno.test("Dialer.look: places that nobody speaks of any more are gone, others keep their state", () => {
  const { dialer, source } = world([hostOf(1)], [[idOf(2), hostOf(2)], [idOf(3), hostOf(3)]]);
  dialer.failed(hostOf(1), "nobody is there");
  dialer.failed(hostOf(2), "nobody is there");
  dialer.look([hostOf(1)], [[idOf(2), hostOf(2)], [idOf(3), hostOf(33)]]);
  assert.deepEqual([...dialer.places()].map(({ target }) => target), [
    hostOf(1),
    hostOf(2),
    hostOf(33),
  ]);
  assert.deepEqual(dialer.takeDue(NOBODY), [hostOf(33)]);
  source.pass(500);
  assert.deepEqual(dialer.takeDue(NOBODY), [hostOf(1), hostOf(2)]);
  dialer.look([], []);
  assert.deepEqual([...dialer.places()], []);
  // What comes of attempts under way is nobody's business any more.
  dialer.reached(hostOf(1), idOf(1));
  dialer.failed(hostOf(2), "nobody is there");
  assert.deepEqual([...dialer.places()], []);
});
