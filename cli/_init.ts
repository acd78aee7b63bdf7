import sample from "../master.ini" with { type: "text" };
import { type ConfigurationOptions, configurationPath } from "./_configuration.ts";
import { EXIT, Exit } from "./_exit.ts";
import { print } from "./_output.ts";

/** The file will hold passwords. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/**
 * Writes a commented master.ini. A file that is there already is left alone.
 *
 * @throws Exit when the file exists or cannot be written.
 */
export function init(options: Pick<ConfigurationOptions, "config">): number {
  const path = configurationPath(options);
  if (path === undefined) {
    throw new Exit(EXIT.CANT_CREATE, "HOME is not set: name the file to write with --config FILE");
  }
  try {
    const slash = path.lastIndexOf("/");
    if (slash > 0) Deno.mkdirSync(path.slice(0, slash), { recursive: true, mode: DIRECTORY_MODE });
    Deno.writeTextFileSync(path, sample, { createNew: true, mode: FILE_MODE });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) {
      throw new Exit(
        EXIT.CANT_CREATE,
        `${path} exists and is left as it is: edit it, or name another file with --config`,
      );
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new Exit(EXIT.CANT_CREATE, `${path} cannot be written: ${reason}`);
  }
  print(`wrote ${path}`);
  return EXIT.OK;
}
