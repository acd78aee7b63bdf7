/**
 * How masters agree: who is there, what each has told the other, and what is still missing. Pure.
 *
 * @module
 */

export * from "./mesh.ts";
export { idOfKey } from "./roster.ts";
export * from "./types.ts";
