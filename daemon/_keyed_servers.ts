import type { RegistryEvent, ServerId, ServerRecord } from "../registry/mod.ts";

/** The servers that ring 1 has in its copy where it does not ask servers over UDP: its own. */
export class KeyedServers {
  #ids = new Set<ServerId>();

  /** A new snapshot begins. */
  clear(): void {
    this.#ids = new Set();
  }

  /** Whether a listed record belongs into the snapshot; remembered if so. */
  take({ id, key }: ServerRecord): boolean {
    if (key !== undefined) this.#ids.add(id);
    return key !== undefined;
  }

  /** Whether an event is about a server of the copy, or about one that holds a key. */
  concerns(event: RegistryEvent): boolean {
    switch (event.type) {
      case "put": {
        const { id, key, state } = event.record;
        if (state === "listed" && key !== undefined) {
          this.#ids.add(id);
          return true;
        }
        // One that lost its key, or is listed no more, has to leave the copy.
        return this.#ids.delete(id) || (state === "unverified" && key !== undefined);
      }
      case "removed":
        return this.#ids.delete(event.id);
      case "status":
        return this.#ids.has(event.id);
      default:
        return false;
    }
  }
}
