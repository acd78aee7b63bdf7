/**
 * The state of the network's servers: records, expiry, verification, events, copies.
 *
 * @module
 */

export * from "./changes.ts";
export { samePlayers } from "./compare.ts";
export * from "./expiry.ts";
export * from "./options.ts";
export * from "./registry.ts";
export * from "./replica.ts";
export type { Clock } from "./leases.ts";
export { tombstoneTime } from "./history.ts";
export * from "./store.ts";
export * from "./types.ts";
export { covers, hlcAt, includes, isEarlier } from "./versions.ts";
export { CHALLENGE_INTERVAL_MS, CHALLENGE_RETRIES } from "./verification.ts";
