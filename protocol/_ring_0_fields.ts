/**
 * Checks of what entries of ring 0's long lists are made of. What names something has one spelling
 * only: another one is a mistake, not the same thing once more.
 *
 * @module
 */

import { isKey, KEY_PHRASE } from "./_answer_shapes.ts";
import { type Check, check, checkBy, checkWhole } from "./_checks.ts";
import { hasAtMost, textProblem, type TextRules } from "./_texts.ts";
import { canonicalAddress, parsePort } from "./address.ts";
import {
  MAX_ANSWER_NAME_CHARACTERS,
  MAX_LEASE_MS,
  MAX_NAME_CHARACTERS,
  MAX_USER_CHARACTERS,
} from "./channel_limits.ts";

const SERVER_NAME: TextRules = { max: MAX_NAME_CHARACTERS, isName: true };
const USER_NAME: TextRules = { max: MAX_USER_CHARACTERS, isName: true };

const OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";

/** Canonical IPv4: by far the most frequent address, so it is looked at first, and quickly. */
const IPV4 = new RegExp(`^(?:${OCTET}\\.){3}${OCTET}$`);

/** Something like IPv6, in the longest case eight groups of four digits. */
const IPV6_LIKE = /^[0-9a-f:]{2,39}$/;

const ENDPOINT = /^(?:\[([0-9a-f:]+)\]|([0-9.]+)):([1-9][0-9]*)$/;

/** What a master's id must be. */
export const ID_PHRASE = "must be a master's id, 16 hexadecimal digits in lower case";

/** Whether a value is a master's id. */
export function isId(value: unknown): boolean {
  return typeof value === "string" && /^[0-9a-f]{16}$/.test(value);
}

function isAddress(value: unknown): boolean {
  return typeof value === "string" &&
    (IPV4.test(value) || (IPV6_LIKE.test(value) && canonicalAddress(value) === value));
}

function isEndpoint(value: unknown): boolean {
  const parts = typeof value === "string" ? ENDPOINT.exec(value) : null;
  return parts !== null && parsePort(parts[3]) !== undefined && isAddress(parts[1] ?? parts[2]);
}

/** Whether a value is such a text as an old-style server may have sent. */
export function isText(value: unknown): value is string {
  return typeof value === "string" && hasAtMost(MAX_ANSWER_NAME_CHARACTERS, value);
}

/** Id of the master that made a change. */
export const checkOrigin: Check = check(ID_PHRASE, isId);

/** A hybrid logical time. */
export const checkHlc: Check = checkWhole(0, Number.MAX_SAFE_INTEGER);

/** Milliseconds that a server has left to live. */
export const checkLeft: Check = checkWhole(0, MAX_LEASE_MS);

/** A text that may come from an old-style server, so it may hold anything. */
export const checkText: Check = check(
  `must be a text of at most ${MAX_ANSWER_NAME_CHARACTERS} characters`,
  isText,
);

/** A public key. */
export const checkKey: Check = check(KEY_PHRASE, isKey);

/** A server's name, which belongs to a key. */
export const checkName: Check = checkBy((value) => textProblem(value, SERVER_NAME));

/** A player's name, which belongs to a key. */
export const checkUser: Check = checkBy((value) => textProblem(value, USER_NAME));

/** `ip:port` of a server. */
export const checkId: Check = check("must be a canonical ip:port", isEndpoint);

/** An IP address. */
export const checkAddress: Check = check("must be a canonical IP address", isAddress);

/** What a record key names, by what it begins with. */
const NAMED: ReadonlyMap<string, Check> = new Map([
  ["s:", checkId],
  ["n:", checkName],
  ["u:", checkUser],
]);

function checkKeyBy(phrase: string, checks: ReadonlyMap<string, Check>): Check {
  return check(phrase, (value) => {
    if (typeof value !== "string") return false;
    const checkRest = checks.get(value.slice(0, 2));
    return checkRest !== undefined && checkRest(value.slice(2)) === undefined;
  });
}

/** The key of something that is replicated. */
export const checkRecordKey: Check = checkKeyBy(
  'must be "s:" and an ip:port, "n:" and a name, or "u:" and a user',
  NAMED,
);

/** The key of something that is wanted: the same, or a server's lease. */
export const checkWantedKey: Check = checkKeyBy(
  'must be "s:" or "l:" and an ip:port, "n:" and a name, or "u:" and a user',
  new Map([...NAMED, ["l:", checkId]]),
);
