import assert from "node:assert/strict";
import type { FromThread, NumberedCommand } from "../../threads/mod.ts";
import { RegistryClient } from "../../rings/_registry_client.ts";
import { sleep, until } from "../_helpers.ts";

function client(): { client: RegistryClient; batches: (readonly NumberedCommand[])[] } {
  const batches: (readonly NumberedCommand[])[] = [];
  const post = (message: FromThread): void => {
    assert.equal(message.type, "commands");
    if (message.type === "commands") batches.push(message.commands);
  };
  return { client: new RegistryClient({ post, log: () => {} }), batches };
}

Deno.test("RegistryClient: what is asked in one turn goes in one message, in order", async () => {
  const { client: registry, batches } = client();
  void registry.request({ type: "quit", ip: "192.0.2.1", port: 1 });
  registry.send({ type: "answer", id: "192.0.2.1:1", token: "t" });
  void registry.request({ type: "quit", ip: "192.0.2.1", port: 2 });
  assert.equal(batches.length, 0);
  await until("the batch", () => batches.length > 0);
  assert.equal(batches.length, 1);
  const [batch] = batches;
  assert.deepEqual(batch?.map(({ command }) => command.type), ["quit", "answer", "quit"]);
  assert.equal(batch?.[1]?.request, undefined);
  assert.notEqual(batch?.[0]?.request, batch?.[2]?.request);
});

Deno.test("RegistryClient: each request gets its own outcome, in whatever order", async () => {
  const { client: registry, batches } = client();
  const first = registry.request({ type: "quit", ip: "192.0.2.1", port: 1 });
  const second = registry.request({ type: "quit", ip: "192.0.2.1", port: 2 });
  registry.flush();
  const [a, b] = batches[0]?.map(({ request }) => request) ?? [];
  registry.settle([{ request: b ?? 0, outcome: { type: "refused", reason: "b" } }]);
  registry.settle([
    { request: 999, outcome: { type: "accepted" } },
    { request: a ?? 0, outcome: { type: "accepted" } },
    { request: b ?? 0, outcome: { type: "accepted" } },
  ]);
  assert.deepEqual(await Promise.all([first, second]), [
    { type: "accepted" },
    { type: "refused", reason: "b" },
  ]);
  await sleep(5);
});

Deno.test("RegistryClient: refreshes are gathered into one, each server once", async () => {
  const { client: registry, batches } = client();
  for (const id of ["a", "b", "a", "c", "b"]) registry.refresh(id);
  await sleep(1);
  assert.equal(batches.length, 0);
  await until("the batch", () => batches.length > 0);
  assert.deepEqual(batches, [[{ command: { type: "refresh", ids: ["a", "b", "c"] } }]]);
  await sleep(50);
  assert.equal(batches.length, 1);
  registry.refresh("d");
  await until("the next batch", () => batches.length > 1);
  assert.deepEqual(batches[1], [{ command: { type: "refresh", ids: ["d"] } }]);
});

Deno.test("RegistryClient: refreshes by the owners of keys are told apart", async () => {
  const { client: registry, batches } = client();
  registry.refresh("a");
  registry.refresh("b", true);
  registry.refresh("b", true);
  await until("the batch", () => batches.length > 0);
  assert.deepEqual(batches, [[
    { command: { type: "refresh", ids: ["a"] } },
    { command: { type: "refresh", ids: ["b"], byOwner: true } },
  ]]);
});

Deno.test("RegistryClient: an answer that a thread before it waited for is nobody's", async () => {
  const number = (registry: RegistryClient, batches: (readonly NumberedCommand[])[]) => {
    void registry.request({ type: "quit", ip: "192.0.2.1", port: 1 });
    registry.flush();
    return batches[0]?.[0]?.request ?? NaN;
  };
  const numbers = Array.from({ length: 20 }, () => {
    const { client: registry, batches } = client();
    return number(registry, batches);
  });
  assert.equal(new Set(numbers).size, 20);
  assert.ok(numbers.every((request) => Number.isSafeInteger(request + 1_000_000_000)));
  await sleep(5);
});

Deno.test("RegistryClient: flush sends all at once, and nothing when there is nothing", async () => {
  const { client: registry, batches } = client();
  registry.flush();
  assert.equal(batches.length, 0);
  registry.refresh("a");
  registry.send({ type: "answer", id: "a", token: "t" });
  registry.flush();
  assert.deepEqual(batches.map((batch) => batch.map(({ command }) => command.type)), [
    ["answer", "refresh"],
  ]);
  await sleep(50);
  assert.equal(batches.length, 1);
});
