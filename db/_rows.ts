import { formatEndpoint } from "../protocol/mod.ts";
import type { z } from "zod";
import type { ServerRecord, ServerState } from "../registry/mod.ts";
import { parseConfig, type ServerConfig } from "./_config_shapes.ts";
import type { Row, SqlValue } from "./_engine.ts";
import { NAME_LENGTH } from "./_migrations.ts";
import { TABLE_COLUMNS } from "./_schema.ts";
import { fromSqlTime, toSqlTime } from "./_time.ts";

const STATES: readonly string[] = ["listed", "challenged", "unverified"] satisfies ServerState[];

/** State of a row of master_data that is a master of the network, and no record of the registry. */
export const NETWORK_STATE = "network";

/** Condition that a row is a record of the registry, there or gone. */
export const IS_RECORD = `state <> '${NETWORK_STATE}'`;

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

/** When and why a server that is there has gone. */
const NOT_GONE = [0, ""] as const;

/** Values of a row of server_data. */
export function serverValues(record: ServerRecord): SqlValue[] {
  const { gamename, settings, status, name, key, via, country = "", netName = "" } = record;
  return [
    columnText(name ?? status?.hostname ?? ""),
    record.ip,
    columnText(netName),
    country,
    columnText(record.admin ?? settings["admin"] ?? ""),
    JSON.stringify({ gamename, settings, status, name, key, via }).toWellFormed(),
    record.port,
    toSqlTime(record.firstSeen),
    toSqlTime(record.lastSeen),
    record.state,
    record.state === "listed" ? 1 : 0,
    record.hlc,
    record.origin,
    ...NOT_GONE,
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
    record.hlc,
    record.origin,
  ];
}

/**
 * The record that a row stands for; undefined when the row makes no sense.
 *
 * @param shape Shape of the `config` column of the row's table.
 */
export function recordOf(row: Row, shape: z.ZodType<ServerConfig>): ServerRecord | undefined {
  const [ip, port, state] = [String(row["IP"]), Number(row["port"]), String(row["state"])];
  const firstSeen = fromSqlTime(String(row["first_seen"]));
  const lastSeen = fromSqlTime(String(row["last_seen"]));
  const config = parseConfig(shape, String(row["config"]));
  if (!config || !STATES.includes(state) || Number.isNaN(firstSeen + lastSeen)) return undefined;
  const { gamename, settings, status, name, key, via } = config;
  const [country, netName] = [String(row["Country"] ?? ""), String(row["NetName"])];
  return {
    id: formatEndpoint(ip, port),
    ip,
    port,
    gamename,
    settings,
    state: state as ServerState,
    firstSeen,
    lastSeen,
    hlc: Number(row["hlc"]),
    origin: String(row["origin"]),
    number: Number(row["Number"]),
    ...(status ? { status } : {}),
    ...(country ? { country } : {}),
    ...(netName ? { netName } : {}),
    ...(name === undefined ? {} : { name }),
    ...(via === undefined ? {} : { via }),
    // Of one that has no key, the administrator is among its settings.
    ...(key === undefined ? {} : { key, admin: String(row["Admin"]) }),
  };
}
