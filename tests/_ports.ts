/** A TCP port of 127.0.0.1 that nobody has right now. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

/** Waits until a condition holds; what it throws counts as no. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs = 10_000,
): Promise<void> {
  const end = performance.now() + patienceMs;
  let reason: unknown;
  while (performance.now() < end) {
    try {
      if (await condition()) return;
      reason = undefined;
    } catch (error) {
      reason = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`not within ${patienceMs} ms: ${what}`, { cause: reason });
}
