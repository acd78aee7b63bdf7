import { ListError, type ListFailure, listOldStyle } from "../clients/mod.ts";
import { formatEndpoint, isIpv6, parsePort } from "../protocol/mod.ts";
import { escapeControls } from "../daemon/mod.ts";
import { EXIT, Exit } from "./_exit.ts";
import { print } from "./_output.ts";

/** Port of the old-style list when none is named. */
const OLD_STYLE_PORT = 28900;

/** Milliseconds to wait for a master; the game itself allows 12 s. */
const TIMEOUT_MS = 12_000;

/** Options of `list`. */
export interface ListOptions {
  /** Which game's servers. */
  readonly gamename: string;
  /** Whether the result is JSON. */
  readonly json?: boolean;
}

const STATUS: Readonly<Record<ListFailure, number>> = {
  "no-host": EXIT.NO_HOST,
  "unavailable": EXIT.UNAVAILABLE,
  "protocol": EXIT.PROTOCOL,
  "refused": EXIT.PROTOCOL,
};

/** `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address. */
function parseTarget(target: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::([^:]*))?$/.exec(target);
  if (!match && isIpv6(target)) return { host: target, port: OLD_STYLE_PORT };
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? OLD_STYLE_PORT : parsePort(match[3]);
  if (host === undefined || port === undefined) {
    throw new Exit(
      EXIT.USAGE,
      `"${target}" is no HOST[:PORT]: for example 127.0.0.1:28900, [::1]:28900 or master.example.org`,
    );
  }
  return { host, port };
}

/**
 * Prints a master's servers, one `ip:port` a line or as JSON.
 *
 * @throws Exit when there is no list to be had.
 */
export async function list(target: string, options: ListOptions): Promise<number> {
  const { host, port } = parseTarget(target);
  if (options.gamename === "" || options.gamename.includes("\\")) {
    throw new Exit(EXIT.USAGE, `--gamename "${options.gamename}" is empty or holds a backslash`);
  }
  try {
    const servers = await listOldStyle({
      host,
      port,
      gamename: options.gamename,
      timeoutMs: TIMEOUT_MS,
    });
    if (options.json) print(JSON.stringify(servers, undefined, 2));
    else for (const server of servers) print(formatEndpoint(server.ip, server.port));
    return EXIT.OK;
  } catch (error) {
    if (!(error instanceof ListError)) throw error;
    // The message may quote what the other side sent.
    throw new Exit(STATUS[error.failure], escapeControls(error.message));
  }
}
