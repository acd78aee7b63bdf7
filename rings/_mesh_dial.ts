import type { Target } from "../mesh/mod.ts";

/** What the system says when a name leads nowhere. */
const UNKNOWN_NAME = /failed to lookup address|invalid (empty )?host/;

/** Why a connection could not be made, in words for an operator. */
function dialReason(error: unknown): string {
  if (error instanceof Deno.errors.ConnectionRefused) {
    return "the connection was refused: is a master running there, and is it the port of its ring 0?";
  }
  const reason = error instanceof Error ? error.message : String(error);
  if (UNKNOWN_NAME.test(reason)) return `the name cannot be resolved: ${reason}`;
  return `no connection: ${reason}`;
}

/** What comes of dialling. */
export type Dialed =
  | { readonly type: "connected"; readonly tcp: Deno.TcpConn }
  | { readonly type: "failed"; readonly reason: string };

/**
 * Connects, trying all addresses of a name.
 *
 * @param signal Gives up; its reason, a text, is what is said to have failed.
 */
export async function dial({ host, port }: Target, signal: AbortSignal): Promise<Dialed> {
  const connecting = Deno.connect({ hostname: host, port, signal });
  const givenUp = new Promise<Dialed>((resolve) => {
    signal.addEventListener(
      "abort",
      () => resolve({ type: "failed", reason: String(signal.reason) }),
      { once: true },
    );
  });
  const outcome = connecting.then(
    (tcp): Dialed => ({ type: "connected", tcp }),
    (error: unknown): Dialed => ({
      type: "failed",
      reason: signal.aborted ? String(signal.reason) : dialReason(error),
    }),
  );
  const dialed = await Promise.race([outcome, givenUp]);
  if (dialed.type === "failed") {
    // Looking up a name does not stop when it is told to, and may end in a connection yet.
    void outcome.then((late) => late.type === "connected" && late.tcp.close());
  }
  return dialed;
}
