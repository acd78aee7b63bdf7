/**
 * The registry's store on a database: SQLite in a file, or MySQL and MariaDB.
 *
 * @module
 */

import type { DatabaseSettings } from "../threads/mod.ts";
import type { DatabaseAdmin } from "./admin.ts";

export type { DatabaseAdmin, DatabaseStatus, ImportError } from "./admin.ts";
export { StoreClient } from "./client.ts";
export { storeThread } from "./thread.ts";

/** Opens a database for an operator; what it takes is loaded only now. */
export async function openDatabaseAdmin(settings: DatabaseSettings): Promise<DatabaseAdmin> {
  const admin = await import("./admin.ts");
  return await admin.DatabaseAdmin.open(settings);
}
