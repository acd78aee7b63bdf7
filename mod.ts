/**
 * netPanzer masterserver: the program's one entry. The main thread runs the command line; a Worker
 * started from this same module is told by its name which thread it is. So the program is one file
 * however it is shipped.
 *
 * @module
 */

import type { ThreadName, WorkerPort } from "./threads/mod.ts";

async function runWorker(name: ThreadName, port: WorkerPort): Promise<void> {
  const { runThread } = await import("./threads/mod.ts");
  switch (name) {
    case "ring0":
      return runThread(port, (await import("./rings/mod.ts")).ring0);
    case "ring1":
      return runThread(port, (await import("./rings/mod.ts")).ring1);
    case "ring1bis":
      return runThread(port, (await import("./rings/mod.ts")).ring1bis);
    case "ring2":
      return runThread(port, (await import("./rings/mod.ts")).ring2);
    case "ring2bis":
      return runThread(port, (await import("./rings/mod.ts")).ring2bis);
    case "store":
      return runThread(port, (await import("./db/mod.ts")).storeThread);
  }
}

if (typeof WorkerGlobalScope !== "undefined" && self instanceof WorkerGlobalScope) {
  await runWorker(self.name as ThreadName, self as unknown as WorkerPort);
} else if (import.meta.main) {
  const { main } = await import("./cli/mod.ts");
  Deno.exit(await main(Deno.args, import.meta.url));
}
