/**
 * Shapes of the messages of ring 0.
 *
 * @module
 */

import { error, isKey, KEY_PHRASE, longText, name, ports } from "./_answer_shapes.ts";
import { type Decode, requestDecoder } from "./_decode.ts";
import {
  buckets,
  leases,
  names,
  reached,
  tombstones,
  users,
  wantedKeys,
} from "./_ring_0_entries.ts";
import { ID_PHRASE, isId } from "./_ring_0_fields.ts";
import { puts } from "./_ring_0_put.ts";
import {
  changed,
  flag,
  listOf,
  object,
  optional,
  port,
  readAs,
  type Shape,
  tested,
  text,
  type,
  wholeNumber,
  withDefault,
} from "./_shapes.ts";
import { isDnsName } from "./_texts.ts";
import { canonicalAddress } from "./address.ts";
import {
  DIGEST_BUCKETS,
  MAX_ANSWER_SECONDS,
  MAX_HOST_CHARACTERS,
  MAX_LEASE_MS,
  MAX_MASTER_NAME_CHARACTERS,
  MAX_MEMBERS,
  MAX_PROGRAM_CHARACTERS,
  MAX_TIME_MS,
} from "./channel_limits.ts";
import type {
  Changes,
  Compare,
  Digest,
  Hello,
  Members,
  Peer,
  Peers,
  Reach,
  Refresh,
  Ring0Message,
  Ring0Ping,
  Ring0Pong,
  Want,
} from "./ring_0_messages.ts";

/** Hybrid logical times, rounds, and counts of what has no bound of its own. */
const whole = wholeNumber(0, Number.MAX_SAFE_INTEGER);
const time = wholeNumber(0, MAX_TIME_MS);
const signedMs = wholeNumber(-MAX_TIME_MS, MAX_TIME_MS);

const id = tested<string>(ID_PHRASE, isId);

const masterName = text({ max: MAX_MASTER_NAME_CHARACTERS, mayBeEmpty: true });

const host = readAs<string>((value, refuse) => {
  if (typeof value === "string" && value.length <= MAX_HOST_CHARACTERS && !value.includes("%")) {
    const host = isDnsName(value) ? value : canonicalAddress(value);
    if (host !== undefined) return host;
  }
  return refuse("must be a DNS name or an IP address", value);
});

const hello = changed(
  object({
    type: type("hello"),
    version: wholeNumber(1, Number.MAX_SAFE_INTEGER),
    id,
    name: masterName,
    host: optional(host),
    ports,
    time,
    program: text({ max: MAX_PROGRAM_CHARACTERS, mayBeEmpty: true }),
    instance: optional(whole),
    alive: optional(wholeNumber(1, MAX_LEASE_MS)),
    known: optional(whole),
    observer: optional(flag),
  }),
  ({ observer, ...rest }): Hello => observer ? { ...rest, observer } : rest,
);

const members: Shape<Members> = object({
  type: type("members"),
  masters: listOf(
    object({
      id,
      name: masterName,
      host,
      ports,
      key: tested<string>(KEY_PHRASE, isKey),
      seen: whole,
    }),
    MAX_MEMBERS,
  ),
});

const changes: Shape<Changes> = object({
  type: type("changes"),
  after: optional(whole),
  upto: optional(whole),
  round: optional(whole),
  puts: withDefault(puts, []),
  tombstones: withDefault(tombstones, []),
  names: withDefault(names, []),
  users: withDefault(users, []),
});

const refresh: Shape<Refresh> = object({ type: type("refresh"), servers: leases });

const hash = tested<string>(
  "must be a hash, 13 hexadecimal digits in lower case",
  (value) => typeof value === "string" && /^[0-9a-f]{13}$/.test(value),
);

const digest: Shape<Digest> = object({
  type: type("digest"),
  round: whole,
  upto: whole,
  hashes: listOf(hash, DIGEST_BUCKETS, DIGEST_BUCKETS),
});

const compare = changed(
  object({
    type: type("compare"),
    round: whole,
    upto: whole,
    equal: flag,
    buckets,
    more: optional(flag),
  }),
  ({ more, ...rest }): Compare => more ? { ...rest, more } : rest,
);

const want: Shape<Want> = object({
  type: type("want"),
  round: optional(whole),
  keys: wantedKeys,
});

const reach: Shape<Reach> = object({ type: type("reach"), servers: reached });

const ping: Shape<Ring0Ping> = object({
  type: type("ping"),
  n: optional(whole),
  time: optional(time),
});

const pong: Shape<Ring0Pong> = object({
  type: type("pong"),
  n: optional(whole),
  time: optional(time),
});

const STATES: readonly unknown[] = ["connected", "connecting", "waiting"];

const peer: Shape<Peer> = object({
  id: tested<string>(`${ID_PHRASE}, or empty`, (value) => value === "" || isId(value)),
  name: masterName,
  host: name,
  port,
  state: tested<Peer["state"]>(
    "must be connected, connecting or waiting",
    (value) => STATES.includes(value),
  ),
  since: optional(time),
  next: optional(wholeNumber(0, MAX_ANSWER_SECONDS)),
  reason: optional(longText),
  lag_ms: optional(whole),
  clock_ms: optional(signedMs),
  behind: optional(whole),
  sent_bytes: whole,
  received_bytes: whole,
  records: optional(whole),
});

const peers = changed(
  object({
    type: type("peers"),
    peers: optional(listOf(peer, MAX_MEMBERS)),
    more: optional(flag),
  }),
  ({ more, ...rest }): Peers => more ? { ...rest, more } : rest,
);

/** Reads a message of ring 0. */
export const decodeRing0: Decode<Ring0Message> = requestDecoder<Ring0Message>({
  shapes: {
    hello,
    members,
    changes,
    refresh,
    digest,
    compare,
    want,
    reach,
    ping,
    pong,
    peers,
    error,
  },
  bare: [{ type: "bye" }],
});
