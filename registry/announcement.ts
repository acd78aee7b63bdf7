/**
 * What servers say of themselves, as records hold it.
 *
 * @module
 */

import { sameSettings } from "./compare.ts";
import type { Announcement, ServerRecord, ServerStatus } from "./types.ts";

/** What a record takes over of an announcement. */
export type Announced =
  & Pick<ServerRecord, "gamename" | "settings">
  & Pick<Partial<ServerRecord>, "key" | "name" | "admin" | "country" | "netName">;

/** What a record takes over of an announcement. */
export function announced(said: Announcement): Announced {
  const { key, name, gamename, admin, settings, country, netName } = said;
  return {
    key,
    name,
    gamename,
    admin,
    settings,
    ...(country === undefined ? {} : { country }),
    ...(netName === undefined ? {} : { netName }),
  };
}

/** A status under the name that belongs to the server's key. */
export function named(status: ServerStatus, name: string | undefined): ServerStatus {
  return name === undefined ? status : { ...status, hostname: name };
}

/** Whether two records say the same of a server, its status left out. */
export function sameSaid(a: ServerRecord, b: ServerRecord): boolean {
  return a.gamename === b.gamename && a.key === b.key && a.name === b.name &&
    a.admin === b.admin && a.country === b.country && a.netName === b.netName &&
    sameSettings(a.settings, b.settings);
}
