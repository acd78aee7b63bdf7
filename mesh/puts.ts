/**
 * Servers as masters tell each other of them, and as the registry knows them.
 *
 * @module
 */

import { formatEndpoint, type Put } from "../protocol/mod.ts";
import type { LifeSign, RemotePut, ServerRecord } from "../registry/mod.ts";

/** A server as it is told. */
export function putOf(record: ServerRecord, { left, heard }: LifeSign): Put {
  const { hlc, origin, ip, port, gamename, settings, firstSeen } = record;
  const { name, key, admin, country, netName, status, via } = record;
  return {
    hlc,
    origin,
    left,
    heard,
    ip,
    port,
    gamename,
    settings,
    firstSeen,
    ...(name === undefined ? {} : { name }),
    ...(key === undefined ? {} : { key }),
    ...(admin === undefined ? {} : { admin }),
    ...(country === undefined ? {} : { country }),
    ...(netName === undefined ? {} : { netName }),
    ...(status === undefined ? {} : { status }),
    ...(via === undefined ? {} : { via }),
  };
}

/** A server that was told of. */
export function remotePut({ left, heard, ...said }: Put): RemotePut {
  return { record: { ...said, id: formatEndpoint(said.ip, said.port) }, left, heard };
}
