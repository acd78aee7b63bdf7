import { FINAL_ANSWER, isIpv6, listEntry, type ListStyle } from "../protocol/mod.ts";
import type { Block, Replica, ServerRecord } from "../registry/mod.ts";

/** Filters whose bytes are kept; the one used longest ago goes first. */
const MAX_CACHED = 64;

const encoder = new TextEncoder();

/** What a client asks to see. */
export interface ListQuery {
  /** Key/value pairs that must all equal what a server sent. */
  readonly filter: ReadonlyMap<string, string>;
  readonly style: ListStyle;
  /** Whether the client can use IPv6 addresses. */
  readonly ipv6: boolean;
}

interface CachedBlock {
  readonly version: number;
  readonly bytes: Uint8Array;
}

interface CachedList {
  version: number;
  bytes: Uint8Array;
  blocks: Map<Block, CachedBlock>;
}

/** Whether a server sent every pair of the filter. */
export function matches(
  settings: Readonly<Record<string, string>>,
  filter: ReadonlyMap<string, string>,
): boolean {
  for (const [key, value] of filter) {
    if (!Object.hasOwn(settings, key) || settings[key] !== value) return false;
  }
  return true;
}

function encodeBlock(block: Block, query: ListQuery): Uint8Array {
  let text = "";
  for (const record of block.records.values()) {
    if (isShown(record, query)) text += listEntry(record.ip, record.port, query.style);
  }
  return encoder.encode(text);
}

function isShown(record: ServerRecord, query: ListQuery): boolean {
  // An old-style client that came over IPv4 cannot parse an IPv6 address.
  return matches(record.settings, query.filter) && (query.ipv6 || !isIpv6(record.ip));
}

function cacheKey({ filter, style, ipv6 }: ListQuery): string {
  // Tokens hold no backslash, so no two filters share a key.
  const pairs: string[] = [];
  for (const [key, value] of filter) pairs.push(`\\${key}\\${value}`);
  if (pairs.length > 1) pairs.sort();
  return `${style}${ipv6 ? "6" : "4"}${pairs.join("")}`;
}

/** Lists as bytes, encoded once per change and block. */
export class Listing {
  readonly #replica: Replica;
  readonly #cache = new Map<string, CachedList>();

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  /** The entries that match, `\final\` included. The bytes must not be changed. */
  encode(query: ListQuery): Uint8Array {
    const key = cacheKey(query);
    const cached = this.#cache.get(key);
    const list = cached?.version === this.#replica.version ? cached : this.#refresh(query, cached);
    this.#cache.delete(key);
    this.#cache.set(key, list);
    if (this.#cache.size > MAX_CACHED) {
      const [oldest] = this.#cache.keys();
      this.#cache.delete(oldest as string);
    }
    return list.bytes;
  }

  #refresh(query: ListQuery, before: CachedList | undefined): CachedList {
    const blocks = new Map<Block, CachedBlock>();
    let length = FINAL_ANSWER.length;
    for (const block of this.#replica.blocks) {
      let cached = before?.blocks.get(block);
      if (cached?.version !== block.version) {
        cached = { version: block.version, bytes: encodeBlock(block, query) };
      }
      blocks.set(block, cached);
      length += cached.bytes.length;
    }
    const bytes = new Uint8Array(length);
    let offset = 0;
    for (const cached of blocks.values()) {
      bytes.set(cached.bytes, offset);
      offset += cached.bytes.length;
    }
    bytes.set(FINAL_ANSWER, offset);
    return { version: this.#replica.version, bytes, blocks };
  }
}
