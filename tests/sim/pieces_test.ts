import assert from "node:assert/strict";
import type { Link, Target } from "../../mesh/mod.ts";
import { text } from "../_helpers.ts";
import { DAWN, MachineClock, Timeline } from "./_clock.ts";
import type { Reach, Station } from "./_link.ts";
import { Network } from "./_network.ts";
import { Pipe } from "./_pipe.ts";
import { SimRandom } from "./_random.ts";

const encoder = new TextEncoder();

/** A machine that only keeps in mind what happens to it. */
class Listener implements Station {
  readonly key: string;
  readonly ip: string;
  readonly host: string;
  readonly port = 6060;
  epoch = 1;
  state: Reach = "open";
  readonly links: Link[] = [];
  readonly heard: string[] = [];

  constructor(readonly index: number) {
    this.key = `key ${index}`;
    this.ip = `192.0.2.${index}`;
    this.host = `m${index}.example`;
  }

  reach(): Reach {
    return this.state;
  }

  opened(link: Link): void {
    this.links.push(link);
    this.heard.push(`opened ${link.key}${link.dialed ? " by dialling" : ""}`);
  }

  received(_link: Link, plaintext: Uint8Array): void {
    this.heard.push(text(plaintext));
  }

  closed(_link: Link, reason: string): void {
    this.heard.push(`closed: ${reason}`);
  }

  dialFailed(_target: Target, reason: string): void {
    this.heard.push(`failed: ${reason}`);
  }

  say(...messages: string[]): void {
    for (const message of messages) this.links.at(-1)?.send(encoder.encode(message));
  }

  take(): string[] {
    return this.heard.splice(0);
  }
}

function pair(): { timeline: Timeline; network: Network; a: Listener; b: Listener } {
  const timeline = new Timeline();
  const delays = { least: 10, most: 50 };
  const random = new SimRandom(1);
  const network = new Network({ timeline, random, delays, trace: undefined });
  const [a, b] = [new Listener(0), new Listener(1)];
  network.add(a);
  network.add(b);
  return { timeline, network, a, b };
}

function connected(): ReturnType<typeof pair> {
  const parts = pair();
  const { timeline, network, a, b } = parts;
  network.dial(a, b);
  timeline.run(1000);
  assert.deepEqual(a.take(), ["opened key 1 by dialling"]);
  assert.deepEqual(b.take(), ["opened key 0"]);
  return parts;
}

Deno.test("SimRandom: a seed gives the same numbers, another seed or stream gives others", () => {
  const numbers = (seed: number, stream: number): number[] => {
    const random = new SimRandom(seed, stream);
    return Array.from({ length: 8 }, () => random.below(1e9));
  };
  assert.deepEqual(numbers(1, 0), numbers(1, 0));
  const all = [[1, 0], [2, 0], [1, 1], [2 ** 32 + 1, 0]].map(([seed = 0, stream = 0]) => {
    return numbers(seed, stream);
  });
  assert.equal(new Set(all.flat()).size, 32);
});

Deno.test("SimRandom: numbers are spread evenly, and stay within their bounds", () => {
  const random = new SimRandom(5);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 20_000; i++) {
    const place = random.below(10);
    counts[place] = (counts[place] ?? 0) + 1;
  }
  for (const count of counts) assert.ok(count > 1800 && count < 2200, `${counts}`);
  for (let i = 0; i < 1000; i++) {
    const number = random.between(-3, 4);
    assert.ok(number >= -3 && number < 4);
  }
  assert.deepEqual(random.some([1, 2, 3], 5).sort(), [1, 2, 3]);
  assert.equal(new Set(random.some([1, 2, 3, 4, 5, 6], 4)).size, 4);
});

Deno.test("Timeline: things happen in order of time, and those of one time in order of plan", () => {
  const timeline = new Timeline();
  const random = new SimRandom(3);
  const done: [number, number][] = [];
  for (let i = 0; i < 500; i++) {
    const at = random.below(50);
    timeline.at(at, () => {
      assert.equal(timeline.now, at);
      done.push([at, i]);
    });
  }
  timeline.run(20);
  assert.ok(done.every(([at]) => at <= 20));
  timeline.run(100);
  assert.equal(done.length, 500);
  assert.deepEqual(done, [...done].sort(([a, i], [b, j]) => a - b || i - j));
  assert.deepEqual([timeline.now, timeline.waiting, timeline.steps], [100, 0, 500]);
});

Deno.test("Timeline: what is planned for the past happens now", () => {
  const timeline = new Timeline();
  timeline.run(50);
  let at = 0;
  timeline.at(10, () => at = timeline.now);
  timeline.run(60);
  assert.equal(at, 50);
});

Deno.test("MachineClock: the wall clock is wrong and jumps, the monotonic one does neither", () => {
  const timeline = new Timeline();
  const clock = new MachineClock(timeline, { skew: 5000, drift: 1 / 1024 });
  clock.reboot(777);
  timeline.run(10_240);
  assert.equal(clock.wall(), DAWN + 15_250);
  assert.equal(clock.monotonic(), 777 + 10_250);
  clock.jump(-3_600_000);
  assert.equal(clock.wall(), DAWN + 15_250 - 3_600_000);
  assert.equal(clock.monotonic(), 777 + 10_250);
  clock.reboot(3);
  assert.equal(clock.monotonic(), 3);
});

Deno.test("Pipe: messages come in order and later, and none after it was cut", () => {
  const timeline = new Timeline();
  const got: number[] = [];
  let batches = 0;
  const pipe = new Pipe<number>(timeline, new SimRandom(1), (n) => got.push(n), () => batches++);
  for (let n = 0; n < 100; n++) timeline.at(n / 2, () => pipe.post(n));
  pipe.post(-1);
  pipe.post(-2);
  assert.deepEqual(got, []);
  timeline.run(30);
  pipe.cut();
  timeline.run(30.1);
  const before = got.length;
  assert.deepEqual(got, [-1, -2, ...Array.from({ length: before - 2 }, (_, n) => n)]);
  timeline.run(1000);
  // What was posted after the cut, by the thread that came next.
  assert.deepEqual(got.slice(before), Array.from({ length: 39 }, (_, i) => 61 + i));
  assert.ok(batches > 20);
});

Deno.test("Network: messages come in the order in which they were sent, later", () => {
  const { timeline, a, b } = connected();
  a.say("one", "two", "three");
  b.say("four");
  assert.deepEqual(b.take(), []);
  timeline.run(1100);
  assert.deepEqual(b.take(), ["one", "two", "three"]);
  assert.deepEqual(a.take(), ["four"]);
  assert.ok(
    (a.links[0]?.sentBytes ?? 0) > 11 && a.links[0]?.sentBytes === b.links[0]?.receivedBytes,
  );
});

Deno.test("Network: a closed connection is over for the other side after all that was sent", () => {
  const { timeline, a, b } = connected();
  a.say("last");
  a.links[0]?.close();
  a.say("too late");
  b.say("unheard");
  timeline.run(2000);
  assert.deepEqual(b.take(), ["last", "closed: the other side has closed the connection"]);
  assert.deepEqual(a.take(), []);
});

Deno.test("Network: a cut connection keeps what it holds, and goes on or breaks", () => {
  for (const breaks of [0, 1]) {
    const { timeline, network, a, b } = connected();
    network.cut(0, 1);
    a.say("held");
    b.say("through");
    timeline.run(60_000);
    assert.deepEqual([a.take(), b.take()], [["through"], []]);
    network.mend(breaks);
    timeline.run(70_000);
    assert.deepEqual(b.take(), breaks === 0 ? ["held"] : ["closed: connection timed out"]);
    assert.equal(network.held.length > 0, breaks === 0);
  }
});

Deno.test("Network: bytes wait that the system does not take", () => {
  const { timeline, network, a } = connected();
  network.cut(0, 1);
  for (let i = 0; i < 20; i++) a.say("x".repeat(50_000));
  assert.ok((a.links[0]?.waiting ?? 0) > 700_000);
  network.mend(0);
  timeline.run(10_000);
  assert.equal(a.links[0]?.waiting, 0);
});

Deno.test("Network: dials fail where nobody is, nobody listens, or nothing goes through", () => {
  const { timeline, network, a, b } = pair();
  network.dial(a, { host: "nobody.example", port: 6060 });
  timeline.run(1000);
  b.state = "refusing";
  network.dial(a, b);
  timeline.run(2000);
  b.state = "open";
  network.cut(1, 0);
  network.dial(a, b);
  timeline.run(20_000);
  network.mend(0);
  b.state = "silent";
  network.dial(a, b);
  timeline.run(40_000);
  const timedOut = "failed: connection timed out";
  const failures = ["failed: no such host", "failed: connection refused", timedOut, timedOut];
  assert.deepEqual(a.take(), failures);
  assert.deepEqual(b.take(), []);
});

Deno.test("Network: what a process dialled before it was restarted is nothing to it", () => {
  const { timeline, network, a, b } = pair();
  network.dial(a, b);
  a.epoch++;
  timeline.run(20_000);
  assert.deepEqual([a.take(), b.take()], [[], []]);
});

Deno.test("Network: a process that ends is missed at once, a machine without power only later", () => {
  const { timeline, network, a, b } = connected();
  network.vanish(1, false);
  timeline.run(2000);
  assert.deepEqual(a.take(), ["closed: connection reset by peer"]);
  network.dial(a, b);
  timeline.run(3000);
  a.take();
  b.state = "silent";
  network.vanish(1, true);
  a.say("anyone?");
  timeline.run(60_000);
  assert.deepEqual(a.take(), []);
  b.state = "open";
  a.say("and now?");
  timeline.run(61_000);
  assert.deepEqual(a.take(), ["closed: connection reset by peer"]);
});

Deno.test("Network: a rough sea loses, doubles and shuffles messages, and nothing else does", () => {
  const { timeline, network, a, b } = connected();
  const sent = Array.from({ length: 200 }, (_, i) => `${i}`);
  network.rough = { lost: 0.1, doubled: 0.1, reordered: 0.2 };
  a.say(...sent);
  timeline.run(5000);
  const got = b.take();
  assert.ok(new Set(got).size < 195 && new Set(got).size > 150);
  assert.ok(got.length > new Set(got).size);
  const first = [...new Set(got)];
  assert.notDeepEqual(first, [...first].sort((x, y) => Number(x) - Number(y)));
  network.rough = undefined;
  a.say(...sent);
  timeline.run(9000);
  assert.deepEqual(b.take(), sent);
});

Deno.test("Network: a slow machine's messages take longer by as much", () => {
  const { timeline, network, a, b } = connected();
  network.slow(0, 1, 3000);
  a.say("slow");
  timeline.run(3900);
  assert.deepEqual(b.take(), []);
  timeline.run(4200);
  assert.deepEqual(b.take(), ["slow"]);
});
