/**
 * JSON messages of ring 2, client to master. Members are spelt as on the wire.
 *
 * @module
 */

import {
  address,
  cursor,
  endpoint,
  error,
  key,
  masters,
  name,
  settings,
  time,
} from "./_answer_shapes.ts";
import { answerDecoder, type Decode, requestDecoder } from "./_decode.ts";
import {
  changed,
  flag,
  listOf,
  object,
  optional,
  port,
  recordOf,
  rowNumber,
  type Shape,
  text,
  type,
  wholeNumber,
  withDefault,
} from "./_shapes.ts";
import { textProblem, type TextRules } from "./_texts.ts";
import {
  MAX_ANSWER_REMOVED,
  MAX_ANSWER_SERVERS,
  MAX_COUNT,
  MAX_CURSOR_CHARACTERS,
  MAX_FILTER_PAIRS,
  MAX_GAME_PROTOCOL,
  MAX_SETTING_KEY_CHARACTERS,
  MAX_SETTING_VALUE_CHARACTERS,
  MAX_USER_CHARACTERS,
} from "./channel_limits.ts";
import type { DecodedMessage, ErrorMessage, MasterEntry, Ping, Pong } from "./json_messages.ts";

/** A game server as players see it. */
export interface ServerEntry {
  /** Canonical address. */
  readonly ip: string;
  /** Port that players connect to, 1 to 65535. */
  readonly port: number;
  /** Which game, for example `netpanzer`. */
  readonly gamename: string;
  /** Its display name. */
  readonly name: string;
  /** Version of the game's own protocol; 0 when not told. */
  readonly protocol: number;
  /** ISO 3166 code; empty when not known. */
  readonly country: string;
  /** Name of the map being played; empty when not known. */
  readonly map: string;
  /** Players on it now. */
  readonly players: number;
  /** Players it has room for. */
  readonly max_players: number;
  /** Its public key, base64 of 32 bytes; an old-style server has none. */
  readonly key?: string;
  /** Its Number in the database. */
  readonly number: number;
  /** Whether it answered the UDP challenge. */
  readonly verified: boolean;
  /** When it was last heard of, ISO 8601. */
  readonly last_seen: string;
  /** What it said of itself, secrets left out. */
  readonly settings: Readonly<Record<string, string>>;
  /** Masters that reached it over UDP of late, once others than its own have tried. */
  readonly reachable_from?: number;
  /** Masters that have tried. */
  readonly probed_from?: number;
}

/**
 * Which servers are wanted: equality on any member or setting, plus three keys that mean something
 * of their own. What passes is said at {@link matchesFilter}.
 */
export type Filter = Readonly<Record<string, string | number | boolean>>;

/** Asks for servers, once (`list`) or until {@link Unsubscribe} (`subscribe`). */
export interface ListRequest {
  /** Which message this is. */
  readonly type: "list" | "subscribe";
  /** Which ones; all when left out or empty. */
  readonly filter: Filter;
  /** Cursor of an earlier answer, of any master: only what changed since is wanted. */
  readonly since?: string;
}

/** Ends a subscription. */
export interface Unsubscribe {
  /** Which message this is. */
  readonly type: "unsubscribe";
}

/** Asks which masters there are. */
export interface MastersRequest {
  /** Which message this is. */
  readonly type: "masters";
}

/** Asks for a user's name to belong to the sender's key, or says that it does. */
export interface Login {
  /** Which message this is. */
  readonly type: "login";
  /** The name. */
  readonly user: string;
}

/** Asks about a user. */
export interface Whois {
  /** Which message this is. */
  readonly type: "whois";
  /** The name. */
  readonly user: string;
}

/** What a client sends. */
export type Ring2Request =
  | ListRequest
  | Unsubscribe
  | MastersRequest
  | Login
  | Whois
  | Ping
  | Pong;

/** Servers that match, or a part of them. */
export interface Servers {
  /** Which message this is. */
  readonly type: "servers";
  /** New and changed ones. */
  readonly servers: readonly ServerEntry[];
  /** `ip:port` of those that are gone or match no more. */
  readonly removed: readonly string[];
  /** Whether no more messages of this answer follow. */
  readonly last: boolean;
  /** What to send as `since` to get only what changes after this. Means nothing to a client. */
  readonly cursor: string;
  /** `since` was too old: this is the whole list, forget what is not in it. */
  readonly full?: true;
}

/** The masters of the network. */
export interface Masters {
  /** Which message this is. */
  readonly type: "masters";
  /** All that live, the asked one among them. */
  readonly masters: readonly MasterEntry[];
}

/** The answer to {@link Login}. */
export interface Welcome {
  /** Which message this is. */
  readonly type: "welcome";
  /** The user's Number in the database. */
  readonly number: number;
  /** The name. */
  readonly user: string;
}

/** The answer to {@link Whois}. */
export interface User {
  /** Which message this is. */
  readonly type: "user";
  /** The user's Number in the database. */
  readonly number: number;
  /** The name. */
  readonly user: string;
  /** ISO 3166 code; empty when not known. */
  readonly country: string;
  /** Whether they are connected to a master. */
  readonly online: boolean;
  /** `ip:port` of the server that they play on. */
  readonly server?: string;
}

/** What a master sends a client. */
export type Ring2Answer = Servers | Masters | Welcome | User | ErrorMessage | Ping | Pong;

const FILTER_KEY: TextRules = { max: MAX_SETTING_KEY_CHARACTERS, mayHoldControls: true };
const FILTER_VALUE: TextRules = {
  max: MAX_SETTING_VALUE_CHARACTERS,
  mayBeEmpty: true,
  // What old-style servers sent may hold them, and these are only compared with that.
  mayHoldControls: true,
};

function filterValueProblem(value: unknown, key: string): string | undefined {
  if (key === "not_empty" || key === "not_full") {
    return typeof value === "boolean" ? undefined : "must be true or false";
  }
  if (typeof value === "string" || key === "text") return textProblem(value, FILTER_VALUE);
  // JSON can spell numbers that are too large to be one.
  return typeof value === "boolean" || Number.isFinite(value)
    ? undefined
    : "must be a text, a number, true or false";
}

const filter = recordOf<string | number | boolean>({
  max: MAX_FILTER_PAIRS,
  values: "texts, numbers, true and false",
  keyProblem: (key) => textProblem(key, FILTER_KEY),
  valueProblem: filterValueProblem,
});

const since = text({ max: MAX_CURSOR_CHARACTERS, mayBeEmpty: true, mayHoldControls: true });
const user = text({ max: MAX_USER_CHARACTERS, isName: true });

function listRequest(name: "list" | "subscribe"): Shape<ListRequest> {
  return object({
    type: type(name),
    filter: withDefault(filter, {}),
    since: optional(since),
  });
}

const login: Shape<Login> = object({ type: type("login"), user });

const whois: Shape<Whois> = object({ type: type("whois"), user });

const server: Shape<ServerEntry> = object({
  ip: address,
  port,
  gamename: name,
  name,
  protocol: wholeNumber(0, MAX_GAME_PROTOCOL),
  country: name,
  map: name,
  players: wholeNumber(0, MAX_COUNT),
  max_players: wholeNumber(0, MAX_COUNT),
  key: optional(key),
  number: rowNumber,
  verified: flag,
  last_seen: time,
  settings,
  reachable_from: optional(wholeNumber(0, MAX_COUNT)),
  probed_from: optional(wholeNumber(0, MAX_COUNT)),
});

const servers = changed(
  object({
    type: type("servers"),
    servers: listOf(server, MAX_ANSWER_SERVERS),
    removed: listOf(endpoint, MAX_ANSWER_REMOVED),
    last: flag,
    cursor,
    full: optional(flag),
  }),
  ({ full, ...rest }): Servers => full ? { ...rest, full } : rest,
);

const mastersAnswer: Shape<Masters> = object({ type: type("masters"), masters });

const welcome: Shape<Welcome> = object({ type: type("welcome"), number: rowNumber, user: name });

const userAnswer: Shape<User> = object({
  type: type("user"),
  number: rowNumber,
  user: name,
  country: name,
  online: flag,
  server: optional(endpoint),
});

const decodeRequest: Decode<Ring2Request> = requestDecoder<Ring2Request>({
  shapes: { list: listRequest("list"), subscribe: listRequest("subscribe"), login, whois },
  bare: [{ type: "unsubscribe" }, { type: "masters" }, { type: "ping" }, { type: "pong" }],
});

const decodeAnswer: Decode<Ring2Answer> = answerDecoder<Ring2Answer>({
  shapes: { servers, masters: mastersAnswer, welcome, user: userAnswer, error },
  bare: [{ type: "ping" }, { type: "pong" }],
});

/**
 * Reads what a client sent. Members that no message has are ignored; never throws.
 *
 * @param bytes One message of the channel, read before this returns, not kept.
 */
export function decodeRing2Request(bytes: Uint8Array): DecodedMessage<Ring2Request> {
  return decodeRequest(bytes);
}

/**
 * Reads what a master sent a client. An unknown `type` is `refused`: ignore it, the master is of a
 * later version. Texts may hold anything: escape them before they reach a terminal. Never throws.
 *
 * @param bytes One message of the channel, read before this returns, not kept.
 */
export function decodeRing2Answer(bytes: Uint8Array): DecodedMessage<Ring2Answer> {
  return decodeAnswer(bytes);
}
