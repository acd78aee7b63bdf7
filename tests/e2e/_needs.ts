import { missingDissononce } from "../crypto/_python.ts";

/** Something that a test takes and not every machine has. */
export type Need =
  | "namespace"
  | "netpanzer"
  | "quakestat"
  | "tcpdump"
  | "mounts"
  | "dissononce";

/** Where Debian has the game, whose dedicated server is a real peer. */
export const NETPANZER = "/usr/games/netpanzer";

/** Where Debian has the server browser. */
export const QUAKESTAT = "/usr/bin/quakestat";

/** Where Debian has the packet sniffer. */
export const TCPDUMP = "/usr/bin/tcpdump";

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function canMount(): boolean {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  const args = ["-m", "mount", "--bind", "/dev/null", "/etc/hostname"];
  return new Deno.Command("unshare", { args, stdout: "null", stderr: "null" }).outputSync().success;
}

const MISSING: Readonly<Record<Need, () => string | undefined>> = {
  namespace: () =>
    Deno.env.get("MASTERSERVER_TEST_NAMESPACE") === "1"
      ? undefined
      : "needs a network namespace of its own: deno task test",
  netpanzer: () => isFile(NETPANZER) ? undefined : `needs ${NETPANZER}: apt-get install netpanzer`,
  tcpdump: () => isFile(TCPDUMP) ? undefined : `needs ${TCPDUMP}: apt-get install tcpdump`,
  mounts: () => canMount() ? undefined : "needs root and mount namespaces",
  quakestat: () => isFile(QUAKESTAT) ? undefined : `needs ${QUAKESTAT}: apt-get install qstat`,
  dissononce: () => missingDissononce,
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
