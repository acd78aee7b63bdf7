import { dirname } from "node:path";

/** The file behind a path: links are followed, so that a link stays one. */
function target(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return path;
    throw error;
  }
}

function syncDirectory(path: string): void {
  using directory = Deno.openSync(path);
  directory.syncSync();
}

/** Writes a file as a whole or not at all, readable by its owner only. */
export function replaceFile(path: string, text: string): void {
  const file = target(path);
  const directory = dirname(file);
  Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const temporary = `${file}.${crypto.randomUUID()}`;
  try {
    using written = Deno.openSync(temporary, { write: true, createNew: true, mode: 0o600 });
    const bytes = new TextEncoder().encode(text);
    for (let sent = 0; sent < bytes.length;) sent += written.writeSync(bytes.subarray(sent));
    // Otherwise a crash of the machine may leave the name with nothing behind it.
    written.syncSync();
    Deno.renameSync(temporary, file);
  } catch (error) {
    try {
      Deno.removeSync(temporary);
    } catch {
      // It was never made.
    }
    throw error;
  }
  syncDirectory(directory);
}
