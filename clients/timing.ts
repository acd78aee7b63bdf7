/**
 * Time and chance, as the clients see them.
 *
 * @module
 */

/** What the clients wait by and back off with; tests hand in their own. */
export interface Timing {
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /**
   * Waits.
   *
   * @param ms How long.
   * @param signal Ends the waiting early, without an error.
   */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** A number from 0 up to and without 1. */
  random(): number;
}

/** The system's clock and timers. */
export const SYSTEM_TIMING: Timing = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      signal.addEventListener("abort", finish);
    }),
  random: () => Math.random(),
};
