import type { Register, ServerReport } from "../protocol/mod.ts";
import {
  type Announcement,
  samePlayers,
  type ServerRecord,
  type ServerStatus,
  type Settings,
} from "../registry/mod.ts";

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

/** What a server says of itself, as the registry takes it. */
export function announcement(
  request: Register,
): Omit<Announcement, "ip" | "key"> {
  const { gamename, name, port, protocol, admin, country, netname, settings, status } = request;
  const all = { ...settings, gamename, port: String(port), protocol: String(protocol) };
  return {
    port,
    name,
    gamename,
    admin,
    settings: all,
    ...(country === undefined ? {} : { country }),
    ...(netname === undefined ? {} : { netName: netname }),
    ...(status === undefined ? {} : { status: statusOf(status, name, all) }),
  };
}

function sameSettings(known: Settings, said: Settings): boolean {
  const keys = Object.keys(said);
  return keys.length === Object.keys(known).length &&
    keys.every((key) => Object.hasOwn(known, key) && known[key] === said[key]);
}

/** Whether an announcement says what is known; what it leaves out says nothing else. */
export function sameAnnouncement(
  known: ServerRecord,
  said: Omit<Announcement, "ip" | "key">,
  report: ServerReport | undefined,
): boolean {
  const { country = known.country, netName = known.netName } = said;
  return known.name === said.name && known.gamename === said.gamename &&
    known.admin === said.admin && known.country === country && known.netName === netName &&
    sameSettings(known.settings, said.settings) &&
    (report === undefined || (known.status !== undefined && sameReport(known.status, report)));
}
