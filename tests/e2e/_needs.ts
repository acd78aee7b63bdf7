import { missingDissononce } from "../crypto/_python.ts";

/** Something that a test takes and not every machine has. */
export type Need =
  | "namespace"
  | "netpanzer"
  | "quakestat"
  | "tcpdump"
  | "mounts"
  | "links"
  | "compiler"
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

/** Where Debian has the C compiler. */
export const COMPILER = "/usr/bin/cc";

/** Networks are made of namespaces within the tests' own, and of virtual cables between them. */
function canLink(): boolean {
  if (Deno.env.get("MASTERSERVER_TEST_NAMESPACE") !== "1") return false;
  const script =
    "ip link add b0 type bridge && ip link add v0 type veth peer name v1 && nsenter -V";
  const args = ["-n", "sh", "-c", script];
  return new Deno.Command("unshare", { args, stdout: "null", stderr: "null" }).outputSync().success;
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
  links: () => canLink() ? undefined : "needs root, network namespaces, bridges and veth",
  compiler: () => isFile(COMPILER) ? undefined : `needs ${COMPILER}: apt-get install gcc libc6-dev`,
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
