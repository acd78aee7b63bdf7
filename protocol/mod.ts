/**
 * Bytes to messages and back, pure: no sockets, no clock.
 *
 * @module
 */

export * from "./address.ts";
export * from "./channel_limits.ts";
export * from "./encode_message.ts";
export * from "./filter.ts";
export * from "./json_messages.ts";
export * from "./limits.ts";
export * from "./old_style_list.ts";
export * from "./ring_0_messages.ts";
export * from "./ring_0_parts.ts";
export * from "./ring_0_records.ts";
export * from "./ring_1_messages.ts";
export * from "./ring_2_messages.ts";
export * from "./status.ts";
export * from "./text_decoder.ts";
export * from "./text_messages.ts";
export { isSecret, oneLine } from "./_texts.ts";
