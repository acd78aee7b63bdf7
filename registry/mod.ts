/**
 * The state of the network's servers: records, expiry, verification, events, copies.
 *
 * @module
 */

export * from "./expiry.ts";
export * from "./registry.ts";
export * from "./replica.ts";
export * from "./store.ts";
export * from "./types.ts";
export { CHALLENGE_INTERVAL_MS, CHALLENGE_RETRIES } from "./verification.ts";
