import assert from "node:assert/strict";
import { Replica } from "../../registry/mod.ts";
import { Questions, Users, type UserSession } from "../../rings/_questions.ts";
import { Rosters } from "../../rings/_rosters.ts";
import type { Finding, FromThread } from "../../threads/mod.ts";
import { removal, status, stored, World } from "../registry/_helpers.ts";

const WELCOME: Finding = { type: "claimed", outcome: { type: "welcome", number: 17, isNew: true } };

/** A main thread that answers when tests tell it to. */
class Trial {
  readonly posted: FromThread[] = [];
  readonly replica = new Replica();
  readonly rosters = new Rosters(this.replica);
  readonly questions: Questions;
  readonly users: Users;

  constructor(patienceMs?: number) {
    this.questions = new Questions((message) => this.posted.push(message), patienceMs);
    this.users = new Users(this.questions, this.rosters);
  }

  /** Answers the latest question. */
  answer(finding: Finding): void {
    const latest = this.posted.at(-1);
    assert.equal(latest?.type, "question");
    if (latest?.type === "question") this.questions.settle(latest.request, finding);
  }

  async login(user: string, session: UserSession) {
    const answer = this.users.login(user, session);
    this.answer(WELCOME);
    return await answer;
  }

  async whois(user: string) {
    const answer = this.users.whois(user);
    this.answer({ type: "user", user: { number: 17, user, country: "FR" } });
    return await answer;
  }
}

function session(isClosed = false): UserSession {
  const tcp = {} as Deno.TcpConn;
  const connection = { tcp, ip: "10.0.0.9", localIp: "10.0.0.1", busy: false, deadline: 0 };
  return { connection, key: "key", isClosed };
}

Deno.test("Questions: each answer goes to who asked, in any order", async () => {
  const { questions, posted } = new Trial();
  const first = questions.ask({ type: "find-user", user: "Ann" });
  const second = questions.ask({ type: "find-user", user: "Bob" });
  const [one, two] = posted.map((message) => message.type === "question" ? message.request : 0);
  assert.notEqual(one, two);
  questions.settle(two as number, { type: "user", user: undefined });
  questions.settle(one as number, { type: "busy" });
  questions.settle(one as number, WELCOME);
  assert.deepEqual(await second, { type: "user", user: undefined });
  assert.deepEqual(await first, { type: "busy" });
});

Deno.test("Questions: no answer in time is busy, and one that comes later is nobody's", async () => {
  const trial = new Trial(5);
  assert.deepEqual(await trial.questions.ask({ type: "find-user", user: "Ann" }), { type: "busy" });
  trial.answer(WELCOME);
});

Deno.test("Questions: an answer that a thread before it waited for is nobody's", async () => {
  const [crashed, fresh] = [new Trial(), new Trial()];
  void crashed.users.login("Mallory", session());
  const login = fresh.users.login("Ann", session());
  const [stale] = crashed.posted;
  assert.equal(stale?.type, "question");
  if (stale?.type === "question") fresh.questions.settle(stale.request, WELCOME);
  fresh.answer({ type: "claimed", outcome: { type: "name_taken" } });
  const answer = await login;
  assert.equal(answer.type === "error" && answer.code, "name_taken");
  crashed.questions.stop();
});

Deno.test("Questions: a stop leaves nobody waiting", async () => {
  const { questions } = new Trial();
  const asked = [1, 2, 3].map(() => questions.ask({ type: "find-user", user: "Ann" }));
  questions.stop();
  assert.deepEqual(await Promise.all(asked), Array(3).fill({ type: "busy" }));
});

Deno.test("Users: a login claims the name for the session's key", async () => {
  const trial = new Trial();
  const before = Date.now();
  assert.deepEqual(await trial.login("Ann", session()), {
    type: "welcome",
    number: 17,
    user: "Ann",
  });
  const [asked] = trial.posted;
  if (asked?.type !== "question" || asked.question.type !== "claim") throw new Error("no claim");
  const { at, ...claim } = asked.question.claim;
  assert.ok(at >= before && at <= Date.now());
  const version = { hlc: 0, origin: "" };
  assert.deepEqual(
    claim,
    { user: "Ann", key: "key", ip: "10.0.0.9", country: "", netName: "", ...version },
  );
});

Deno.test("Users: a login that fails says why, and nobody is there", async () => {
  const trial = new Trial();
  const refused = async (finding: Finding) => {
    const answer = trial.users.login("Ann", session());
    trial.answer(finding);
    const { message, ...rest } = await answer as { message: string };
    return { rest, message };
  };
  const taken = await refused({ type: "claimed", outcome: { type: "name_taken" } });
  assert.deepEqual(taken.rest, { type: "error", code: "name_taken" });
  assert.match(taken.message, /"Ann"/);
  const busy = { type: "error", code: "busy", retry_after: 5 };
  assert.deepEqual((await refused({ type: "busy" })).rest, busy);
  assert.deepEqual((await refused({ type: "claimed", outcome: { type: "busy" } })).rest, busy);
  assert.equal(trial.users.present, 0);
});

Deno.test("Users: someone is online for as long as one of their sessions is", async () => {
  const trial = new Trial();
  const [one, two] = [session(), session()];
  const offline = { type: "user", number: 17, user: "Ann", country: "FR", online: false };
  assert.deepEqual(await trial.whois("Ann"), offline);
  await trial.login("Ann", one);
  await trial.login("Ann", two);
  await trial.login("Ann", two);
  assert.equal(trial.users.present, 1);
  trial.users.leave(one);
  trial.users.leave(one);
  trial.users.leave(session());
  assert.deepEqual(await trial.whois("Ann"), { ...offline, online: true });
  trial.users.leave(two);
  assert.deepEqual(await trial.whois("Ann"), offline);
});

Deno.test("Users: a second name takes the place of the first on a session", async () => {
  const trial = new Trial();
  const one = session();
  await trial.login("Ann", one);
  await trial.login("Bob", one);
  assert.deepEqual((await trial.whois("Ann") as { online: boolean }).online, false);
  assert.deepEqual((await trial.whois("Bob") as { online: boolean }).online, true);
  const failing = trial.users.login("Cid", one);
  trial.answer({ type: "busy" });
  await failing;
  assert.deepEqual((await trial.whois("Bob") as { online: boolean }).online, true);
});

Deno.test("Users: who left while the database was asked is not there", async () => {
  const trial = new Trial();
  await trial.login("Ann", session(true));
  assert.equal(trial.users.present, 0);
});

Deno.test("Users: who is on a server's roster is online there until they leave it", async () => {
  const trial = new Trial();
  const record = stored(new World(), "2001:db8::1", { status: status() });
  trial.replica.put(record);
  trial.rosters.load();
  const known = { type: "user", number: 17, user: "Bob", country: "FR" };
  assert.deepEqual(await trial.whois("Bob"), {
    ...known,
    online: true,
    server: "[2001:db8::1]:3030",
  });
  assert.equal((await trial.whois("bob") as { online: boolean }).online, false);
  trial.rosters.apply(removal(record.id));
  assert.deepEqual(await trial.whois("Bob"), { ...known, online: false });
});

Deno.test("Users: of one nobody knows it is said so, and of a database that is away", async () => {
  const trial = new Trial();
  const ask = async (finding: Finding) => {
    const answer = trial.users.whois("Ann");
    trial.answer(finding);
    return await answer;
  };
  const unknown = await ask({ type: "user", user: undefined });
  assert.equal(unknown.type === "error" && unknown.code, "bad_request");
  assert.match(unknown.type === "error" ? unknown.message : "", /"Ann"/);
  const busy = await ask({ type: "busy" });
  assert.deepEqual(busy.type === "error" && [busy.code, busy.retry_after], ["busy", 5]);
});

Deno.test("Users: logins of one host are limited, those of others are not", async () => {
  const trial = new Trial();
  for (let i = 0; i < 20; i++) await trial.login(`user ${i % 10}`, session());
  const asked = trial.posted.length;
  const refused = await trial.users.login("user 1", session());
  assert.equal(refused.type === "error" && refused.code, "too_many");
  assert.equal(refused.type === "error" && refused.retry_after, 10);
  assert.equal(trial.posted.length, asked, "the database is not asked");
  const other = session();
  const elsewhere = { ...other, connection: { ...other.connection, ip: "10.0.0.10" } };
  assert.equal((await trial.login("Ann", elsewhere)).type, "welcome");
});

Deno.test("Users: names that are new to a host are limited harder than those it had", async () => {
  const trial = new Trial();
  for (let i = 0; i < 10; i++) await trial.login(`user ${i}`, session());
  const refused = await trial.users.login("one more", session());
  assert.deepEqual(
    refused.type === "error" && [refused.code, refused.retry_after],
    ["too_many", 60],
  );
  assert.equal((await trial.login("user 3", session())).type, "welcome");
});
