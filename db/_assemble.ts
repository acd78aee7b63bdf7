import type { StoreEvent, StoreSettings } from "../threads/mod.ts";
import type { SqlEngine } from "./_engine.ts";
import { History } from "./_history.ts";
import { JournaledStore } from "./_journaled_store.ts";
import { openEngine } from "./_open.ts";
import { SqlStore } from "./_store.ts";
import { Users } from "./_users.ts";

/** Everything that works on one database. */
export interface Assembly {
  readonly engine: SqlEngine;
  readonly store: JournaledStore;
  readonly users: Users;
  readonly history: History;
}

/** Opens a database and its journal. */
export async function assemble(
  settings: StoreSettings,
  onEvent: (event: StoreEvent) => void,
): Promise<Assembly> {
  const engine = await openEngine(settings.database);
  const backend = new SqlStore(engine, {
    onUnreadable: (servers, first) => onEvent({ type: "unreadable", servers, first }),
    onNumbers: (numbers) => onEvent({ type: "numbered", numbers }),
  });
  return {
    engine,
    store: new JournaledStore({ backend, journalPath: settings.journalPath, onEvent }),
    users: new Users(engine),
    history: new History(engine),
  };
}
