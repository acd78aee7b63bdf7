/** Something that a test takes and not every machine has. */
export type Need = "namespace" | "netpanzer" | "quakestat";

/** Where Debian has the game, whose dedicated server is a real peer. */
export const NETPANZER = "/usr/games/netpanzer";

/** Where Debian has the server browser. */
export const QUAKESTAT = "/usr/bin/quakestat";

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const MISSING: Readonly<Record<Need, () => string | undefined>> = {
  namespace: () =>
    Deno.env.get("MASTERSERVER_TEST_NAMESPACE") === "1"
      ? undefined
      : "needs a network namespace of its own: deno task test",
  netpanzer: () => isFile(NETPANZER) ? undefined : `needs ${NETPANZER}: apt-get install netpanzer`,
  quakestat: () => isFile(QUAKESTAT) ? undefined : `needs ${QUAKESTAT}: apt-get install qstat`,
};

/** A test that is ignored, with the reason in its title, where what it takes is missing. */
export function endToEnd(title: string, needs: readonly Need[], run: () => Promise<void>): void {
  const missing = needs.map((need) => MISSING[need]()).filter((reason) => reason !== undefined);
  Deno.test({
    name: missing.length === 0 ? title : `${title} (${missing.join("; ")})`,
    ignore: missing.length > 0,
    fn: run,
  });
}
