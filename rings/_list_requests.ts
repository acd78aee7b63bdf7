import {
  encodeError,
  formatEndpoint,
  gamespyListHead,
  isIpv6,
  listEntry,
  type TextMessage,
} from "../protocol/mod.ts";
import { MASTER_GAMENAME, type Replica } from "../registry/mod.ts";
import type { RingSettings } from "../threads/mod.ts";
import { Listing, type ListQuery, matches } from "./_listing.ts";
import type { Answer, TextSession } from "./_text_session.ts";

/** Key of a master's heartbeat that nobody may read back or guess at. */
export const SECRET_KEY = "password";

const encoder = new TextEncoder();
const UNKNOWN_REQUEST = encodeError("Unknown request");
const NO_GAMENAME = encodeError("A list request needs gamename");

function isSecret(key: string): boolean {
  return key.toLowerCase() === SECRET_KEY;
}

/** A message's pairs without the secret ones. */
export function withoutSecrets(values: ReadonlyMap<string, string>): Map<string, string> {
  const open = new Map<string, string>();
  for (const [key, value] of values) if (!isSecret(key)) open.set(key, value);
  return open;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** Answers what both old-style rings answer alike: lists, the GameSpy preamble, the unknown. */
export class ListRequests {
  readonly #replica: Replica;
  readonly #listing: Listing;
  readonly #settings: () => RingSettings;
  lists = 0;
  unknown = 0;

  constructor(replica: Replica, settings: () => RingSettings) {
    this.#replica = replica;
    this.#listing = new Listing(replica);
    this.#settings = settings;
  }

  answer(message: TextMessage, session: TextSession): Answer {
    if (message.command === "list") return this.#list(message, session);
    if (message.command === "gamename") {
      session.gamespy = true;
      return { bytes: undefined, close: false };
    }
    this.unknown++;
    return { bytes: UNKNOWN_REQUEST, close: false };
  }

  #list(message: TextMessage, session: TextSession): Answer {
    const gamename = message.values.get("gamename");
    if (gamename === undefined) return { bytes: NO_GAMENAME, close: session.gamespy };
    this.lists++;
    const query: ListQuery = {
      // A guess at a secret must make no difference to the answer.
      filter: withoutSecrets(message.values),
      style: session.gamespy ? "gamespy" : "plain",
      ipv6: isIpv6(session.connection.ip),
    };
    let bytes = this.#listing.encode(query);
    if (gamename === MASTER_GAMENAME) {
      bytes = concat(this.#thisMaster(query, session.connection.localIp), bytes);
    }
    if (session.gamespy) bytes = concat(gamespyListHead(), bytes);
    return { bytes, close: session.gamespy };
  }

  /** This master's own entry in a list of masters. */
  #thisMaster(query: ListQuery, localIp: string): Uint8Array {
    const { publicAddress, oldServerPort } = this.#settings();
    const ip = publicAddress ?? localIp;
    const settings = { gamename: MASTER_GAMENAME, port: String(oldServerPort) };
    const shown = matches(settings, query.filter) && (query.ipv6 || !isIpv6(ip)) &&
      !this.#replica.get(formatEndpoint(ip, oldServerPort));
    return encoder.encode(shown ? listEntry(ip, oldServerPort, query.style) : "");
  }
}
