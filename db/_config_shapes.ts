import { z } from "zod";
import type { ServerStatus, Settings } from "../registry/mod.ts";

/** `config` of a row of server_data: what a server sent, its last status, and whose it is. */
export interface ServerConfig {
  readonly gamename: string;
  readonly settings: Settings;
  readonly status?: ServerStatus | undefined;
  /** Name that belongs to its key. */
  readonly name?: string | undefined;
  /** Public key of its owner, base64. */
  readonly key?: string | undefined;
  /** `host:port` of the old-style master that told of it, when nobody else has heard of it. */
  readonly via?: string | undefined;
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
  name: z.string().min(1).optional(),
  key: z.string().min(1).optional(),
  via: z.string().min(1).optional(),
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

/** Texts whose reading is remembered: most servers of a game send the same. */
const MAX_REMEMBERED = 1024;

/** Longest text that is remembered; one with a status is never the same twice. */
const MAX_REMEMBERED_LENGTH = 512;

const remembered = new Map<z.ZodType<unknown>, Map<string, unknown>>();

/**
 * Reads a `config` column; undefined when it is not JSON of this shape. Equal texts give the same
 * object, so a hundred thousand alike cost as one.
 */
export function parseConfig<T>(shape: z.ZodType<T>, text: string): T | undefined {
  let known = remembered.get(shape);
  if (!known) remembered.set(shape, known = new Map());
  if (known.has(text)) return known.get(text) as T | undefined;
  const config = read(shape, text);
  if (text.length > MAX_REMEMBERED_LENGTH) return config;
  // Those that are never the same twice, such as a key's, must not take the place of the others.
  if (known.size >= MAX_REMEMBERED) known.clear();
  known.set(text, config);
  return config;
}

function read<T>(shape: z.ZodType<T>, text: string): T | undefined {
  try {
    const parsed = shape.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
