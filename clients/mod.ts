/**
 * Clients of the rings.
 *
 * @module
 */

export * from "./old_style.ts";
