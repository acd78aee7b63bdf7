/**
 * What a registry is made of.
 *
 * @module
 */

import type { Clock } from "./leases.ts";
import type { Challenge, RegistryEvent, ServerId, TraceEntry } from "./types.ts";

/** Settings of the registry that may change while it runs. */
export interface RegistryLimits {
  /** Milliseconds of silence after which a server is dead. */
  readonly aliveTimeout: number;
  /** Servers that one host may register. */
  readonly serversPerHost: number;
  /** Whether a server is listed only after its UDP answer. */
  readonly verify: boolean;
}

/** Where the registry's output goes. Called synchronously, in order. */
export interface RegistryOutput {
  /** State changed. */
  event(event: RegistryEvent): void;
  /** A challenge is to be sent. */
  challenge(challenge: Challenge): void;
  /** A step was added to a server's trace. */
  trace(id: ServerId, entry: TraceEntry): void;
}

/** What a registry is made of. */
export interface RegistryOptions {
  /** Time. */
  readonly clock: Clock;
  /** This master's id among all masters: the same after a restart, never another master's. */
  readonly origin: string;
  /** Limits to start with. */
  readonly limits: RegistryLimits;
  /** Where output goes. */
  readonly output: RegistryOutput;
  /** The key a host's servers are counted under, from a canonical address. */
  readonly hostKey: (ip: string) => string;
  /** `ip:port` from a canonical address and a port. */
  readonly serverId: (ip: string, port: number) => ServerId;
  /** 128 unguessable bits as 32 hexadecimal digits. */
  readonly makeToken: () => string;
}
