import assert from "node:assert/strict";
import fc from "fast-check";
import { bucketOf, Digests } from "../../mesh/digest.ts";
import { DIGEST_BUCKETS } from "../../protocol/mod.ts";

interface Item {
  readonly key: string;
  readonly hlc: number;
  readonly origin: string;
}

const EMPTY = "0".repeat(13);

function digestOf(items: readonly Item[]): string[] {
  const digests = new Digests();
  for (const item of items) digests.toggle(bucketOf(item.key), item.key, item);
  return digests.all();
}

/** What must never change, or masters of two releases would never agree. */
const VECTORS: readonly (readonly [item: Item, bucket: number, hash: string])[] = [
  [
    { key: "s:203.0.113.5:3030", hlc: 1838458470451200, origin: "0f9a41c2d37be865" },
    118,
    "7c3bbee6acf8c",
  ],
  [
    { key: "s:[2001:db8::7]:3030", hlc: 1838458470451201, origin: "0f9a41c2d37be865" },
    122,
    "345135abe6a24",
  ],
  [
    { key: "n:Bob's Größe", hlc: 1838458470400128, origin: "0123456789abcdef" },
    247,
    "2b69a21797038",
  ],
  [{ key: "u:木村", hlc: 0, origin: "0123456789abcdef" }, 223, "d430e360c9456"],
  [{ key: "u:😀", hlc: Number.MAX_SAFE_INTEGER, origin: "ffffffffffffffff" }, 8, "9abe14e7f08d1"],
];

Deno.test("bucketOf and Digests: hashes are those that every release has", () => {
  for (const [item, bucket, hash] of VECTORS) {
    assert.equal(bucketOf(item.key), bucket, item.key);
    const all = digestOf([item]);
    assert.equal(all[bucket], hash, item.key);
    assert.equal(all.filter((other) => other !== EMPTY).length, 1);
  }
});

Deno.test("Digests.all: of nothing there are 256 zeros", () => {
  const all = new Digests().all();
  assert.equal(all.length, DIGEST_BUCKETS);
  assert.deepEqual(new Set(all), new Set([EMPTY]));
});

const items = fc.uniqueArray(
  fc.record({
    key: fc.oneof(fc.ipV4().map((ip) => `s:${ip}:3030`), fc.string().map((name) => `n:${name}`)),
    hlc: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    origin: fc.stringMatching(/^[0-9a-f]{16}$/),
  }),
  { selector: ({ key }) => key, maxLength: 40 },
);

Deno.test("Digests: the order of entries does not matter", () => {
  fc.assert(fc.property(
    items.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))
    ),
    ([list, shuffled]) => assert.deepEqual(digestOf(list), digestOf(shuffled)),
  ));
});

Deno.test("Digests.toggle: an entry that was put in and taken out leaves nothing", () => {
  fc.assert(fc.property(items, (list) => {
    assert.deepEqual(new Set(digestOf([...list, ...list])), new Set([EMPTY]));
  }));
});

Deno.test("Digests: every entry counts, and each part of its version", () => {
  fc.assert(fc.property(
    items.filter(({ length }) => length > 0),
    fc.nat(),
    (list, chosen) => {
      const place = chosen % list.length;
      const all = digestOf(list);
      const item = list[place] ?? assert.fail();
      const others = list.toSpliced(place, 1);
      assert.notDeepEqual(digestOf(others), all);
      const later = { ...item, hlc: item.hlc === 0 ? 1 : item.hlc - 1 };
      assert.notDeepEqual(digestOf([...others, later]), all);
      const [first = "", ...rest] = item.origin;
      const moved = { ...item, origin: [first === "0" ? "1" : "0", ...rest].join("") };
      assert.notDeepEqual(digestOf([...others, moved]), all);
      const renamed = { ...item, key: `${item.key}0` };
      assert.notDeepEqual(digestOf([...others, renamed]), all);
    },
  ));
});

Deno.test("bucketOf: ten thousand servers are spread evenly", () => {
  const sizes = new Array<number>(DIGEST_BUCKETS).fill(0);
  for (let i = 0; i < 10_000; i++) {
    const bucket = bucketOf(`s:203.0.${i >> 8}.${i & 255}:3030`);
    sizes[bucket] = (sizes[bucket] ?? 0) + 1;
  }
  // 39 on average.
  assert.ok(Math.min(...sizes) > 10, String(Math.min(...sizes)));
  assert.ok(Math.max(...sizes) < 85, String(Math.max(...sizes)));
});

Deno.test("Digests: entries that differ in the last digits have different hashes", () => {
  const hashes = new Set<string>();
  for (let i = 0; i < 2000; i++) {
    const hlc = 1_838_458_470_451_200 + i;
    const [hash = ""] = digestOf([{ key: "u:12", hlc, origin: "0123456789abcdef" }])
      .filter((hash) => hash !== EMPTY);
    hashes.add(hash);
  }
  assert.equal(hashes.size, 2000);
});
