import {
  type ConfigEnvironment,
  formatProblem,
  loadConfig,
  type LoadedConfig,
} from "../config/mod.ts";
import { EXIT, Exit } from "./_exit.ts";

/** Options that say which configuration to use. */
export interface ConfigurationOptions {
  /** File named with --config. */
  readonly config?: string;
  /** Every --set, in order. */
  readonly set: readonly string[];
}

/** Path of master.ini below the home directory. */
const DEFAULT_PATH = ".netpanzer/config/master.ini";

/** What defaults need to know of the machine. */
export function environment(): ConfigEnvironment {
  return { home: Deno.env.get("HOME"), hostname: Deno.hostname() };
}

/** Where master.ini is read from: as named, else in the home directory, else nowhere. */
export function configurationPath(
  { config }: Pick<ConfigurationOptions, "config">,
): string | undefined {
  const { home } = environment();
  return config ?? (home === undefined ? undefined : `${home}/${DEFAULT_PATH}`);
}

/**
 * Reads master.ini; a file at the default place may be missing, one that was named may not.
 *
 * @throws Exit when a file that is needed cannot be read.
 */
export function readConfiguration(
  options: ConfigurationOptions,
): LoadedConfig & { missing: boolean } {
  const path = configurationPath(options);
  let text: string | undefined;
  try {
    if (path !== undefined) text = Deno.readTextFileSync(path);
  } catch (error) {
    const optional = options.config === undefined && error instanceof Deno.errors.NotFound;
    if (!optional) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Exit(
        EXIT.NO_INPUT,
        `${path}: cannot be read: ${reason}. Name another file with --config, ` +
          "or write a commented one with: masterserver init",
      );
    }
  }
  const loaded = loadConfig({
    ...(text === undefined ? {} : { text }),
    fileName: path ?? "master.ini",
    overrides: options.set,
    environment: environment(),
  });
  return { ...loaded, missing: text === undefined };
}

/** All problems and warnings of a configuration, one a line; empty when there are none. */
export function problemsOf(loaded: LoadedConfig): string {
  const problems = loaded.ok ? loaded.warnings : [...loaded.warnings, ...loaded.problems];
  return problems.map(formatProblem).join("\n");
}
