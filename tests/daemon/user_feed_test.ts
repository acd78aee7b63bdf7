import assert from "node:assert/strict";
import { UserFeed } from "../../daemon/_user_feed.ts";
import type { UserClaim } from "../../registry/mod.ts";
import type { Finding, Question, ToThread } from "../../threads/mod.ts";
import { type FakeTime, withFakeTime } from "./_helpers.ts";

function claim(user: string): UserClaim {
  return { user, key: "k", country: "", hlc: 1, origin: "o" };
}

function page(last: boolean, ...users: string[]): Finding {
  return { type: "users", users: users.map(claim), last };
}

/** A feed from a database that answers as a test says. */
class Bench {
  readonly asked: Question[] = [];
  readonly posted: ToThread[] = [];
  readonly failures: unknown[] = [];
  answers: (Finding | Error | Promise<Finding>)[] = [];
  readonly feed = new UserFeed({
    ask: (question) => {
      this.asked.push(question);
      const answer = this.answers.shift() ?? { type: "busy" };
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    post: (message) => this.posted.push(message),
    failed: (error) => this.failures.push(error),
  });

  /** What was posted, in short. */
  told(): string[] {
    return this.posted.map((message) => {
      if (message.type !== "users") return message.type;
      const { users, first, last } = message;
      return `${users.map(({ user }) => user)} ${first} ${last}`;
    });
  }
}

function withBench(use: (bench: Bench, time: FakeTime) => Promise<void>): Promise<void> {
  return withFakeTime((time) => use(new Bench(), time));
}

Deno.test("UserFeed: pages come one after the other, the last one marked", async () => {
  await withBench(async (bench, time) => {
    bench.answers = [page(false, "Ann", "Bob"), page(false, "Cid"), page(true)];
    bench.feed.up();
    await time.pass(0);
    assert.deepEqual(bench.asked, [
      { type: "users", after: "" },
      { type: "users", after: "Bob" },
      { type: "users", after: "Cid" },
    ]);
    assert.deepEqual(bench.told(), [
      " true false",
      "Ann,Bob false false",
      "Cid false false",
      " false true",
    ]);
    assert.equal(time.pending, 0);
  });
});

Deno.test("UserFeed: a database that is busy is asked again for the same page", async () => {
  await withBench(async (bench, time) => {
    bench.answers = [page(false, "Ann"), { type: "busy" }, { type: "busy" }, page(true, "Bob")];
    bench.feed.up();
    await time.pass(100);
    assert.equal(bench.asked.length, 2);
    await time.pass(10_000);
    assert.deepEqual(bench.asked.map((one) => one.type === "users" && one.after), [
      "",
      "Ann",
      "Ann",
      "Ann",
    ]);
    assert.deepEqual(bench.told().slice(1), ["Ann false false", "Bob false true"]);
  });
});

Deno.test("UserFeed: a ring that is down is told no more, and everything when it is back", async () => {
  await withBench(async (bench, time) => {
    const late = Promise.withResolvers<Finding>();
    bench.answers = [late.promise];
    bench.feed.up();
    bench.feed.down();
    late.resolve(page(false, "Ann"));
    await time.pass(60_000);
    assert.deepEqual([bench.told(), bench.asked.length], [[" true false"], 1]);

    bench.feed.up();
    await time.pass(0);
    bench.answers = [page(true, "Ann")];
    bench.feed.up();
    await time.pass(60_000);
    assert.deepEqual(bench.told().slice(1), [" true false", " true false", "Ann false true"]);
    assert.equal(bench.asked.length, 3, "the attempt before has ended");
  });
});

Deno.test("UserFeed: a question that cannot be answered at all is told of", async () => {
  await withBench(async (bench, time) => {
    const failure = new Error("no such table");
    bench.answers = [failure];
    bench.feed.up();
    await time.pass(60_000);
    assert.deepEqual([bench.failures, bench.asked.length], [[failure], 1]);
  });
});
