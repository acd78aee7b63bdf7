import assert from "node:assert/strict";
import { Supervisor, type ThreadName, type WorkerLike } from "../../threads/mod.ts";
import { sleep, until } from "../_helpers.ts";
import { STORE } from "./_helpers.ts";

/** Real Workers, one of each fixture, under one supervisor. */
async function withWorkers(
  fixtures: Partial<Record<ThreadName, string>>,
  use: (supervisor: Supervisor, logged: string[]) => Promise<void>,
): Promise<void> {
  const logged: string[] = [];
  const names = Object.keys(fixtures) as ThreadName[];
  const supervisor = new Supervisor({
    spawn: (name): WorkerLike =>
      new Worker(new URL(`./fixtures/${fixtures[name]}.ts`, import.meta.url), { type: "module" }),
    log: (_, message) => logged.push(message),
    // Five unanswered questions are more than it takes to check and load a module on a busy machine.
    healthIntervalMs: 2000,
    firstBackoffMs: 20,
  });
  try {
    await Promise.all(names.map((name) =>
      supervisor.start({
        name,
        settings: () => STORE,
        onReady: () => {},
        onMessage: () => {},
        onDown: () => {},
      })
    ));
    await use(supervisor, logged);
  } finally {
    await supervisor.stop(names, 1000);
    supervisor.close();
  }
}

function restarts(supervisor: Supervisor, name: ThreadName): number {
  return supervisor.report().find((report) => report.name === name)?.restarts ?? NaN;
}

function events(supervisor: Supervisor, name: ThreadName): number | undefined {
  return supervisor.report().find((report) => report.name === name)?.counters["events"];
}

function up(supervisor: Supervisor, name: ThreadName): boolean {
  return supervisor.report().find((report) => report.name === name)?.state === "up";
}

for (
  const [fixture, words] of [["throws", /no stomach for events/], [
    "rejects",
    /no patience for events/,
  ], ["loops", /no sign of life/]] as const
) {
  Deno.test(`Supervisor: a real Worker that ${fixture} is started again, others go on`, async () => {
    await withWorkers({ ring1bis: fixture, ring2bis: "fine" }, async (supervisor, logged) => {
      assert.ok(up(supervisor, "ring1bis") && up(supervisor, "ring2bis"));
      const event = { type: "events", events: [] } as const;
      supervisor.post("ring1bis", event);
      let sent = 0;
      while (restarts(supervisor, "ring1bis") === 0 || !up(supervisor, "ring1bis")) {
        supervisor.post("ring2bis", event);
        sent++;
        await sleep(5);
      }
      await until("the other's count", () => events(supervisor, "ring2bis") === sent);
      assert.equal(restarts(supervisor, "ring2bis"), 0);
      assert.equal(restarts(supervisor, "ring1bis"), 1);
      assert.match(logged.join("\n"), words);
    });
  });
}

Deno.test("Supervisor: a real Worker whose module cannot be loaded fails to start, no more", async () => {
  await withWorkers({ ring1bis: "unloadable", ring2bis: "fine" }, async (supervisor, logged) => {
    await until("two tries", () => restarts(supervisor, "ring1bis") >= 2);
    assert.ok(up(supervisor, "ring2bis"));
    assert.match(logged[0] ?? "", /ring1bis is down.*no way to load this/);
  });
});

Deno.test("Supervisor: a real Worker that loops is ended by a stop", async () => {
  await withWorkers({ ring1bis: "loops" }, async (supervisor) => {
    supervisor.post("ring1bis", { type: "events", events: [] });
    const start = performance.now();
    await supervisor.stop(["ring1bis"], 100);
    assert.ok(performance.now() - start < 2000);
  });
});
