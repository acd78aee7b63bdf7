/**
 * Messages of the old-style text protocol as bytes.
 *
 * @module
 */

import { isIpv6 } from "./address.ts";
import { MAX_UDP_ANSWER_BYTES } from "./limits.ts";

const encoder = new TextEncoder();

/** The answer to an accepted heartbeat or quit, and the end of every message. */
export const FINAL_ANSWER: Uint8Array = encoder.encode("\\final\\");

/** What a game server is asked over UDP for its map, players and settings. */
export const STATUS_QUERY: Uint8Array = encoder.encode("\\status\\final\\");

/** A text as a token; `final` alone would end the message, so it gets a `.`. */
function asToken(text: string): string {
  return text === "final" ? "final." : text;
}

/**
 * `\error\TEXT\final\`.
 *
 * @param text What is wrong and what to do; a `\` or a line end in it would end the token, so they
 * become `/` and a space.
 */
export function encodeError(text: string): Uint8Array {
  const safe = text.replaceAll("\\", "/").replaceAll(/\s+/g, " ");
  return encoder.encode(`\\error\\${asToken(safe)}\\final\\`);
}

/** `\echo\TOKEN`: asks a game server over UDP to send TOKEN back. */
export function encodeEcho(token: string): Uint8Array {
  return encoder.encode(`\\echo\\${token}`);
}

/** How a client wants entries of a list spelt: `\ip\A\port\N`, or GameSpy's `\ip\A:N`. */
export type ListStyle = "plain" | "gamespy";

/**
 * One entry of a list.
 *
 * @param ip A canonical address.
 * @param port 1 to 65535.
 */
export function listEntry(ip: string, port: number, style: ListStyle): string {
  if (style === "plain") return `\\ip\\${ip}\\port\\${port}`;
  return isIpv6(ip) ? `\\ip\\[${ip}]:${port}` : `\\ip\\${ip}:${port}`;
}

/** What stands before the entries after a GameSpy preamble: a challenge of six capital letters. */
export function gamespyListHead(): Uint8Array {
  const letters = crypto.getRandomValues(new Uint8Array(6)).map((byte) => 0x41 + byte % 26);
  return encoder.encode(`\\basic\\\\secure\\${String.fromCharCode(...letters)}`);
}

/** What a master says of itself when it is asked `\status\` like a game server. */
export interface MasterStatus {
  /** Name of this master's host. */
  readonly hostname: string;
  /** Servers it lists. */
  readonly servers: number;
  /** Players on them. */
  readonly players: number;
  /** Version of this program. */
  readonly version: string;
}

/** `\gamename\netpanzer-master\hostname\…\final\`, at most {@link MAX_UDP_ANSWER_BYTES} bytes. */
export function encodeMasterStatus(status: MasterStatus): Uint8Array {
  // A DNS name may have 253 characters; the answer as a whole has to stay within its bound.
  const hostname = status.hostname.replaceAll(/[^\w.:-]/g, "_").slice(0, 100) || "master";
  const bytes = encoder.encode(
    `\\gamename\\netpanzer-master\\hostname\\${asToken(hostname)}\\numservers\\${status.servers}` +
      `\\numplayers\\${status.players}\\gameversion\\${status.version}\\final\\`,
  );
  return bytes.subarray(0, MAX_UDP_ANSWER_BYTES);
}
