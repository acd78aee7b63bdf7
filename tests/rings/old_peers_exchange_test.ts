import assert from "node:assert/strict";
import { encodeListRequest, OldStyleListDecoder } from "../../protocol/mod.ts";
import { exchange, type PeerRequest } from "../../rings/_old_peers_exchange.ts";
import { restAfter } from "../../rings/_old_peers_peer.ts";
import type { HostPort } from "../../threads/mod.ts";
import { until } from "../_helpers.ts";
import { OldMaster } from "../e2e/_old_master.ts";
import { portOf } from "./_old_peers.ts";

function request(target: HostPort, more: Partial<PeerRequest> = {}): PeerRequest {
  return {
    target,
    bytes: encodeListRequest("netpanzer"),
    decoder: new OldStyleListDecoder(),
    ownPort: 28900,
    timeoutMs: 3000,
    signal: new AbortController().signal,
    ...more,
  };
}

Deno.test("restAfter: backs off from 5 s to the interval, and never comes late", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8, 1000].map((failures) => restAfter(failures, 300_000, 0));
  assert.deepEqual(waits, [
    5000,
    10_000,
    20_000,
    40_000,
    80_000,
    160_000,
    300_000,
    300_000,
    300_000,
  ]);
  assert.equal(restAfter(0, 300_000, 0), 300_000);
  assert.equal(restAfter(0, 300_000, 0.5), 285_000);
  assert.equal(restAfter(1, 1000, 0), 1000);
});

Deno.test("exchange: gives up on a silent master in time", async () => {
  await using silent = new OldMaster({ isSilent: true });
  const start = performance.now();
  const outcome = await exchange(request(portOf(silent), { timeoutMs: 200 }));
  assert.deepEqual(outcome, { type: "unanswered", reason: "it did not answer within 0.2 s" });
  assert.ok(performance.now() - start < 1000);
});

Deno.test("exchange: an abort ends it at once, whatever it waits for", async () => {
  await using silent = new OldMaster({ isSilent: true });
  const ending = new AbortController();
  const waiting = exchange(request(portOf(silent), { signal: ending.signal }));
  await until("the request", () => silent.received.length === 1);
  ending.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await assert.rejects(exchange(request(portOf(silent), { signal: ending.signal })), /enough/);
  assert.equal(silent.received.length, 1);
});

Deno.test("exchange: an endless answer ends it", async () => {
  const junk = new Uint8Array(20 * 1024 * 1024).fill(0x78);
  await using master = new OldMaster({ answer: () => junk });
  const outcome = await exchange(request(portOf(master), { timeoutMs: 20_000 }));
  assert.deepEqual(outcome, { type: "unanswered", reason: "its answer is longer than 16 MiB" });
});

Deno.test("exchange: half an answer is none", async () => {
  for (const answer of ["\\ip\\192.0.2.1\\port\\3030", "HTTP/1.0 400 Bad Request\r\n\r\n"]) {
    await using master = new OldMaster({ answer: () => answer });
    const outcome = await exchange(request(portOf(master)));
    assert.equal(outcome.type, "unanswered");
    assert.match(outcome.type === "unanswered" ? outcome.reason : "", /before the answer was/);
  }
});
