import { z } from "zod";
import type { ServerStatus, Settings } from "../registry/mod.ts";

/** `config` of a row of server_data: what a server sent, and its last status. */
export interface ServerConfig {
  readonly gamename: string;
  readonly settings: Settings;
  readonly status?: ServerStatus | undefined;
}

/** `config` of a row of master_data: what a master sent, its password left out. */
export interface MasterConfig {
  readonly gamename: string;
  readonly settings: Settings;
}

/** `config` of a row of Client_data: whose name it is, and since when. */
export interface ClientConfig {
  /** Public key of its owner, base64. */
  readonly key: string;
  /** ISO 8601. */
  readonly first_seen: string;
  /** ISO 8601. */
  readonly last_seen: string;
}

const settings = z.record(z.string(), z.string());

const status: z.ZodType<ServerStatus> = z.object({
  hostname: z.string(),
  map: z.string(),
  players: z.number(),
  maxPlayers: z.number(),
  gameVersion: z.string(),
  gameStyle: z.string(),
  needsPassword: z.boolean(),
  roster: z.array(
    z.object({ name: z.string(), kills: z.number(), deaths: z.number(), points: z.number() }),
  ),
});

/** Shape of {@link ServerConfig}. */
export const serverConfig: z.ZodType<ServerConfig> = z.object({
  gamename: z.string().min(1),
  settings,
  status: status.optional(),
});

/** Shape of {@link MasterConfig}. */
export const masterConfig: z.ZodType<MasterConfig> = z.object({
  gamename: z.string().min(1),
  settings,
});

/** Shape of {@link ClientConfig}. */
export const clientConfig: z.ZodType<ClientConfig> = z.object({
  key: z.string().min(1),
  first_seen: z.iso.datetime(),
  last_seen: z.iso.datetime(),
});

/** Reads a `config` column; undefined when it is not JSON of this shape. */
export function parseConfig<T>(shape: z.ZodType<T>, text: string): T | undefined {
  try {
    const parsed = shape.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
