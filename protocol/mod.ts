/**
 * Bytes to messages and back, pure: no sockets, no clock.
 *
 * @module
 */

export * from "./address.ts";
export * from "./limits.ts";
export * from "./status.ts";
export * from "./text_decoder.ts";
export * from "./text_messages.ts";
