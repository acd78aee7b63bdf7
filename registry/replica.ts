/**
 * A read-only copy of what is listed, kept in every thread that answers from it.
 *
 * @module
 */

import { MASTER_GAMENAME, type RegistryEvent, type ServerId, type ServerRecord } from "./types.ts";

/**
 * Servers that stand together in lists. Bytes made from a block stay valid until its version
 * changes, so that one change in a long list costs one block and not the list.
 */
export interface Block {
  /** Records in order of registration. */
  readonly records: ReadonlyMap<ServerId, ServerRecord>;
  /** Changes whenever what an old-style list shows of the block changes: who is there, settings. */
  readonly version: number;
  /** Changes whenever anything changes but when a server was last heard of. */
  readonly revision: number;
  /** Changes whenever a server is heard of. */
  readonly heard: number;
}

interface MutableBlock {
  readonly records: Map<ServerId, ServerRecord>;
  version: number;
  revision: number;
  heard: number;
}

/** Records of one block: small enough to encode in a blink, large enough to be few. */
const BLOCK_SIZE = 256;

/** Listed servers in order of registration, from snapshots and events of the registry. */
export class Replica {
  readonly #home = new Map<ServerId, MutableBlock>();
  #blocks: MutableBlock[] = [];
  #version = 0;
  #revision = 0;
  #players = 0;
  #masters = 0;

  /** Changes whenever what an old-style list shows changes. */
  get version(): number {
    return this.#version;
  }

  /** Records listed, masters counted. */
  get size(): number {
    return this.#home.size;
  }

  /** Game servers listed, masters not counted. */
  get servers(): number {
    return this.#home.size - this.#masters;
  }

  /** Players on them, as far as they told. */
  get players(): number {
    return this.#players;
  }

  /** All blocks, the earliest registrations first. */
  get blocks(): readonly Block[] {
    return this.#blocks;
  }

  /** The record of a listed server. */
  get(id: ServerId): ServerRecord | undefined {
    return this.#home.get(id)?.records.get(id);
  }

  /** Forgets everything, before a new snapshot. */
  clear(): void {
    this.#home.clear();
    this.#blocks = [];
    this.#players = 0;
    this.#masters = 0;
    this.#version++;
  }

  /** Takes over one change. */
  apply(event: RegistryEvent): void {
    switch (event.type) {
      case "put":
        if (event.record.state === "listed") this.put(event.record);
        else this.#remove(event.record.id);
        break;
      case "removed":
        this.#remove(event.id);
        break;
      case "status": {
        const { id, status, hlc, origin } = event;
        this.#change(id, { status, hlc, origin });
        break;
      }
      case "number":
        this.#change(event.id, { number: event.number });
        break;
      case "reach":
        for (const { id, ...reach } of event.servers) this.#change(id, { reach });
        break;
      case "seen":
        for (const id of event.ids) this.#hear(id, event.at);
        break;
      case "disputed":
      case "forgotten":
      case "name":
      case "synced":
        // Nothing that is listed.
        break;
    }
  }

  /** Takes over a listed record: a new one goes last, a known one keeps its place. */
  put(record: ServerRecord): void {
    let block = this.#home.get(record.id);
    const before = block?.records.get(record.id);
    if (before) this.#count(before, -1);
    if (!block) {
      block = this.#lastBlock();
      this.#home.set(record.id, block);
    }
    block.records.set(record.id, record);
    this.#count(record, 1);
    block.version = ++this.#version;
    block.revision = ++this.#revision;
  }

  #change(id: ServerId, change: Partial<ServerRecord>): void {
    const block = this.#home.get(id);
    const record = block?.records.get(id);
    if (!block || !record) return;
    this.#count(record, -1);
    const changed = { ...record, ...change };
    block.records.set(id, changed);
    this.#count(changed, 1);
    block.revision = ++this.#revision;
  }

  #hear(id: ServerId, at: number): void {
    const block = this.#home.get(id);
    const record = block?.records.get(id);
    if (!block || !record) return;
    block.records.set(id, { ...record, lastSeen: at });
    block.heard++;
  }

  #remove(id: ServerId): void {
    const block = this.#home.get(id);
    const record = block?.records.get(id);
    if (!block || !record) return;
    this.#home.delete(id);
    block.records.delete(id);
    this.#count(record, -1);
    block.version = ++this.#version;
    block.revision = ++this.#revision;
    if (block.records.size === 0) this.#blocks.splice(this.#blocks.indexOf(block), 1);
  }

  #lastBlock(): MutableBlock {
    const last = this.#blocks.at(-1);
    if (last && last.records.size < BLOCK_SIZE) return last;
    const records = new Map<ServerId, ServerRecord>();
    const block = { records, version: ++this.#version, revision: ++this.#revision, heard: 0 };
    this.#blocks.push(block);
    return block;
  }

  #count(record: ServerRecord, sign: 1 | -1): void {
    if (record.gamename === MASTER_GAMENAME) this.#masters += sign;
    else this.#players += sign * (record.status?.players ?? 0);
  }
}
