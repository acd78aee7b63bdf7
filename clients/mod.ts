/**
 * Clients of the rings: a game server's registration, a player's list, a look at the network of
 * masters, one bare connection, and what speaks for programs that know only the old style.
 *
 * The types of messages and keys that the clients take and give are exported here too; what opens
 * the cryptography and key files is in `crypto/mod.ts`.
 *
 * @module
 */

export * from "./agent.ts";
export * from "./browser.ts";
export * from "./connect_options.ts";
export * from "./connection.ts";
export * from "./errors.ts";
export * from "./master_address.ts";
export * from "./network.ts";
export * from "./old_style.ts";
export * from "./pins.ts";
export * from "./registration.ts";
export * from "./registration_options.ts";
export * from "./relay.ts";
export type { AddressFamily, Resolve } from "./resolve.ts";
export * from "./ring_protocol.ts";
export * from "./state.ts";
export * from "./subscription.ts";
export * from "./timing.ts";

export type { Crypto, KeyPair, NoiseCipher, NoisePrimitives, ScryptCost } from "../crypto/mod.ts";
export type {
  Bye,
  DecodedMessage,
  ErrorCode,
  ErrorMessage,
  Filter,
  Hello,
  Listed,
  ListRequest,
  Login,
  MasterEntry,
  Masters,
  MastersRequest,
  Peer,
  Peers,
  Ping,
  Pong,
  Register,
  Registered,
  Ring0Ping,
  Ring0Pong,
  Ring1Answer,
  Ring1Request,
  Ring2Answer,
  Ring2Request,
  RosterEntry,
  ServerEntry,
  ServerReport,
  Servers,
  StatusReport,
  Unsubscribe,
  User,
  Welcome,
  Whois,
} from "../protocol/mod.ts";
