import type { Changes, Replica, ServerRecord, Vector } from "../../registry/mod.ts";
import { replicated } from "./_helpers.ts";

/** A reader that keeps a list by what it is told it has missed. */
export class Reader {
  readonly servers = new Map<string, ServerRecord>();
  known: Vector = new Map();
  /** Times it got everything. */
  whole = 0;

  catchUp(changes: Changes, replica: Replica): void {
    const missed = changes.since(this.known);
    if (missed.type === "everything") {
      this.whole++;
      this.servers.clear();
      for (const record of replicated(replica)) this.servers.set(record.id, record);
    } else {
      for (const id of missed.removed) this.servers.delete(id);
      for (const record of missed.changed) this.servers.set(record.id, record);
    }
    this.known = new Map(changes.vector);
  }

  /** What it holds, in no order. */
  get ids(): string[] {
    return [...this.servers.keys()].sort();
  }
}

/** What records are told apart by. */
export function versions(records: Iterable<ServerRecord>): [string, number][] {
  return [...records].map(({ id, hlc }): [string, number] => [id, hlc]).sort();
}
