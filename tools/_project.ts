/**
 * What the tools know of the project: where it is, and how its `start` task runs it.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

/** The project's top folder, without a `/` at the end. */
export const ROOT: string = fileURLToPath(new URL("..", import.meta.url)).replace(/[/\\]$/, "");

/** How the `start` task of deno.json runs the program. */
export interface StartTask {
  /** The program's file, relative to the project, such as `mod.ts`. */
  readonly entry: string;
  /** Its permission flags, such as `--no-prompt` and `--allow-net`. */
  readonly permissions: readonly string[];
  /** deno.json's unstable features as flags, such as `--unstable-net`. */
  readonly unstable: readonly string[];
}

/** Flags that concern how the source is loaded, of which nothing is left in a compiled program. */
const LOADING_FLAGS = new Set(["--frozen"]);
const PERMISSION_FLAG = /^--(?:no-prompt$|(?:allow|deny|ignore)-)/;
const UNSTABLE_FLAG = /^--unstable-/;

/**
 * Reads the flags that a compiled program needs from the text of deno.json, which is the one place
 * that has them. Throws an `Error` that says what to change when the `start` task is not of the
 * plain form `deno run FLAGS FILE`.
 */
export function parseStartTask(denoJson: string): StartTask {
  const config: unknown = JSON.parse(denoJson);
  const task = member(member(config, "tasks"), "start");
  if (typeof task !== "string") {
    throw new Error("deno.json has no task \"start\"; add one of the form 'deno run FLAGS FILE'");
  }
  const words = task.trim().split(/\s+/);
  const flags = words.slice(2, -1);
  const entry = words.at(-1);
  if (
    words[0] !== "deno" || words[1] !== "run" || entry === undefined || words.length < 3 ||
    /['"$`;&|<>\\]/.test(task)
  ) {
    throw new Error(
      `deno.json's task "start" is '${task}'; write it as 'deno run FLAGS FILE', without quoting`,
    );
  }
  const permissions: string[] = [];
  const unstable: string[] = unstableFeatures(config);
  for (const flag of flags) {
    if (PERMISSION_FLAG.test(flag)) permissions.push(flag);
    else if (UNSTABLE_FLAG.test(flag)) unstable.push(flag);
    else if (!LOADING_FLAGS.has(flag)) {
      throw new Error(
        `deno.json's task "start" has '${flag}', which a compiled program cannot carry; ` +
          "use the long form of permission flags, as in '--allow-net', and no others",
      );
    }
  }
  return { entry, permissions, unstable };
}

function unstableFeatures(config: unknown): string[] {
  const features = member(config, "unstable");
  if (features === undefined) return [];
  if (!Array.isArray(features)) {
    throw new Error('deno.json\'s "unstable" is not a list; write it as in ["net"]');
  }
  return features.map((feature: unknown) => `--unstable-${String(feature)}`);
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return (value as Record<string, unknown>)[name];
}
