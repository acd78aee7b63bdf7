/**
 * Threads: what they say to each other, how each runs, and who keeps them running.
 *
 * @module
 */

export * from "./body.ts";
export * from "./line_limiter.ts";
export * from "./messages.ts";
export * from "./supervisor.ts";
