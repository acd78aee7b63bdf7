/**
 * Ring 2 bis: old-style clients ask here for lists over TCP, and over UDP for this master itself.
 *
 * @module
 */

import { encodeError } from "../protocol/mod.ts";
import type { ThreadBody, ThreadContext, ThreadSettings } from "../threads/mod.ts";
import { OldStyleRing, type Role } from "./_old_style_ring.ts";
import type { Answer } from "./_text_session.ts";

const CLIENTS_ONLY: Answer = {
  bytes: encodeError(
    "This port is for clients, game servers register at the old-style server port",
  ),
  close: true,
};

class Clients implements Role {
  answer(): Answer {
    return CLIENTS_ONLY;
  }

  expected(): boolean {
    return false;
  }

  receive(): void {}

  loaded(): void {}

  applied(): void {}

  counters(): Record<string, number> {
    return {};
  }

  stop(): void {}
}

/** Makes the thread of ring 2 bis. */
export function ring2bis(settings: ThreadSettings, context: ThreadContext): ThreadBody {
  return new OldStyleRing(settings, context, "[network] ocport", () => new Clients());
}
