import type { LoadedConfig } from "../config/mod.ts";
import { Daemon, LogFileError, PidFileError } from "../daemon/mod.ts";
import {
  type ConfigurationOptions,
  configurationPath,
  problemsOf,
  readConfiguration,
} from "./_configuration.ts";
import { EXIT, Exit } from "./_exit.ts";
import { tell } from "./_output.ts";
import { stopSignal } from "./_service.ts";

function startError(error: unknown): unknown {
  if (error instanceof PidFileError) {
    return new Exit(error.heldByOther ? EXIT.TEMP_FAIL : EXIT.CANT_CREATE, error.message);
  }
  return error instanceof LogFileError ? new Exit(EXIT.CANT_CREATE, error.message) : error;
}

/** Reads the configuration again. A file that was there and is gone is no wish for defaults. */
function rereader(options: ConfigurationOptions, missing: boolean): () => LoadedConfig {
  let known = !missing;
  return () => {
    const loaded = readConfiguration(options);
    if (loaded.missing && known) {
      throw new Exit(EXIT.NO_INPUT, `${configurationPath(options)} is gone: put it back`);
    }
    known = !loaded.missing;
    return loaded;
  };
}

/**
 * Runs the daemon until it is told to stop.
 *
 * @param entry URL of the program's entry module.
 * @returns Exit status.
 * @throws Exit when it cannot start.
 */
export async function run(
  options: ConfigurationOptions,
  entry: string,
  version: string,
): Promise<number> {
  const loaded = readConfiguration(options);
  const problems = problemsOf(loaded);
  if (problems !== "") tell(problems);
  if (!loaded.ok) return EXIT.CONFIG;
  if (loaded.missing) {
    const path = configurationPath(options) ?? "no place, because HOME is not set";
    tell(`using built-in defaults; a configuration would be read from ${path}`);
  }
  const { config } = loaded;
  if (config.system.chroot !== undefined || config.system.user !== undefined) {
    throw new Exit(
      EXIT.CONFIG,
      "[system] chroot and user are not part of this version: remove them from the configuration " +
        "and start the masterserver with chroot(8) --userspec",
    );
  }
  const daemon = new Daemon({ config, reread: rereader(options, loaded.missing), entry, version });
  const stopped = stopSignal();
  // Before the start: a signal that nobody listens for would end the process.
  Deno.addSignalListener("SIGHUP", () => daemon.reload());
  try {
    // A start that waits for its database does not keep a stop waiting.
    const up = await Promise.race([daemon.start(), stopped.then(() => true)]);
    if (!up) {
      await daemon.stop("no ring could be started");
      return EXIT.UNAVAILABLE;
    }
  } catch (error) {
    throw startError(error);
  }
  await daemon.stop(await stopped);
  return EXIT.OK;
}
