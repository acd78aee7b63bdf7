import { formatEndpoint } from "../../protocol/mod.ts";
import {
  hlcAt,
  type NameClaim,
  type RemoteChanges,
  type RemotePut,
  type Tombstone,
  type TombstoneCause,
} from "../../registry/mod.ts";
import { ALIVE, HOUR, type World } from "./_helpers.ts";

/** Ids of other masters than the one that tests are about. */
export const OTHER = "00000000000000b2";
export const THIRD = "00000000000000c3";

/** What a put is made of beside its record. */
export interface Told {
  readonly left?: number;
  readonly heard?: boolean;
  readonly port?: number;
}

/** A listed server as another master tells of it, changed just now unless it is said when. */
export function remotePut(
  world: World,
  ip: string,
  { left = ALIVE, heard = true, port = 3030, ...changes }: Partial<RemotePut["record"]> & Told = {},
): RemotePut {
  return {
    record: {
      id: formatEndpoint(ip, port),
      ip,
      port,
      gamename: "netpanzer",
      settings: { gamename: "netpanzer", port: String(port) },
      firstSeen: world.wall - HOUR,
      hlc: hlcAt(world.wall),
      origin: OTHER,
      ...changes,
    },
    left,
    heard,
  };
}

/** Another master's tombstone, set up just now unless it is said when. */
export function tombstone(
  world: World,
  id: string,
  cause: TombstoneCause = "expired",
  { hlc = hlcAt(world.wall) + 1, origin = OTHER } = {},
): Tombstone {
  return { id, cause, hlc, origin };
}

/** Another master's claim of a name. */
export function claim(
  name: string,
  key: string,
  hlc: number,
  origin = OTHER,
): NameClaim {
  return { name, key, hlc, origin };
}

/** Other masters have told of changes. */
export function merge(world: World, changes: RemoteChanges): void {
  world.registry.apply({ type: "merge", ...changes });
}

/** Another master has told of a server; its id. */
export function adopt(
  world: World,
  ip: string,
  told: Partial<RemotePut["record"]> & Told = {},
): string {
  const put = remotePut(world, ip, told);
  merge(world, { puts: [put] });
  return put.record.id;
}

/** All that a master has changed up to now, or a time, has been merged. */
export function sync(world: World, origin = OTHER, hlc = hlcAt(world.wall)): void {
  world.registry.apply({ type: "synced", origin, hlc });
}

/** Milliseconds that a server has left to live, as others would be told. */
export function left(world: World, id: string): number | undefined {
  return world.registry.snapshot().records.find(({ record }) => record.id === id)?.life.left;
}
