import type { Player, ServerStatus, Settings } from "./types.ts";

/** Whether two servers sent the same keys with the same values. */
export function sameSettings(a: Settings, b: Settings): boolean {
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

function samePlayer(a: Player, b: Player | undefined): boolean {
  return b !== undefined && a.name === b.name && a.kills === b.kills && a.deaths === b.deaths &&
    a.points === b.points;
}

/** Whether two rosters are the same. */
export function samePlayers(a: readonly Player[], b: readonly Player[]): boolean {
  return a.length === b.length && a.every((player, i) => samePlayer(player, b[i]));
}

/** Whether two status answers say the same. */
export function sameStatus(a: ServerStatus, b: ServerStatus): boolean {
  return a.hostname === b.hostname && a.map === b.map && a.players === b.players &&
    a.maxPlayers === b.maxPlayers && a.gameVersion === b.gameVersion &&
    a.gameStyle === b.gameStyle && a.needsPassword === b.needsPassword &&
    samePlayers(a.roster, b.roster);
}
