import { formatEndpoint } from "../protocol/mod.ts";
import {
  MASTER_GAMENAME,
  type ServerRecord,
  type ServerState,
  type ServerStatus,
} from "../registry/mod.ts";
import { masterConfig, parseConfig, serverConfig } from "./_config_shapes.ts";
import type { Row, SqlValue } from "./_engine.ts";
import { NAME_LENGTH, TABLE_COLUMNS } from "./_schema.ts";
import { fromSqlTime, toSqlTime } from "./_time.ts";

const STATES: readonly string[] = ["listed", "challenged", "unverified"] satisfies ServerState[];

/** Text that a column of a database takes: no NUL, no half characters, not too long. */
export function columnText(text: string, characters: number = NAME_LENGTH): string {
  const clean = text.replaceAll("\0", "").toWellFormed();
  // By code points, as a database counts: half a character would not be taken.
  return clean.length <= characters ? clean : [...clean].slice(0, characters).join("");
}

/** Columns of server_data that a record fills, in the order of {@link serverValues}. */
export const SERVER_COLUMNS: readonly string[] = TABLE_COLUMNS.server_data.slice(1);

/** Columns of master_data that a record fills, in the order of {@link masterValues}. */
export const MASTER_COLUMNS: readonly string[] = TABLE_COLUMNS.master_data.slice(1);

/** Values of a row of server_data. */
export function serverValues(record: ServerRecord): SqlValue[] {
  const { gamename, settings, status, country = "", netName = "" } = record;
  return [
    columnText(status?.hostname ?? ""),
    record.ip,
    columnText(netName),
    country,
    columnText(settings["admin"] ?? ""),
    JSON.stringify({ gamename, settings, status }).toWellFormed(),
    record.port,
    toSqlTime(record.firstSeen),
    toSqlTime(record.lastSeen),
    record.state,
    record.state === "listed" ? 1 : 0,
  ];
}

/** Values of a row of master_data. */
export function masterValues(record: ServerRecord): SqlValue[] {
  const { gamename, settings, netName = "" } = record;
  return [
    columnText(netName),
    record.ip,
    columnText(netName),
    toSqlTime(record.lastSeen),
    JSON.stringify({ gamename, settings }).toWellFormed(),
    record.port,
    toSqlTime(record.firstSeen),
    record.state,
  ];
}

/** The record that a row of either table stands for; undefined when the row makes no sense. */
export function recordOf(row: Row): ServerRecord | undefined {
  const [ip, port, state] = [String(row["IP"]), Number(row["port"]), String(row["state"])];
  const firstSeen = fromSqlTime(String(row["first_seen"]));
  const lastSeen = fromSqlTime(String(row["last_seen"]));
  const shape = row["kind"] === MASTER_GAMENAME ? masterConfig : serverConfig;
  const config = parseConfig(shape, String(row["config"]));
  if (!config || !STATES.includes(state) || Number.isNaN(firstSeen + lastSeen)) return undefined;
  const status = "status" in config ? config.status as ServerStatus | undefined : undefined;
  const [country, netName] = [String(row["Country"] ?? ""), String(row["NetName"])];
  return {
    id: formatEndpoint(ip, port),
    ip,
    port,
    gamename: config.gamename,
    settings: config.settings,
    state: state as ServerState,
    firstSeen,
    lastSeen,
    ...(status ? { status } : {}),
    ...(country ? { country } : {}),
    ...(netName ? { netName } : {}),
  };
}
