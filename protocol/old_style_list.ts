/**
 * The old-style list, from the side that asks for it: its request as bytes, bytes to its answer.
 *
 * @module
 */

import { canonicalAddress, parsePort } from "./address.ts";
import { MAX_TOKEN_BYTES } from "./limits.ts";

/** A server of a list. */
export interface ListedServer {
  /** Canonical address. */
  readonly ip: string;
  /** Port players connect to. */
  readonly port: number;
}

const encoder = new TextEncoder();

/** Tokens of one entry: `ip`, an address, `port`, a number. */
const ENTRY_TOKENS = 4;

/**
 * `\list\gamename\NAME\final\`.
 *
 * @param gamename Which game's servers; without `\`.
 */
export function encodeListRequest(gamename: string): Uint8Array {
  return encoder.encode(`\\list\\gamename\\${gamename}\\final\\`);
}

/**
 * Incremental decoder of what a master answers, be it `\ip\A\port\N…\final\`, `\final\` alone or
 * `\error\TEXT\final\`. Holds no more than the servers and one token; never throws, whatever it is
 * fed. What makes no sense is left out, and the next `ip` begins an entry again.
 */
export class OldStyleListDecoder {
  readonly #decoder = new TextDecoder();
  readonly #maxServers: number;
  readonly #servers: ListedServer[] = [];
  /** What has come of a token. */
  #token = "";
  /** What has come of an entry. */
  #entry: string[] = [];
  #isComplete = false;
  #isTruncated = false;
  #isRefused = false;
  #hasBegun = false;
  #refusal = "";
  #nonsense: string | undefined;

  /**
   * Makes a decoder for one answer.
   *
   * @param maxServers Servers after which it has enough.
   */
  constructor(maxServers = Infinity) {
    this.#maxServers = maxServers;
  }

  /** Servers so far, in the answer's order. */
  get servers(): readonly ListedServer[] {
    return this.#servers;
  }

  /** Whether there is nothing more to read: the end has come, or there are enough servers. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Whether there are more servers than were wanted. */
  get isTruncated(): boolean {
    return this.#isTruncated;
  }

  /** Why the master refused, in its own words, which may be empty; undefined when it did not. */
  get refusal(): string | undefined {
    return this.#isRefused ? this.#refusal : undefined;
  }

  /** The first that made no sense; at most four tokens of it, each at most 256 characters. */
  get nonsense(): string | undefined {
    return this.#nonsense;
  }

  /**
   * Takes the next bytes of the connection.
   *
   * @param chunk Read before this returns, not kept.
   * @returns Whether there is nothing more to read.
   */
  push(chunk: Uint8Array): boolean {
    const [rest = "", ...others] = this.#decoder.decode(chunk, { stream: true }).split("\\");
    this.#extend(rest);
    for (const text of others) {
      if (this.#isComplete) break;
      this.#endToken();
      this.#extend(text);
    }
    return this.#isComplete;
  }

  /**
   * The other side will send no more: `final` counts without the `\` behind it.
   *
   * @returns Whether the answer is complete.
   */
  end(): boolean {
    if (!this.#isComplete && this.#token.trim() === "final") this.#endToken();
    return this.#isComplete;
  }

  #extend(text: string): void {
    // One more than a token may have tells that it is too long.
    this.#token = (this.#token + text).slice(0, MAX_TOKEN_BYTES + 1);
  }

  #endToken(): void {
    const token = this.#token.trim();
    this.#token = "";
    if (token === "") return;
    if (token === "final") {
      this.#isComplete = true;
      if (this.#entry.length > 0) this.#endEntry();
    } else if (this.#isRefused) {
      this.#refusal ||= token;
    } else if (token === "error" && !this.#hasBegun) {
      this.#isRefused = true;
    } else if (this.#entry.push(token) === ENTRY_TOKENS) {
      this.#endEntry();
    }
    this.#hasBegun = true;
  }

  #endEntry(): void {
    const [ip, address, portKey, number] = this.#entry;
    const server = { ip: canonicalAddress(address ?? ""), port: parsePort(number) };
    if (
      ip !== "ip" || portKey !== "port" || server.ip === undefined || server.port === undefined
    ) {
      this.#nonsense ??= this.#entry.map((token) => token.slice(0, MAX_TOKEN_BYTES)).join("\\");
      const next = this.#entry.indexOf("ip", 1);
      this.#entry = next < 0 ? [] : this.#entry.slice(next);
      return;
    }
    this.#entry = [];
    if (this.#servers.length < this.#maxServers) {
      this.#servers.push({ ip: server.ip, port: server.port });
    } else {
      this.#isTruncated = true;
      this.#isComplete = true;
    }
  }
}
