import type { ThreadName, WorkerLike } from "../threads/mod.ts";

const NOTHING = {
  env: false,
  ffi: false,
  import: false,
  net: false,
  read: false,
  run: false,
  sys: false,
  write: false,
} as const;

/**
 * Starts a Worker that may do what its thread has to do and nothing else.
 *
 * @param entry URL of the program's entry module, which runs the thread of the Worker's name.
 * @param databaseFile The only file, with its companions beside it, that the store may touch.
 */
export function spawnWorker(
  entry: string,
  name: ThreadName,
  databaseFile: string,
): WorkerLike {
  // A ring talks to anyone: servers are challenged wherever they are.
  const directory = databaseFile.slice(0, databaseFile.lastIndexOf("/")) || "/";
  const permissions = name === "store"
    ? { ...NOTHING, read: [directory], write: [directory] }
    : { ...NOTHING, net: true };
  return new Worker(entry, { type: "module", name, deno: { permissions } });
}
