import {
  encodeError,
  formatEndpoint,
  gamespyListHead,
  isIpv6,
  listEntry,
  type TextMessage,
} from "../protocol/mod.ts";
import { MASTER_GAMENAME, type Replica, type ServerId } from "../registry/mod.ts";
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
      bytes = concat(this.#network(query, session.connection.localIp), bytes);
    }
    if (session.gamespy) bytes = concat(gamespyListHead(), bytes);
    return { bytes, close: session.gamespy };
  }

  /** This master, and those of its network that have not registered as an old-style one does. */
  #network(query: ListQuery, localIp: string): Uint8Array {
    const { publicAddress, oldServerPort, masters } = this.#settings();
    const entries = new Map<ServerId, string>();
    const tell = (ip: string, port: number): void => {
      const id = formatEndpoint(ip, port);
      const settings = { gamename: MASTER_GAMENAME, port: String(port) };
      const isShown = matches(settings, query.filter) && (query.ipv6 || !isIpv6(ip));
      if (isShown && !this.#replica.get(id)) entries.set(id, listEntry(ip, port, query.style));
    };
    tell(publicAddress ?? localIp, oldServerPort);
    for (const { ip, ports } of masters.slice(1)) {
      const port = ports["ring1bis"];
      if (ip !== undefined && port !== undefined) tell(ip, port);
    }
    return encoder.encode([...entries.values()].join(""));
  }
}
