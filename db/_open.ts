import type { DatabaseSettings } from "../threads/mod.ts";
import type { SqlEngine } from "./_engine.ts";

/** Opens the engine; the one that is not used is not loaded. */
export async function openEngine(settings: DatabaseSettings): Promise<SqlEngine> {
  if (settings.type === "sqlite") {
    const { SqliteEngine } = await import("./_sqlite_engine.ts");
    return new SqliteEngine(settings.path);
  }
  const { MysqlEngine } = await import("./_mysql_engine.ts");
  return await MysqlEngine.open(settings);
}
