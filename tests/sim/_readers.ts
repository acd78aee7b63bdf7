/** Clients that keep a list, as those of ring 2 do: they ask any master for what has changed. */

import {
  MASTER_GAMENAME,
  type ServerId,
  type ServerRecord,
  type Vector,
} from "../../registry/mod.ts";
import { contentOf } from "./_content.ts";
import type { SimNode } from "./_node.ts";

/** Servers for which the list of a reader may differ from that of the master it asks. */
export interface Excuses {
  /** Masters have not settled whether they are gone. */
  readonly undecided: ReadonlySet<ServerId>;
  /** The reader may miss them, or their latest change. */
  readonly untold: ReadonlySet<ServerId>;
  /** Another master may have told the reader of them, and this one does not know them. */
  readonly elsewhere: ReadonlySet<ServerId>;
}

/** One client. */
export class Reader {
  readonly #list = new Map<ServerId, ServerRecord>();
  #known: Vector | undefined;
  /** All that any master has told it. */
  readonly #told = new Map<string, number>();
  /** Times that it was told what had changed, and times that it was told everything. */
  updates = 0;
  wholes = 0;

  /**
   * Asks a master.
   *
   * @param isSettled Whether all masters know the same, so that none can know less than the reader.
   * @returns What is wrong with the list that the reader has then.
   */
  poll(node: SimNode, excuses: Excuses, isSettled: boolean): string | undefined {
    const { changes, replica } = node;
    const before = this.#known;
    const missed = before && changes.since(before);
    if (missed?.type === "changes") {
      this.updates++;
      for (const id of missed.removed) this.#list.delete(id);
      for (const record of missed.changed) this.#list.set(record.id, record);
    } else {
      this.wholes++;
      this.#list.clear();
      for (const { records } of replica.blocks) {
        for (const record of records.values()) {
          if (record.gamename !== MASTER_GAMENAME) this.#list.set(record.id, record);
        }
      }
    }
    // Whoever asks a master that knows less is told some of it once more, by whoever knows it.
    this.#known = new Map(changes.vector);
    let isAhead = false;
    for (const [origin, hlc] of this.#told) {
      if (hlc > (changes.vector.get(origin) ?? 0)) isAhead = true;
    }
    for (const [origin, hlc] of changes.vector) {
      if (hlc > (this.#told.get(origin) ?? 0)) this.#told.set(origin, hlc);
    }
    // What another master told it, and this one does not know, it rightly keeps.
    return isAhead && !isSettled ? undefined : this.#compare(node, excuses);
  }

  /** How far it knows the changes of a master. */
  knows(origin: string): number {
    return this.#told.get(origin) ?? 0;
  }

  /** It forgets all. */
  restart(): void {
    this.#known = undefined;
    this.#told.clear();
    this.#list.clear();
  }

  /** How far it knows the changes of each master, for a trace. */
  spell(nodes: readonly SimNode[]): string {
    return nodes.map(({ id, index }) => `m${index}:${this.#known?.get(id) ?? 0}`).join(" ");
  }

  #compare({ replica: { blocks }, index }: SimNode, excuses: Excuses): string | undefined {
    const { undecided, untold, elsewhere } = excuses;
    const listed = new Set<ServerId>();
    for (const { records } of blocks) {
      for (const record of records.values()) {
        const { id, hlc } = record;
        if (record.gamename === MASTER_GAMENAME) continue;
        listed.add(id);
        const mine = this.#list.get(id);
        if (undecided.has(id) || untold.has(id)) continue;
        if (!mine) return `a reader of m${index} misses ${id}`;
        if (mine !== record && contentOf(mine) !== contentOf(record)) {
          return `a reader of m${index} has ${id} of ${mine.hlc}, not of ${hlc}: ` +
            `${contentOf(mine)}, not ${contentOf(record)}`;
        }
      }
    }
    const extra = [...this.#list.keys()].filter((id) => {
      return !listed.has(id) && !undecided.has(id) && !elsewhere.has(id);
    });
    return extra.length === 0 ? undefined : `a reader of m${index} still has ${extra.join(" ")}`;
  }
}
