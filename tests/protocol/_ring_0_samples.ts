import {
  type Changes,
  DIGEST_BUCKETS,
  type Peer,
  type Put,
  type Ring0Message,
} from "../../protocol/mod.ts";
import { KEY } from "./_json_samples.ts";

/** Id of a master. */
export const ORIGIN = "0123456789abcdef";

/** Hybrid logical time of a change in 2026. */
export const HLC = 1_783_000_000_000 * 1024;

/** The least that is told of a server. */
export const PUT: Put = {
  hlc: HLC,
  origin: ORIGIN,
  left: 700_000,
  heard: true,
  ip: "192.0.2.7",
  port: 3030,
  gamename: "netpanzer",
  settings: { gamename: "netpanzer", port: "3030", protocol: "1122" },
  firstSeen: 1_783_000_000_000,
};

/** All that is told of a server. */
export const FULL_PUT: Put = {
  ...PUT,
  heard: false,
  ip: "2001:db8::7",
  name: "Bob's Größe",
  key: KEY,
  admin: "bob@example.org",
  country: "FR",
  netName: "play.example.org",
  status: {
    hostname: "Bob's Größe",
    map: "Two clans",
    players: 2,
    maxPlayers: 8,
    gameVersion: "0.8.7",
    gameStyle: "Objective",
    needsPassword: false,
    roster: [
      { name: "Bob", kills: 3, deaths: 1, points: 40 },
      { name: "\u001b[31m木村", kills: 0, deaths: 12, points: -5 },
    ],
  },
  via: "old.example.org",
};

export const CHANGES: Changes = {
  type: "changes",
  upto: HLC + 5,
  puts: [PUT, FULL_PUT],
  tombstones: [
    { id: "192.0.2.9:3030", hlc: HLC + 2, origin: ORIGIN, cause: "quit" },
    { id: "[2001:db8::9]:1", hlc: HLC + 3, origin: ORIGIN, cause: "expired" },
  ],
  names: [{ name: "Bob's Größe", key: KEY, hlc: HLC + 4, origin: ORIGIN }],
  users: [{ user: "木村", key: KEY, country: "", hlc: HLC + 5, origin: ORIGIN }],
};

export const HELLO = {
  type: "hello",
  version: 1,
  id: ORIGIN,
  name: "master.example.org",
  ports: { ring0: 6060, ring1: 7070 },
  time: 1_783_000_000_000,
  program: "0.1.0",
} as const;

export const MEMBER = {
  id: ORIGIN,
  name: "master.example.org",
  host: "192.0.2.1",
  ports: { ring0: 6060 },
  key: KEY,
  seen: 0,
} as const;

export const PEER: Peer = {
  id: ORIGIN,
  name: "master.example.org",
  host: "master.example.org",
  port: 6060,
  state: "connected",
  since: 1_783_000_000_000,
  lag_ms: 12,
  clock_ms: -3,
  behind: 0,
  sent_bytes: 5_000_000_000,
  received_bytes: 0,
  records: 100_000,
};

export const DIGEST = {
  type: "digest",
  round: 7,
  upto: HLC,
  hashes: Array.from({ length: DIGEST_BUCKETS }, (_, i) => i.toString(16).padStart(13, "0")),
} as const;

export const COMPARE = {
  type: "compare",
  round: 7,
  upto: HLC,
  equal: false,
  buckets: [
    { bucket: 0, entries: [] },
    {
      bucket: 255,
      entries: [
        { key: "s:192.0.2.7:3030", hlc: HLC, origin: ORIGIN },
        { key: "n:Bob's Größe", hlc: HLC, origin: ORIGIN },
        { key: "u:木村", hlc: 0, origin: ORIGIN },
      ],
    },
  ],
} as const;

export const RING_0_MESSAGES: readonly Ring0Message[] = [
  HELLO,
  { ...HELLO, host: "2001:db8::1", observer: true },
  { type: "members", masters: [MEMBER, { ...MEMBER, host: "b.example.org", ports: {} }] },
  CHANGES,
  { type: "changes", puts: [], tombstones: [], names: [], users: [] },
  { type: "refresh", servers: [{ id: "192.0.2.7:3030", left: 0 }] },
  DIGEST,
  { type: "compare", round: 0, upto: 0, equal: true, buckets: [] },
  COMPARE,
  { ...COMPARE, more: true },
  { type: "want", keys: ["s:[2001:db8::9]:65535", "n:Bob", "u:木村"] },
  {
    type: "reach",
    servers: [
      { id: "192.0.2.7:3030", reached: true },
      { id: "[2001:db8::9]:1", reached: false },
    ],
  },
  { type: "ping" },
  { type: "ping", n: 5, time: 1_783_000_000_000 },
  { type: "pong" },
  { type: "pong", n: 5, time: 1_783_000_000_000 },
  { type: "bye" },
  { type: "peers" },
  {
    type: "peers",
    peers: [PEER, {
      id: "",
      name: "",
      host: "192.0.2.2",
      port: 6060,
      state: "waiting",
      next: 30,
      reason: "it does not answer",
      sent_bytes: 0,
      received_bytes: 0,
    }],
  },
  { type: "peers", peers: [], more: true },
  { type: "error", code: "unauthorized", message: "no", retry_after: 30 },
];
