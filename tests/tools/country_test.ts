/**
 * The country database is an asset of the single file, and the daemon in it answers from there.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { buildSingleFile } from "../../tools/_single_file.ts";
import { capture } from "../../tools/_process.ts";
import { parseStartTask, ROOT } from "../../tools/_project.ts";
import { ask, heartbeat } from "../e2e/_peers.ts";
import { until } from "../e2e/_until.ts";
import { COMPILER_NOTE, HAS_COMPILER } from "./_stand_in.ts";

const OFFLINE = Deno.env.get("MASTERSERVER_TEST_NAMESPACE") === "1";
const OFFLINE_NOTE = OFFLINE ? "" : " (needs a network namespace of its own: deno task test)";

/** A public address of the USA: this machine's own while the test runs, where nobody minds. */
const ADDRESS = "8.8.8.8";
const OLD_SERVERS = 28900;
/** A start takes well under a second; a machine at its limits gets this long. */
const READY_MS = 15_000;

async function changeLoopback(change: "add" | "del"): Promise<void> {
  const finished = await capture("ip", ["addr", change, `${ADDRESS}/32`, "dev", "lo"]);
  assert.equal(finished.code, 0, finished.stderr);
}

async function built(directory: string): Promise<string> {
  const output = `${directory}/masterserver`;
  const start = parseStartTask(await Deno.readTextFile(`${ROOT}/deno.json`));
  const step = await buildSingleFile({ root: ROOT, start, workDirectory: directory, output });
  if (step.kind === "failed") assert.fail(step.message);
  return output;
}

/** Registers a server from ADDRESS as soon as the daemon listens. */
async function register(): Promise<void> {
  const answer = await until("a listener", async () => {
    try {
      return await ask(OLD_SERVERS, heartbeat(3030), { from: ADDRESS });
    } catch (error) {
      if ((error as { code?: unknown }).code === "ECONNREFUSED") return false;
      throw error;
    }
  }, { within: READY_MS });
  assert.equal(answer, "\\final\\");
}

function storedCountry(path: string): string | undefined {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const row = database.prepare("SELECT Country FROM server_data WHERE IP = ?").get(ADDRESS);
    return row === undefined ? undefined : String(row["Country"] ?? "");
  } finally {
    database.close();
  }
}

Deno.test({
  name: `single file: knows the country of a server${COMPILER_NOTE}${OFFLINE_NOTE}`,
  ignore: !HAS_COMPILER || !OFFLINE,
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "masterserver-country-" });
    await changeLoopback("add");
    try {
      const database = `${directory}/masterserver.db`;
      const settings = [
        "game.verify-servers=no",
        `database.base=${database}`,
        `system.servercachefile=${directory}/neighbors`,
        `system.keyfile=${directory}/master.key`,
      ];
      const child = new Deno.Command(await built(directory), {
        args: settings.flatMap((setting) => ["--set", setting]),
        clearEnv: true,
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      try {
        await register();
        await until("the country in the database", () => storedCountry(database) === "US");
      } finally {
        child.kill("SIGTERM");
        await child.status;
      }
    } finally {
      await changeLoopback("del");
      await Deno.remove(directory, { recursive: true });
    }
  },
});
