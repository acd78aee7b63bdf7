/**
 * A game server's answer to `\status\`.
 *
 * @module
 */

import { MAX_ROSTER, MAX_STATUS_BYTES, MAX_TOKEN_BYTES } from "./limits.ts";

/** One player of a server. */
export interface RosterEntry {
  /** The player's name as the game shows it. */
  readonly name: string;
  /** Units destroyed. */
  readonly kills: number;
  /** Units lost. */
  readonly deaths: number;
  /** Objective points. */
  readonly points: number;
}

/** What a game server says of itself. */
export interface GameStatus {
  /** The server's display name. */
  readonly hostname: string;
  /** Name of the map being played. */
  readonly map: string;
  /** Players on the server now. */
  readonly players: number;
  /** Players it has room for. */
  readonly maxPlayers: number;
  /** Version of the game, for example `0.8.7`; empty when not told. */
  readonly gameVersion: string;
  /** Style of play, for example `Objective`; empty when not told. */
  readonly gameStyle: string;
  /** Whether joining takes a password. */
  readonly needsPassword: boolean;
  /** The players, in the order the server names them, at most {@link MAX_ROSTER}. */
  readonly roster: readonly RosterEntry[];
}

/** Counts above this are no count of players, kills or points. */
const MAX_COUNT = 1_000_000;

const utf8 = new TextDecoder();

function count(text: string | undefined): number {
  if (text === undefined || !/^-?[0-9]{1,9}$/.test(text)) return 0;
  return Math.max(-MAX_COUNT, Math.min(MAX_COUNT, Number(text)));
}

function roster(values: ReadonlyMap<string, string>): RosterEntry[] {
  const entries: RosterEntry[] = [];
  for (const [key, name] of values) {
    if (!key.startsWith("player_") || entries.length >= MAX_ROSTER) continue;
    const slot = key.slice("player_".length);
    entries.push({
      name,
      kills: count(values.get(`kills_${slot}`)),
      deaths: count(values.get(`deaths_${slot}`)),
      points: count(values.get(`points_${slot}`)),
    });
  }
  return entries;
}

/**
 * Pairs of `key\value…\final\`, with or without a leading `\`. Unlike the rest of the protocol an
 * empty value is a value here: a server or a player may have no name. Of a repeated key the first
 * value counts.
 *
 * @param bytes The whole datagram.
 * @param maxCharacters Of a longer value only the beginning is kept.
 */
export function statusPairs(bytes: Uint8Array, maxCharacters = Infinity): Map<string, string> {
  const tokens = utf8.decode(bytes).split("\\");
  if (tokens[0] === "") tokens.shift();
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < tokens.length; i += 2) {
    const key = tokens[i] as string;
    if (key === "final") break;
    if (!values.has(key)) values.set(key, (tokens[i + 1] as string).slice(0, maxCharacters));
  }
  return values;
}

/**
 * Reads what {@link statusPairs} reads as a status.
 *
 * @param bytes The whole datagram.
 * @returns The status, or undefined when it is none (no `gamename` and no `numplayers`, or over
 * {@link MAX_STATUS_BYTES}).
 */
export function decodeStatus(bytes: Uint8Array): GameStatus | undefined {
  if (bytes.length > MAX_STATUS_BYTES) return undefined;
  const values = statusPairs(bytes, MAX_TOKEN_BYTES);
  if (!values.has("gamename") || !values.has("numplayers")) return undefined;
  return {
    hostname: values.get("hostname") ?? "",
    map: values.get("mapname") ?? "",
    players: Math.max(0, count(values.get("numplayers"))),
    maxPlayers: Math.max(0, count(values.get("maxplayers"))),
    gameVersion: values.get("gameversion") ?? "",
    gameStyle: values.get("gamestyle") ?? "",
    needsPassword: values.get("password") === "y",
    roster: roster(values),
  };
}
