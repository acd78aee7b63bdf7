import { encodeKey } from "../crypto/mod.ts";
import type { ErrorMessage } from "../protocol/mod.ts";
import { ClientError, type ClientFailure } from "./errors.ts";
import { type MasterAddress, masterName } from "./master_address.ts";

/** Characters of what a peer sent that a message quotes. */
const MAX_QUOTED = 200;

/** Text of a peer, safe for a terminal and of bounded length. */
export function quote(text: string): string {
  const shown = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
  return JSON.stringify(shown).replaceAll(
    /[\p{C}\u2028\u2029]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** A master as messages name it. */
export function nameOf(master: MasterAddress): string {
  return masterName(master.host, master.port);
}

/** The master answered with an error. */
export function refusedBy(master: MasterAddress, error: ErrorMessage): ClientError {
  const { code, retry_after: retryAfter } = error;
  return new ClientError(
    "refused",
    `${nameOf(master)} refused (${code}): ${quote(error.message)}`,
    retryAfter === undefined ? { code } : { code, retryAfter },
  );
}

/** The master broke the protocol. */
export function brokenBy(master: MasterAddress, what: string, cause?: unknown): ClientError {
  return new ClientError("protocol", `${nameOf(master)} ${what}`, { cause });
}

/** The master is not the one that was expected. */
export function wrongKey(
  master: MasterAddress,
  pinned: Uint8Array,
  shown: Uint8Array,
): ClientError {
  const name = nameOf(master);
  return new ClientError(
    "wrong-key",
    `${name} shows the key ${encodeKey(shown)}, but ${
      encodeKey(pinned)
    } is pinned for it: either its key was ` +
      `changed or somebody else answers in its place; ask whoever runs it, and if the new key is ` +
      `right, pin it in place of the old one`,
    { shown: { host: master.host, port: master.port, key: shown.slice() } },
  );
}

/** Whether a connection was ended by the other side, and not by the network. */
function isEndedThere(error: unknown): boolean {
  return error instanceof ClientError || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted || error instanceof Deno.errors.BrokenPipe;
}

/**
 * What ended a connection of ring 0 before the first message came. With that message a master shows
 * that it knows the password, and one that finds another password used has nothing to say.
 */
export function unprovenError(master: MasterAddress, error: unknown): ClientError {
  if (!isEndedThere(error)) return connectionError(master, error);
  return new ClientError(
    "wrong-password",
    `${nameOf(master)} ended the connection instead of showing that it knows the network's ` +
      "password: its [game] masterserver-password differs from the one used here, and all masters " +
      "of a network share one; or it is just being started or stopped",
    { cause: error },
  );
}

/** What a socket or a name lookup threw, as an error for people. */
export function connectionError(master: MasterAddress, error: unknown): ClientError {
  if (error instanceof ClientError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const name = nameOf(master);
  if (/lookup|resolve|name or service/i.test(reason)) {
    return new ClientError("no-host", `the host of ${name} is unknown: ${reason}`, {
      cause: error,
    });
  }
  return new ClientError("unavailable", `the connection with ${name} failed: ${reason}`, {
    cause: error,
  });
}

/** Whether the same request will be refused again, by this master and by any other. */
export function isLasting({ failure, code }: ClientError): boolean {
  return failure === "refused" &&
    (code === "name_taken" || code === "bad_request" || code === "unauthorized");
}

/** Whether another master may well answer what this one did not. */
export function isTransient({ failure, code }: ClientError): boolean {
  return failure !== "refused" || code === "busy" || code === "shutting_down" ||
    code === "too_many";
}

/** The graver a failure, the more it tells of why none of several masters answered. */
const GRAVITY: readonly ClientFailure[] = [
  "wrong-key",
  "wrong-password",
  "refused",
  "protocol",
  "unavailable",
  "no-host",
];

/** Why no master answered, as one error. */
export function noneAnswered(errors: readonly ClientError[]): ClientError {
  const [gravest] = errors.toSorted(
    (a, b) => GRAVITY.indexOf(a.failure) - GRAVITY.indexOf(b.failure),
  );
  if (!gravest || errors.length === 1) throw gravest;
  const waits = errors.flatMap(({ retryAfter }) => retryAfter ?? []);
  return new ClientError(
    gravest.failure,
    `none of ${errors.length} masters answered: ${errors.map(({ message }) => message).join("; ")}`,
    {
      ...(gravest.code !== undefined && { code: gravest.code }),
      ...(gravest.shown !== undefined && { shown: gravest.shown }),
      // Only when all of them want to be left alone is there no use in asking again at once.
      ...(waits.length === errors.length && { retryAfter: Math.min(...waits) }),
      cause: new AggregateError(errors),
    },
  );
}
