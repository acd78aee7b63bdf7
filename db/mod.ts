/**
 * The registry's store on a database.
 *
 * @module
 */

export * from "./client.ts";
export * from "./sqlite.ts";
export * from "./thread.ts";
