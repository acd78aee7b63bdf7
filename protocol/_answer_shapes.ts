/**
 * Shapes of what masters answer. They speak of old-style servers too, whose texts may hold
 * anything, so texts are held to a length only: whoever shows them escapes them.
 *
 * @module
 */

import {
  listOf,
  object,
  optional,
  port,
  read,
  readAs,
  recordOf,
  type Shape,
  tested,
  type,
} from "./_shapes.ts";
import { hasAtMost } from "./_texts.ts";
import { canonicalAddress, formatEndpoint, parsePort } from "./address.ts";
import {
  MAX_ANSWER_MASTERS,
  MAX_ANSWER_NAME_CHARACTERS,
  MAX_ANSWER_PORTS,
  MAX_ANSWER_SECONDS,
  MAX_ANSWER_SETTINGS,
  MAX_ANSWER_TEXT_CHARACTERS,
  MAX_CURSOR_CHARACTERS,
} from "./channel_limits.ts";
import {
  ERROR_CODES,
  type ErrorCode,
  type ErrorMessage,
  type MasterEntry,
} from "./json_messages.ts";

/** Characters of the longest IPv6 address in brackets with a port, and some more. */
const MAX_ENDPOINT_CHARACTERS = 64;

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

/** What a public key must be. */
export const KEY_PHRASE = "must be a key, 32 bytes in base64";

function boundedText(max: number): Shape<string> {
  return tested(
    `must be a text of at most ${max} characters`,
    (value) => typeof value === "string" && hasAtMost(max, value),
  );
}

/** A name. */
export const name: Shape<string> = boundedText(MAX_ANSWER_NAME_CHARACTERS);

/** A text for people. */
export const longText: Shape<string> = boundedText(MAX_ANSWER_TEXT_CHARACTERS);

/** A cursor. */
export const cursor: Shape<string> = boundedText(MAX_CURSOR_CHARACTERS);

/** A time, ISO 8601. */
export const time: Shape<string> = tested(
  "must be a time, ISO 8601",
  (value) =>
    typeof value === "string" && ISO_TIME.test(value) && Number.isFinite(Date.parse(value)),
);

/** A text that may be an address; one with a zone is an address on one machine only. */
function isAddressLike(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_ENDPOINT_CHARACTERS &&
    !value.includes("%");
}

/** An IP address, made canonical. */
export const address: Shape<string> = readAs((value, refuse) => {
  const ip = isAddressLike(value) ? canonicalAddress(value) : undefined;
  return ip ?? refuse("must be an IP address", value);
});

/** `ip:port`, made canonical. */
export const endpoint: Shape<string> = readAs((value, refuse) => {
  const parts = isAddressLike(value) ? /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(value) : null;
  const ip = canonicalAddress(parts?.[1] ?? parts?.[2] ?? "");
  const port = parsePort(parts?.[3]);
  return ip === undefined || port === undefined
    ? refuse("must be an ip:port", value)
    : formatEndpoint(ip, port);
});

/** Whether a value is a public key. */
export function isKey(value: unknown): boolean {
  return typeof value === "string" && /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(value);
}

/** A public key. */
export const key: Shape<string> = tested(KEY_PHRASE, isKey);

function problemOf(shape: Shape<unknown>): (value: unknown) => string | undefined {
  return (value) => {
    const result = read(shape, value);
    return "phrase" in result ? result.phrase : undefined;
  };
}

/** Settings of a server. */
export const settings: Shape<Record<string, string>> = recordOf({
  max: MAX_ANSWER_SETTINGS,
  values: "texts",
  keyProblem: problemOf(name),
  valueProblem: problemOf(name),
});

/** TCP ports by ring. */
export const ports: Shape<Record<string, number>> = recordOf({
  max: MAX_ANSWER_PORTS,
  values: "ports",
  keyProblem: problemOf(name),
  valueProblem: problemOf(port),
});

/** The masters of the network. */
export const masters: Shape<MasterEntry[]> = listOf(
  object({
    name,
    host: name,
    ports,
    key: tested<string>(KEY_PHRASE, (value) => value === "" || isKey(value)),
  }),
  MAX_ANSWER_MASTERS,
);

const code: Shape<ErrorCode> = readAs((value, refuse) => {
  const known = ERROR_CODES.find((code) => code === value);
  if (known !== undefined) return known;
  // One that a later version has is an error all the same, and its text says which.
  return typeof value === "string" ? "bad_request" : refuse("must be an error's code", value);
});

/** An error. */
export const error: Shape<ErrorMessage> = object({
  type: type("error"),
  code,
  message: longText,
  retry_after: optional(
    tested<number>(
      `must be a number of seconds from 0 to ${MAX_ANSWER_SECONDS}`,
      (value) => typeof value === "number" && value >= 0 && value <= MAX_ANSWER_SECONDS,
    ),
  ),
});
