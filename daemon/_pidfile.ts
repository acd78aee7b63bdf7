/** Another daemon runs with this pidfile, or the file cannot be written. */
export class PidFileError extends Error {
  /** Name of this class. */
  override readonly name = "PidFileError";

  /**
   * An error for people to read.
   *
   * @param heldByOther Whether another process holds the file.
   */
  constructor(readonly heldByOther: boolean, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** A file that holds the daemon's process number and, while it runs, a lock. */
export interface PidFile {
  /** Whether it was left behind by a process that is gone. */
  readonly wasStale: boolean;
  /** Removes the file. */
  remove(): void;
}

/**
 * Writes this process's number. The file stays locked for as long as the process lives, which tells
 * a stale file from a live one even when its number belongs to some other process by now.
 *
 * @throws PidFileError when a live process holds the file, or it cannot be written.
 */
export function writePidFile(path: string): PidFile {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { create: true, read: true, write: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PidFileError(
      false,
      `cannot write the pid file ${path}: ${reason}. Set [system] pidfile to a place this user may write`,
      { cause: error },
    );
  }
  const before = new TextDecoder().decode(readAll(file)).trim();
  if (!file.tryLockSync(true)) {
    file.close();
    throw new PidFileError(
      true,
      `another masterserver (process ${before || "unknown"}) holds the pid file ${path}: ` +
        "stop it first, or give this one a pid file of its own with [system] pidfile",
    );
  }
  file.truncateSync(0);
  file.seekSync(0, Deno.SeekMode.Start);
  file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
  return {
    wasStale: before !== "",
    remove: () => {
      // Removed before the lock goes, so that nobody's new file is taken away.
      if (isAt(path, file)) Deno.removeSync(path);
      file.close();
    },
  };
}

/** Whether a path still leads to this file: someone may have removed it, or put another there. */
function isAt(path: string, file: Deno.FsFile): boolean {
  try {
    return Deno.statSync(path).ino === file.statSync().ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Longest content of a pid file that is read. */
const MAX_BYTES = 64;

function readAll(file: Deno.FsFile): Uint8Array {
  const bytes = new Uint8Array(MAX_BYTES);
  return bytes.subarray(0, file.readSync(bytes) ?? 0);
}
