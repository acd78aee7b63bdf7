import assert from "node:assert/strict";
import {
  decodeRing0Message,
  encodeMessage,
  MAX_LEASE_MS,
  MAX_MEMBERS,
  MAX_TIME_MS,
  type Ring0Message,
} from "../../protocol/mod.ts";
import { text } from "../_helpers.ts";
import { accepted, KEY, malformation, refusal } from "./_json_samples.ts";
import {
  CHANGES,
  COMPARE,
  DIGEST,
  HELLO,
  HLC,
  MEMBER,
  ORIGIN,
  PEER,
  RING_0_MESSAGES,
} from "./_ring_0_samples.ts";

const message = (value: unknown): Ring0Message => accepted(decodeRing0Message, value);
const refused = (value: unknown): string => refusal(decodeRing0Message, value);

function assertRefused(cases: readonly (readonly [unknown, string])[]): void {
  for (const [value, expected] of cases) {
    assert.equal(refused(value), `bad_request: ${expected}`);
  }
}

const NAME = "must be a text of 1 to 64 characters";
const ID = "must be a canonical ip:port";
const WHOLE = `must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`;
const MASTER = "must be a master's id, 16 hexadecimal digits in lower case";
const KEY_PHRASE = "must be a key, 32 bytes in base64";

Deno.test("decodeRing0Message: what encodeMessage makes of messages reads back", () => {
  for (const message of RING_0_MESSAGES) {
    assert.deepEqual(decodeRing0Message(encodeMessage(message)), { type: "message", message });
  }
});

Deno.test("encodeMessage: long lists of ring 0 go without names", () => {
  const wire = (value: Ring0Message): unknown => JSON.parse(text(encodeMessage(value)));
  const version = [HLC, ORIGIN];
  assert.deepEqual(wire({ ...CHANGES, puts: [] }), {
    type: "changes",
    upto: HLC + 5,
    puts: [],
    tombstones: [
      ["192.0.2.9:3030", HLC + 2, ORIGIN, "quit"],
      ["[2001:db8::9]:1", HLC + 3, ORIGIN, "expired"],
    ],
    names: [["Bob's Größe", KEY, HLC + 4, ORIGIN]],
    users: [["木村", KEY, "", HLC + 5, ORIGIN]],
  });
  assert.deepEqual(wire(COMPARE), {
    ...COMPARE,
    buckets: [[0, []], [255, [
      ["s:192.0.2.7:3030", ...version],
      ["n:Bob's Größe", ...version],
      ["u:木村", 0, ORIGIN],
    ]]],
  });
  const id = "192.0.2.7:3030";
  assert.deepEqual(wire({ type: "refresh", servers: [{ id, left: 5 }] }), {
    type: "refresh",
    servers: [[id, 5]],
  });
  assert.deepEqual(wire({ type: "reach", servers: [{ id, reached: false }] }), {
    type: "reach",
    servers: [[id, false]],
  });
});

Deno.test("decodeRing0Message: what a later version adds is ignored, its messages are refused", () => {
  assert.deepEqual(message({ ...HELLO, weather: "rain", observer: false }), HELLO);
  assert.deepEqual(message({ type: "refresh", servers: [["192.0.2.7:1", 5, "new"]], x: 1 }), {
    type: "refresh",
    servers: [{ id: "192.0.2.7:1", left: 5 }],
  });
  assert.deepEqual(message({ type: "bye", reason: "tired" }), { type: "bye" });
  assert.deepEqual(message({ type: "peers", peers: [{ ...PEER, x: 1 }], more: false }), {
    type: "peers",
    peers: [PEER],
  });
  assert.deepEqual(message({ type: "error", code: "too_late", message: "no" }), {
    type: "error",
    code: "bad_request",
    message: "no",
  });
  assert.match(refused({ type: "news" }), /^unknown_type: type must be one of .* not "news"$/);
});

Deno.test("decodeRing0Message: what is no message at all is malformed", () => {
  assert.equal(
    malformation(decodeRing0Message, "[]"),
    "the message is not a JSON object but a list of 0",
  );
  assert.equal(malformation(decodeRing0Message, "{}"), 'the message has no text "type"');
  assert.equal(malformation(decodeRing0Message, "{"), "the message is not JSON");
});

Deno.test("decodeRing0Message: lists that changes leave out are empty", () => {
  const empty = { type: "changes", puts: [], tombstones: [], names: [], users: [] };
  assert.deepEqual(message({ type: "changes" }), empty);
  assert.deepEqual(message({ type: "changes", upto: 0 }), { ...empty, upto: 0 });
});

Deno.test("decodeRing0Message: hello says who is there", () => {
  assertRefused([
    [
      { ...HELLO, version: 0 },
      `hello: version must be a whole number from 1 to ${Number.MAX_SAFE_INTEGER}, not 0`,
    ],
    [{ ...HELLO, id: "0123456789ABCDEF" }, `hello: id ${MASTER}, not "0123456789ABCDEF"`],
    [{ ...HELLO, id: undefined }, `hello: id is missing, it ${MASTER}`],
    [
      { ...HELLO, name: "x".repeat(254) },
      `hello: name must be a text of at most 253 characters, not "${"x".repeat(64)}…"`,
    ],
    [{ ...HELLO, name: "\n" }, 'hello: name must not hold control characters: "\\n"'],
    [
      { ...HELLO, host: "fe80::1%eth0" },
      'hello: host must be a DNS name or an IP address, not "fe80::1%eth0"',
    ],
    [{ ...HELLO, host: "" }, 'hello: host must be a DNS name or an IP address, not ""'],
    [
      { ...HELLO, ports: { ring0: 0 } },
      "hello: ports.ring0 must be a whole number from 1 to 65535, not 0",
    ],
    [
      { ...HELLO, time: MAX_TIME_MS + 1 },
      `hello: time must be a whole number from 0 to ${MAX_TIME_MS}, not ${MAX_TIME_MS + 1}`,
    ],
    [
      { ...HELLO, program: "x".repeat(65) },
      `hello: program must be a text of at most 64 characters, not "${"x".repeat(64)}…"`,
    ],
    [{ ...HELLO, observer: 1 }, "hello: observer must be true or false, not 1"],
    [
      { ...HELLO, known: -1 },
      `hello: known must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}, not -1`,
    ],
  ]);
  assert.deepEqual(message({ ...HELLO, host: "2001:DB8::0:1" }), { ...HELLO, host: "2001:db8::1" });
});

Deno.test("decodeRing0Message: members are known well enough to be dialled", () => {
  const members = (...masters: unknown[]) => ({ type: "members", masters });
  assertRefused([
    [members(MEMBER, { ...MEMBER, key: "" }), `members: masters[1].key ${KEY_PHRASE}, not ""`],
    [
      members({ ...MEMBER, host: "a b" }),
      'members: masters[0].host must be a DNS name or an IP address, not "a b"',
    ],
    [members({ ...MEMBER, seen: -1 }), `members: masters[0].seen ${WHOLE}, not -1`],
    [members({ ...MEMBER, id: "" }), `members: masters[0].id ${MASTER}, not ""`],
    [
      members(...Array(MAX_MEMBERS + 1).fill(MEMBER)),
      "members: masters must be a list of at most 256, not a list of 257",
    ],
  ]);
});

Deno.test("decodeRing0Message: a wrong entry of a list has the message refused", () => {
  const tombstone = (...row: unknown[]) => ({ type: "changes", tombstones: [row] });
  const name = (...row: unknown[]) => ({ type: "changes", names: [row] });
  const user = (...row: unknown[]) => ({ type: "changes", users: [row] });
  const id = "192.0.2.7:1";
  assertRefused([
    [
      tombstone(id, HLC, ORIGIN),
      "changes: tombstones[0] must be a list of id, hlc, origin and cause, not a list of 3",
    ],
    [{ type: "changes", tombstones: {} }, "changes: tombstones must be a list, not an object of 0"],
    [tombstone("x:1", HLC, ORIGIN, "quit"), `changes: tombstones[0][0] ${ID}, not "x:1"`],
    [
      tombstone(id, HLC + 0.5, ORIGIN, "quit"),
      `changes: tombstones[0][1] ${WHOLE}, not ${HLC + 0.5}`,
    ],
    [tombstone(id, -1, ORIGIN, "quit"), `changes: tombstones[0][1] ${WHOLE}, not -1`],
    [tombstone(id, 2 ** 53, ORIGIN, "quit"), `changes: tombstones[0][1] ${WHOLE}, not ${2 ** 53}`],
    [tombstone(id, HLC, "", "quit"), `changes: tombstones[0][2] ${MASTER}, not ""`],
    [
      tombstone(id, HLC, ORIGIN, "bored"),
      'changes: tombstones[0][3] must be "quit" or "expired", not "bored"',
    ],
    [name("", KEY, HLC, ORIGIN), `changes: names[0][0] ${NAME}, not ""`],
    [name(" b", KEY, HLC, ORIGIN), 'changes: names[0][0] must not begin or end with a space: " b"'],
    [name("b", "", HLC, ORIGIN), `changes: names[0][1] ${KEY_PHRASE}, not ""`],
    [
      name("b", KEY),
      "changes: names[0] must be a list of name, key, hlc and origin, not a list of 2",
    ],
    [
      user("\ud800", KEY, "", HLC, ORIGIN),
      'changes: users[0][0] must be well-formed Unicode, not "\\ud800"',
    ],
    [
      user("b", KEY, 7, HLC, ORIGIN),
      "changes: users[0][2] must be a text of at most 256 characters, not 7",
    ],
    [user("b", KEY, "", HLC, "x"), `changes: users[0][4] ${MASTER}, not "x"`],
    [
      { type: "refresh", servers: [[id, 1], [id, MAX_LEASE_MS + 1]] },
      `refresh: servers[1][1] must be a whole number from 0 to ${MAX_LEASE_MS}, not ${
        MAX_LEASE_MS + 1
      }`,
    ],
    [{ type: "refresh" }, "refresh: servers is missing, it must be a list"],
    [{ type: "reach", servers: [[id, 1]] }, "reach: servers[0][1] must be true or false, not 1"],
    [
      { type: "reach", servers: [id] },
      `reach: servers[0] must be a list of id and true or false, not "${id}"`,
    ],
  ]);
});

Deno.test("decodeRing0Message: an id has one spelling only", () => {
  const refresh = (id: unknown) => ({ type: "refresh", servers: [[id, 0]] });
  const right = [
    "0.0.0.0:1",
    "255.249.199.99:65535",
    "[::1]:3030",
    "[::]:1",
    "[2001:db8::1:0:0:1]:3030",
    "[1234:1234:1234:1234:1234:1234:1234:1234]:65535",
  ];
  for (const id of right) {
    assert.deepEqual(message(refresh(id)), { type: "refresh", servers: [{ id, left: 0 }] });
  }
  const wrong = [
    "",
    "192.0.2.7",
    "192.0.2.7:",
    "192.0.2.7:0",
    "192.0.2.7:03",
    "192.0.2.7:65536",
    "192.0.2.7:1 ",
    "192.0.2.07:1",
    "192.0.2.256:1",
    "192.0.2:1",
    "192.0.2.7.1:1",
    "[192.0.2.7]:1",
    "2001:db8::1:1",
    "[2001:DB8::1]:1",
    "[2001:db8:0::1]:1",
    "[::ffff:192.0.2.7]:1",
    "[::ffff:c000:207]:1",
    "[fe80::1%1]:1",
    "[]:1",
    `[${"1234:".repeat(20)}]:1`,
    "example.org:1",
    null,
    7,
  ];
  for (const id of wrong) {
    assert.match(refused(refresh(id)), /^bad_request: refresh: servers\[0\]\[0\] must be a canon/);
  }
});

Deno.test("decodeRing0Message: a digest has a hash for each bucket", () => {
  const hashes = (hashes: readonly unknown[]) => ({ ...DIGEST, hashes });
  assertRefused([
    [hashes(DIGEST.hashes.slice(1)), "digest: hashes must be a list of 256, not a list of 255"],
    [
      hashes([...DIGEST.hashes, DIGEST.hashes[0]]),
      "digest: hashes must be a list of 256, not a list of 257",
    ],
    [
      hashes(DIGEST.hashes.with(3, "F".repeat(13))),
      'digest: hashes[3] must be a hash, 13 hexadecimal digits in lower case, not "FFFFFFFFFFFFF"',
    ],
    [
      hashes(DIGEST.hashes.with(3, "f".repeat(14))),
      `digest: hashes[3] must be a hash, 13 hexadecimal digits in lower case, not "${
        "f".repeat(14)
      }"`,
    ],
    [{ ...DIGEST, round: -1 }, `digest: round ${WHOLE}, not -1`],
    [{ ...DIGEST, upto: "1" }, `digest: upto ${WHOLE}, not "1"`],
  ]);
});

Deno.test("decodeRing0Message: compare and want hold keys of what is replicated", () => {
  const compare = (...buckets: unknown[]) => ({ ...COMPARE, buckets });
  const key = 'must be "s:" and an ip:port, "n:" and a name, or "u:" and a user';
  const wanted = 'must be "s:" or "l:" and an ip:port, "n:" and a name, or "u:" and a user';
  assertRefused([
    [
      compare([256, []]),
      "compare: buckets[0][0] must be a whole number from 0 to 255, not 256",
    ],
    [
      compare([0, []], [1]),
      "compare: buckets[1] must be a list of a bucket and its entries, not a list of 1",
    ],
    [compare([0, "x"]), 'compare: buckets[0][1] must be a list, not "x"'],
    [
      compare([0, [["n:b", HLC]]]),
      "compare: buckets[0][1][0] must be a list of key, hlc and origin, not a list of 2",
    ],
    [compare([0, [["x:b", HLC, ORIGIN]]]), `compare: buckets[0][1][0][0] ${key}, not "x:b"`],
    [{ ...COMPARE, buckets: [], equal: 0 }, "compare: equal must be true or false, not 0"],
    [{ ...COMPARE, buckets: [], more: 0 }, "compare: more must be true or false, not 0"],
    ...[
      "",
      "s:",
      "s:x",
      "s:192.0.2.7:01",
      "n:",
      "n: b",
      `u:${"x".repeat(65)}`,
      "N:b",
      "__proto__",
      "l:b",
    ]
      .map((wrong) => {
        const shown = wrong.length > 64 ? `${wrong.slice(0, 64)}…` : wrong;
        return [
          { type: "want", keys: ["n:b", wrong] },
          `want: keys[1] ${wanted}, not "${shown}"`,
        ] as const;
      }),
    [{ type: "want", keys: [null] }, `want: keys[0] ${wanted}, not null`],
  ]);
});

Deno.test("decodeRing0Message: pings and peers are bounded", () => {
  const peer = (members: Record<string, unknown>) => ({
    type: "peers",
    peers: [{ ...PEER, ...members }],
  });
  assertRefused([
    [{ type: "ping", n: 0.5 }, `ping: n ${WHOLE}, not 0.5`],
    [
      { type: "pong", time: -1 },
      `pong: time must be a whole number from 0 to ${MAX_TIME_MS}, not -1`,
    ],
    [peer({ id: "x" }), `peers: peers[0].id ${MASTER}, or empty, not "x"`],
    [
      peer({ state: "bored" }),
      'peers: peers[0].state must be connected, connecting or waiting, not "bored"',
    ],
    [
      peer({ reason: "x".repeat(2049) }),
      `peers: peers[0].reason must be a text of at most 2048 characters, not "${"x".repeat(64)}…"`,
    ],
    [
      peer({ next: 86_401 }),
      "peers: peers[0].next must be a whole number from 0 to 86400, not 86401",
    ],
    [peer({ sent_bytes: undefined }), `peers: peers[0].sent_bytes is missing, it ${WHOLE}`],
  ]);
});
