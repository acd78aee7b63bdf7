/**
 * Messages of ring 0 as they go over the wire: what there is thousands of goes without names.
 *
 * @module
 */

import type { Bucket, Reachability, Ring0Message } from "./ring_0_messages.ts";
import type {
  KeyVersion,
  NameClaim,
  Put,
  ServerLease,
  Tombstone,
  UserClaim,
} from "./ring_0_records.ts";
import type { Ring1Answer, Ring1Request } from "./ring_1_messages.ts";
import type { Ring2Answer, Ring2Request } from "./ring_2_messages.ts";
import type { GameStatus } from "./status.ts";

function statusObject(status: GameStatus): unknown {
  const { hostname, map, players, maxPlayers, gameVersion, gameStyle, needsPassword } = status;
  return {
    hostname,
    map,
    players,
    max_players: maxPlayers,
    game_version: gameVersion,
    game_style: gameStyle,
    needs_password: needsPassword,
    roster: status.roster,
  };
}

/** A server; what is undefined is left out of JSON. */
export function putObject(put: Put): unknown {
  return {
    v: [put.hlc, put.origin],
    left: put.left,
    heard: put.heard,
    ip: put.ip,
    port: put.port,
    gamename: put.gamename,
    settings: put.settings,
    first: put.firstSeen,
    name: put.name,
    key: put.key,
    admin: put.admin,
    country: put.country,
    netname: put.netName,
    status: put.status && statusObject(put.status),
    via: put.via,
  };
}

/** A server that is gone. */
export function tombstoneRow({ id, hlc, origin, cause }: Tombstone): unknown {
  return [id, hlc, origin, cause];
}

/** A server's name. */
export function nameRow({ name, key, hlc, origin }: NameClaim): unknown {
  return [name, key, hlc, origin];
}

/** A player's name. */
export function userRow({ user, key, country, hlc, origin }: UserClaim): unknown {
  return [user, key, country, hlc, origin];
}

/** How long a server lives. */
export function leaseRow({ id, left }: ServerLease): unknown {
  return [id, left];
}

/** Whether a server is reached. */
export function reachRow({ id, reached }: Reachability): unknown {
  return [id, reached];
}

/** The latest change of something. */
export function keyRow({ key, hlc, origin }: KeyVersion): unknown {
  return [key, hlc, origin];
}

function bucketRow({ bucket, entries }: Bucket): unknown {
  return [bucket, entries.map(keyRow)];
}

/** A message as its JSON is made of it; those of rings 1 and 2 are that already. */
export function wireOf(
  message: Ring0Message | Ring1Request | Ring1Answer | Ring2Request | Ring2Answer,
): unknown {
  switch (message.type) {
    case "changes":
      return {
        ...message,
        puts: message.puts.map(putObject),
        tombstones: message.tombstones.map(tombstoneRow),
        names: message.names.map(nameRow),
        users: message.users.map(userRow),
      };
    case "refresh":
      return { ...message, servers: message.servers.map(leaseRow) };
    case "reach":
      return { ...message, servers: message.servers.map(reachRow) };
    case "compare":
      return { ...message, buckets: message.buckets.map(bucketRow) };
    default:
      return message;
  }
}
