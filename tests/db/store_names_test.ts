import assert from "node:assert/strict";
import type { NameClaim } from "../../registry/mod.ts";
import { testOnBoth } from "./_databases.ts";
import { ORIGIN, version } from "./_records.ts";
import { loadWhole, prepared } from "./_stores.ts";

testOnBoth(
  "SqlStore: a name stays with the earliest claim, whatever the order",
  async ({ engine }) => {
    const store = await prepared(engine);
    const claim = (name: string, key: string, step: number, origin = ORIGIN): NameClaim => ({
      name,
      key,
      ...version(step, origin),
    });
    const write = (...claims: NameClaim[]) =>
      store.write(claims.map((each) => ({ type: "name", ...each })));
    await write(claim("tanks", "second", 2), claim("Żółw 🛡", "only", 5, ""));
    await write(claim("tanks", "first", 1), claim("tanks", "third", 3));
    // Names are compared letter by letter.
    await write(claim("Tanks", "another", 9));
    await write(claim("same time", "b", 4, "b"));
    await write(claim("same time", "a", 4, "a"), claim("same time", "c", 4, "c"));
    assert.deepEqual((await loadWhole(store)).names, [
      claim("Tanks", "another", 9),
      claim("same time", "a", 4, "a"),
      claim("tanks", "first", 1),
      claim("Żółw 🛡", "only", 5, ""),
    ]);
  },
);

testOnBoth("SqlStore: more names than come at a time are all loaded", async ({ engine }) => {
  const store = await prepared(engine);
  const names = [...Array(2500).keys()].map((n) => ({
    name: `name ${String(n).padStart(4, "0")}`,
    key: `key ${n}`,
    ...version(n),
  }));
  await store.write(names.map((claim) => ({ type: "name", ...claim })));
  const parts = await Array.fromAsync(store.load(0));
  assert.ok(parts.length > 1);
  assert.deepEqual(parts.flatMap((part) => part.names), names);
});
