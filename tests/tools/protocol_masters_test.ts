/**
 * What docs/protocol_masters.md says is what the program does.
 *
 * @module
 */

import assert from "node:assert/strict";
import { bucketOf, Digests } from "../../mesh/digest.ts";
import { decodeRing0Message, DIGEST_BUCKETS, encodeMessage } from "../../protocol/mod.ts";
import { idOfKey } from "../../mesh/roster.ts";
import { bytes, text } from "../_helpers.ts";
import { brokenLinks, fences, page } from "./_protocol_pages.ts";

const PAGE = page("protocol_masters.md");

/** Types of messages that have a part of their own. */
const PARTS = PAGE.split("\n### ").slice(1).map((part) => /^`([a-z]+)`\n/.exec(part)?.[1]);

Deno.test("protocol_masters.md: every example is read as it stands there", () => {
  const examples = fences(PAGE, "json").filter(({ info }) => info === "ring0");
  assert.equal(examples.length, PARTS.length - 1, "each part but the digest's has one");
  for (const { body } of examples) {
    const value = JSON.parse(body);
    const decoded = decodeRing0Message(bytes(body));
    assert.ok(decoded.type === "message", `${body}: ${JSON.stringify(decoded)}`);
    const { message } = decoded;
    assert.deepEqual(JSON.parse(text(encodeMessage(message))), value);
  }
});

Deno.test("protocol_masters.md: the digest's example is one with all its hashes", () => {
  const [example] = fences(PAGE, "json").filter(({ info }) => info === "");
  const digest = JSON.parse(example?.body ?? "");
  const [hash] = digest.hashes;
  const hashes = Array.from({ length: DIGEST_BUCKETS }, () => hash);
  const decoded = decodeRing0Message(bytes(JSON.stringify({ ...digest, hashes })));
  assert.equal(decoded.type, "message", JSON.stringify(decoded));
});

Deno.test("protocol_masters.md: every type of message has a part, and no other", () => {
  const decoded = decodeRing0Message(bytes('{"type":"?"}'));
  assert.ok(decoded.type === "refused");
  const known = /one of (.*), not/.exec(decoded.error.message)?.[1]?.split(", ") ?? [];
  assert.deepEqual([...PARTS].sort(), known.sort());
});

Deno.test("protocol_masters.md: ids and keys of the examples belong together", () => {
  const [, id = "", key = ""] = /"id": "(\w+)",[^}]*\},\n\s*"key": "([^"]+)"/.exec(PAGE) ?? [];
  assert.equal(idOfKey(key), id);
});

Deno.test("protocol_masters.md: links lead somewhere", () => {
  assert.deepEqual(brokenLinks(PAGE), []);
});

/** FNV-1a and the finalizer as the page describes them, in another way than the program. */
function described(value: string, basis: bigint): bigint {
  const mask = 0xffffffffn;
  let hash = basis;
  for (const unit of value.split("")) {
    hash = ((hash ^ BigInt(unit.charCodeAt(0))) * 0x01000193n) & mask;
  }
  hash ^= hash >> 16n;
  hash = (hash * 0x85ebca6bn) & mask;
  hash ^= hash >> 13n;
  hash = (hash * 0xc2b2ae35n) & mask;
  return hash ^ (hash >> 16n);
}

Deno.test("protocol_masters.md: buckets and hashes are those that it describes", () => {
  for (const key of ["s:203.0.113.5:3030", "n:Größe 木村 😀", "u:Ann"]) {
    const version = { hlc: 1_838_458_470_451_200, origin: "0f9a41c2d37be865" };
    const bucket = Number(described(key, 0x811c9dc5n) & 0xffn);
    assert.equal(bucketOf(key), bucket);
    const entry = `${key} ${version.hlc} ${version.origin}`;
    const high = described(entry, 0x811c9dc5n) >> 6n;
    const low = described(entry, 0x1b873593n) >> 6n;
    const digests = new Digests();
    digests.toggle(bucket, key, version);
    const hash = ((high << 26n) | low).toString(16).padStart(13, "0");
    assert.equal(digests.all()[bucket], hash);
  }
});
