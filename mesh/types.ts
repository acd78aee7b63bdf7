/**
 * What the mesh of masters is given, and what it gives: connections without sockets, time without a
 * clock, changes without a registry.
 *
 * @module
 */

import type { Command, UserClaim } from "../registry/mod.ts";

/** Where a master's ring 0 is reached. */
export interface Target {
  /** DNS name or IP address. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
}

/** A connection whose handshake is done. Whoever has the socket makes one. */
export interface Link {
  /** Public key of the other side, base64, which it has proved to hold. */
  readonly key: string;
  /** Canonical address of the other side. */
  readonly ip: string;
  /** What this master had dialled; undefined when the other side connected. */
  readonly dialed: Target | undefined;
  /** Bytes that were sent and that the system has not taken yet. */
  readonly waiting: number;
  /** Bytes sent so far, as they are on the wire. */
  readonly sentBytes: number;
  /** Bytes received so far, as they are on the wire. */
  readonly receivedBytes: number;
  /** Sends a message after those before it; nothing happens when the connection is over. */
  send(plaintext: Uint8Array): void;
  /** Ends it once what was sent is out. The mesh is not told that it is closed. */
  close(): void;
}

/** What the mesh knows of its own master, and may change while it runs. */
export interface MeshSettings {
  /** This master's id: the first 16 hexadecimal digits of its public key. */
  readonly id: string;
  /** Its public key, base64. */
  readonly key: string;
  /** What it calls itself. */
  readonly name: string;
  /** DNS name or IP address under which others reach it, when the operator gave one. */
  readonly host: string | undefined;
  /** Its TCP ports by ring. */
  readonly ports: Readonly<Record<string, number>>;
  /** Version of this program. */
  readonly program: string;
  /** Milliseconds of silence after which a server is dead. */
  readonly aliveTimeout: number;
  /** Masters that the operator named. */
  readonly peers: readonly Target[];
  /** Masters known from an earlier run. */
  readonly neighbors: readonly Target[];
}

/** Time and chance. */
export interface MeshSource {
  /** Milliseconds that never go back and do not jump. */
  monotonic(): number;
  /** Milliseconds since 1970. */
  wall(): number;
  /** A number from 0 up to but not including 1. */
  random(): number;
}

/** Another master as others are told of it. */
export interface MasterView {
  /** Its id. */
  readonly id: string;
  /** What it calls itself. */
  readonly name: string;
  /** DNS name or IP address under which it is reached. */
  readonly host: string;
  /** Canonical address of its end of the latest connection with it, when there was one. */
  readonly ip: string | undefined;
  /** Its TCP ports by ring. */
  readonly ports: Readonly<Record<string, number>>;
  /** Its public key, base64. */
  readonly key: string;
  /** Whether it is connected, here or, not long ago, to a master that is. */
  readonly isLive: boolean;
}

/** How important a line of the log is. */
export type MeshLogLevel = "info" | "warning" | "error";

/** Where the mesh's output goes. */
export interface MeshOutput {
  /**
   * Wants a connection. Ends in `Mesh.opened` with a link that says what was dialled, or in
   * `Mesh.dialFailed`.
   */
  dial(target: Target): void;
  /** Commands for the registry, in order. */
  commands(commands: readonly Command[]): void;
  /** Players' names that other masters have told. The store keeps the earliest claim of each. */
  users(users: readonly UserClaim[]): void;
  /** Which masters are known has changed, or which are live. */
  masters(masters: readonly MasterView[]): void;
  /** Something for the operator. Fields may hold a peer's text. */
  log(
    level: MeshLogLevel,
    message: string,
    fields: Readonly<Record<string, string | number | boolean>>,
  ): void;
}

/** What the mesh counts since its start. */
export type MeshCounters = Readonly<Record<string, number>>;
