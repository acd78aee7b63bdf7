/**
 * What a text of a message may be, and how one is quoted back to whoever sent it.
 *
 * @module
 */

import { MAX_HOST_CHARACTERS } from "./channel_limits.ts";

/** How much of a value is quoted: enough to find it, short enough for one line. */
const MAX_QUOTED_CHARACTERS = 64;

/**
 * Control characters, line ends, what turns the direction of the text after it around, and what
 * takes no room: with it two names look the same that are not.
 */
const CONTROL = /[\p{Cc}\u200b-\u200f\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff]/u;

/** As many of them as stand together. */
const CONTROLS = new RegExp(`${CONTROL.source}+`, "gu");

/** The setting by which masters prove themselves, and old-style servers may hold one too. */
const SECRET_KEY = "password";

/** What has no look of its own, or one that differs from terminal to terminal. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

const DNS_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";

/** Labels, the last of which is no number as it is in an IP address. */
const DNS_NAME = new RegExp(`^(?:${DNS_LABEL}\\.)*(?!\\d+$)${DNS_LABEL}$`, "i");

/** What a text of a request may be. */
export interface TextRules {
  /** Whether it may be empty. */
  readonly mayBeEmpty?: boolean;
  /** Most characters. */
  readonly max: number;
  /** Whether spaces around it are refused: such names look the same and are not. */
  readonly isName?: boolean;
  /** Whether `\` is refused: the old-style protocol, which shows it too, cannot carry it. */
  readonly isToken?: boolean;
  /** Whether control characters may be in it, as in what is only compared. */
  readonly mayHoldControls?: boolean;
}

/** Whether a text has at most so many characters (code points). */
export function hasAtMost(max: number, text: string): boolean {
  if (text.length <= max) return true;
  // Two code units are the most that a character takes.
  return text.length <= 2 * max && Array.from(text).length <= max;
}

/** What is wrong with a text of a request, as what it `must` be; undefined when nothing is. */
export function textProblem(value: unknown, rules: TextRules): string | undefined {
  if (
    typeof value !== "string" || !hasAtMost(rules.max, value) ||
    (value === "" && !rules.mayBeEmpty)
  ) {
    return `must be a text of ${rules.mayBeEmpty ? "at most" : "1 to"} ${rules.max} characters`;
  }
  if (!value.isWellFormed()) return "must be well-formed Unicode";
  if (!rules.mayHoldControls && CONTROL.test(value)) return "must not hold control characters";
  if (rules.isName && value.trim() !== value) return "must not begin or end with a space";
  if (rules.isToken && value.includes("\\")) return "must not hold a backslash";
  return undefined;
}

/**
 * One line of text that a request may hold: what it must not hold, and spaces around it, is left
 * out, and so is what is over so many characters (code points). May be empty.
 */
export function oneLine(text: string, maxCharacters: number): string {
  const line = text.toWellFormed().replaceAll(CONTROLS, " ").trim();
  return Array.from(line).slice(0, maxCharacters).join("").trim();
}

/** Whether a text is a DNS name, and no IP address. */
export function isDnsName(text: string): boolean {
  return text.length <= MAX_HOST_CHARACTERS && DNS_NAME.test(text);
}

/**
 * Whether a setting of this name is a secret, which is not kept, shown or compared: else a filter
 * would tell whether a guess is right.
 */
export function isSecret(key: string): boolean {
  return key.length === SECRET_KEY.length && key.toLowerCase() === SECRET_KEY;
}

/** A text between quotation marks, shortened, on one line and safe to show on a terminal. */
export function quoteText(text: string): string {
  const characters = Array.from(text.slice(0, 2 * MAX_QUOTED_CHARACTERS));
  const shown = characters.slice(0, MAX_QUOTED_CHARACTERS).join("");
  const quoted = JSON.stringify(shown.length < text.length ? `${shown}…` : shown);
  return quoted.replaceAll(UNPRINTABLE, (character) => {
    const digits = (character.codePointAt(0) as number).toString(16);
    return digits.length > 4 ? `\\u{${digits}}` : `\\u${digits.padStart(4, "0")}`;
  });
}

/** A value of a JSON message as {@link quoteText} has it; of lists and objects only the size. */
export function quoteValue(value: unknown): string {
  if (typeof value === "string") return quoteText(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value !== "object" || value === null) return String(value);
  return `an object of ${Object.keys(value).length}`;
}
