import assert from "node:assert/strict";
import {
  type ClientFailure,
  type NetworkView,
  type ObserverOptions,
  WATCH_INTERVAL_MS,
  WATCH_RETRY_MS,
  watchNetwork,
} from "../../clients/mod.ts";
import { sleep, until } from "../_helpers.ts";
import { type FakePeer, gcrypt } from "./_fake_master.ts";
import { FakeNetworkMaster, otherMaster, PSK, tells } from "./_fake_network.ts";
import { FakeTiming } from "./_fake_timing.ts";

const keyPair = gcrypt.keyPair();
const OPTIONS: ObserverOptions = { crypto: gcrypt, keyPair, psk: PSK, program: "9.9" };

Deno.test("watchNetwork: asks each second, over a master that goes away and comes back", async () => {
  const timing = new FakeTiming();
  const over = new AbortController();
  const views: NetworkView[] = [];
  const troubles: [ClientFailure, number][] = [];
  const first = new FakeNetworkMaster(tells([otherMaster(1)]));
  const { port, keyPair: masterKey } = first;
  const watching = watchNetwork(first.address, {
    ...OPTIONS,
    timing,
    signal: over.signal,
    onView: (view) => views.push(view),
    onTrouble: ({ failure }, seconds) => troubles.push([failure, seconds]),
  });
  await until("a view", () => views.length === 1);
  await timing.advance(WATCH_INTERVAL_MS - 1);
  assert.equal(views.length, 1);
  await timing.advance(1);
  await until("another view", () => views.length === 2);
  assert.equal((views[1]?.time ?? 0) - (views[0]?.time ?? 0), WATCH_INTERVAL_MS);
  assert.equal(first.accepted, 1, "over one connection");
  await first[Symbol.asyncDispose]();
  await timing.advance(WATCH_INTERVAL_MS);
  await until("trouble", () => troubles.length === 1);
  await timing.advance(WATCH_RETRY_MS);
  await until("more trouble", () => troubles.length === 2);
  assert.deepEqual(troubles, [["unavailable", 2], ["unavailable", 2]]);
  await using _second = new FakeNetworkMaster(tells([]), {}, { port, keyPair: masterKey });
  await timing.advance(WATCH_RETRY_MS);
  await until("a view again", () => views.length === 3);
  assert.deepEqual(views[2]?.peers, []);
  over.abort();
  await watching;
  assert.deepEqual(timing.waiting, []);
});

Deno.test("watchNetwork: waits as long as it is asked to", async () => {
  const timing = new FakeTiming();
  const over = new AbortController();
  const troubles: number[] = [];
  const refuse = async (peer: FakePeer) => {
    await peer.send({ type: "error", code: "busy", message: "later", retry_after: 60 });
    await peer.waitForClose();
  };
  await using master = new FakeNetworkMaster(refuse);
  const watching = watchNetwork(master.address, {
    ...OPTIONS,
    timing,
    signal: over.signal,
    onView: () => assert.fail("there is nothing to see"),
    onTrouble: (_, seconds) => troubles.push(seconds),
  });
  await until("trouble", () => troubles.length === 1);
  await timing.advance(59_000);
  await sleep(10);
  assert.deepEqual([troubles, master.accepted], [[60], 1]);
  over.abort();
  await watching;
});
