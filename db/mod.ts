/**
 * The registry's store on a database: SQLite in a file, or MySQL and MariaDB.
 *
 * @module
 */

export { StoreClient } from "./client.ts";
export { storeThread } from "./thread.ts";
