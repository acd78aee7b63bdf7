import type { ServerReport } from "../protocol/mod.ts";
import { samePlayers, type ServerStatus, type Settings } from "../registry/mod.ts";

/** Settings under which a server tells what an old-style status would have told. */
const GAME_VERSION = "gameversion";
const GAME_STYLE = "gamestyle";
const NEEDS_PASSWORD = "needs_password";

/** What a server reports, as the registry keeps it. */
export function statusOf(report: ServerReport, name: string, settings: Settings): ServerStatus {
  return {
    hostname: name,
    map: report.map,
    players: report.players,
    maxPlayers: report.max_players,
    gameVersion: settings[GAME_VERSION] ?? "",
    gameStyle: settings[GAME_STYLE] ?? "",
    needsPassword: settings[NEEDS_PASSWORD] === "true",
    roster: report.roster,
  };
}

/** Whether a report says what is known. */
export function sameReport(known: ServerStatus, report: ServerReport): boolean {
  return known.map === report.map && known.players === report.players &&
    known.maxPlayers === report.max_players && samePlayers(known.roster, report.roster);
}
