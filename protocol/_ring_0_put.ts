/**
 * Servers as masters tell each other of them.
 *
 * @module
 */

import {
  check,
  checkBy,
  checkFlag,
  checkList,
  checkMembers,
  checkRow,
  checkWhole,
  listBy,
} from "./_checks.ts";
import {
  checkAddress,
  checkHlc,
  checkKey,
  checkLeft,
  checkName,
  checkOrigin,
  checkText,
  isText,
} from "./_ring_0_fields.ts";
import type { Shape } from "./_shapes.ts";
import { isSecret, textProblem, type TextRules } from "./_texts.ts";
import {
  MAX_ADMIN_CHARACTERS,
  MAX_ANSWER_NAME_CHARACTERS,
  MAX_ANSWER_SETTINGS,
  MAX_COUNT,
  MAX_RECORD_SETTINGS_BYTES,
  MAX_TIME_MS,
} from "./channel_limits.ts";
import { MAX_ROSTER } from "./limits.ts";
import type { Put } from "./ring_0_records.ts";
import type { GameStatus, RosterEntry } from "./status.ts";

/** Bytes that a code unit of a text takes as JSON at most, as in `\u0000`. */
const MAX_BYTES_PER_UNIT = 6;

/** Bytes of a setting as JSON besides its key and value: `"":"",`. */
const BYTES_PER_SETTING = 6;

const ADMIN: TextRules = { max: MAX_ADMIN_CHARACTERS, mayBeEmpty: true };

const encoder = new TextEncoder();

const checkCount = checkWhole(0, MAX_COUNT);
const checkScore = checkWhole(-MAX_COUNT, MAX_COUNT);

function isSettings(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const pairs = Object.entries(value);
  if (pairs.length > MAX_ANSWER_SETTINGS) return false;
  let units = 0;
  for (const [key, setting] of pairs) {
    if (!isText(key) || !isText(setting)) return false;
    units += key.length + setting.length;
  }
  const most = 2 + pairs.length * BYTES_PER_SETTING + units * MAX_BYTES_PER_UNIT;
  return most <= MAX_RECORD_SETTINGS_BYTES ||
    encoder.encode(JSON.stringify(value)).length <= MAX_RECORD_SETTINGS_BYTES;
}

interface StatusObject {
  readonly hostname: string;
  readonly map: string;
  readonly players: number;
  readonly max_players: number;
  readonly game_version: string;
  readonly game_style: string;
  readonly needs_password: boolean;
  readonly roster: readonly RosterEntry[];
}

interface PutObject {
  readonly v: readonly [hlc: number, origin: string];
  readonly left: number;
  readonly heard: boolean;
  readonly ip: string;
  readonly port: number;
  readonly gamename: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly first: number;
  readonly name?: string;
  readonly key?: string;
  readonly admin?: string;
  readonly country?: string;
  readonly netname?: string;
  readonly status?: StatusObject;
  readonly via?: string;
}

const checkStatus = checkMembers({
  hostname: checkText,
  map: checkText,
  players: checkCount,
  max_players: checkCount,
  game_version: checkText,
  game_style: checkText,
  needs_password: checkFlag,
  roster: checkList(
    checkMembers({ name: checkText, kills: checkScore, deaths: checkScore, points: checkScore }),
    MAX_ROSTER,
  ),
});

const checkPut = checkMembers({
  v: checkRow("must be a time and a master's id", checkHlc, checkOrigin),
  left: checkLeft,
  heard: checkFlag,
  ip: checkAddress,
  port: checkWhole(1, 65_535),
  gamename: checkText,
  settings: check(
    `must be an object of at most ${MAX_ANSWER_SETTINGS} texts of at most ` +
      `${MAX_ANSWER_NAME_CHARACTERS} characters, ${MAX_RECORD_SETTINGS_BYTES} bytes as JSON`,
    isSettings,
  ),
  first: checkWhole(0, MAX_TIME_MS),
}, {
  name: checkName,
  key: checkKey,
  admin: checkBy((value) => textProblem(value, ADMIN)),
  country: checkText,
  netname: checkText,
  status: checkStatus,
  via: checkText,
});

function openSettings(settings: Readonly<Record<string, string>>): Record<string, string> {
  // Not by assignment, which would set the prototype.
  return Object.keys(settings).some(isSecret)
    ? Object.fromEntries(Object.entries(settings).filter(([key]) => !isSecret(key)))
    : settings;
}

function makeStatus(status: StatusObject): GameStatus {
  const { hostname, map, players, game_version, game_style, needs_password, roster } = status;
  return {
    hostname,
    map,
    players,
    maxPlayers: status.max_players,
    gameVersion: game_version,
    gameStyle: game_style,
    needsPassword: needs_password,
    roster: roster.map(({ name, kills, deaths, points }) => ({ name, kills, deaths, points })),
  };
}

function makePut(put: PutObject): Put {
  const { name, key, admin, country, netname, status, via } = put;
  return {
    hlc: put.v[0],
    origin: put.v[1],
    left: put.left,
    heard: put.heard,
    ip: put.ip,
    port: put.port,
    gamename: put.gamename,
    settings: openSettings(put.settings),
    firstSeen: put.first,
    ...(name === undefined ? {} : { name }),
    ...(key === undefined ? {} : { key }),
    ...(admin === undefined ? {} : { admin }),
    ...(country === undefined ? {} : { country }),
    ...(netname === undefined ? {} : { netName: netname }),
    ...(status === undefined ? {} : { status: makeStatus(status) }),
    ...(via === undefined ? {} : { via }),
  };
}

/** Servers. */
export const puts: Shape<Put[]> = listBy(checkPut, makePut);
