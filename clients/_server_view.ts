import {
  type ErrorMessage,
  formatEndpoint,
  type Masters,
  type ServerEntry,
  type Servers,
  type User,
  type Welcome,
} from "../protocol/mod.ts";
import { brokenBy, refusedBy } from "./_failures.ts";
import type { MasterAddress } from "./master_address.ts";

/** What a master of ring 2 sends, pings aside. */
export type Ring2Message = Servers | Masters | Welcome | User | ErrorMessage;

/** Servers that a list may hold: ten times the largest network that this is made for. */
const MAX_SERVERS = 100_000;

/** What a whole answer changed. */
export interface ServerChange {
  /** New and changed servers. */
  readonly servers: readonly ServerEntry[];
  /** `ip:port` of those that are gone or match no more. */
  readonly removed: readonly string[];
  /** Whether this is a whole list, the first or one in place of what was there. */
  readonly full: boolean;
}

/**
 * The servers of a list, kept up to date by its answers. An answer comes in parts and takes effect
 * with its last one, so that a connection lost in between leaves the list and its cursor as they
 * were. Pure.
 */
export class ServerView {
  readonly servers = new Map<string, ServerEntry>();
  /** Where to go on from; undefined when only a whole list helps. */
  cursor: string | undefined;
  readonly #changed = new Map<string, ServerEntry>();
  readonly #removed = new Set<string>();
  #full = true;

  /** An answer to a new request begins: what is left of one before it is forgotten. */
  begin(): void {
    this.#changed.clear();
    this.#removed.clear();
    this.#full = this.cursor === undefined;
  }

  /**
   * Takes a part of an answer.
   *
   * @returns What changed, after the last part.
   * @throws ClientError when it is an error, no list, or too long for one.
   */
  take(message: Ring2Message, master: MasterAddress): ServerChange | undefined {
    if (message.type === "error") throw refusedBy(master, message);
    if (message.type !== "servers") {
      throw brokenBy(master, `sent "${message.type}" where a list of servers was to come`);
    }
    if (message.full) this.#full = true;
    for (const endpoint of message.removed) {
      this.#changed.delete(endpoint);
      if (this.servers.has(endpoint)) this.#removed.add(endpoint);
    }
    for (const server of message.servers) {
      const endpoint = formatEndpoint(server.ip, server.port);
      this.#removed.delete(endpoint);
      this.#changed.set(endpoint, server);
    }
    if (Math.max(this.#changed.size, this.servers.size) > MAX_SERVERS) {
      throw brokenBy(master, `sent a list of more than ${MAX_SERVERS} servers`);
    }
    return message.last ? this.#apply(message.cursor) : undefined;
  }

  #apply(cursor: string): ServerChange {
    const full = this.#full;
    if (full) {
      for (const endpoint of this.servers.keys()) {
        if (!this.#changed.has(endpoint)) this.#removed.add(endpoint);
      }
      // A whole list brings its own order.
      this.servers.clear();
    }
    const change = { servers: [...this.#changed.values()], removed: [...this.#removed], full };
    for (const endpoint of this.#removed) this.servers.delete(endpoint);
    for (const [endpoint, server] of this.#changed) this.servers.set(endpoint, server);
    this.cursor = cursor;
    this.begin();
    return change;
  }
}
