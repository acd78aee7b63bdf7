/**
 * Checks everything that needs no test to run: `deno task check`.
 *
 * Formatting, lint, types, and the documentation of every folder's public symbols. All steps run,
 * whether or not one before them failed.
 *
 * @module
 */

import { DENO, exists, run, say } from "./_process.ts";
import { ROOT } from "./_project.ts";

/** A step: what it is called, and the arguments for deno. */
interface Step {
  readonly name: string;
  readonly args: readonly string[];
}

/** Each folder's only door, where the folder has one. */
async function folderModules(): Promise<string[]> {
  const modules: string[] = [];
  for await (const entry of Deno.readDir(ROOT)) {
    const module = `${entry.name}/mod.ts`;
    if (entry.isDirectory && await exists(`${ROOT}/${module}`)) modules.push(module);
  }
  return modules.sort();
}

async function main(): Promise<number> {
  const modules = await folderModules();
  const steps: Step[] = [
    { name: "format", args: ["fmt", "--check"] },
    { name: "lint", args: ["lint"] },
    { name: "types", args: ["check", "--quiet", "--frozen"] },
  ];
  if (modules.length > 0) {
    steps.push({ name: "documentation", args: ["doc", "--lint", ...modules] });
  }
  const failed: string[] = [];
  for (const { name, args } of steps) {
    say(`== ${name}: deno ${args.join(" ")}`);
    const started = performance.now();
    const status = await run(DENO, args, { cwd: ROOT });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    say(`== ${name}: ${status === 0 ? "ok" : `failed with status ${status}`} in ${seconds} s`);
    if (status !== 0) failed.push(name);
  }
  say(failed.length === 0 ? "All checks passed." : `Failed: ${failed.join(", ")}.`);
  return failed.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
