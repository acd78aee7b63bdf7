import assert from "node:assert/strict";
import { until } from "../_helpers.ts";
import { REAL_STATUS, statusWith } from "../protocol/_status_samples.ts";
import { ask, entries, type Trial, withRing, withUdp } from "./_helpers.ts";

const FINAL = "\\final\\";
const LIST = "\\list\\gamename\\netpanzer\\final\\";
const MASTERS = "\\list\\gamename\\master\\final\\";

function heartbeat(port: number, more = ""): string {
  return `\\heartbeat\\gamename\\netpanzer\\port\\${port}\\protocol\\1122${more}\\final\\`;
}

async function listed(trial: Trial, request = LIST): Promise<string[]> {
  return entries(await ask(trial.port, request));
}

Deno.test("ring1bis: a heartbeat is accepted, then the connection closes", async () => {
  await withRing({}, async (trial) => {
    assert.equal(await ask(trial.port, heartbeat(3030)), FINAL);
    assert.deepEqual(await listed(trial), ["127.0.0.1:3030"]);
    assert.deepEqual(trial.registry.get("127.0.0.1:3030")?.settings, {
      gamename: "netpanzer",
      port: "3030",
      protocol: "1122",
    });
  });
});

Deno.test("ring1bis: nothing after a heartbeat is read", async () => {
  await withRing({}, async (trial) => {
    assert.equal(await ask(trial.port, heartbeat(3030) + LIST + heartbeat(4040)), FINAL);
    assert.deepEqual(await listed(trial), ["127.0.0.1:3030"]);
  });
});

Deno.test("ring1bis: a heartbeat of a listed server with the same keys is only a refresh", async () => {
  await withRing({}, async (trial) => {
    await ask(trial.port, heartbeat(3030));
    trial.commands.length = 0;
    assert.equal(await ask(trial.port, heartbeat(3030)), FINAL);
    await until("the refresh", () => trial.commands.length > 0);
    assert.deepEqual(trial.commands, [{ type: "refresh", ids: ["127.0.0.1:3030"] }]);
    assert.equal(await ask(trial.port, heartbeat(3030, "\\mode\\duel")), FINAL);
    assert.equal(trial.commands.at(-1)?.type, "register");
    trial.commands.length = 0;
    assert.equal(await ask(trial.port, heartbeat(3030)), FINAL);
    assert.equal(trial.commands[0]?.type, "register", "a key less is a change, too");
    assert.equal(trial.registry.get("127.0.0.1:3030")?.settings["mode"], undefined);
  });
});

Deno.test("ring1bis: what a heartbeat lacks is told, and nobody registers", async () => {
  const wrong: [string, RegExp][] = [
    ["\\heartbeat\\final\\", /gamename/],
    ["\\heartbeat\\port\\3030\\final\\", /gamename/],
    ["\\heartbeat\\gamename\\netpanzer\\final\\", /port/],
    ...["0", "65536", "-1", "x", "3030x", "1e3"].map((port): [string, RegExp] => [
      `\\heartbeat\\gamename\\netpanzer\\port\\${port}\\final\\`,
      /port/,
    ]),
  ];
  await withRing({}, async (trial) => {
    for (const [request, reason] of wrong) {
      const answer = await ask(trial.port, request + LIST);
      assert.match(answer, /^\\error\\[^\\]+\\final\\$/, request);
      assert.match(answer, reason);
    }
    assert.equal(trial.registry.size, 0);
  });
});

Deno.test("ring1bis: every key of a heartbeat is a filter, secrets excepted", async () => {
  await withRing({}, async (trial) => {
    await ask(trial.port, heartbeat(3030, "\\mode\\duel\\__proto__\\x\\password\\hidden"));
    await ask(trial.port, heartbeat(4040, "\\mode\\clan"));
    const filtered = (pairs: string): Promise<string[]> =>
      listed(trial, `\\list\\gamename\\netpanzer${pairs}\\final\\`);
    assert.deepEqual(await filtered("\\mode\\duel"), ["127.0.0.1:3030"]);
    assert.deepEqual(await filtered("\\mode\\clan\\protocol\\1122"), ["127.0.0.1:4040"]);
    assert.deepEqual(await filtered("\\__proto__\\x"), ["127.0.0.1:3030"]);
    assert.deepEqual(await filtered("\\constructor\\x"), []);
    const both = ["127.0.0.1:3030", "127.0.0.1:4040"];
    for (const guess of ["hidden", "wrong"]) {
      assert.deepEqual(await filtered(`\\password\\${guess}`), both);
    }
    assert.ok(!JSON.stringify([trial.posted, trial.commands, trial.logged]).includes("hidden"));
  });
});

Deno.test("ring1bis: a master needs the password, and its guess is seen nowhere", async () => {
  const register = (password: string): string =>
    `\\heartbeat\\port\\28901\\gamename\\master${password}\\final\\`;
  await withRing({}, async (trial) => {
    for (const wrong of ["", "\\password\\wrong", "\\password\\sesam", "\\Password\\sesame"]) {
      const answer = await ask(trial.port, register(wrong));
      assert.match(answer, /^\\error\\[^\\]*password[^\\]*\\final\\$/i, wrong);
    }
    assert.equal(trial.registry.size, 0);
    await until("the refusals", () => trial.commands.length >= 4);
    assert.deepEqual(new Set(trial.commands.map(({ type }) => type)), new Set(["refuse"]));
    assert.deepEqual(await listed(trial, MASTERS), ["127.0.0.1:28900"]);
    assert.equal(await ask(trial.port, register("\\password\\sesame")), FINAL);
    assert.deepEqual(await listed(trial, MASTERS), ["127.0.0.1:28900", "127.0.0.1:28901"]);
    assert.ok(!JSON.stringify([trial.posted, trial.commands, trial.logged]).includes("sesame"));
    assert.deepEqual(await listed(trial), [], "no game server");
  });
});

Deno.test("ring1bis: without a configured password every master is refused", async () => {
  await withRing({ settings: { masterPassword: "" } }, async (trial) => {
    for (const password of ["", "\\password\\", "\\password\\x"]) {
      const request = `\\heartbeat\\port\\1\\gamename\\master${password}\\final\\`;
      assert.match(await ask(trial.port, request), /^\\error\\/);
    }
    assert.equal(trial.registry.size, 0);
  });
});

Deno.test("ring1bis: a quit removes the sender's own server and no other", async () => {
  await withRing({}, async (trial) => {
    trial.add("192.0.2.1", 3030);
    trial.add("127.0.0.2", 3030);
    await ask(trial.port, heartbeat(3030));
    await ask(trial.port, heartbeat(3031));
    assert.equal(await ask(trial.port, `\\quit\\port\\3030\\final\\${LIST}`), FINAL);
    assert.deepEqual(await listed(trial), ["192.0.2.1:3030", "127.0.0.2:3030", "127.0.0.1:3031"]);
    assert.equal(await ask(trial.port, "\\quit\\port\\3030\\final\\"), FINAL, "not there is fine");
    const foreign = "\\quit\\ip\\192.0.2.1\\port\\3030\\final\\";
    assert.equal(await ask(trial.port, foreign), FINAL);
    assert.equal((await listed(trial)).length, 3);
  });
});

Deno.test("ring1bis: a quit needs a port", async () => {
  await withRing({}, async (trial) => {
    for (const pairs of ["", "\\port\\0", "\\port\\x", "\\gamename\\netpanzer"]) {
      assert.match(await ask(trial.port, `\\quit${pairs}\\final\\`), /^\\error\\[^\\]*port/);
    }
  });
});

Deno.test("ring1bis: lists are in order of registration, stable between two calls", async () => {
  await withRing({}, async (trial) => {
    const ports = [5, 3, 9, 1, 7];
    for (const port of ports) await ask(trial.port, heartbeat(port));
    const expected = ports.map((port) => `127.0.0.1:${port}`);
    assert.deepEqual(await listed(trial), expected);
    await ask(trial.port, heartbeat(3));
    assert.deepEqual(await listed(trial), expected);
  });
});

Deno.test("ring1bis: an address's servers are limited, and the answer says how", async () => {
  await withRing({ limits: { serversPerHost: 2 } }, async (trial) => {
    assert.equal(await ask(trial.port, heartbeat(1)), FINAL);
    assert.equal(await ask(trial.port, heartbeat(2)), FINAL);
    assert.match(await ask(trial.port, heartbeat(3)), /^\\error\\[^\\]*2 are allowed\\final\\$/);
    assert.equal(await ask(trial.port, heartbeat(1)), FINAL);
    await ask(trial.port, "\\quit\\port\\1\\final\\");
    assert.equal(await ask(trial.port, heartbeat(3)), FINAL);
  });
});

Deno.test("ring1bis: a server is challenged from the ring's port and listed when it answers", async () => {
  await withRing({ limits: { verify: true } }, async (trial) => {
    await withUdp(["127.0.0.1", "127.0.0.2"], async (game, stranger) => {
      assert.equal(await ask(trial.port, heartbeat(game?.port ?? 0)), FINAL);
      const challenge = await game?.next(0) ?? "";
      assert.match(challenge, /^\\echo\\[0-9a-f]{32}$/);
      assert.equal(game?.received[0]?.port, trial.port, "from the port of the ring");
      assert.deepEqual(await listed(trial), []);
      const token = challenge.slice("\\echo\\".length);
      await stranger?.send(trial.port, token);
      await stranger?.send(trial.port, "\\echo\\done");
      assert.equal(await stranger?.next(0), "done", "the ring has seen the stranger's token");
      assert.equal(trial.registry.listed, 0);
      await game?.send(trial.port, token);
      await until("the listing", () => trial.registry.listed === 1);
      assert.deepEqual(await listed(trial), [`127.0.0.1:${game?.port}`]);
    });
  });
});

Deno.test("ring1bis: a listed server is polled, and its answer reaches the registry", async () => {
  await withRing({ settings: { statusInterval: 60_000 } }, async (trial) => {
    await withUdp(["127.0.0.1", "127.0.0.2"], async (game, stranger) => {
      const id = `127.0.0.1:${game?.port}`;
      await game?.send(trial.port, REAL_STATUS);
      await ask(trial.port, heartbeat(game?.port ?? 0));
      assert.equal(await game?.next(0), "\\status\\final\\");
      assert.equal(trial.registry.get(id)?.status, undefined, "nothing unasked counts");
      await stranger?.send(trial.port, statusWith(["Mallory", 9, 9, 9]));
      await game?.send(trial.port, statusWith(["Ann", 1, 2, 3]));
      await game?.send(trial.port, statusWith(["Ben", 1, 2, 3]));
      await until("the status", () => trial.registry.get(id)?.status !== undefined);
      await stranger?.send(trial.port, "\\echo\\done");
      await stranger?.next(0);
      assert.deepEqual(trial.registry.get(id)?.status?.roster.map(({ name }) => name), ["Ann"]);
      assert.equal(trial.counter("polls_sent"), 1);
      assert.equal(trial.counter("polls_answered"), 1);
    });
  });
});

Deno.test("ring1bis: polls of servers from a snapshot are spread over the interval", async () => {
  await withRing({ settings: { statusInterval: 60_000 } }, async (trial) => {
    const settings = { gamename: "netpanzer", port: "9" };
    const times = { firstSeen: 0, lastSeen: 0, hlc: 0, origin: "" };
    const records = Array.from({ length: 600 }, (_, i) => {
      const ip = `127.1.${i >> 8}.${i & 255}`;
      const record = { id: `${ip}:9`, ip, port: 9, gamename: "netpanzer", settings, ...times };
      return { ...record, state: "listed" as const };
    });
    trial.feed(records, true, true);
    await until("the first polls", () => trial.counter("polls_sent") > 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok(trial.counter("polls_sent") < 60, `${trial.counter("polls_sent")} at once`);
  });
});
