/**
 * JSON messages as bytes.
 *
 * @module
 */

import { wireOf } from "./_ring_0_wire.ts";
import { MAX_CHANNEL_MESSAGE_BYTES } from "./channel_limits.ts";
import type { Ring0Message } from "./ring_0_messages.ts";
import type { Ring1Answer, Ring1Request } from "./ring_1_messages.ts";
import type { Ring2Answer, Ring2Request } from "./ring_2_messages.ts";

const encoder = new TextEncoder();

/**
 * A message of ring 0, 1 or 2 as the UTF-8 of its JSON, in memory of its own.
 *
 * @throws RangeError when it is over {@link MAX_CHANNEL_MESSAGE_BYTES}: split it.
 */
export function encodeMessage(
  message: Ring0Message | Ring1Request | Ring1Answer | Ring2Request | Ring2Answer,
): Uint8Array<ArrayBuffer> {
  const bytes = encoder.encode(JSON.stringify(wireOf(message)));
  if (bytes.length > MAX_CHANNEL_MESSAGE_BYTES) {
    throw new RangeError(
      `A "${message.type}" message of ${bytes.length} bytes is too long to send, ` +
        `split it into messages of at most ${MAX_CHANNEL_MESSAGE_BYTES} bytes`,
    );
  }
  return bytes;
}
