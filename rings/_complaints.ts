import type { ThreadContext } from "../threads/mod.ts";

/** Milliseconds between two log lines that say the same of a shortage. */
const QUIET_MS = 60_000;

/** What a ring tells the operator of its connections. */
export interface Complaints {
  /** Tells, now and then, that clients have to wait because there are no more open files. */
  exhausted(): void;
  /** Tells of a fault of this program. */
  failed(error: unknown): void;
}

/** Complaints that go to the log. */
export function complaints(context: ThreadContext): Complaints {
  let quietUntil = 0;
  return {
    exhausted: () => {
      const now = performance.now();
      if (now < quietUntil) return;
      quietUntil = now + QUIET_MS;
      context.log("warning", "no more open files: clients have to wait", {
        advice: "raise the limit on open files: LimitNOFILE in systemd, ulimit -n in a shell",
      });
    },
    failed: (error) => {
      const reason = error instanceof Error ? error.stack ?? error.message : String(error);
      context.log("error", "a connection failed for a fault of this program: please report it", {
        reason,
      });
    },
  };
}
