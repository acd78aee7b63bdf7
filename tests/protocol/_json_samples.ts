import assert from "node:assert/strict";
import type {
  DecodedMessage,
  MasterEntry,
  Ring1Answer,
  Ring1Request,
  Ring2Answer,
  Ring2Request,
  ServerEntry,
} from "../../protocol/mod.ts";
import { bytes } from "../_helpers.ts";

/** A public key, as far as its spelling goes. */
export const KEY = `${"Ab+/".repeat(10)}xyY=`;

/** The least that registers. */
export const REGISTER = {
  type: "register",
  gamename: "netpanzer",
  name: "Bob's tanks",
  port: 3030,
  protocol: 1122,
  admin: "bob@example.org",
} as const;

export const STATUS = {
  type: "status",
  map: "Two clans",
  players: 2,
  max_players: 8,
  roster: [
    { name: "Bob", kills: 3, deaths: 1, points: 40 },
    { name: " 木村 \\o/ ", kills: 0, deaths: 12, points: -5 },
  ],
} as const;

export const MASTER: MasterEntry = {
  name: "master.example.org",
  host: "192.0.2.1",
  ports: { ring1: 7070, ring2: 3040 },
  key: KEY,
};

export const SERVER: ServerEntry = {
  ip: "192.0.2.7",
  port: 3030,
  gamename: "netpanzer",
  name: "Bob's Größe",
  protocol: 1122,
  country: "FR",
  map: "Two clans",
  players: 3,
  max_players: 8,
  key: KEY,
  number: 17,
  verified: true,
  last_seen: "2026-07-01T12:00:00.000Z",
  settings: { mode: "objective", players: "hidden", "a b": "1" },
};

export const RING_1_REQUESTS: readonly Ring1Request[] = [
  { ...REGISTER, settings: {} },
  {
    ...REGISTER,
    country: "FR",
    netname: "play.example.org",
    settings: { mode: "objective", note: "" },
    status: { map: "Two clans", players: 1, max_players: 8, roster: [] },
  },
  STATUS,
  { type: "bye" },
  { type: "ping" },
  { type: "pong" },
];

export const RING_1_ANSWERS: readonly Ring1Answer[] = [
  {
    type: "registered",
    number: 17,
    interval: 60,
    listed: false,
    reason: "Its UDP port did not answer yet",
    masters: [MASTER, { ...MASTER, key: "", ports: {} }],
  },
  { type: "registered", number: 0, interval: 1, listed: true, masters: [] },
  { type: "listed", listed: true },
  { type: "listed", listed: false, reason: "gone" },
  { type: "error", code: "busy", message: "try later", retry_after: 1.5 },
  { type: "bye" },
  { type: "ping" },
  { type: "pong" },
];

export const RING_2_REQUESTS: readonly Ring2Request[] = [
  { type: "list", filter: {} },
  { type: "list", filter: { gamename: "netpanzer", protocol: 1122, verified: true, text: "bob" } },
  { type: "subscribe", filter: { not_empty: true, not_full: false }, since: "abc.123" },
  { type: "unsubscribe" },
  { type: "masters" },
  { type: "login", user: "木村" },
  { type: "whois", user: "Bob" },
  { type: "ping" },
  { type: "pong" },
];

const { key: _key, ...OLD_STYLE_SERVER } = SERVER;

export const RING_2_ANSWERS: readonly Ring2Answer[] = [
  { type: "servers", servers: [SERVER], removed: ["192.0.2.9:3030"], last: true, cursor: "c" },
  {
    type: "servers",
    servers: [{ ...OLD_STYLE_SERVER, ip: "2001:db8::1", settings: {}, reachable_from: 2 }],
    removed: ["[2001:db8::2]:3030"],
    last: false,
    cursor: "",
    full: true,
  },
  { type: "masters", masters: [MASTER] },
  { type: "welcome", number: 4, user: "Bob" },
  {
    type: "user",
    number: 4,
    user: "Bob",
    country: "",
    online: true,
    server: "192.0.2.7:3030",
  },
  { type: "user", number: 4, user: "Bob", country: "DE", online: false },
  { type: "error", code: "name_taken", message: "\u001b[31mno" },
  { type: "ping" },
  { type: "pong" },
];

/** Decodes what JSON makes of a value; a text is taken as JSON already. */
export function decodeJson<M>(
  decode: (bytes: Uint8Array) => DecodedMessage<M>,
  value: unknown,
): DecodedMessage<M> {
  return decode(bytes(typeof value === "string" ? value : JSON.stringify(value)));
}

/** The message that a value decodes to. */
export function accepted<M>(
  decode: (bytes: Uint8Array) => DecodedMessage<M>,
  value: unknown,
): M {
  const decoded = decodeJson(decode, value);
  assert.equal(decoded.type, "message", JSON.stringify(decoded));
  return (decoded as { message: M }).message;
}

/** What a request is refused with, as `CODE: TEXT`. */
export function refusal<M>(
  decode: (bytes: Uint8Array) => DecodedMessage<M>,
  value: unknown,
): string {
  const decoded = decodeJson(decode, value);
  assert.ok(decoded.type === "refused", JSON.stringify(decoded));
  assert.deepEqual(Object.keys(decoded.error), ["type", "code", "message"]);
  return `${decoded.error.code}: ${decoded.error.message}`;
}

/** Why an answer is no message. */
export function malformation<M>(
  decode: (bytes: Uint8Array) => DecodedMessage<M>,
  value: unknown,
): string {
  const decoded = decodeJson(decode, value);
  assert.ok(decoded.type === "malformed", JSON.stringify(decoded));
  return decoded.reason;
}
