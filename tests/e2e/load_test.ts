import assert from "node:assert/strict";
import type { CrowdOrder, CrowdReport } from "./_crowd.ts";
import { DaemonProcess } from "./_daemon.ts";
import { endToEnd } from "./_needs.ts";
import { ask, entries, heartbeat, listed, TextConnection, untilListed } from "./_peers.ts";
import { pause, soon, until } from "./_until.ts";

/** Connections of one address at a time that the daemon allows unless told otherwise. */
const PER_ADDRESS = 10;

const LIST = "\\list\\gamename\\netpanzer\\final\\";

/** `127.1.0.1` and so on. */
function addresses(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `127.1.${Math.floor(i / 250)}.${1 + i % 250}`);
}

/** A Worker with slow clients. */
class Crowd implements Disposable {
  readonly #worker = new Worker(new URL("_crowd.ts", import.meta.url), { type: "module" });
  readonly #reports: CrowdReport[] = [];

  constructor(order: CrowdOrder) {
    this.#worker.onmessage = ({ data }: MessageEvent<CrowdReport>) => this.#reports.push(data);
    this.#worker.postMessage(order);
  }

  /** Waits for a report of this type. */
  report<T extends CrowdReport["type"]>(
    type: T,
    within?: number,
  ): Promise<CrowdReport & { type: T }> {
    return until(`the crowd's report "${type}"`, () => {
      const failed = this.#reports.find((report) => report.type === "failed");
      assert.ok(!failed, failed?.type === "failed" ? failed.reason : "");
      return this.#reports.find((report): report is CrowdReport & { type: T } =>
        report.type === type
      );
    }, within === undefined ? {} : { within });
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

/** The value below which this part of the samples is. */
function quantile(samples: readonly number[], part: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

endToEnd("load: 2000 idle and 500 slow clients slow no list down, and are gone in time", [
  "namespace",
], async () => {
  const requestTimeout = 10_000;
  const servers = 100;
  await using daemon = await DaemonProcess.start({
    set: {
      "game.client-request-timeout": requestTimeout / 1000,
      "game.verify-servers": "no",
      "game.status-interval": 0,
    },
  });
  const port = daemon.port("ring 1 bis");
  for (let i = 0; i < servers; i++) {
    await ask(port, heartbeat(3030), { from: `127.0.1.${1 + i}` });
  }
  using crowd = new Crowd({
    port,
    addresses: addresses(250),
    perAddress: PER_ADDRESS,
    trickling: 500,
  });
  const { connections } = await crowd.report("connected", requestTimeout);
  assert.equal(connections, 2500);
  const took: number[] = [];
  for (let i = 0; i < 400; i++) {
    const asked = performance.now();
    const list = entries(await ask(port, LIST, { from: `127.0.2.${1 + i % 250}` }));
    took.push(performance.now() - asked);
    assert.equal(list.length, servers);
    await pause(5);
  }
  const [median, p99] = [quantile(took, 0.5), quantile(took, 0.99)];
  assert.ok(median < 50, `median ${median} ms`);
  assert.ok(p99 < 250, `p99 ${p99} ms`);
  const { lifetimes, answers } = await crowd.report("dropped", requestTimeout + 5000);
  assert.equal(lifetimes.length, connections);
  assert.deepEqual(answers, [], "nobody was refused");
  const [first, last] = [Math.min(...lifetimes), Math.max(...lifetimes)];
  assert.ok(first > requestTimeout - 500, `the first one was dropped after ${first} ms`);
  assert.ok(last < requestTimeout + 2500, `the last one was dropped after ${last} ms`);
  assert.equal((await listed(port)).length, servers);
  assert.deepEqual(daemon.log().filter(({ level }) => level !== "INFO"), []);
});

endToEnd(
  "load: one address gets no more than connection-limit, others are served",
  [],
  async () => {
    await using daemon = await DaemonProcess.start();
    const port = daemon.port("ring 1 bis");
    await using held = new AsyncDisposableStack();
    const open = async (from: string): Promise<TextConnection> =>
      held.use(await TextConnection.open(port, { from }));
    for (let i = 0; i < PER_ADDRESS; i++) await open("127.0.0.2");
    for (let i = 0; i < 20; i++) {
      const refused = await open("127.0.0.2");
      assert.match(await refused.rest(), /^\\error\\More than 10 connections at once .*\\final\\$/);
    }
    assert.equal(await ask(port, LIST, { from: "127.0.0.3" }), "\\final\\");
    const other = await TextConnection.open(daemon.port("ring 2 bis"), { from: "127.0.0.2" });
    held.use(other).send(LIST);
    assert.equal(await other.answer(), "\\final\\", "each ring counts by itself");
  },
);

endToEnd(
  "load: out of open files it serves who is in, tells, and recovers",
  ["namespace"],
  async () => {
    const requestTimeout = 2000;
    await using daemon = await DaemonProcess.start({
      openFiles: 200,
      set: { "game.client-request-timeout": requestTimeout / 1000, "game.verify-servers": "no" },
    });
    const port = daemon.port("ring 1 bis");
    await ask(port, heartbeat(3030));
    await using early = await TextConnection.open(port);
    using crowd = new Crowd({
      port,
      addresses: addresses(25),
      perAddress: PER_ADDRESS,
      trickling: 0,
    });
    await crowd.report("connected");
    const told = await daemon.logged("no more open files: clients have to wait");
    assert.equal(told["level"], "WARN");
    for (let i = 0; i < 10; i++) {
      early.send(LIST);
      assert.equal(await early.answer(), "\\ip\\127.0.0.1\\port\\3030\\final\\");
      await pause(50);
    }
    await crowd.report("dropped", 4 * requestTimeout);
    assert.equal(daemon.lines("no more open files: clients have to wait").length, 1);
    assert.equal(await soon("a list", ask(port, LIST)), "\\ip\\127.0.0.1\\port\\3030\\final\\");
    await ask(port, heartbeat(3031));
    await untilListed(daemon.port("ring 2 bis"), ["127.0.0.1:3030", "127.0.0.1:3031"]);
  },
);
