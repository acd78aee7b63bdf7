/**
 * Where an address is: its country and its DNS name.
 *
 * @module
 */

export * from "./country.ts";
export * from "./names.ts";
