/** What of a record has to be the same at every master. */

import type { ServerRecord } from "../../registry/mod.ts";

/** All that masters agree on: not when they first or last heard of a server, nor its Number. */
export function contentOf(record: ServerRecord): string {
  const { id, hlc, origin, gamename, settings, name, key, admin, country, netName, via } = record;
  const sorted = Object.entries(settings).sort(([a], [b]) => a < b ? -1 : 1);
  const { status } = record;
  const told = status && [
    status.hostname,
    status.map,
    status.players,
    status.maxPlayers,
    status.gameVersion,
    status.gameStyle,
    status.needsPassword,
    status.roster.map(({ name, kills, deaths, points }) => [name, kills, deaths, points]),
  ];
  return JSON.stringify(
    [id, hlc, origin, gamename, sorted, name, key, admin, country, netName, via, told],
  );
}
