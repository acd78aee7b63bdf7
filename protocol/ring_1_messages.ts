/**
 * JSON messages of ring 1, game server to master. Members are spelt as on the wire.
 *
 * @module
 */

import { error, longText, masters } from "./_answer_shapes.ts";
import { answerDecoder, type Decode, requestDecoder } from "./_decode.ts";
import {
  flag,
  listOf,
  object,
  optional,
  port,
  readAs,
  recordOf,
  rowNumber,
  type Shape,
  text,
  type,
  wholeNumber,
  withDefault,
} from "./_shapes.ts";
import { isDnsName, isSecret, textProblem, type TextRules } from "./_texts.ts";
import {
  MAX_ADMIN_CHARACTERS,
  MAX_ANSWER_SECONDS,
  MAX_COUNT,
  MAX_GAME_PROTOCOL,
  MAX_GAMENAME_CHARACTERS,
  MAX_MAP_CHARACTERS,
  MAX_NAME_CHARACTERS,
  MAX_PLAYER_NAME_CHARACTERS,
  MAX_SETTING_KEY_CHARACTERS,
  MAX_SETTING_VALUE_CHARACTERS,
  MAX_SETTINGS,
  MAX_SETTINGS_BYTES,
} from "./channel_limits.ts";
import type { DecodedMessage, ErrorMessage, MasterEntry, Ping, Pong } from "./json_messages.ts";
import { MAX_ROSTER } from "./limits.ts";
import type { RosterEntry } from "./status.ts";

/** What a game server says of the game being played. */
export interface ServerReport {
  /** Name of the map. */
  readonly map: string;
  /** Players on the server now. */
  readonly players: number;
  /** Players it has room for. */
  readonly max_players: number;
  /** The players, at most {@link MAX_ROSTER}; none when left out. */
  readonly roster: readonly RosterEntry[];
}

/** A game server registers. Its key is its identity; its address is where it connects from. */
export interface Register {
  /** Which message this is. */
  readonly type: "register";
  /** Which game, for example `netpanzer`. */
  readonly gamename: string;
  /** Its display name, which belongs to the key that first used it. */
  readonly name: string;
  /** UDP port that players connect to, 1 to 65535. */
  readonly port: number;
  /** Version of the game's own protocol, for example 1122. */
  readonly protocol: number;
  /** How to reach its operator; may be empty. */
  readonly admin: string;
  /** ISO 3166 code of its country, two capital letters. */
  readonly country?: string;
  /** DNS name that it wants to be known by. */
  readonly netname?: string;
  /** Anything else that players may filter by; secrets are left out. Empty when left out. */
  readonly settings: Readonly<Record<string, string>>;
  /** The game being played, when it can tell already. */
  readonly status?: ServerReport;
}

/** What is being played now; also a heartbeat. Has no answer. */
export interface StatusReport extends ServerReport {
  /** Which message this is. */
  readonly type: "status";
}

/** A game server leaves; a master answers with the same. */
export interface Bye {
  /** Which message this is. */
  readonly type: "bye";
}

/** What a game server sends. */
export type Ring1Request = Register | StatusReport | Bye | Ping | Pong;

/** The answer to {@link Register}. */
export interface Registered {
  /** Which message this is. */
  readonly type: "registered";
  /** The server's Number in the database. */
  readonly number: number;
  /** Seconds after which the next {@link StatusReport} is expected. */
  readonly interval: number;
  /** Whether players see it already; when not, {@link Listed} may follow. */
  readonly listed: boolean;
  /** Why it is not listed. */
  readonly reason?: string;
  /** Masters to turn to when this one is gone. */
  readonly masters: readonly MasterEntry[];
}

/** Players see the server from now on, or no more. */
export interface Listed {
  /** Which message this is. */
  readonly type: "listed";
  /** Whether they see it. */
  readonly listed: boolean;
  /** Why it is not listed. */
  readonly reason?: string;
}

/** What a master sends a game server. */
export type Ring1Answer = Registered | Listed | Bye | ErrorMessage | Ping | Pong;

const GAMENAME: TextRules = { max: MAX_GAMENAME_CHARACTERS, isName: true, isToken: true };
const SETTING_KEY: TextRules = { max: MAX_SETTING_KEY_CHARACTERS, isToken: true };
const SETTING_VALUE: TextRules = {
  max: MAX_SETTING_VALUE_CHARACTERS,
  mayBeEmpty: true,
  isToken: true,
};

/** Old-style masters register as a game of this name. */
const MASTER_GAMENAME = "master";

const gamename = readAs<string>((value, refuse) => {
  const problem = textProblem(value, GAMENAME);
  if (problem !== undefined) return refuse(problem, value);
  return value === MASTER_GAMENAME
    ? refuse("must not be that of masters, who speak ring 0", value)
    : value as string;
});

const country = readAs<string>((value, refuse) =>
  typeof value === "string" && /^[A-Za-z]{2}$/.test(value)
    ? value.toUpperCase()
    : refuse("must be the two letters of a country", value)
);

const netname = readAs<string>((value, refuse) =>
  typeof value === "string" && isDnsName(value)
    ? value
    : refuse("must be a DNS name such as play.example.org", value)
);

const settings = recordOf<string>({
  max: MAX_SETTINGS,
  maxBytes: MAX_SETTINGS_BYTES,
  values: "texts",
  leftOut: isSecret,
  keyProblem: (key) => textProblem(key, SETTING_KEY),
  valueProblem: (value) => textProblem(value, SETTING_VALUE),
});

const roster = listOf<RosterEntry>(
  object({
    // A player's name is as the player wants it, a server cannot help it.
    name: text({ max: MAX_PLAYER_NAME_CHARACTERS, mayBeEmpty: true }),
    kills: wholeNumber(-MAX_COUNT, MAX_COUNT),
    deaths: wholeNumber(-MAX_COUNT, MAX_COUNT),
    points: wholeNumber(-MAX_COUNT, MAX_COUNT),
  }),
  MAX_ROSTER,
);

const report = {
  map: text({ max: MAX_MAP_CHARACTERS, mayBeEmpty: true }),
  players: wholeNumber(0, MAX_COUNT),
  max_players: wholeNumber(0, MAX_COUNT),
  roster: withDefault(roster, []),
};

const register: Shape<Register> = object({
  type: type("register"),
  gamename,
  name: text({ max: MAX_NAME_CHARACTERS, isName: true }),
  port,
  protocol: wholeNumber(0, MAX_GAME_PROTOCOL),
  admin: text({ max: MAX_ADMIN_CHARACTERS, mayBeEmpty: true }),
  country: optional(country),
  netname: optional(netname),
  settings: withDefault(settings, {}),
  status: optional(object(report)),
});

const status: Shape<StatusReport> = object({ type: type("status"), ...report });

const registered: Shape<Registered> = object({
  type: type("registered"),
  number: rowNumber,
  interval: wholeNumber(1, MAX_ANSWER_SECONDS),
  listed: flag,
  reason: optional(longText),
  masters,
});

const listed: Shape<Listed> = object({
  type: type("listed"),
  listed: flag,
  reason: optional(longText),
});

const decodeRequest: Decode<Ring1Request> = requestDecoder<Ring1Request>({
  shapes: { register, status },
  bare: [{ type: "bye" }, { type: "ping" }, { type: "pong" }],
});

const decodeAnswer: Decode<Ring1Answer> = answerDecoder<Ring1Answer>({
  shapes: { registered, listed, error },
  bare: [{ type: "bye" }, { type: "ping" }, { type: "pong" }],
});

/**
 * Reads what a game server sent. Members that no message has are ignored; never throws.
 *
 * @param bytes One message of the channel, read before this returns, not kept.
 */
export function decodeRing1Request(bytes: Uint8Array): DecodedMessage<Ring1Request> {
  return decodeRequest(bytes);
}

/**
 * Reads what a master sent a game server. An unknown `type` is `refused`: ignore it, the master is
 * of a later version. Texts may hold anything: escape them before they reach a terminal. Never
 * throws.
 *
 * @param bytes One message of the channel, read before this returns, not kept.
 */
export function decodeRing1Answer(bytes: Uint8Array): DecodedMessage<Ring1Answer> {
  return decodeAnswer(bytes);
}
