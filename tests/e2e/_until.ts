import assert from "node:assert/strict";

/** Milliseconds between two looks: short beside everything that is waited for. */
const LOOK_MS = 10;

/** Milliseconds that anything which should happen at once may take on a busy machine. */
export const SOON_MS = 5000;

/** Lets some milliseconds pass. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Looks again and again until there is something to see.
 *
 * @param what What is waited for, for the message when it does not come.
 * @param look Gives what is waited for; undefined or false as long as it is not there.
 * @param explain Gives what the message should show beside that.
 * @returns What the look gave.
 * @throws AssertionError when it does not come in time.
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  { within = SOON_MS, explain = () => "" }: { within?: number; explain?: () => string } = {},
): Promise<T> {
  const end = performance.now() + within;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() >= end) break;
    await pause(LOOK_MS);
  }
  assert.fail(`${what}: not within ${within} ms\n${explain()}`);
}

/** Settles as the promise does, or fails when that takes too long. */
export async function soon<T>(
  what: string,
  promise: Promise<T>,
  within: number = SOON_MS,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new assert.AssertionError({ message: `${what}: not within ${within} ms` })),
    within,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
