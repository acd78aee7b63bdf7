import { basename, dirname, join } from "node:path";

/** Only this user looks into a directory that has to be made: keys and databases stand there too. */
const DIRECTORY_MODE = 0o700;

/** The file behind a path: links are followed, so that a link stays one. */
function target(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return path;
    throw error;
  }
}

function writeDurably(path: string, text: string, mode: number): void {
  using file = Deno.openSync(path, { write: true, createNew: true, mode });
  const bytes = new TextEncoder().encode(text);
  for (let sent = 0; sent < bytes.length;) sent += file.writeSync(bytes.subarray(sent));
  // Otherwise a crash of the machine may leave the name with nothing behind it.
  file.syncSync();
}

/**
 * Writes a file as a whole or not at all, and its directory where there is none.
 *
 * @param mode Permissions of the file, less what the process takes from all its files.
 */
export function replaceFile(path: string, text: string, mode: number): void {
  const file = target(path);
  const directory = dirname(file);
  Deno.mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
  const temporary = join(directory, `.${basename(file)}.${crypto.randomUUID()}`);
  try {
    writeDurably(temporary, text, mode);
    Deno.renameSync(temporary, file);
  } catch (error) {
    try {
      Deno.removeSync(temporary);
    } catch {
      // It was never made.
    }
    throw error;
  }
}
