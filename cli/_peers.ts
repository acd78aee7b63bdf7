import {
  ClientError,
  type Hello,
  type MasterAddress,
  NetworkObserver,
  type NetworkView,
  type ObserverOptions,
  watchNetwork,
} from "../clients/mod.ts";
import type { NetworkConfig } from "../config/mod.ts";
import { type Crypto, networkKey } from "../crypto/mod.ts";
import type { Peer } from "../protocol/mod.ts";
import {
  type ConfigurationOptions,
  configurationPath,
  problemsOf,
  readConfiguration,
} from "./_configuration.ts";
import { EXIT, Exit } from "./_exit.ts";
import { LiveView } from "./_live_view.ts";
import { print, tell } from "./_output.ts";
import { peerCounts, peersTable } from "./_peers_table.ts";
import { clientExit, openedCrypto } from "./_secure.ts";
import { stopSignal } from "./_service.ts";
import { parseHostPort } from "./_targets.ts";
import { prettyJson, standardOutput, widthOf } from "./_terminal.ts";

/** Where ring 0 listens unless an operator wants it elsewhere. */
const RING_0_PORT = 6060;

/** What a master on this machine is reached at when it listens on every address. */
const LOOPBACK = "127.0.0.1";

/** Addresses to listen on that nobody can connect to. */
const EVERY_ADDRESS: ReadonlySet<string> = new Set(["*", "0.0.0.0", "::"]);

/** Options of `peers`. */
export interface PeersOptions extends ConfigurationOptions {
  /** Whether the result is JSON. */
  readonly json?: boolean;
  /** Whether to go on and show what changes. */
  readonly watch?: boolean;
}

/** What JSON says of a network, with members as they are on the wire. */
interface NetworkJson {
  readonly master: Omit<Hello, "type">;
  readonly peers: readonly Peer[];
}

function jsonOf({ master: { type: _, ...master }, peers }: NetworkView): NetworkJson {
  return { master, peers };
}

/**
 * Which master to ask.
 *
 * @param target What the command line names; the master of the configuration when nothing.
 * @throws Exit when that is none.
 */
export function masterToAsk(
  target: string | undefined,
  { address, mmport }: Pick<NetworkConfig, "address" | "mmport">,
): MasterAddress {
  const usual = mmport === "off" || mmport === 0 ? undefined : mmport;
  if (target !== undefined) return { port: usual ?? RING_0_PORT, ...parseHostPort(target) };
  if (usual === undefined) {
    throw new Exit(
      EXIT.CONFIG,
      `[network] mmport is ${mmport}, which does not tell where to ask: name the master as HOST:PORT`,
    );
  }
  return { host: EVERY_ADDRESS.has(address) ? LOOPBACK : address, port: usual };
}

/** Why a master that has not answered before does not. */
function exitOf(error: ClientError): Exit {
  const { status, message } = clientExit(error, {});
  return error.failure === "unavailable"
    ? new Exit(
      status,
      `${message}: is a master running there, with [game] masterserver-password and [network] ` +
        "mmport set?",
    )
    : new Exit(status, message);
}

async function show(master: MasterAddress, options: ObserverOptions, json: boolean): Promise<void> {
  await using observer = await NetworkObserver.connect(master, options);
  const view = await observer.view();
  const width = widthOf(standardOutput());
  print(json ? prettyJson(jsonOf(view)) : peersTable(view, width).join("\n"));
}

async function watch(
  master: MasterAddress,
  options: ObserverOptions,
  json: boolean,
): Promise<void> {
  let latest: NetworkView | undefined;
  const stopped = stopSignal();
  const over = new AbortController();
  using live = new LiveView(standardOutput(), json ? "json" : "table", {
    lines: (width) => latest ? peersTable(latest, width) : [],
    counts: () => latest ? peerCounts(latest) : [],
  });
  Deno.addSignalListener("SIGWINCH", () => live.redraw());
  const watching = watchNetwork(master, {
    ...options,
    signal: over.signal,
    onView: (view) => {
      latest = view;
      live.recovered();
      live.changed(jsonOf(view));
    },
    onTrouble: (error, seconds) => {
      live.trouble(latest ? clientExit(error, {}) : exitOf(error), seconds);
    },
  });
  const end = await Promise.race([stopped, live.ended]);
  over.abort();
  await watching;
  if (typeof end !== "string" && end.type === "failed") throw end.exit;
}

/** The key that the password of a configuration gives. */
function keyOf(crypto: Crypto, password: string | undefined, options: PeersOptions): Uint8Array {
  if (password !== undefined) return networkKey(crypto, password);
  const path = configurationPath(options) ?? "master.ini";
  throw new Exit(
    EXIT.CONFIG,
    `${path} has no masterserver-password in [game], and whoever asks has to know it: set the ` +
      "secret that all masters of the network share",
  );
}

/**
 * Prints how a master stands to the others of its network, or shows it as it changes.
 *
 * @param target The master; that of the configuration unless given.
 * @param version Version of this program.
 * @throws Exit when it does not tell.
 */
export async function peers(
  target: string | undefined,
  options: PeersOptions,
  version: string,
): Promise<number> {
  const loaded = readConfiguration(options);
  const problems = problemsOf(loaded);
  if (problems !== "") tell(problems);
  if (!loaded.ok) return EXIT.CONFIG;
  const { network, game } = loaded.config;
  const master = masterToAsk(target, network);
  using crypto = openedCrypto();
  const observer: ObserverOptions = {
    crypto,
    keyPair: crypto.keyPair(),
    psk: keyOf(crypto, game.masterserverPassword, options),
    program: version,
  };
  try {
    await (options.watch ? watch : show)(master, observer, options.json ?? false);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    throw exitOf(error);
  }
  return EXIT.OK;
}
