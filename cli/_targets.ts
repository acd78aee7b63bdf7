import { isIpv6, parsePort } from "../protocol/mod.ts";
import { EXIT, Exit } from "./_exit.ts";

/** A host and a port, as named on the command line. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** What is wrong about a text that names no host and port. */
function noTarget(text: string, form: string): Exit {
  return new Exit(
    EXIT.USAGE,
    `"${text}" is no ${form}: for example 127.0.0.1:28900, [::1]:28900 or master.example.org`,
  );
}

/**
 * `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address.
 *
 * @param port Port when none is named.
 * @throws Exit when it is nothing of that.
 */
export function parseTarget(text: string, port: number): Target {
  return { port, ...parseHostPort(text) };
}

/** As {@link parseTarget}, but the port stays open when none is named. */
export function parseHostPort(text: string): { host: string; port?: number } {
  const match = /^(?:\[([^\]\s]+)\]|([^:\s]+))(?::([^:]*))?$/.exec(text);
  if (!match && isIpv6(text)) return { host: text };
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) throw noTarget(text, "HOST[:PORT]");
  if (match?.[3] === undefined) return { host };
  const port = parsePort(match[3]);
  if (port === undefined) throw noTarget(text, "HOST[:PORT]");
  return { host, port };
}

/**
 * Targets between commas.
 *
 * @throws Exit when there is none or one of them is wrong.
 */
export function parseTargets(text: string, port: number): Target[] {
  const targets = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  if (targets.length === 0) throw noTarget(text, "HOST[:PORT],…");
  return targets.map((target) => parseTarget(target, port));
}
