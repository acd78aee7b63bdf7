import assert from "node:assert/strict";
import {
  type FromThread,
  runThread,
  type ThreadBody,
  type ThreadContext,
  type ToThread,
  type WorkerPort,
} from "../../threads/mod.ts";
import { until } from "../_helpers.ts";
import { STORE } from "./_helpers.ts";

/** A thread run in this one. */
class Bench implements WorkerPort {
  onmessage: WorkerPort["onmessage"] = null;
  readonly posted: FromThread[] = [];
  readonly calls: string[] = [];
  closed = false;
  context: ThreadContext | undefined;

  constructor(body: Partial<ThreadBody> = {}) {
    runThread(this, (settings, context) => {
      this.context = context;
      this.calls.push(`make ${settings.kind}`);
      return {
        start: () => Promise.resolve([{ transport: "tcp", address: "::", port: 1 }]),
        receive: ({ type }) => this.calls.push(type),
        reconfigure: ({ kind }) => this.calls.push(`reconfigure ${kind}`),
        stop: (graceMs) => Promise.resolve(void this.calls.push(`stop ${graceMs}`)),
        counters: () => ({ calls: this.calls.length }),
        ...body,
      };
    });
  }

  postMessage(message: FromThread): void {
    this.posted.push(message);
  }

  close(): void {
    this.closed = true;
  }

  send(message: ToThread): void {
    this.onmessage?.(new MessageEvent("message", { data: message }));
  }

  async last(type: FromThread["type"]): Promise<FromThread | undefined> {
    await until(type, () => this.posted.at(-1)?.type === type);
    return this.posted.at(-1);
  }
}

Deno.test("runThread: says that it is loaded, and makes its body when it is started", async () => {
  const bench = new Bench();
  assert.deepEqual(bench.posted, [{ type: "loaded" }]);
  assert.deepEqual(bench.calls, []);
  bench.send({ type: "start", settings: STORE });
  assert.deepEqual(await bench.last("ready"), {
    type: "ready",
    sockets: [{ transport: "tcp", address: "::", port: 1 }],
  });
  assert.deepEqual(bench.calls, ["make store"]);
});

Deno.test("runThread: a start that fails is told with its message, and ends the thread", async () => {
  const failures: Partial<ThreadBody>[] = [
    { start: () => Promise.reject(new Error("port is in use")) },
    {
      start: () => {
        throw new Error("port is in use");
      },
    },
  ];
  for (const body of failures) {
    const bench = new Bench(body);
    bench.send({ type: "start", settings: STORE });
    assert.deepEqual(await bench.last("failed"), { type: "failed", message: "port is in use" });
    assert.equal(bench.closed, true);
  }
});

Deno.test("runThread: answers health even before it is started", async () => {
  const bench = new Bench();
  bench.send({ type: "health", number: 1 });
  assert.deepEqual(bench.posted.at(-1), { type: "healthy", number: 1, counters: {} });
  bench.send({ type: "start", settings: STORE });
  await bench.last("ready");
  bench.send({ type: "health", number: 2 });
  assert.deepEqual(bench.posted.at(-1), { type: "healthy", number: 2, counters: { calls: 1 } });
});

Deno.test("runThread: settings and all that is not about its life go to the body", async () => {
  const bench = new Bench();
  bench.send({ type: "events", events: [] });
  bench.send({ type: "start", settings: STORE });
  await bench.last("ready");
  bench.send({ type: "settings", settings: STORE });
  bench.send({ type: "events", events: [] });
  bench.send({ type: "load", request: 1, since: 0 });
  assert.deepEqual(bench.calls, ["make store", "reconfigure store", "events", "load"]);
});

Deno.test("runThread: a stop is passed on, told with the last counts, and ends the thread", async () => {
  const bench = new Bench();
  bench.send({ type: "start", settings: STORE });
  await bench.last("ready");
  bench.send({ type: "stop", graceMs: 250 });
  assert.deepEqual(await bench.last("stopped"), { type: "stopped", counters: { calls: 2 } });
  assert.deepEqual(bench.calls, ["make store", "stop 250"]);
  assert.equal(bench.closed, true);
});

Deno.test("runThread: what a body logs or posts goes to the main thread", async () => {
  const bench = new Bench();
  bench.send({ type: "start", settings: STORE });
  await bench.last("ready");
  bench.context?.log("warning", "hot");
  bench.context?.log("info", "cold", { degrees: 3 });
  bench.context?.post({ type: "written", request: 5 });
  assert.deepEqual(bench.posted.slice(-3), [
    { type: "log", level: "warning", message: "hot", fields: {} },
    { type: "log", level: "info", message: "cold", fields: { degrees: 3 } },
    { type: "written", request: 5 },
  ]);
});
