import {
  isSecret,
  MAX_GAME_PROTOCOL,
  MAX_GAMENAME_CHARACTERS,
  MAX_MAP_CHARACTERS,
  MAX_NAME_CHARACTERS,
  MAX_PLAYER_NAME_CHARACTERS,
  MAX_SETTING_KEY_CHARACTERS,
  MAX_SETTING_VALUE_CHARACTERS,
  MAX_SETTINGS,
  MAX_SETTINGS_BYTES,
  oneLine,
  type Register,
  type ServerReport,
} from "../protocol/mod.ts";
import type { AnsweredStatus } from "./_ask_status.ts";

/** What a register request says of a server. */
export type ServerDescription = Omit<Register, "type" | "status">;

/** What the agent's operator says of the server; the rest the server says itself. */
export interface OperatorWords {
  /** Port that players connect to. */
  readonly port: number;
  /** Display name in place of the server's own. */
  readonly name?: string;
  /** How to reach the operator; empty when not told. */
  readonly admin: string;
  /** ISO 3166 code of its country, two capital letters. */
  readonly country?: string;
  /** DNS name that it wants to be known by. */
  readonly netname?: string;
  /** Version of the game's own protocol when the server does not tell. */
  readonly protocol: number;
}

/** What to register and report, or why that cannot be done. */
export type Described =
  | {
    readonly type: "described";
    readonly server: ServerDescription;
    readonly report: ServerReport;
  }
  | { readonly type: "nameless" };

/** Pairs that are told otherwise, or that change from one poll to the next. */
const NO_SETTINGS: ReadonlySet<string> = new Set([
  "gamename",
  "hostname",
  "protocol",
  "mapname",
  "numplayers",
  "maxplayers",
  "empty",
  "time",
]);

/** `player_0`, `kills_0` and the like, which make up the roster. */
const OF_A_PLAYER = /_[0-9]+$/;

const encoder = new TextEncoder();

/** Bytes of a value as JSON, in UTF-8. */
function jsonBytes(value: unknown): number {
  return encoder.encode(JSON.stringify(value)).length;
}

function settingsOf({ status, values }: AnsweredStatus): Record<string, string> {
  const settings: [string, string][] = [["needs_password", String(status.needsPassword)]];
  let bytes = jsonBytes(Object.fromEntries(settings));
  for (const [name, value] of values) {
    if (NO_SETTINGS.has(name) || OF_A_PLAYER.test(name)) continue;
    const key = oneLine(name, MAX_SETTING_KEY_CHARACTERS);
    // The flag whether joining takes a password is told of by a name that is no secret's.
    if (key === "" || isSecret(key) || key === "needs_password") continue;
    if (settings.length >= MAX_SETTINGS) break;
    const shown = oneLine(value, MAX_SETTING_VALUE_CHARACTERS);
    // With the colon and the comma. What does not fit is left out, and the next may fit.
    const added = jsonBytes(key) + jsonBytes(shown) + 2;
    if (bytes + added > MAX_SETTINGS_BYTES) continue;
    bytes += added;
    settings.push([key, shown]);
  }
  return Object.fromEntries(settings);
}

function protocolOf(told: string | undefined, otherwise: number): number {
  if (told === undefined || !/^[0-9]{1,10}$/.test(told)) return otherwise;
  return Number(told) <= MAX_GAME_PROTOCOL ? Number(told) : otherwise;
}

function reportOf({ status }: AnsweredStatus): ServerReport {
  return {
    map: oneLine(status.map, MAX_MAP_CHARACTERS),
    players: status.players,
    max_players: status.maxPlayers,
    roster: status.roster.map((player) => ({
      ...player,
      name: oneLine(player.name, MAX_PLAYER_NAME_CHARACTERS),
    })),
  };
}

/** What a server's status and its operator make of a registration and a report. */
export function describeServer(answer: AnsweredStatus, words: OperatorWords): Described {
  const { values, status } = answer;
  const name = words.name ?? oneLine(status.hostname, MAX_NAME_CHARACTERS);
  if (name === "") return { type: "nameless" };
  const { admin, port, country, netname } = words;
  return {
    type: "described",
    server: {
      gamename: oneLine(values.get("gamename") ?? "", MAX_GAMENAME_CHARACTERS) || "netpanzer",
      name,
      port,
      protocol: protocolOf(values.get("protocol"), words.protocol),
      admin,
      ...(country === undefined ? {} : { country }),
      ...(netname === undefined ? {} : { netname }),
      settings: settingsOf(answer),
    },
    report: reportOf(answer),
  };
}
