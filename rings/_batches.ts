import type { PreparedFilter } from "../protocol/mod.ts";
import type { Changes, Missed, ServerId } from "../registry/mod.ts";
import type { Place } from "./_cursor.ts";
import { pages, type ServerLists } from "./_pages.ts";
import type { ServerEntries } from "./_server_entry.ts";

/** What batches are made of. */
export interface BatchesParts {
  readonly changes: Changes;
  readonly lists: ServerLists;
  readonly entries: ServerEntries;
}

/** What subscribers at the same place get. */
export type Batch =
  | { readonly type: "nothing" }
  /** The usual: made once, sealed for each. */
  | { readonly type: "page"; readonly bytes: Uint8Array }
  /** Too much to keep for whoever reads slowly: made as it is sent. */
  | { readonly type: "pages"; readonly make: () => Iterable<Uint8Array | undefined> };

/** The servers of which something was missed. */
export function idsOf(
  { changed, removed }: Missed & { readonly type: "changes" },
): ReadonlyMap<ServerId, boolean> {
  const ids = new Map<ServerId, boolean>();
  for (const { id } of changed) ids.set(id, true);
  for (const id of removed) ids.set(id, true);
  return ids;
}

/** The first two messages of an answer, as far as there are so many. */
function firstTwo(messages: Iterable<Uint8Array | undefined>): Uint8Array[] {
  const first: Uint8Array[] = [];
  for (const message of messages) {
    if (message) first.push(message);
    if (first.length === 2) break;
  }
  return first;
}

/** What brings subscribers with one filter from place to place, each made once in a round. */
export class Batches {
  readonly #filter: PreparedFilter;
  readonly #parts: BatchesParts;
  readonly #made = new Map<Place, Batch>();

  constructor(filter: PreparedFilter, parts: BatchesParts) {
    this.#filter = filter;
    this.#parts = parts;
  }

  /** A round begins or ends. */
  clear(): void {
    this.#made.clear();
  }

  /** What leads from one place to another; in one round all go from a place to the same one. */
  of(from: Place, to: Place): Batch {
    let batch = this.#made.get(from);
    if (!batch) {
      batch = this.#make(from, to);
      this.#made.set(from, batch);
    }
    return batch;
  }

  #make(from: Place, to: Place): Batch {
    const { lists } = this.#parts;
    const ids = this.#changedIds(from, to);
    const envelope = { since: from.cursor, cursor: to.cursor, isFull: ids === undefined };
    if (!ids) return { type: "pages", make: () => pages(lists.all(this.#filter), envelope) };
    if (!lists.hasSome(this.#filter, ids)) return { type: "nothing" };
    const make = () => pages(lists.some(this.#filter, ids), envelope);
    const [bytes, second] = firstTwo(make());
    return second || !bytes ? { type: "pages", make } : { type: "page", bytes };
  }

  /**
   * Which servers changed between two places, and whether subscribers may have been shown each;
   * undefined when everything may have changed.
   *
   * A batch tells the state at the time when it is made, which may be later than the place that it
   * leads to. So a server was shown not only if it matched at the beginning: a change that was told
   * too early is in the next batch the state before the change after it. Now and then that makes
   * `removed` name a server that came and went between two batches, which does no harm.
   */
  #changedIds(from: Place, to: Place): ReadonlyMap<ServerId, boolean> | undefined {
    const { changes, entries } = this.#parts;
    const log = changes.between(from.log, to.log);
    if (!log) {
      const missed = changes.since(from.known);
      return missed.type === "changes" ? idsOf(missed) : undefined;
    }
    const ids = new Map<ServerId, boolean>();
    for (const { id, before } of log) {
      const wasShown = before !== undefined && entries.isShown(before, this.#filter);
      ids.set(id, wasShown || ids.get(id) === true);
    }
    return ids;
  }
}
