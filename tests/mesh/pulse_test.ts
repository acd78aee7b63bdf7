import assert from "node:assert/strict";
import { Pulse } from "../../mesh/pulse.ts";
import type { Ring0Ping, Ring0Pong } from "../../protocol/mod.ts";
import { FakeSource, SECOND } from "./_helpers.ts";

function world() {
  const source = new FakeSource();
  const sent: (Ring0Ping | Ring0Pong)[] = [];
  return { source, sent, pulse: new Pulse(source, (message) => sent.push(message)) };
}

Deno.test("Pulse.tick: asks every five seconds", () => {
  const { source, sent, pulse } = world();
  for (let i = 0; i < 61; i++) {
    pulse.heard();
    assert.equal(pulse.tick(), undefined);
    source.pass(SECOND / 4);
  }
  assert.deepEqual(sent.map((message) => [message.type, message.n]), [
    ["ping", 1],
    ["ping", 2],
    ["ping", 3],
  ]);
});

Deno.test("Pulse.tick: gives up after twenty seconds of silence, whatever it has sent", () => {
  const { source, pulse } = world();
  source.pass(20 * SECOND);
  assert.equal(pulse.tick(), undefined);
  source.pass(1);
  assert.equal(pulse.tick(), "it has been silent for 20 s");
  pulse.heard();
  assert.equal(pulse.tick(), undefined);
});

Deno.test("Pulse.onPing: answers with the same number and this clock", () => {
  const { source, sent, pulse } = world();
  pulse.onPing({ type: "ping", n: 12, time: 5 });
  pulse.onPing({ type: "ping" });
  assert.deepEqual(sent, [
    { type: "pong", n: 12, time: source.clock },
    { type: "pong", time: source.clock },
  ]);
});

Deno.test("Pulse.onPong: measures the way and the clock, and smooths the way", () => {
  const { source, sent, pulse } = world();
  pulse.onHello(source.clock + 3000);
  assert.equal(pulse.clock, 3000);
  assert.deepEqual(sent.map(({ type }) => type), ["ping"]);
  source.pass(40);
  pulse.onPong({ type: "pong", n: 1, time: source.clock - 20 + 500 });
  assert.deepEqual([pulse.lag, pulse.clock], [40, 500]);
  source.pass(5 * SECOND);
  pulse.tick();
  source.pass(80);
  pulse.onPong({ type: "pong", n: 1, time: 0 });
  assert.equal(pulse.lag, 40);
  pulse.onPong({ type: "pong", n: 2 });
  assert.deepEqual([pulse.lag, pulse.clock], [50, 500]);
});
