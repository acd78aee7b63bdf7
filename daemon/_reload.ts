import { type Config, type ConfigChange, formatProblem, type LoadedConfig } from "../config/mod.ts";
import { log, openLog } from "./_log.ts";

/** The configuration as it is now; undefined, with the reasons in the log, when it is no good. */
export function readAgain(reread: () => LoadedConfig): Config | undefined {
  const problems: string[] = [];
  try {
    const loaded = reread();
    for (const warning of loaded.warnings) {
      log("warning", "configuration", { problem: formatProblem(warning) });
    }
    if (loaded.ok) return loaded.config;
    problems.push(...loaded.problems.map(formatProblem));
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  for (const problem of problems) log("error", "configuration", { problem });
  log("error", "the new configuration is wrong: going on with the old one");
  return undefined;
}

/** Closes the log and opens it again, so that a file that was moved away is let go of. */
export function reopenLog({ system }: Config): void {
  try {
    openLog({ file: system.logFile, level: system.logLevel });
  } catch (error) {
    log("error", "the log goes on as before", { reason: String(error) });
  }
}

/** Says what a reload has come to. */
export function tellReload(
  applied: readonly ConfigChange[],
  waiting: readonly ConfigChange[],
): void {
  log("info", "configuration reloaded", {
    changed: applied.map(({ section, key }) => `${section}.${key}`).join(" ") || "nothing",
  });
  for (const { section, key } of waiting) {
    log("warning", `${section}.${key} changed in the file: restart the masterserver to apply it`);
  }
}
