import assert from "node:assert/strict";
import type { GameStatus } from "../../protocol/mod.ts";
import type { ServerRecord } from "../../registry/mod.ts";
import { Prober } from "../../rings/_prober.ts";
import { bytes, text } from "../_helpers.ts";
import { REAL_STATUS, statusWith } from "../protocol/_status_samples.ts";

const TOKEN = "00112233445566778899aabbccddeeff";
const ID = "192.0.2.1:3030";
const INTERVAL = 60_000;

function record(id: string, gamename = "netpanzer"): ServerRecord {
  const [ip = "", port] = id.split(":");
  const settings = { gamename, port: port ?? "" };
  const state = "listed";
  return {
    id,
    ip,
    port: Number(port),
    gamename,
    settings,
    state,
    firstSeen: 0,
    lastSeen: 0,
    hlc: 0,
    origin: "",
  };
}

/** A prober whose output is kept, with servers that it finds. */
class Bench {
  readonly sent: string[] = [];
  readonly answered: string[] = [];
  readonly statuses: [string, GameStatus][] = [];
  readonly reached: [string, boolean][] = [];
  readonly foreign = new Set<string>();
  readonly known = new Map<string, ServerRecord>();
  readonly prober = new Prober({
    send: (ip, port, data) => this.sent.push(`${ip}:${port} ${text(data)}`),
    answered: (id, token) => this.answered.push(`${id} ${token}`),
    status: (id, status) => this.statuses.push([id, status]),
    reached: (id, reached) => this.reached.push([id, reached]),
  }, 0);

  watch(id: string, wait = 0, now = 0): void {
    this.known.set(id, record(id));
    this.prober.watch(record(id), wait, now);
  }

  /** Ticks as the ring does, up to a time. */
  run(from: number, to: number, interval = INTERVAL): void {
    for (let now = from; now <= to; now += 250) {
      const shareOf = ({ id }: ServerRecord) => ({ isForeign: this.foreign.has(id), interval });
      this.prober.tick((id) => this.known.get(id), shareOf, now);
    }
  }
}

Deno.test("Prober: sends a challenge and takes its token from that address and port only", () => {
  const bench = new Bench();
  bench.prober.challenge({ id: ID, ip: "192.0.2.1", port: 3030, token: TOKEN }, 0);
  assert.deepEqual(bench.sent, [`${ID} \\echo\\${TOKEN}`]);
  for (const other of ["192.0.2.1:3031", "192.0.2.2:3030", "[2001:db8::1]:3030"]) {
    assert.equal(bench.prober.take(other, bytes(TOKEN)), false, other);
  }
  assert.deepEqual(bench.answered, []);
  assert.equal(bench.prober.take(ID, bytes(TOKEN)), true);
  assert.deepEqual(bench.answered, [`${ID} ${TOKEN}`]);
});

Deno.test("Prober: who is watched no more is not waited for, whatever was asked before", () => {
  const bench = new Bench();
  bench.watch(ID);
  bench.run(0, 250);
  bench.prober.unwatch(ID);
  assert.equal(bench.prober.take(ID, bytes(statusWith(["Ann", 1, 2, 3]))), false);
  assert.deepEqual(bench.statuses, []);
});

Deno.test("Prober: only the bare token counts", () => {
  const bench = new Bench();
  bench.prober.challenge({ id: ID, ip: "192.0.2.1", port: 3030, token: TOKEN }, 0);
  const wrong = [
    "",
    TOKEN.slice(1),
    `${TOKEN}\n`,
    `\\echo\\${TOKEN}`,
    TOKEN.toUpperCase(),
    ` ${TOKEN}`,
  ];
  for (const data of wrong) assert.equal(bench.prober.take(ID, bytes(data)), false, data);
  assert.deepEqual(bench.answered, []);
});

Deno.test("Prober: a token counts once", () => {
  const bench = new Bench();
  bench.prober.challenge({ id: ID, ip: "192.0.2.1", port: 3030, token: TOKEN }, 0);
  bench.prober.take(ID, bytes(TOKEN));
  assert.equal(bench.prober.take(ID, bytes(TOKEN)), false);
  assert.equal(bench.answered.length, 1);
});

Deno.test("Prober: a new challenge voids the token of the one before", () => {
  const bench = new Bench();
  const challenge = { id: ID, ip: "192.0.2.1", port: 3030 };
  bench.prober.challenge({ ...challenge, token: TOKEN }, 0);
  bench.prober.challenge({ ...challenge, token: "f".repeat(32) }, 1000);
  assert.equal(bench.prober.take(ID, bytes(TOKEN)), false);
  assert.equal(bench.prober.take(ID, bytes("f".repeat(32))), true);
});

Deno.test("Prober: waits for a token longer than all tries take, and not for ever", () => {
  for (const [wait, taken] of [[9000, true], [60_000, false]] as const) {
    const bench = new Bench();
    bench.prober.challenge({ id: ID, ip: "192.0.2.1", port: 3030, token: TOKEN }, 0);
    bench.run(0, wait);
    assert.equal(bench.prober.take(ID, bytes(TOKEN)), taken, `after ${wait} ms`);
  }
});

Deno.test("Prober: polls a watched server at once and then at every interval", () => {
  const bench = new Bench();
  bench.watch(ID);
  bench.run(0, 200_000);
  assert.equal(bench.sent.length, 4);
  assert.deepEqual(new Set(bench.sent), new Set([`${ID} \\status\\final\\`]));
  assert.equal(bench.prober.pollsSent, 4);
});

Deno.test("Prober: the first poll may be put off", () => {
  const bench = new Bench();
  bench.watch(ID, 30_000);
  bench.run(0, 29_500);
  assert.deepEqual(bench.sent, []);
  bench.run(29_750, 31_000);
  assert.equal(bench.sent.length, 1);
});

Deno.test("Prober: polls no master, nobody that is gone, and nobody at an interval of 0", () => {
  const bench = new Bench();
  bench.known.set("192.0.2.9:28900", record("192.0.2.9:28900", "master"));
  bench.prober.watch(record("192.0.2.9:28900", "master"), 0, 0);
  bench.watch("192.0.2.2:1");
  bench.prober.unwatch("192.0.2.2:1");
  bench.watch("192.0.2.3:1");
  bench.known.delete("192.0.2.3:1");
  bench.run(0, 200_000);
  assert.deepEqual(bench.sent, []);
  bench.watch(ID, 0, 200_000);
  bench.run(200_250, 400_000, 0);
  assert.deepEqual(bench.sent, []);
  bench.run(400_250, 500_000, INTERVAL);
  assert.ok(bench.sent.length >= 1, "polls again once it is switched on");
});

Deno.test("Prober: takes a status only of a server it polled, and one for a poll", () => {
  const bench = new Bench();
  bench.watch(ID);
  assert.equal(bench.prober.take(ID, bytes(REAL_STATUS)), false, "not polled yet");
  bench.run(0, 500);
  assert.equal(bench.sent.length, 1);
  assert.equal(bench.prober.take("192.0.2.1:3031", bytes(REAL_STATUS)), false);
  assert.equal(bench.prober.take(ID, bytes(statusWith(["Ann", 1, 2, 3]))), true);
  assert.equal(bench.prober.take(ID, bytes(REAL_STATUS)), false, "answered already");
  assert.equal(bench.statuses.length, 1);
  assert.equal(bench.statuses[0]?.[0], ID);
  assert.equal(bench.statuses[0]?.[1].roster[0]?.name, "Ann");
  assert.equal(bench.prober.pollsAnswered, 1);
});

Deno.test("Prober: garbage does not use up a poll", () => {
  const bench = new Bench();
  bench.watch(ID);
  bench.run(0, 500);
  for (const data of ["", "x", "\\final\\", "\\status\\final\\", "gamename\\x\\final\\"]) {
    assert.equal(bench.prober.take(ID, bytes(data)), false);
  }
  assert.equal(bench.prober.take(ID, bytes(REAL_STATUS)), true);
});

Deno.test("Prober: an answer to a poll that comes too late is not waited for", () => {
  const bench = new Bench();
  bench.watch(ID);
  bench.run(0, 500);
  bench.run(750, 10_000);
  assert.equal(bench.prober.take(ID, bytes(REAL_STATUS)), false);
});

Deno.test("Prober: a challenge and a poll of one server do not get in each other's way", () => {
  const bench = new Bench();
  bench.watch(ID);
  bench.run(0, 500);
  bench.prober.challenge({ id: ID, ip: "192.0.2.1", port: 3030, token: TOKEN }, 500);
  assert.equal(bench.prober.take(ID, bytes(REAL_STATUS)), true);
  assert.equal(bench.prober.take(ID, bytes(TOKEN)), true);
});

Deno.test("Prober: of another master's server it is only found out whether it is reached", () => {
  const bench = new Bench();
  bench.foreign.add(ID);
  bench.watch(ID);
  bench.run(0, 250);
  assert.equal(bench.prober.take(ID, bytes(REAL_STATUS)), true);
  assert.deepEqual([bench.statuses, bench.reached], [[], [[ID, true]]]);
  bench.run(500, INTERVAL + 500);
  const polls = bench.sent.length;
  bench.run(INTERVAL + 750, INTERVAL + 5500);
  assert.deepEqual(bench.reached, [[ID, true]], "one datagram may be lost");
  assert.equal(bench.sent.length, polls + 1);
  bench.run(INTERVAL + 5750, INTERVAL + 17_000);
  assert.deepEqual(bench.reached, [[ID, true], [ID, false]]);
  assert.equal(bench.sent.length, polls + 2);
});

Deno.test("Prober: a server that is gone before it has answered is not told of", () => {
  const bench = new Bench();
  bench.foreign.add(ID);
  bench.watch(ID);
  bench.run(0, 250);
  bench.known.delete(ID);
  bench.run(500, 30_000);
  assert.deepEqual(bench.reached, []);
});
