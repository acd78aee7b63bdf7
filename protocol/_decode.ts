/**
 * Bytes of the channel to messages, by the shape that their `type` says.
 *
 * @module
 */

import { type Mistake, read, type Shape } from "./_shapes.ts";
import { quoteText, quoteValue } from "./_texts.ts";
import { MAX_CHANNEL_MESSAGE_BYTES } from "./channel_limits.ts";
import type { DecodedMessage, ErrorCode } from "./json_messages.ts";

/** Messages that one side of a ring understands. */
export interface Kinds<M> {
  /** Those without members but `type`. */
  readonly bare: readonly (M & { readonly type: string })[];
  /** Shapes of the others, by `type`. */
  readonly shapes: Readonly<Record<string, Shape<M>>>;
}

/** Reads one message. */
export type Decode<M> = (bytes: Uint8Array) => DecodedMessage<M>;

// A byte order mark is left in, to be refused: it is no JSON.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** For a side that is told what is wrong with what it asks, and may go on. */
export function requestDecoder<M>(kinds: Kinds<M>): Decode<M> {
  return decoder(kinds, (type, mistake) => refusal("bad_request", `${type}: ${mistake}`));
}

/** For a side that is not to be trusted any more once it makes a mistake. */
export function answerDecoder<M>(kinds: Kinds<M>): Decode<M> {
  return decoder(kinds, (type, mistake) => malformed(`${type}: ${mistake}`));
}

function decoder<M>(
  { bare, shapes }: Kinds<M>,
  turnAway: (type: string, mistake: string) => DecodedMessage<never>,
): Decode<M> {
  const known = new Map<string, DecodedMessage<M> | Shape<M>>(Object.entries(shapes));
  for (const message of bare) {
    // One for all that ask alike, so nobody may change it.
    known.set(message.type, Object.freeze({ type: "message", message: Object.freeze(message) }));
  }
  const names = [...known.keys()].join(", ");

  return (bytes) => {
    const value = parse(bytes);
    if (typeof value === "string") return malformed(value);
    const kind = known.get(value.type);
    if (kind === undefined) {
      return refusal("unknown_type", `type must be one of ${names}, not ${quoteText(value.type)}`);
    }
    if (!("_zod" in kind)) return kind;
    const result = read(kind, value);
    return "phrase" in result
      ? turnAway(value.type, describe(result))
      : { type: "message", message: result.read };
  };
}

/** A JSON object with a `type`, or why the bytes are none. */
function parse(bytes: Uint8Array): { readonly type: string } | string {
  if (bytes.length > MAX_CHANNEL_MESSAGE_BYTES) {
    return `the message has ${bytes.length} bytes, more than ${MAX_CHANNEL_MESSAGE_BYTES}`;
  }
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return "the message is not UTF-8";
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "the message is not JSON";
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return `the message is not a JSON object but ${quoteValue(value)}`;
  }
  return hasType(value) ? value : `the message has no text "type"`;
}

function hasType(value: object): value is { readonly type: string } {
  return "type" in value && typeof value.type === "string";
}

function describe({ phrase, value, path }: Mistake): string {
  const member = path.map(step).join("").replace(/^\./, "");
  if (value === undefined) return `${member} is missing, it ${phrase}`;
  // "must not hold a backslash, not "a\b"" would say the opposite.
  const joint = /^(key )?must not/.test(phrase) ? ":" : ", not";
  return `${member} ${phrase}${joint} ${quoteValue(value)}`;
}

/** A step of a path as JavaScript spells it: `.name`, `[3]` or `["a b"]`. */
function step(key: PropertyKey): string {
  if (typeof key === "number") return `[${key}]`;
  return /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(String(key))
    ? `.${String(key)}`
    : `[${quoteText(String(key))}]`;
}

function refusal(code: ErrorCode, message: string): DecodedMessage<never> {
  return { type: "refused", error: { type: "error", code, message } };
}

function malformed(reason: string): DecodedMessage<never> {
  return { type: "malformed", reason };
}
