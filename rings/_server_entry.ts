import {
  FilteredServer,
  MAX_GAME_PROTOCOL,
  type PreparedFilter,
  type ServerEntry,
} from "../protocol/mod.ts";
import { MASTER_GAMENAME, type ServerRecord, type Settings } from "../registry/mod.ts";
import { SECRET_KEY } from "./_list_requests.ts";

function isSecret(key: string): boolean {
  return key.length === SECRET_KEY.length && key.toLowerCase() === SECRET_KEY;
}

function openSettings(settings: Settings): Settings {
  if (!Object.keys(settings).some(isSecret)) return settings;
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !isSecret(key)));
}

/** What an old-style server calls its protocol may be anything. */
function gameProtocol(text: string | undefined): number {
  const version = /^[0-9]{1,10}$/.test(text ?? "") ? Number(text) : 0;
  return version <= MAX_GAME_PROTOCOL ? version : 0;
}

/** A server as players see it. */
export function serverEntry(record: ServerRecord): ServerEntry {
  const { status, settings, key } = record;
  return {
    ip: record.ip,
    port: record.port,
    gamename: record.gamename,
    name: record.name ?? status?.hostname ?? "",
    protocol: gameProtocol(settings["protocol"]),
    country: record.country ?? "",
    map: status?.map ?? "",
    players: status?.players ?? 0,
    max_players: status?.maxPlayers ?? 0,
    ...(key === undefined ? {} : { key }),
    number: record.number ?? 0,
    // What only an old-style master tells of has proved nothing here.
    verified: record.state === "listed" && record.via === undefined,
    last_seen: new Date(record.lastSeen).toISOString(),
    settings: openSettings(settings),
    ...reachOf(record),
  };
}

/** From how many masters it is reached: the one that verified it is one of them. */
function reachOf({ reach, via }: ServerRecord): Pick<
  ServerEntry,
  "reachable_from" | "probed_from"
> {
  if (!reach) return {};
  const own = via === undefined ? 1 : 0;
  return { reachable_from: reach.reached + own, probed_from: reach.probed + own };
}

interface Encoded {
  readonly server: FilteredServer;
  json: string | undefined;
}

/** Entries of records, each made once for as long as its record is in use. */
export class ServerEntries {
  readonly #encoded = new WeakMap<ServerRecord, Encoded>();
  /** Entries spelt as JSON so far. */
  encodedCount = 0;

  /** Whether a client with this filter is shown a server. Masters have a message of their own. */
  isShown(record: ServerRecord, filter: PreparedFilter): boolean {
    return record.gamename !== MASTER_GAMENAME && filter.passes(this.#of(record).server);
  }

  /** The entry as JSON. */
  json(record: ServerRecord): string {
    const encoded = this.#of(record);
    if (encoded.json === undefined) {
      encoded.json = JSON.stringify(encoded.server.entry);
      this.encodedCount++;
    }
    return encoded.json;
  }

  #of(record: ServerRecord): Encoded {
    let encoded = this.#encoded.get(record);
    if (!encoded) {
      encoded = { server: new FilteredServer(serverEntry(record)), json: undefined };
      this.#encoded.set(record, encoded);
    }
    return encoded;
  }
}
