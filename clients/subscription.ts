/**
 * A list of servers that keeps itself up to date.
 *
 * @module
 */

import type { ServerEntry } from "../protocol/mod.ts";
import type { ServerChange } from "./_server_view.ts";
import type { ClientError } from "./errors.ts";
import type { MasterAddress } from "./master_address.ts";

export type { ServerChange } from "./_server_view.ts";

/** How much a subscription's servers are worth. */
export type ViewState =
  /** No list has come yet. */
  | "empty"
  /** It is what the master says. */
  | "live"
  /** It was, and the connection was lost since; a new one is on its way. */
  | "stale";

/** Whom a subscription tells. Callbacks that throw are reported as uncaught. */
export interface SubscriptionHandlers {
  /** A whole list has come: the first, or one that replaces what was there. Keyed by `ip:port`. */
  readonly list?: ((servers: ReadonlyMap<string, ServerEntry>) => void) | undefined;
  /** Something changed, whole lists included; the map has it already. */
  readonly changed?: ((change: ServerChange) => void) | undefined;
  /** The list is live from now on, or stale. */
  readonly view?: ((view: ViewState) => void) | undefined;
  /** A master refuses the subscription as it is; it is tried again about every five minutes. */
  readonly refused?: ((error: ClientError, master: MasterAddress) => void) | undefined;
}

/** A list of servers that keeps itself up to date until it is closed. */
export interface Subscription extends AsyncDisposable {
  /** The servers by `ip:port`, always the same map. */
  readonly servers: ReadonlyMap<string, ServerEntry>;
  /** Whether they are up to date. */
  readonly view: ViewState;
  /** Ends it; the map stays as it is. Settles when nothing of it is left. */
  close(): Promise<void>;
}
