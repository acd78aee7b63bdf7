import assert from "node:assert/strict";
import { MAX_BACKOFF_MS, MAX_UNANSWERED, type ThreadSettings } from "../../threads/mod.ts";
import { sleep, until } from "../_helpers.ts";
import { type FakeWorker, STORE, withBench } from "./_helpers.ts";

const SOCKET = { transport: "tcp", address: "::", port: 28900 } as const;

Deno.test("Supervisor: starts a thread when it is loaded and says when it is up", async () => {
  await withBench({}, async (bench) => {
    const up = bench.supervisor.start(bench.spec());
    assert.equal(bench.state(), "starting");
    assert.deepEqual(bench.last.received, []);
    bench.last.say({ type: "loaded" });
    assert.deepEqual(bench.last.received, [{ type: "start", settings: STORE }]);
    bench.last.say({ type: "ready", sockets: [SOCKET] });
    assert.equal(await up, true);
    assert.deepEqual(bench.calls, ["ready"]);
    assert.deepEqual(bench.supervisor.report(), [
      { name: "ring1bis", state: "up", sockets: [SOCKET], counters: {}, restarts: 0 },
    ]);
  });
});

Deno.test("Supervisor: what a thread says of its own life stays here, the rest is passed on", async () => {
  await withBench({}, async (bench) => {
    void bench.supervisor.start(bench.spec());
    bench.last.comeUp();
    bench.last.say({ type: "log", level: "warning", message: "hot", fields: { degrees: 90 } });
    bench.last.say({ type: "healthy", number: 0, counters: { lists: 3 } });
    bench.last.say({ type: "written", request: 7 });
    assert.deepEqual(bench.heard, [{ type: "written", request: 7 }]);
    assert.deepEqual(bench.logged, ['warning hot {"thread":"ring1bis","degrees":90}']);
    assert.deepEqual(bench.supervisor.report()[0]?.counters, { lists: 3 });
    await Promise.resolve();
  });
});

Deno.test("Supervisor: posts to a thread that is up, and loses what is for one that is not", async () => {
  await withBench({}, async (bench) => {
    const message = { type: "events", events: [] } as const;
    bench.supervisor.post("ring1bis", message);
    void bench.supervisor.start(bench.spec());
    bench.supervisor.post("ring1bis", message);
    assert.equal(bench.last.asked("events"), 0);
    bench.last.comeUp();
    bench.supervisor.post("ring1bis", message);
    bench.supervisor.post("ring2bis", message);
    assert.equal(bench.last.asked("events"), 1);
    bench.last.crash("boom");
    bench.supervisor.post("ring1bis", message);
    assert.equal(bench.workers[0]?.asked("events"), 1);
    await Promise.resolve();
  });
});

Deno.test("Supervisor: a thread that crashes is started again, with its settings of then", async () => {
  await withBench({}, async (bench) => {
    let path = "old";
    const settings = (): ThreadSettings => ({
      kind: "store",
      store: { database: { type: "sqlite", path }, journalPath: "/nowhere" },
    });
    const up = bench.supervisor.start({ ...bench.spec(), settings });
    bench.last.comeUp();
    await up;
    path = "new";
    assert.equal(bench.last.crash("boom"), true, "the process must live on");
    assert.equal(bench.state(), "waiting");
    assert.equal(bench.last.terminated, true);
    assert.match(bench.logged[0] ?? "", /^error ring1bis is down: boom .*"restart_in_ms":20/);
    await until("the restart", () => bench.workers.length === 2);
    bench.last.comeUp();
    assert.deepEqual(bench.last.received[0], { type: "start", settings: settings() });
    assert.deepEqual(bench.calls, ["ready", "down", "ready"]);
    assert.equal(bench.supervisor.report()[0]?.restarts, 1);
    assert.equal(bench.state(), "up");
  });
});

Deno.test("Supervisor: a dead thread's last words are not taken for its successor's", async () => {
  await withBench({}, async (bench) => {
    void bench.supervisor.start(bench.spec());
    const first = bench.last;
    first.comeUp();
    first.crash("boom");
    first.say({ type: "written", request: 1 });
    await until("the restart", () => bench.workers.length === 2);
    first.say({ type: "ready", sockets: [] });
    first.crash("again");
    assert.equal(bench.state(), "starting");
    assert.deepEqual(bench.heard, []);
    assert.equal(bench.supervisor.report()[0]?.restarts, 1);
  });
});

Deno.test("Supervisor: a thread that cannot start is told of, and tried again", async () => {
  await withBench({}, async (bench) => {
    const up = bench.supervisor.start(bench.spec());
    bench.last.say({ type: "loaded" });
    bench.last.say({ type: "failed", message: "TCP port 28900 is in use" });
    assert.equal(await up, false);
    assert.match(bench.logged[0] ?? "", /is down: TCP port 28900 is in use/);
    await until("the second try", () => bench.workers.length === 2);
    bench.last.comeUp();
    assert.equal(bench.state(), "up");
    assert.deepEqual(bench.calls, ["down", "ready"]);
  });
});

Deno.test("Supervisor: a thread that answers its health questions is left alone", async () => {
  await withBench({ healthIntervalMs: 10 }, async (bench) => {
    void bench.supervisor.start(bench.spec());
    const worker = bench.last;
    worker.react = (message) => {
      if (message.type === "health") {
        worker.say({ type: "healthy", number: message.number, counters: {} });
      }
    };
    worker.comeUp();
    await until("many questions", () => worker.asked("health") > 3 * MAX_UNANSWERED);
    assert.equal(worker.terminated, false);
    assert.equal(bench.workers.length, 1);
  });
});

Deno.test("Supervisor: a thread is stuck after 5 unanswered questions, up or starting", async () => {
  assert.equal(MAX_UNANSWERED, 5);
  for (const comesUp of [true, false]) {
    await withBench({ healthIntervalMs: 10 }, async (bench) => {
      void bench.supervisor.start(bench.spec());
      const worker = bench.last;
      if (comesUp) worker.comeUp();
      await until("the restart", () => bench.workers.length === 2);
      assert.equal(worker.asked("health"), MAX_UNANSWERED);
      assert.equal(worker.terminated, true);
      assert.match(bench.logged[0] ?? "", /no sign of life/);
    });
  }
});

Deno.test("Supervisor: an answer starts the counting anew", async () => {
  await withBench({ healthIntervalMs: 10 }, async (bench) => {
    void bench.supervisor.start(bench.spec());
    const worker = bench.last;
    worker.react = (message) => {
      if (message.type === "health" && message.number % 4 === 0) {
        worker.say({ type: "healthy", number: message.number, counters: {} });
      }
    };
    worker.comeUp();
    await until("many questions", () => worker.asked("health") > 4 * MAX_UNANSWERED);
    assert.equal(bench.workers.length, 1);
  });
});

Deno.test("Supervisor: waits twice as long before each restart", async () => {
  await withBench({ firstBackoffMs: 10 }, async (bench) => {
    void bench.supervisor.start(bench.spec());
    for (let i = 1; i <= 5; i++) {
      bench.last.comeUp();
      bench.last.crash(`crash ${i}`);
      await until("the restart", () => bench.workers.length === i + 1);
    }
    const waits = bench.logged.map((line) => Number(/"restart_in_ms":(\d+)/.exec(line)?.[1]));
    assert.deepEqual(waits, [10, 20, 40, 80, 160]);
    const times = bench.workers.map(({ spawnedAt }) => spawnedAt);
    const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    gaps.forEach((gap, i) => assert.ok(gap >= (waits[i] ?? 0) - 2, `${gaps}`));
  });
});

Deno.test("Supervisor: no wait is longer than 30 s", async () => {
  await withBench({ firstBackoffMs: MAX_BACKOFF_MS - 1 }, async (bench) => {
    void bench.supervisor.start(bench.spec());
    bench.last.crash("one");
    assert.match(bench.logged.at(-1) ?? "", /"restart_in_ms":29999/);
    assert.equal(bench.workers.length, 1);
    await Promise.resolve();
  });
  await withBench({ firstBackoffMs: 5 }, async (bench) => {
    void bench.supervisor.start({ ...bench.spec() });
    const real = globalThis.setTimeout;
    // Waits nothing, so that all of them go by.
    globalThis.setTimeout = ((run: () => void) => real(run, 0)) as typeof setTimeout;
    try {
      for (let i = 1; i <= 20; i++) {
        bench.last.crash("again");
        await new Promise((resolve) => real(resolve, 1));
        assert.equal(bench.workers.length, i + 1);
      }
    } finally {
      globalThis.setTimeout = real;
    }
    assert.match(bench.logged.at(-1) ?? "", new RegExp(`"restart_in_ms":${MAX_BACKOFF_MS}`));
  });
});

Deno.test("Supervisor: a thread that was steady for a minute is started again soon", async () => {
  const now = performance.now;
  let ahead = 0;
  performance.now = () => now.call(performance) + ahead;
  try {
    await withBench({ firstBackoffMs: 10 }, async (bench) => {
      void bench.supervisor.start(bench.spec());
      for (let i = 1; i <= 4; i++) {
        bench.last.comeUp();
        if (i === 3) ahead += 61_000;
        bench.last.crash("boom");
        await until("the restart", () => bench.workers.length === i + 1);
      }
      const waits = bench.logged.map((line) => Number(/"restart_in_ms":(\d+)/.exec(line)?.[1]));
      assert.deepEqual(waits, [10, 20, 10, 20]);
    });
  } finally {
    performance.now = now;
  }
});

Deno.test("Supervisor: one thread's trouble is no other's", async () => {
  await withBench({}, async (bench) => {
    void bench.supervisor.start(bench.spec("ring1bis"));
    void bench.supervisor.start(bench.spec("ring2bis"));
    const [bad, good] = bench.workers as [FakeWorker, FakeWorker];
    bad.comeUp();
    good.comeUp();
    bad.crash("boom");
    await until("the restart", () => bench.workers.length === 3);
    bench.last.crash("boom");
    await until("another one", () => bench.workers.length === 4);
    assert.equal(good.terminated, false);
    assert.equal(bench.state("ring2bis"), "up");
    assert.equal(bench.supervisor.report()[1]?.restarts, 0);
  });
});

Deno.test("Supervisor: stop waits for a thread's last word and ends it", async () => {
  await withBench({}, async (bench) => {
    void bench.supervisor.start(bench.spec());
    bench.last.comeUp();
    let stopped = false;
    const stopping = bench.supervisor.stop(["ring1bis"], 5000).then(() => stopped = true);
    assert.deepEqual(bench.last.received.at(-1), { type: "stop", graceMs: 5000 });
    await sleep(50);
    assert.equal(stopped, false);
    bench.supervisor.post("ring1bis", { type: "replies", replies: [] });
    assert.equal(bench.last.asked("replies"), 1, "what is in hand waits for its outcome");
    bench.last.say({ type: "stopped", counters: { lists: 9 } });
    await stopping;
    assert.equal(bench.last.terminated, true);
    assert.equal(bench.state(), "stopped");
    assert.deepEqual(bench.supervisor.report()[0]?.counters, { lists: 9 });
    assert.deepEqual(bench.calls, ["ready"]);
  });
});

Deno.test("Supervisor: stop ends a thread that does not stop, after its grace", async () => {
  await withBench({}, async (bench) => {
    void bench.supervisor.start(bench.spec());
    bench.last.comeUp();
    const start = performance.now();
    await bench.supervisor.stop(["ring1bis"], 100);
    const took = performance.now() - start;
    assert.ok(took >= 95 && took < 2000, `${took} ms`);
    assert.equal(bench.last.terminated, true);
  });
});

Deno.test("Supervisor: stop stops threads together, not one after the other", async () => {
  await withBench({}, async (bench) => {
    void bench.supervisor.start(bench.spec("ring1bis"));
    void bench.supervisor.start(bench.spec("ring2bis"));
    for (const worker of bench.workers) worker.comeUp();
    const stopping = bench.supervisor.stop(["ring1bis", "ring2bis"], 5000);
    assert.deepEqual(bench.workers.map((worker) => worker.asked("stop")), [1, 1]);
    for (const worker of bench.workers) worker.say({ type: "stopped", counters: {} });
    await stopping;
  });
});

Deno.test("Supervisor.socketsOf: what a thread listens on, and nothing once it is down or stopped", async () => {
  await withBench({}, async (bench) => {
    const { supervisor } = bench;
    const sockets = [{ transport: "tcp", address: "::", port: 6060 }] as const;
    const comeUp = (): void => {
      bench.last.say({ type: "loaded" });
      bench.last.say({ type: "ready", sockets });
    };
    assert.deepEqual(supervisor.socketsOf("ring0"), []);
    void supervisor.start(bench.spec("ring0"));
    comeUp();
    assert.deepEqual(supervisor.socketsOf("ring0"), sockets);
    bench.last.crash("no more");
    assert.deepEqual(supervisor.socketsOf("ring0"), []);
    await until("another worker", () => bench.workers.length === 2);
    comeUp();
    const stopped = supervisor.stop(["ring0"], 0);
    bench.last.say({ type: "stopped", counters: {} });
    await stopped;
    assert.deepEqual(supervisor.socketsOf("ring0"), []);
  });
});

Deno.test("Supervisor: nothing is started again once it is stopped", async () => {
  const ends: Record<string, (worker: FakeWorker) => void> = {
    "while waiting": (worker) => worker.crash("boom"),
    "while starting": () => {},
    "crashing on the way": (worker) => {
      worker.comeUp();
      worker.react = (message) => {
        if (message.type === "stop") worker.crash("boom");
      };
    },
  };
  for (const [when, end] of Object.entries(ends)) {
    await withBench({ firstBackoffMs: 5 }, async (bench) => {
      void bench.supervisor.start(bench.spec());
      end(bench.last);
      await bench.supervisor.stop(["ring1bis"], 1000);
      await sleep(60);
      assert.equal(bench.workers.length, 1, when);
      assert.equal(bench.state(), "stopped", when);
    });
  }
});
