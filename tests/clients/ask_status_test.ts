import assert from "node:assert/strict";
import { askStatus } from "../../clients/_ask_status.ts";
import { FakeGame, gameStatus } from "./_fake_game.ts";

const TIMING = { answerMs: 40, retries: 3 };
const never = new AbortController().signal;

Deno.test("askStatus: gives the server's answer and every pair of it", async () => {
  await using game = new FakeGame(gameStatus({ numplayers: "1" }, "\\player_0\\Ann\\kills_0\\3"));
  const asked = await askStatus({ host: "127.0.0.1", port: game.port }, TIMING, never);
  assert.ok(asked.type === "answered");
  assert.equal(asked.status.hostname, "Bob's tanks");
  assert.deepEqual(asked.status.roster, [{ name: "Ann", kills: 3, deaths: 0, points: 0 }]);
  assert.equal(asked.values.get("protocol"), "1122");
  assert.deepEqual(game.questions, ["\\status\\final\\"]);
});

Deno.test("askStatus: a host is taken by name", async () => {
  await using game = new FakeGame(gameStatus());
  const asked = await askStatus({ host: "localhost", port: game.port }, TIMING, never);
  assert.equal(asked.type, "answered");
});

Deno.test("askStatus: prefers IPv4, and says over what it got the answer", async () => {
  await using game = new FakeGame(gameStatus());
  const families: number[] = [];
  const server = { host: "game.example.org", port: game.port };
  const asked = await askStatus(server, TIMING, never, (_host, family) => {
    families.push(family);
    return Promise.resolve([family === 4 ? "127.0.0.1" : "::1"]);
  });
  assert.equal(asked.type === "answered" && asked.family, 4);
  assert.deepEqual(families, [4]);
  const unknown = await askStatus(server, TIMING, never, (_host, family) => {
    families.push(family);
    return Promise.resolve([]);
  });
  assert.deepEqual(unknown, { type: "silent", reason: "the host game.example.org is unknown" });
  assert.deepEqual(families, [4, 4, 6]);
});

Deno.test("askStatus: a lookup that takes long ends with the signal", async () => {
  const over = new AbortController();
  const server = { host: "game.example.org", port: 1 };
  const asking = askStatus(server, TIMING, over.signal, () => new Promise(() => {}));
  over.abort();
  assert.equal((await asking).type, "silent");
});

Deno.test("askStatus: asks again when a datagram is lost, three times at most", async () => {
  await using game = new FakeGame(gameStatus());
  const server = { host: "127.0.0.1", port: game.port };
  game.lose = 3;
  assert.equal((await askStatus(server, TIMING, never)).type, "answered");
  assert.equal(game.questions.length, 4);
  game.lose = 4;
  const begun = performance.now();
  assert.equal((await askStatus(server, TIMING, never)).type, "silent");
  assert.ok(performance.now() - begun >= 4 * TIMING.answerMs * 0.9);
  assert.equal(game.questions.length, 8);
});

Deno.test("askStatus: what is no status, or from another port, is no answer", async () => {
  await using game = new FakeGame("hello");
  const server = { host: "127.0.0.1", port: game.port };
  assert.equal((await askStatus(server, TIMING, never)).type, "silent");
  game.answer = `gamename\\netpanzer\\numplayers\\0\\${"x".repeat(16 * 1024)}\\final\\`;
  assert.equal((await askStatus(server, TIMING, never)).type, "silent");
  await using liar = new FakeGame();
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const asking = askStatus(
    { host: "127.0.0.1", port: (socket.addr as Deno.NetAddr).port },
    TIMING,
    never,
  );
  const [, from] = await socket.receive();
  await liar.send(gameStatus(), from as Deno.NetAddr);
  assert.equal((await asking).type, "silent");
  socket.close();
});

Deno.test("askStatus: a host that has no address is told as such", async () => {
  const host = `${"x".repeat(64)}.example.org`;
  const asked = await askStatus({ host, port: 3030 }, TIMING, never);
  assert.ok(asked.type === "silent");
  assert.match(asked.reason, /the host x+\.example\.org is unknown/);
});

Deno.test("askStatus: ends at once when it is told to", async () => {
  await using game = new FakeGame();
  const stop = new AbortController();
  const asking = askStatus(
    { host: "127.0.0.1", port: game.port },
    { answerMs: 60_000, retries: 3 },
    stop.signal,
  );
  setTimeout(() => stop.abort(), 20);
  assert.equal((await asking).type, "silent");
  const server = { host: "127.0.0.1", port: game.port };
  assert.equal((await askStatus(server, TIMING, stop.signal)).type, "silent");
});
