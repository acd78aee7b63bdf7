import type { StoreSettings, ThreadName, WorkerLike } from "../threads/mod.ts";

/** Threads that encrypt. */
const ENCRYPTED: readonly ThreadName[] = ["ring0", "ring1", "ring2"];

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

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

function storePermissions({ database, journalPath }: StoreSettings): Deno.PermissionOptionsObject {
  // A file's directory, because a database and its journal make companions beside them.
  const files = [journalPath, ...(database.type === "sqlite" ? [database.path] : [])];
  const directories = [...new Set(files.map(directoryOf))];
  const nodes = database.type === "sqlite"
    ? []
    : database.nodes.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`);
  return { ...NOTHING, read: directories, write: directories, net: nodes };
}

function ringPermissions(
  name: ThreadName,
  library: string | undefined,
): Deno.PermissionOptionsObject {
  // A ring talks to anyone: servers are challenged wherever they are.
  const ffi = ENCRYPTED.includes(name) && library ? { ffi: [library] } : {};
  return { ...NOTHING, net: true, ...ffi };
}

/**
 * Starts a Worker that may do what its thread has to do and nothing else.
 *
 * @param entry URL of the program's entry module, which runs the thread of the Worker's name.
 * @param store Which files and hosts the store may use.
 * @param library Path of libgcrypt, which encrypted rings use.
 */
export function spawnWorker(
  entry: string,
  name: ThreadName,
  store: StoreSettings,
  library: string | undefined,
): WorkerLike {
  const permissions = name === "store" ? storePermissions(store) : ringPermissions(name, library);
  return new Worker(entry, { type: "module", name, deno: { permissions } });
}
