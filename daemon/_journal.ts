import type { ServerId, TraceEntry, TraceStep } from "../registry/mod.ts";
import { LineLimiter, type LogLevel } from "../threads/mod.ts";
import { log } from "./_log.ts";

/** How important each step of a server's life is to an operator. */
const LEVELS: Readonly<Record<TraceStep, LogLevel>> = {
  registered: "info",
  challenged: "debug",
  answered: "debug",
  listed: "info",
  status: "debug",
  unverified: "warning",
  refused: "warning",
  changed: "info",
  quit: "info",
  expired: "info",
};

/** Writes the steps of servers' lives to the log, refusals no faster than anyone can read. */
export class ServerJournal {
  readonly #refusals = new LineLimiter(performance.now());
  /** Set while servers are taken over from the database, which is one event and not thousands. */
  quiet = false;

  write(server: ServerId, { step, detail }: TraceEntry): void {
    if (this.quiet) return;
    const suppressed = step === "refused" ? this.#refusals.admit(performance.now()) : 0;
    if (suppressed === undefined) return;
    log(LEVELS[step], `server ${step}`, {
      server,
      ...(detail === "" ? {} : { detail }),
      ...(suppressed > 0 ? { suppressed } : {}),
    });
  }
}
