import assert from "node:assert/strict";
import { loadCountries, NameFinder, reverseName } from "../../whereabouts/mod.ts";

Deno.test("reverseName: IPv4 and IPv6", () => {
  assert.equal(reverseName("192.0.2.5"), "5.2.0.192.in-addr.arpa");
  assert.equal(
    reverseName("2001:db8::567:89ab"),
    "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
  );
});

Deno.test("NameFinder: asks once for an address, remembers for a day", async () => {
  let now = 0;
  const asked: string[] = [];
  const finder = new NameFinder((query) => {
    asked.push(query);
    return Promise.resolve(["Play.Example.Org."]);
  }, () => now);
  const names = await Promise.all([finder.find("192.0.2.5"), finder.find("192.0.2.5")]);
  assert.deepEqual(names, ["play.example.org", "play.example.org"]);
  now = 86_399_999;
  await finder.find("192.0.2.5");
  assert.equal(asked.length, 1);
  now = 86_400_000;
  await finder.find("192.0.2.5");
  assert.equal(asked.length, 2);
});

Deno.test("NameFinder: no name, a failure and a hostile name are an empty name", async () => {
  const answers: (readonly string[] | Error)[] = [
    [],
    new Error("no such name"),
    ["<script>alert(1)</script>"],
    ["a\nb.example.org"],
    [`${"x".repeat(300)}.example.org`],
  ];
  const finder = new NameFinder((_query) => {
    const answer = answers.shift() ?? [];
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  }, () => 0);
  for (let n = 1; n <= 5; n++) assert.equal(await finder.find(`192.0.2.${n}`), "");
});

Deno.test("NameFinder: a few lookups at a time, and a bound on those that wait", async () => {
  let running = 0;
  let most = 0;
  const release: (() => void)[] = [];
  const finder = new NameFinder(async () => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => release.push(resolve));
    running--;
    return ["a.example.org"];
  }, () => 0);
  const found = [...Array(10_050).keys()].map((n) => finder.find(`10.0.${n >> 8}.${n & 255}`));
  const over = await Promise.all(found.slice(10_000));
  assert.deepEqual(new Set(over), new Set([""]), "those over the bound go without");
  while (release.length > 0) {
    release.splice(0).forEach((resolve) => resolve());
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assert.equal((await Promise.all(found.slice(0, 10_000))).every((name) => name !== ""), true);
  assert.equal(most, 8);
});

Deno.test("loadCountries: countries of public addresses, none of others", async () => {
  const countryOf = await loadCountries();
  assert.equal(countryOf("8.8.8.8"), "US");
  assert.equal(countryOf("2001:4860:4860::8888"), "US");
  assert.equal(countryOf("193.0.6.139"), "NL");
  for (const ip of ["127.0.0.1", "10.0.0.1", "::1", "fe80::1", "not an address"]) {
    assert.equal(countryOf(ip), "", ip);
  }
});
