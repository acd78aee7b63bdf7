/**
 * Another program that brings a database up to date, as soon as it is told to; see schema_test.ts.
 * Says that it is ready, and the version that was there before.
 *
 * @module
 */

import { openEngine } from "../../db/_open.ts";
import { migrate } from "../../db/_schema.ts";

const engine = await openEngine(JSON.parse(Deno.args[0] ?? ""));
await engine.query("SELECT version FROM schema_version");
await say("ready");
await Deno.stdin.read(new Uint8Array(1));
await say(String(await migrate(engine)));
await engine.close();

async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}
