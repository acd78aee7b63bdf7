import type { PreparedFilter } from "../protocol/mod.ts";
import type { Block, Replica, ServerId } from "../registry/mod.ts";
import type { ServerEntries } from "./_server_entry.ts";

/**
 * Bytes of servers and ids in one message. With the longest of cursors it still fits into the
 * 65,519 bytes that the channel carries.
 */
export const PAGE_BYTES = 48 * 1024;

/** UTF-16 code units that are encoded together: at most a page, whatever they hold. */
const CHUNK_UNITS = PAGE_BYTES / 3;

/** Filters whose bytes are kept; the one used longest ago goes first. */
const MAX_CACHED_FILTERS = 64;

/** Bytes that are kept for all filters together, so that large lists are kept for fewer of them. */
const MAX_CACHED_BYTES = 64 * 1024 * 1024;

/**
 * Milliseconds by which `last_seen` may be late. With thousands of servers one of every block is
 * heard of all the time, which would leave nothing to be kept.
 */
const MAX_HEARD_LATENESS_MS = 15_000;

const encoder = new TextEncoder();

/** A few JSON values with commas between them. */
export interface Chunk {
  /** Which list of the message they are of. All of `servers` come before any of `removed`. */
  readonly list: "servers" | "removed";
  readonly bytes: Uint8Array;
}

/** What goes round the servers of an answer. */
export interface Envelope {
  /** The cursor that the client came with, or empty. */
  readonly since: string;
  /** The cursor that it leaves with. */
  readonly cursor: string;
  /** Whether it came with one and gets the whole list all the same. */
  readonly isFull: boolean;
}

/**
 * Servers that are looked at in one step: some tenths of a millisecond, or a few when all of them
 * have to be spelt anew. After each, whoever reads may let others have their turn.
 */
const STEP_SERVERS = 256;

/** Joins JSON values to chunks as they come. */
export function* chunks(list: Chunk["list"], values: Iterable<string>): Generator<Chunk> {
  let joined = "";
  for (const value of values) {
    if (joined !== "" && joined.length + 1 + value.length > CHUNK_UNITS) {
      yield { list, bytes: encoder.encode(joined) };
      joined = "";
    }
    joined = joined === "" ? value : `${joined},${value}`;
  }
  if (joined !== "") yield { list, bytes: encoder.encode(joined) };
}

const HEAD = encoder.encode('{"type":"servers","servers":[');
const MIDDLE = encoder.encode('],"removed":[');
const COMMA = 0x2c;

function tail(isLast: boolean, { since, cursor, isFull }: Envelope): Uint8Array {
  const full = isFull ? ',"full":true' : "";
  // Cursors hold nothing that JSON would escape.
  return encoder.encode(`],"last":${isLast},"cursor":"${isLast ? cursor : since}"${full}}`);
}

function assemble(page: readonly Chunk[], isLast: boolean, envelope: Envelope): Uint8Array {
  const end = tail(isLast, envelope);
  const commas = page.length;
  const size = page.reduce((sum, { bytes }) => sum + bytes.length, commas);
  const message = new Uint8Array(HEAD.length + size + MIDDLE.length + end.length);
  message.set(HEAD);
  let offset = HEAD.length;
  const append = (list: Chunk["list"]): void => {
    const start = offset;
    for (const chunk of page) {
      if (chunk.list !== list) continue;
      if (offset > start) message[offset++] = COMMA;
      message.set(chunk.bytes, offset);
      offset += chunk.bytes.length;
    }
  };
  append("servers");
  message.set(MIDDLE, offset);
  offset += MIDDLE.length;
  append("removed");
  message.set(end, offset);
  return message.subarray(0, offset + end.length);
}

/**
 * An answer as encoded messages, at least one, each made when it is asked for. After each step of
 * the content comes `undefined`: so whoever reads gets something to do within a short time even
 * where few servers match.
 *
 * The messages before the last one carry the cursor that the client came with (none is the empty
 * one, which as `since` means the same as no `since`): whoever gets only some of them has to start
 * from where it was.
 */
export function* pages(
  content: Iterable<readonly Chunk[]>,
  envelope: Envelope,
): Generator<Uint8Array | undefined> {
  let page: Chunk[] = [];
  let size = 0;
  for (const step of content) {
    for (const chunk of step) {
      if (page.length > 0 && size + chunk.bytes.length > PAGE_BYTES) {
        yield assemble(page, false, envelope);
        page = [];
        size = 0;
      }
      page.push(chunk);
      size += chunk.bytes.length + 1;
    }
    yield undefined;
  }
  yield assemble(page, true, envelope);
}

interface CachedBlock {
  readonly revision: number;
  readonly heard: number;
  readonly at: number;
  readonly chunks: readonly Chunk[];
  readonly size: number;
}

/** The servers of a replica as chunks. */
export class ServerLists {
  readonly #replica: Replica;
  readonly #entries: ServerEntries;
  readonly #now: () => number;
  readonly #cache = new Map<string, Map<Block, CachedBlock>>();
  #cachedBytes = 0;

  /** @param now Milliseconds that never go back. */
  constructor(replica: Replica, entries: ServerEntries, now: () => number) {
    this.#replica = replica;
    this.#entries = entries;
    this.#now = now;
  }

  /** Bytes that are kept. */
  get cachedBytes(): number {
    return this.#cachedBytes;
  }

  /**
   * All servers that match, step by step. What changes while it is read may show or not: whoever
   * reads it has to be told of all changes since it began.
   */
  *all(filter: PreparedFilter): Generator<readonly Chunk[]> {
    const blocks = [...this.#replica.blocks];
    for (const block of blocks) yield this.#block(block, filter);
  }

  /**
   * The present state of some servers, step by step: those that match, then those that do not or
   * are gone.
   *
   * @param ids Which servers, and whether the reader may have been shown each.
   */
  *some(
    filter: PreparedFilter,
    ids: ReadonlyMap<ServerId, boolean>,
  ): Generator<readonly Chunk[]> {
    const removed: string[] = [];
    let present: string[] = [];
    let looked = 0;
    for (const [id, wasShown] of ids) {
      const record = this.#replica.get(id);
      if (record && this.#entries.isShown(record, filter)) present.push(this.#entries.json(record));
      else if (wasShown) removed.push(JSON.stringify(id));
      if (++looked % STEP_SERVERS > 0) continue;
      yield [...chunks("servers", present)];
      present = [];
    }
    yield [...chunks("servers", present), ...chunks("removed", removed)];
  }

  /** Whether {@link some} would give anything. */
  hasSome(filter: PreparedFilter, ids: ReadonlyMap<ServerId, boolean>): boolean {
    for (const [id, wasShown] of ids) {
      const record = this.#replica.get(id);
      if (wasShown || (record && this.#entries.isShown(record, filter))) return true;
    }
    return false;
  }

  /** The replica holds other blocks from now on. */
  clear(): void {
    this.#cache.clear();
    this.#cachedBytes = 0;
  }

  #block(block: Block, filter: PreparedFilter): readonly Chunk[] {
    const list = this.#cachedList(filter.key);
    const cached = list.get(block);
    const now = this.#now();
    if (cached?.revision === block.revision) {
      if (cached.heard === block.heard) return cached.chunks;
      if (now - cached.at < MAX_HEARD_LATENESS_MS) return cached.chunks;
    }
    const encoded = [...chunks("servers", this.#ofBlock(block, filter))];
    const size = encoded.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const { revision, heard } = block;
    list.set(block, { revision, heard, at: now, chunks: encoded, size });
    this.#cachedBytes += size - (cached?.size ?? 0);
    this.#limit();
    return encoded;
  }

  *#ofBlock(block: Block, filter: PreparedFilter): Generator<string> {
    for (const record of block.records.values()) {
      if (this.#entries.isShown(record, filter)) yield this.#entries.json(record);
    }
  }

  /** What is kept for a filter, which is the one used last from now on. */
  #cachedList(key: string): Map<Block, CachedBlock> {
    const list = this.#cache.get(key) ?? new Map<Block, CachedBlock>();
    this.#cache.delete(key);
    this.#cache.set(key, list);
    const { blocks } = this.#replica;
    if (list.size > blocks.length) this.#forget(list, new Set(blocks));
    return list;
  }

  /** Forgets blocks that have emptied. */
  #forget(list: Map<Block, CachedBlock>, living: ReadonlySet<Block>): void {
    for (const [block, { size }] of list) {
      if (living.has(block)) continue;
      list.delete(block);
      this.#cachedBytes -= size;
    }
  }

  #limit(): void {
    for (const [key, list] of this.#cache) {
      const isOver = this.#cache.size > MAX_CACHED_FILTERS ||
        (this.#cachedBytes > MAX_CACHED_BYTES && this.#cache.size > 1);
      if (!isOver) return;
      this.#cache.delete(key);
      for (const { size } of list.values()) this.#cachedBytes -= size;
    }
  }
}
