import {
  BrowserClient,
  ClientError,
  ListError,
  type ListFailure,
  listOldStyle,
} from "../clients/mod.ts";
import { decodeRing2Request, encodeMessage, type Filter, formatEndpoint } from "../protocol/mod.ts";
import { escapeControls } from "../daemon/mod.ts";
import { EXIT, Exit } from "./_exit.ts";
import { print } from "./_output.ts";
import { clientExit, knownMasters, openedCrypto, type PinsOption, RING_2_PORT } from "./_secure.ts";
import { serverTable } from "./_server_table.ts";
import { stopSignal } from "./_service.ts";
import { parseTarget } from "./_targets.ts";
import { prettyJson, standardOutput, widthOf } from "./_terminal.ts";
import { Watch } from "./_watch.ts";

/** Port of the old-style list when none is named. */
const OLD_STYLE_PORT = 28900;

/** Milliseconds to wait for an old-style master; the game itself allows 12 s. */
const TIMEOUT_MS = 12_000;

/** Options of `list`. */
export interface ListOptions extends PinsOption {
  /** Which game's servers. */
  readonly gamename: string;
  /** Whether the result is JSON. */
  readonly json?: boolean;
  /** Whether to ask in the old style. */
  readonly old?: boolean;
  /** Whether to go on and show what changes. */
  readonly watch?: boolean;
  /** `key=value` each. */
  readonly filter: readonly string[];
  readonly notEmpty?: boolean;
  readonly notFull?: boolean;
  /** Part of a name or a map. */
  readonly text?: string;
}

const STATUS: Readonly<Record<ListFailure, number>> = {
  "no-host": EXIT.NO_HOST,
  "unavailable": EXIT.UNAVAILABLE,
  "protocol": EXIT.PROTOCOL,
  "refused": EXIT.PROTOCOL,
};

/** Keys that mean something of their own in a filter, and the options for them. */
const OWN_OPTIONS: Readonly<Record<string, string>> = {
  not_empty: "--not-empty",
  not_full: "--not-full",
  text: "--text",
};

/** Options that only a ring 2 list has. */
function newStyleOption(options: ListOptions): string | undefined {
  if (options.watch) return "--watch";
  if (options.filter.length > 0) return "--filter";
  if (options.notEmpty) return "--not-empty";
  if (options.notFull) return "--not-full";
  if (options.text !== undefined) return "--text";
  return options.pins === undefined ? undefined : "--pins";
}

function parsePair(text: string): [string, string] {
  const equals = text.indexOf("=");
  const key = text.slice(0, Math.max(0, equals));
  if (key === "") {
    throw new Exit(EXIT.USAGE, `--filter "${text}" is no KEY=VALUE: for example country=FR`);
  }
  const own = Object.hasOwn(OWN_OPTIONS, key) ? OWN_OPTIONS[key] : undefined;
  if (own !== undefined) {
    throw new Exit(EXIT.USAGE, `--filter "${text}" would compare nothing: use ${own}`);
  }
  return [key, text.slice(equals + 1)];
}

/**
 * The filter that options ask for.
 *
 * @throws Exit when it is none.
 */
export function filterOf(options: ListOptions): Filter {
  const filter: Filter = Object.fromEntries([
    ["gamename", options.gamename],
    ...options.filter.map(parsePair),
    ...(options.notEmpty ? [["not_empty", true]] : []),
    ...(options.notFull ? [["not_full", true]] : []),
    ...(options.text === undefined ? [] : [["text", options.text]]),
  ]);
  const decoded = decodeRing2Request(encodeMessage({ type: "list", filter }));
  if (decoded.type === "message") return filter;
  const why = decoded.type === "refused" ? decoded.error.message : decoded.reason;
  throw new Exit(EXIT.USAGE, escapeControls(why));
}

async function listOld(target: string, options: ListOptions): Promise<void> {
  const unknown = newStyleOption(options);
  if (unknown !== undefined) {
    throw new Exit(EXIT.USAGE, `${unknown} is nothing that the old style knows: leave out --old`);
  }
  const { host, port } = parseTarget(target, OLD_STYLE_PORT);
  const { gamename } = options;
  try {
    const servers = await listOldStyle({ host, port, gamename, timeoutMs: TIMEOUT_MS });
    if (options.json) print(JSON.stringify(servers, undefined, 2));
    else for (const server of servers) print(formatEndpoint(server.ip, server.port));
  } catch (error) {
    if (!(error instanceof ListError)) throw error;
    // The message may quote what the other side sent.
    throw new Exit(STATUS[error.failure], escapeControls(error.message));
  }
}

async function printList(browser: BrowserClient, filter: Filter, json: boolean): Promise<void> {
  const servers = await browser.list(filter);
  const width = widthOf(standardOutput());
  print(json ? prettyJson(servers) : serverTable(servers, width).join("\n"));
}

async function watchList(browser: BrowserClient, filter: Filter, watch: Watch): Promise<void> {
  const stopped = stopSignal();
  Deno.addSignalListener("SIGWINCH", () => watch.redraw());
  browser.subscribe(filter, watch.handlers);
  const end = await Promise.race([stopped, watch.ended]);
  if (typeof end !== "string" && end.type === "failed") throw end.exit;
}

async function listNew(target: string, options: ListOptions): Promise<void> {
  const { host, port } = parseTarget(target, RING_2_PORT);
  const filter = filterOf(options);
  const known = knownMasters(options);
  const json = options.json ?? false;
  using crypto = openedCrypto();
  await using browser = new BrowserClient({
    crypto,
    // Reading a list takes no identity that anyone has to know again.
    keyPair: crypto.keyPair(),
    masters: [known.address(host, port)],
    onState: (state) => watch?.state(state),
  });
  // Goes first: the terminal is given back before the connection's end is waited for.
  using watch = options.watch
    ? new Watch(standardOutput(), json ? "json" : "table", options)
    : undefined;
  try {
    if (watch) await watchList(browser, filter, watch);
    else await printList(browser, filter, json);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    throw clientExit(error, options);
  }
}

/**
 * Prints a master's servers, or shows them as they change.
 *
 * @throws Exit when there is no list to be had.
 */
export async function list(target: string, options: ListOptions): Promise<number> {
  if (options.gamename === "" || options.gamename.includes("\\")) {
    throw new Exit(EXIT.USAGE, `--gamename "${options.gamename}" is empty or holds a backslash`);
  }
  await (options.old ? listOld(target, options) : listNew(target, options));
  return EXIT.OK;
}
