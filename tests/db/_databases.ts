import type { SqlEngine } from "../../db/_engine.ts";
import { openEngine } from "../../db/_open.ts";
import type { DatabaseSettings } from "../../threads/mod.ts";
import { hasMariadb, sharedServer } from "./_mariadb.ts";

let databases = 0;

/** Both kinds of database, and whether the second can be had here. */
export const KINDS = [
  { kind: "sqlite", ignore: false },
  { kind: "mysql", ignore: !hasMariadb() },
] as const;

/** What a case gets: an empty database, and another program's view of it. */
export interface DatabaseCase {
  readonly settings: DatabaseSettings;
  readonly engine: SqlEngine;
}

async function settingsOf(kind: "sqlite" | "mysql", directory: string): Promise<DatabaseSettings> {
  if (kind === "sqlite") return { type: "sqlite", path: `${directory}/test.db` };
  return await (await sharedServer()).database(`np${++databases}`);
}

/** Runs the same case once on SQLite and once on a real MariaDB server. */
export function testOnBoth(title: string, run: (database: DatabaseCase) => Promise<void>): void {
  for (const { kind, ignore } of KINDS) {
    Deno.test({
      name: `${title} (${kind}${ignore ? "; needs root and mariadb-server" : ""})`,
      ignore,
      // The shared server outlives the case that happened to start it.
      sanitizeOps: false,
      sanitizeResources: false,
      async fn() {
        const directory = await Deno.makeTempDir();
        const settings = await settingsOf(kind, directory);
        const engine = await openEngine(settings);
        try {
          await run({ settings, engine });
        } finally {
          await engine.close();
          await Deno.remove(directory, { recursive: true });
        }
      },
    });
  }
}
