import { hlcAt, type ServerRecord, type StoreChange, type Version } from "../../registry/mod.ts";

/** A time with milliseconds, 2026-11-22T12:00:00.123Z. */
export const NOW = Date.UTC(2026, 10, 22, 12, 0, 0, 123);

/** Id of a master. */
export const ORIGIN = "0123456789abcdef";

/** A version so many steps after {@link NOW}. */
export function version(step: number, origin = ORIGIN): Version {
  return { hlc: hlcAt(NOW) + step, origin };
}

/** A server has quit, or fell silent. */
export function gone(id: string, step = 0, silentSince?: number): StoreChange {
  return {
    type: "gone",
    id,
    ...version(step),
    ...(silentSince === undefined ? { cause: "quit" } : { cause: "expired", silentSince }),
  };
}

/** A listed server, 10.0.0.N:3030 unless told otherwise. */
export function server(n: number, change: Partial<ServerRecord> = {}): ServerRecord {
  const ip = change.ip ?? `10.${n >> 16 & 255}.${n >> 8 & 255}.${n & 255}`;
  const port = change.port ?? 3030;
  return {
    id: ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`,
    ip,
    port,
    gamename: "netpanzer",
    settings: { gamename: "netpanzer", port: String(port), protocol: "1122" },
    state: "listed",
    firstSeen: NOW - 60_000,
    lastSeen: NOW,
    ...version(n),
    ...change,
  };
}
