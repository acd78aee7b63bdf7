import { tell } from "./_output.ts";

/** Added to a signal's number for the exit status of a process that it ended. */
const SIGNAL_STATUS = 128;

const STOP_SIGNALS: readonly (readonly [Deno.Signal, number])[] = [["SIGINT", 2], ["SIGTERM", 15]];

/**
 * Milliseconds within which a second signal is the first one come twice: a terminal sends it to all
 * of its programs, and `deno task` passes what it gets on.
 */
const SAME_SIGNAL_MS = 500;

/** Waits for a signal to stop, and gives its name; a second one does not wait. */
export function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    let askedAt: number | undefined;
    for (const [signal, number] of STOP_SIGNALS) {
      Deno.addSignalListener(signal, () => {
        const now = performance.now();
        if (askedAt !== undefined && now - askedAt > SAME_SIGNAL_MS) {
          Deno.exit(SIGNAL_STATUS + number);
        }
        askedAt ??= now;
        resolve(signal);
      });
    }
  });
}

/** Tells the user something, as long as there is one: whoever reads may leave, the work goes on. */
export function say(line: string): void {
  try {
    tell(line);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
