import assert from "node:assert/strict";
import { Locator } from "../../daemon/_locator.ts";
import type { Command } from "../../registry/mod.ts";
import { record } from "../db/_helpers.ts";
import { sleep } from "../_helpers.ts";

function bench(countries: Readonly<Record<string, string>>): {
  locator: Locator;
  applied: Command[];
  loads: () => number;
} {
  const applied: Command[] = [];
  let loads = 0;
  const locator = new Locator({
    origin: "",
    apply: (command) => applied.push(command),
    loadCountries: () => {
      loads++;
      return Promise.resolve((ip) => countries[ip] ?? "");
    },
    resolve: (query) => Promise.resolve([`host-${query}`]),
    failed: (error) => assert.fail(String(error)),
  });
  return { locator, applied, loads: () => loads };
}

Deno.test("Locator: a listed server is looked up, the country database loaded once", async () => {
  const { locator, applied, loads } = bench({ "192.0.2.1": "FR" });
  locator.note(record("192.0.2.1"));
  locator.note(record("192.0.2.2", { settings: { country: "DE" } }));
  locator.note(record("192.0.2.3", { settings: { country: "<b>" } }));
  await sleep(5);
  assert.deepEqual(
    applied.map((command) =>
      command.type === "locate" ? [command.id, command.country, command.netName] : command
    ),
    [
      ["192.0.2.1:3030", "FR", "host-1.2.0.192.in-addr.arpa"],
      ["192.0.2.2:3030", "DE", "host-2.2.0.192.in-addr.arpa"],
      ["192.0.2.3:3030", "", "host-3.2.0.192.in-addr.arpa"],
    ],
    "what a server says counts only where its address tells nothing, and only if it is a code",
  );
  assert.equal(loads(), 1);
});

Deno.test("Locator: who is not listed, known already, or another master's, is left alone", async () => {
  const { locator, applied, loads } = bench({});
  locator.note(record("192.0.2.1", { state: "challenged" }));
  locator.note(record("192.0.2.1", { country: "FR" }));
  locator.note(record("192.0.2.1", { origin: "00000000000000b2" }));
  await sleep(5);
  assert.deepEqual(applied, []);
  assert.equal(loads(), 0);
});

Deno.test("Locator.glance: waits for no DNS server for long", async () => {
  const never = Promise.withResolvers<string[]>();
  const locator = new Locator({
    origin: "",
    apply: () => {},
    loadCountries: () => Promise.resolve(() => "FR"),
    resolve: () => never.promise,
    failed: () => {},
  });
  const started = performance.now();
  assert.deepEqual(await locator.glance("192.0.2.1"), { country: "FR", netName: "" });
  assert.ok(performance.now() - started < 2000);
  never.resolve(["host.example.org"]);
  await sleep(5);
  const later = await locator.glance("192.0.2.1");
  assert.deepEqual(later, { country: "FR", netName: "host.example.org" });
});

Deno.test("Locator: a country database that cannot be loaded is told and harms nobody", async () => {
  const failures: unknown[] = [];
  const locator = new Locator({
    origin: "",
    apply: () => assert.fail("nothing was found"),
    loadCountries: () => Promise.reject(new Error("damaged")),
    resolve: () => Promise.resolve([]),
    failed: (error) => failures.push(error),
  });
  locator.note(record("192.0.2.1"));
  await sleep(5);
  assert.equal(failures.length, 1);
});
