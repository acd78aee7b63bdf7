/**
 * What a game server's registration is told, and tells.
 *
 * @module
 */

import type { Crypto, KeyPair } from "../crypto/mod.ts";
import type { Listed, Register, Registered } from "../protocol/mod.ts";
import type { ClientError } from "./errors.ts";
import type { MasterAddress } from "./master_address.ts";
import type { AddressFamily, Resolve } from "./resolve.ts";
import type { ClientState } from "./state.ts";
import type { Timing } from "./timing.ts";

/** What a game server registers with. */
export type ServerDescription = Omit<Register, "type" | "status">;

/** How a `RegistrationClient` works, and whom it tells. */
export interface RegistrationOptions {
  /** What `openCrypto` gives; it must stay open for as long as the client runs. */
  readonly crypto: Crypto;
  /** The server's identity: its name belongs to this key. */
  readonly keyPair: KeyPair;
  /** Masters in order of preference, with their ring 1 ports (7070). */
  readonly masters: readonly MasterAddress[];
  /** What to register. */
  readonly server: ServerDescription;
  /** Told after every registration, the first and those after a lost connection. */
  readonly onRegistered?: ((registered: Registered, master: MasterAddress) => void) | undefined;
  /** Told when players see the server from now on, or no more. */
  readonly onListed?: ((listed: Listed, master: MasterAddress) => void) | undefined;
  /**
   * Told of what a master refuses: a registration that will not be accepted as it is
   * (`name_taken` or `bad_request`, which is tried again about every five minutes;
   * `unauthorized`, about every minute), or a single report. When a master has lost the server, it
   * refuses a report with `unauthorized`, and the server is registered again at once.
   */
  readonly onRefused?: ((error: ClientError, master: MasterAddress) => void) | undefined;
  /** Told how it stands with the masters. */
  readonly onState?: ((state: ClientState) => void) | undefined;
  /**
   * Which addresses of masters to prefer: a master asks the game server at the address that the
   * registration comes from, so that has to be one that the game answers at. netPanzer 0.8.7
   * answers over IPv4 only.
   */
  readonly family?: AddressFamily | undefined;
  /** Finds the addresses of that family; asks the system when not given. */
  readonly resolve?: Resolve | undefined;
  /** Clock, timers and chance; the system's when not given. */
  readonly timing?: Timing | undefined;
}

/** What is said of a game server when it registers. */
export type Description = RegistrationOptions["server"];
