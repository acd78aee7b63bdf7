import assert from "node:assert/strict";
import {
  Agent,
  type AgentEvent,
  type AgentOptions,
  problemOfWords,
  type RegistrationRequest,
} from "../../clients/agent.ts";
import { ClientError } from "../../clients/errors.ts";
import type { ServerReport } from "../../protocol/mod.ts";
import { sleep, until } from "../_helpers.ts";
import { FakeGame, gameStatus } from "./_fake_game.ts";

/** One that keeps the order of things. */
type Description = RegistrationRequest["server"];

interface FakeRegistration {
  readonly request: RegistrationRequest;
  readonly reports: ServerReport[];
  readonly updates: Description[];
  started: boolean;
  stopped: boolean;
}

const TIMING = { intervalMs: 60, answerMs: 10, retries: 1, patience: 3, registerAgainMs: 0 };
const MASTER = { host: "master.example.org", port: 7070 };

class Scene implements AsyncDisposable {
  readonly game: FakeGame;
  readonly events: AgentEvent[] = [];
  readonly registrations: FakeRegistration[] = [];
  readonly agent: Agent;
  /** Milliseconds that a good-bye takes. */
  byeMs = 0;
  refusal: ClientError | undefined;

  constructor(answer: string | undefined, more: Partial<AgentOptions> = {}) {
    this.game = new FakeGame(answer);
    this.agent = new Agent({
      server: { host: "127.0.0.1", port: this.game.port },
      words: { port: 3030, admin: "", protocol: 1122 },
      register: (request) => this.#register(request),
      onEvent: (event) => this.events.push(event),
      timing: TIMING,
      ...more,
    });
    this.agent.start();
  }

  get types(): string[] {
    return this.events.map(({ type }) => type);
  }

  get last(): FakeRegistration {
    const last = this.registrations.at(-1);
    assert.ok(last);
    return last;
  }

  async seen(type: AgentEvent["type"], times = 1): Promise<void> {
    await until(
      `${times} × ${type}`,
      () => this.types.filter((seen) => seen === type).length >= times,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent.stop();
    await this.game[Symbol.asyncDispose]();
  }

  #register(request: RegistrationRequest) {
    if (this.refusal) throw this.refusal;
    assert.ok(this.registrations.every(({ stopped }) => stopped), "one at a time");
    const registration: FakeRegistration = {
      request,
      reports: [],
      updates: [],
      started: false,
      stopped: false,
    };
    this.registrations.push(registration);
    return {
      start: () => {
        registration.started = true;
      },
      report: (report: ServerReport) => {
        registration.reports.push(report);
      },
      update: (server: Description) => {
        registration.updates.push(server);
      },
      stop: async () => {
        await sleep(this.byeMs);
        registration.stopped = true;
      },
    };
  }
}

Deno.test("Agent: registers a server that answers, its report in hand", async () => {
  await using scene = new Scene(gameStatus({ numplayers: "2" }));
  await until("a registration", () => scene.registrations[0]?.started === true);
  const { request, reports } = scene.last;
  assert.equal(request.server.name, "Bob's tanks");
  assert.equal(request.server.port, 3030);
  assert.equal(reports[0]?.players, 2);
  assert.deepEqual(scene.events, [{ type: "answers", name: "Bob's tanks", map: "Two clans" }]);
});

Deno.test("Agent: tells what the masters say", async () => {
  await using scene = new Scene(gameStatus());
  await until("a registration", () => scene.registrations[0]?.started === true);
  const { request } = scene.last;
  const registered = {
    type: "registered",
    number: 17,
    interval: 60,
    listed: false,
    masters: [],
  } as const;
  const listed = { type: "listed", listed: true } as const;
  const error = new ClientError("refused", "no", { code: "name_taken" });
  const state = { type: "connecting", master: MASTER } as const;
  request.onState?.(state);
  request.onRegistered?.(registered, MASTER);
  request.onListed?.(listed, MASTER);
  request.onRefused?.(error, MASTER);
  request.onState?.({ type: "closed" });
  assert.deepEqual(scene.events.slice(1), [
    { type: "state", state },
    { type: "registered", registered, master: MASTER },
    { type: "listed", listed, master: MASTER },
    { type: "refused", error },
  ]);
});

Deno.test("Agent: tells once that the server is not listed, until something of it changes", async () => {
  await using scene = new Scene(gameStatus());
  await until("a registration", () => scene.registrations[0]?.started === true);
  const { request } = scene.last;
  const rest = { type: "registered", number: 17, interval: 60, masters: [] } as const;
  request.onRegistered?.({ ...rest, listed: false, reason: "not asked yet" }, MASTER);
  const words: [boolean, string?][] = [
    ...Array(2).fill([false, "not asked yet"]),
    ...Array(3).fill([false, "no answer"]),
    ...Array(2).fill([true]),
    [false, "no answer"],
  ];
  for (const [listed, reason] of words) {
    request.onListed?.({ type: "listed", listed, ...(reason && { reason }) }, MASTER);
  }
  const told = scene.events.flatMap((event) =>
    event.type === "listed" ? event.listed.reason ?? "listed" : []
  );
  assert.deepEqual(told, ["no answer", "listed", "no answer"]);
});

Deno.test("Agent: wants masters over the family that the server answers over, and tells if not", async () => {
  await using scene = new Scene(gameStatus());
  await until("a registration", () => scene.registrations[0]?.started === true);
  const { request } = scene.last;
  assert.equal(request.family, 4);
  const state = { type: "connected", master: MASTER, key: new Uint8Array(32) } as const;
  request.onState?.({ ...state, ip: "192.0.2.1" });
  assert.ok(!scene.types.includes("other-family"));
  request.onState?.({ ...state, ip: "2001:db8::1" });
  request.onState?.({ ...state, ip: "2001:db8::1" });
  assert.deepEqual(scene.events.filter(({ type }) => type === "other-family"), [
    { type: "other-family", family: 4, master: MASTER },
  ]);
});

Deno.test("Agent: reports what changes, on the same registration", async () => {
  await using scene = new Scene(gameStatus());
  await until("a report", () => scene.registrations[0]?.started === true);
  scene.game.answer = gameStatus({ numplayers: "1", mapname: "Bullet Hole", time: "5" });
  await until("the change", () => scene.last.reports.at(-1)?.map === "Bullet Hole");
  assert.equal(scene.registrations.length, 1);
  assert.deepEqual(scene.types, ["answers"]);
});

Deno.test("Agent: a new name or new settings are told, the server stays registered", async () => {
  await using scene = new Scene(gameStatus());
  await until("a registration", () => scene.registrations[0]?.started === true);
  scene.game.answer = gameStatus({ hostname: "Ann's tanks" });
  await until("the new name", () => scene.last.updates.length === 1);
  assert.equal(scene.last.updates[0]?.name, "Ann's tanks");
  scene.game.answer = gameStatus({ hostname: "Ann's tanks", fraglimit: "5" });
  await until("the new settings", () => scene.last.updates.length === 2);
  assert.equal(scene.last.updates[1]?.settings["fraglimit"], "5");
  assert.equal(scene.registrations.length, 1);
  assert.deepEqual(scene.types, ["answers", "changed", "changed"]);
});

Deno.test("Agent: a server that changes all the time does not come and go all the time", async () => {
  await using scene = new Scene(gameStatus(), {
    timing: { ...TIMING, intervalMs: 10, registerAgainMs: 60_000 },
  });
  await until("a registration", () => scene.registrations[0]?.started === true);
  for (let i = 0; i < 5; i++) {
    scene.game.answer = gameStatus({ fraglimit: String(i), numplayers: String(i) });
    await until("its report", () => scene.last.reports.at(-1)?.players === i);
  }
  assert.equal(scene.registrations.length, 1);
  assert.deepEqual(scene.last.updates, []);
});

Deno.test("Agent: says good-bye after three polls without an answer, and returns", async () => {
  await using scene = new Scene(gameStatus());
  await until("a registration", () => scene.registrations[0]?.started === true);
  const asked = scene.game.questions.length;
  scene.game.answer = undefined;
  await scene.seen("left");
  assert.deepEqual(scene.types, ["answers", "silent", "left"]);
  assert.deepEqual(scene.events[1], {
    type: "silent",
    reason: "it does not answer",
    answeredBefore: true,
  });
  // Each poll asks twice here.
  assert.ok(scene.game.questions.length - asked >= 6, "three polls");
  assert.equal(scene.last.stopped, true);
  scene.game.answer = gameStatus();
  await until("a new registration", () => scene.registrations[1]?.started === true);
  assert.deepEqual(scene.types, ["answers", "silent", "left", "answers"]);
});

Deno.test("Agent: one missed poll or two are nothing", async () => {
  await using scene = new Scene(gameStatus());
  await until("a registration", () => scene.registrations[0]?.started === true);
  for (let i = 0; i < 2; i++) {
    const reports = scene.last.reports.length;
    scene.game.lose = 4;
    await until("answers again", () => scene.last.reports.length > reports + 1);
  }
  assert.deepEqual(scene.types, ["answers"]);
});

Deno.test("Agent: a server that is not there is told at the first poll, once", async () => {
  await using scene = new Scene(undefined);
  await scene.seen("silent");
  await until("more polls", () => scene.game.questions.length >= 8);
  assert.deepEqual(scene.events, [
    { type: "silent", reason: "it does not answer", answeredBefore: false },
  ]);
  assert.equal(scene.registrations.length, 0);
});

Deno.test("Agent: a server without a name is not registered, and that is told once", async () => {
  await using scene = new Scene(gameStatus({ hostname: "" }));
  await scene.seen("nameless");
  await until("more polls", () => scene.game.questions.length >= 3);
  assert.deepEqual(scene.types, ["nameless"]);
  scene.game.answer = gameStatus();
  await until("a registration", () => scene.registrations[0]?.started === true);
});

Deno.test("Agent: what no master would accept is told once, and polling goes on", async () => {
  await using scene = new Scene(gameStatus());
  scene.refusal = new ClientError("refused", "no master takes this", { code: "bad_request" });
  await scene.seen("refused");
  const polls = scene.game.questions.length;
  await until("more polls", () => scene.game.questions.length >= polls + 3);
  assert.equal(scene.types.filter((type) => type === "refused").length, 1);
  scene.refusal = undefined;
  scene.game.answer = gameStatus({ hostname: "Better" });
  await until("a registration", () => scene.registrations[0]?.started === true);
});

Deno.test("Agent stop: says good-bye and asks the server no more", async () => {
  const scene = new Scene(gameStatus());
  scene.byeMs = 20;
  await until("a registration", () => scene.registrations[0]?.started === true);
  await scene.agent.stop();
  assert.equal(scene.last.stopped, true);
  assert.deepEqual(scene.types, ["answers", "left"]);
  const asked = scene.game.questions.length;
  await sleep(2 * TIMING.intervalMs);
  assert.equal(scene.game.questions.length, asked);
  await scene[Symbol.asyncDispose]();
});

Deno.test("Agent stop: does not wait for a poll that is under way", async () => {
  const scene = new Scene(undefined, { timing: { ...TIMING, answerMs: 60_000 } });
  await until("a question", () => scene.game.questions.length > 0);
  const begun = performance.now();
  await scene[Symbol.asyncDispose]();
  assert.ok(performance.now() - begun < 1000);
  assert.deepEqual(scene.events, []);
});

Deno.test("problemOfWords: names what a master would refuse", () => {
  const words = { port: 3030, admin: "bob@example.org", protocol: 1122 };
  assert.equal(problemOfWords(words), undefined);
  assert.equal(
    problemOfWords({ ...words, name: "Bob", country: "FR", netname: "play.example.org" }),
    undefined,
  );
  assert.match(problemOfWords({ ...words, name: " Bob" }) ?? "", /name/);
  assert.match(problemOfWords({ ...words, country: "France" }) ?? "", /country/);
  assert.match(problemOfWords({ ...words, netname: "a b" }) ?? "", /netname/);
});
